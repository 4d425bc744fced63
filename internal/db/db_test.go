package db_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/db/dbtest"
)

func TestReadersCannotWrite(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		var name string
		err := d.QueryRow(t.Context(), insertMeta+" RETURNING name", "a", "b").Scan(&name)
		if err == nil || !strings.Contains(err.Error(), "needs a transaction") {
			t.Errorf("got %v, want a refusal", err)
		}
		if has(t, d, "a") != 0 {
			t.Error("the row was written")
		}
	})
}

func TestValuesComeBackAsTheyWent(t *testing.T) {
	type values struct {
		Yes, No bool
		Blob    []byte
		Empty   []byte
		Text    string
		Big     int64
		Null    sql.NullInt64
	}
	want := values{Yes: true, Blob: []byte{0, 1, 255}, Empty: []byte{}, Text: "\u4f60'$1\"", Big: 1 << 60}
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		if _, err := d.Exec(t.Context(), "CREATE TABLE v (yes BOOLEAN NOT NULL, nope BOOLEAN NOT NULL, b BYTEA NOT NULL, e BYTEA NOT NULL, t TEXT NOT NULL, n BIGINT NOT NULL, z BIGINT)"); err != nil {
			t.Fatal(err)
		}
		// Parameters out of order: $n is a number, not a place.
		n, err := d.Exec(t.Context(), "INSERT INTO v (z, n, t, e, b, nope, yes) VALUES ($7, $6, $5, $4, $3, $2, $1)",
			want.Yes, want.No, want.Blob, want.Empty, want.Text, want.Big, db.NullMillis(time.Time{}))
		if err != nil || n != 1 {
			t.Fatalf("%d rows, %v", n, err)
		}
		var got values
		err = d.QueryRow(t.Context(), "SELECT yes, nope, b, e, t, n, z FROM v WHERE yes AND NOT nope AND t = $1 AND t = $1 AND b = $2 AND e = $3 AND z IS NULL",
			want.Text, want.Blob, want.Empty).
			Scan(&got.Yes, &got.No, &got.Blob, &got.Empty, &got.Text, &got.Big, &got.Null)
		if err != nil {
			t.Fatal(err)
		}
		if got.Empty == nil {
			got.Empty = []byte{}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestInAndConflict(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		for i, want := range []int64{1, 0} {
			n, err := d.Exec(t.Context(), insertMeta+" ON CONFLICT DO NOTHING", "a", "b")
			if err != nil || n != want {
				t.Errorf("insert %d: %d rows, %v; want %d", i, n, err, want)
			}
		}
		for n, names := range [][]any{{}, {"a"}, {"a", "x"}} {
			var got int
			args := append([]any{"b"}, names...)
			err := d.QueryRow(t.Context(), "SELECT COUNT(*) FROM meta WHERE value = $1 AND name IN ("+db.In(2, n)+")", args...).Scan(&got)
			if err != nil || got != min(n, 1) {
				t.Errorf("IN of %d: %d, %v", n, got, err)
			}
		}
	})
}

// The rows of a statement are read while the same statement runs again, and others
// are left open: both are fine on SQLite, where all share one connection.
func TestOpenRowsInATransaction(t *testing.T) {
	d := dbtest.Open(t, dbtest.SQLite)
	err := d.InTx(t.Context(), func(ctx context.Context) error {
		for _, name := range []string{"a", "b", "c"} {
			if err := put(ctx, d, name); err != nil {
				return err
			}
		}
		const list = "SELECT name FROM meta ORDER BY name"
		outer, err := d.Query(ctx, list)
		if err != nil {
			return err
		}
		defer outer.Close()
		var got []string
		for outer.Next() {
			var name, first string
			if err := outer.Scan(&name); err != nil {
				return err
			}
			if err := d.QueryRow(ctx, list).Scan(&first); err != nil {
				return err
			}
			got = append(got, name+first)
		}
		if diff := cmp.Diff([]string{"aa", "ba", "ca"}, got); diff != "" {
			t.Error(diff)
		}
		_, err = d.Query(ctx, list) // never closed
		return errors.Join(outer.Err(), err)
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := put(t.Context(), d, "next"); err != nil {
		t.Error(err)
	}
}

func TestStatsCountSharedCommits(t *testing.T) {
	d := dbtest.Open(t, dbtest.SQLite)
	const workers, each = 32, 25
	var all sync.WaitGroup
	for w := range workers {
		all.Go(func() {
			for i := range each {
				if err := put(t.Context(), d, fmt.Sprint(w, "-", i)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	d.InTx(t.Context(), func(context.Context) error { return errWanted }) // counted below.
	got := d.Stats()
	if got.Transactions != workers*each || got.Rollbacks != 1 {
		t.Errorf("%+v, want %d transactions and 1 rollback", got, workers*each)
	}
	if got.Commits == 0 || got.Commits > workers*each/5 {
		t.Errorf("%d fsyncs for %d transactions of %d workers", got.Commits, got.Transactions, workers)
	}
}

// R6: a second process is refused in words, also while the first is busy.
func TestSecondOpenIsRefused(t *testing.T) {
	url := dbtest.URL(t, dbtest.SQLite)
	first, err := db.Open(t.Context(), db.Options{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.Open(t.Context(), db.Options{URL: url})
	if err == nil || !strings.Contains(err.Error(), "in use by another process") {
		t.Errorf("got %v, want a refusal", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := db.Open(t.Context(), db.Options{URL: url})
	if err != nil {
		t.Fatalf("after Close: %v", err)
	}
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
}

// KM-02: nobody else on the machine can read the files.
func TestFilesAreTheOwnersAlone(t *testing.T) {
	url := dbtest.URL(t, dbtest.SQLite)
	d, err := db.Open(t.Context(), db.Options{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	files, err := filepath.Glob(strings.TrimPrefix(url, "sqlite:") + "*")
	if err != nil || len(files) != 4 {
		t.Fatalf("files %v, %v; want the database, -wal, -shm and .lock", files, err)
	}
	for _, f := range files {
		info, err := os.Stat(f)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", f, info.Mode())
		}
	}
}

// R6: a stranger holds the file; reads go on, writes wait, then work or say so.
func TestStrangerHoldsTheFile(t *testing.T) {
	url := dbtest.URL(t, dbtest.SQLite)
	d, err := db.Open(t.Context(), db.Options{URL: url, TxLimit: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	stranger, err := sql.Open("sqlite", strings.TrimPrefix(url, "sqlite:"))
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	stranger.SetMaxOpenConns(1)
	do := func(q string) {
		t.Helper()
		if _, err := stranger.ExecContext(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	do("BEGIN IMMEDIATE")
	if err := put(t.Context(), d, "refused"); err == nil {
		t.Error("written while the file was held")
	}
	if has(t, d, "refused") != 0 {
		t.Error("the refused row is there")
	}
	done := make(chan error)
	go func() { done <- put(t.Context(), d, "waits") }()
	time.Sleep(300 * time.Millisecond)
	do("ROLLBACK")
	if err := <-done; err != nil || has(t, d, "waits") != 1 {
		t.Errorf("after the file was free: %v", err)
	}
}

func TestAddressIsNotRepeated(t *testing.T) {
	for _, url := range []string{"", "sqlite:", "sqlite::memory:", "mysql://u:hunter2@h/d", "postgres://u:hunter2@127.0.0.1:1/d?connect_timeout=1"} {
		_, err := db.Open(t.Context(), db.Options{URL: url})
		if err == nil || bytes.Contains([]byte(err.Error()), []byte("hunter2")) {
			t.Errorf("%q: %v", url, err)
		}
	}
}
