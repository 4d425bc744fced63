package keeper_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/keeper"
	"github.com/tigertally/tigertally/internal/secret"
)

// kit is a keeper with a clock that a test moves.
type kit struct {
	*keeper.Keeper
	t   *testing.T
	dir string

	mu  sync.Mutex
	now time.Time
}

func (k *kit) clock() time.Time {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.now
}

func (k *kit) advance(d time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.now = k.now.Add(d)
}

func newKit(t *testing.T, d *db.DB, dir string, change func(*keeper.Options)) *kit {
	t.Helper()
	ring, err := secret.NewKeyring(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	k := &kit{t: t, dir: dir, now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	o := keeper.Options{
		DB: d, Ring: ring, Audit: audit.New(d, k.clock), Log: slog.New(slog.DiscardHandler), Now: k.clock, Dir: dir,
	}
	if change != nil {
		change(&o)
	}
	k.Keeper = keeper.New(o)
	t.Cleanup(func() { k.Stop(); k.Wait() })
	return k
}

func (k *kit) create() keeper.File {
	k.t.Helper()
	f, err := k.Create(k.t.Context(), "operator:1")
	if err != nil || f.State != keeper.Whole {
		k.t.Fatalf("%+v %v", f, err)
	}
	return f
}

func (k *kit) list() []keeper.File {
	k.t.Helper()
	list, err := k.List()
	if err != nil {
		k.t.Fatal(err)
	}
	return list
}

func (k *kit) due(want error) {
	k.t.Helper()
	if err := k.Due(k.t.Context()); (err != nil) != (want != nil) {
		k.t.Fatalf("due: %v", err)
	}
}

func TestABackupIsMadeReadAndRemoved(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := newKit(t, d, filepath.Join(t.TempDir(), "kept"), nil)
		if list := k.list(); len(list) != 0 {
			t.Errorf("%+v", list)
		}
		made := k.create()
		if info, err := os.Stat(filepath.Join(k.dir, made.Name)); err != nil || info.Mode().Perm() != 0o600 || info.Size() != made.Bytes {
			t.Errorf("%v %v", info, err)
		}
		list := k.list()
		if len(list) != 1 || list[0] != made || !made.CheckedAt.Equal(k.clock()) || made.Rows == 0 {
			t.Errorf("%+v, not %+v", list, made)
		}
		k.advance(time.Hour)
		again, err := k.Check(t.Context(), made.Name)
		if err != nil || again.State != keeper.Whole || !again.CheckedAt.Equal(k.clock()) {
			t.Errorf("%+v %v", again, err)
		}
		if err := k.Remove(made.Name); err != nil {
			t.Error(err)
		}
		if left, err := os.ReadDir(k.dir); err != nil || len(left) != 0 {
			t.Errorf("%v %v", left, err)
		}
		for _, name := range []string{made.Name, "../master.key", "master.key", "tigertally-20260102T030405Z.backup/../../x", ""} {
			_, err := k.Check(t.Context(), name)
			_, _, opened := k.Open(name)
			for _, err := range []error{err, opened, k.Remove(name)} {
				if errs.CodeOf(err) != errs.BackupNotFound {
					t.Errorf("%q: %v", name, err)
				}
			}
		}
	})
}

// fill stores what does not compress, enough for several parts of a backup.
func fill(t *testing.T, d *db.DB) {
	t.Helper()
	err := d.InTx(t.Context(), func(ctx context.Context) error {
		sum := sha256.Sum256(nil)
		for i := range 64 {
			var text []byte
			for range 256 {
				sum = sha256.Sum256(sum[:])
				text = hex.AppendEncode(text, sum[:])
			}
			if err := d.SetMeta(ctx, fmt.Sprint("filling ", i), string(text)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// What is wrong with a backup is found by reading it, and stays known.
func TestABadBackupIsTold(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		dir := t.TempDir()
		made := newKit(t, d, dir, func(o *keeper.Options) { o.Passphrase = "a passphrase of four words" }).create()
		k := newKit(t, d, dir, nil)
		if f, err := k.Check(t.Context(), made.Name); err != nil || f.State != keeper.Foreign {
			t.Errorf("%+v %v", f, err)
		}
		k.advance(time.Minute)
		fill(t, d) // so that the damage is not in the part that tells the key
		own := k.create()
		path := filepath.Join(dir, own.Name)
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		text[len(text)-100] ^= 1
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if f, err := k.Check(t.Context(), own.Name); err != nil || f.State != keeper.Damaged {
			t.Errorf("%+v %v", f, err)
		}
		if list := k.list(); len(list) != 2 || list[0].State != keeper.Damaged || list[1].State != keeper.Foreign {
			t.Errorf("%+v", list)
		}
	})
}

func TestBackupsAreMadeByTheClock(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := newKit(t, d, t.TempDir(), nil)
		k.due(nil)
		if list := k.list(); len(list) != 0 {
			t.Fatalf("without a schedule: %+v", list)
		}
		set := func(ctx context.Context) error { return k.SetSchedule(ctx, keeper.Schedule{Hours: 24, Keep: 2}) }
		if err := d.InTx(t.Context(), set); err != nil {
			t.Fatal(err)
		}
		for day := range 4 {
			k.due(nil)
			k.due(nil) // once a day is enough
			if n := len(k.list()); n != min(day+1, 2) {
				t.Errorf("day %d: %d backups", day, n)
			}
			k.advance(24 * time.Hour)
		}
		// Another server of the same database makes none while this one's is fresh.
		k.due(nil)
		other := newKit(t, d, t.TempDir(), nil)
		other.now = k.clock().Add(time.Hour)
		other.due(nil)
		if list := other.list(); len(list) != 0 {
			t.Errorf("%+v", list)
		}
	})
}

// A backup that fails is told, and tried again an hour later.
func TestAFailedBackupIsToldAndTriedAgain(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		dir := filepath.Join(t.TempDir(), "in the way")
		if err := os.WriteFile(dir, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		k := newKit(t, d, dir, func(o *keeper.Options) { o.Schedule = keeper.Schedule{Hours: 24, Keep: 2} })
		k.due(os.ErrExist)
		k.due(nil) // not at once
		s, err := k.State(t.Context())
		if err != nil || !s.Failed.Equal(k.clock()) || !s.Done.IsZero() {
			t.Errorf("%+v %v", s, err)
		}
		if err := os.Remove(dir); err != nil {
			t.Fatal(err)
		}
		k.advance(time.Hour)
		k.due(nil)
		if s, err := k.State(t.Context()); err != nil || !s.Failed.IsZero() || !s.Done.Equal(k.clock()) {
			t.Errorf("%+v %v", s, err)
		}
	})
}

// Two who ask at once get the same backup.
func TestTwoAtOnceAreOneBackup(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := newKit(t, d, t.TempDir(), nil)
		var wait sync.WaitGroup
		for range 4 {
			wait.Go(func() {
				if _, err := k.Create(t.Context(), "operator:1"); err != nil {
					t.Error(err)
				}
			})
		}
		wait.Wait()
		if list := k.list(); len(list) != 1 {
			t.Errorf("%+v", list)
		}
	})
}
