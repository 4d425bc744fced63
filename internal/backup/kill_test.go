package backup_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/account/accounttest"
	"github.com/tigertally/tigertally/internal/admin"
	"github.com/tigertally/tigertally/internal/backup"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/db/dbtest"
)

// killOf tells a re-run of this test binary what to restore, and where to.
const killOf = "TIGERTALLY_TEST_RESTORE"

// R11: a restore that is killed at any moment leaves no database, or the whole one, and
// is in nobody's way.
func TestKilledRestoreIsAllOrNothing(t *testing.T) {
	if file, url, ok := strings.Cut(os.Getenv(killOf), " "); ok {
		restoreUntilKilled(t, file, url)
		return
	}
	if testing.Short() {
		t.Skip("takes seconds")
	}
	const people = 3000
	d := dbtest.Open(t, dbtest.SQLite)
	k := accounttest.New(t, d)
	for i := range people {
		k.User(t, admin.NewUser{Username: fmt.Sprintf("user-%d", i)})
	}
	_, text := write(t, d, backup.Lock{Ring: ring(t)})
	file := filepath.Join(t.TempDir(), "one.backup")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, engine := range []string{dbtest.SQLite, dbtest.Postgres} {
		t.Run(engine, func(t *testing.T) {
			url := dbtest.URL(t, engine)
			kills := 0
			for run := 0; ; run++ {
				life := time.Duration(20+run*run*40+rand.IntN(100)) * time.Millisecond // not a secret.
				done := runAndKill(t, file, url, life)
				there, n := users(t, url)
				if there && n != people || done && !there {
					t.Fatalf("killed %v after %v: %d people", !done, life, n)
				}
				if there {
					break
				}
				if kills++; kills > 100 {
					t.Fatal("it does not end")
				}
			}
			t.Logf("%d kills", kills)
		})
	}
}

// users says whether there is a database that a server has filled, and how many people
// are in it.
func users(t *testing.T, url string) (there bool, n int) {
	t.Helper()
	if path, ok := strings.CutPrefix(url, "sqlite:"); ok {
		if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
			return false, 0
		}
	}
	err := db.View(t.Context(), db.Options{URL: url}, func(s *db.Snapshot) error {
		tables, err := s.Tables(t.Context())
		for _, table := range tables {
			if table.Name == "users" || table.Name == "meta" {
				err = errors.Join(err, s.Rows(t.Context(), table, func([]any) error {
					there = true
					if table.Name == "users" {
						n++
					}
					return nil
				}))
			}
		}
		return err
	})
	if err != nil && !strings.Contains(err.Error(), "schema_migrations") { // no table yet
		t.Fatal(err)
	}
	return there, n
}

func runAndKill(t *testing.T, file, url string, life time.Duration) bool {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKilledRestoreIsAllOrNothing$") // ourselves.
	cmd.Env = append(os.Environ(), killOf+"="+file+" "+url)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(life, func() { cmd.Process.Kill() }) // Wait tells how it ended.
	defer timer.Stop()
	err := cmd.Wait()
	if err != nil && cmd.ProcessState.Exited() {
		t.Fatalf("the restore failed: %v", err)
	}
	return err == nil
}

func restoreUntilKilled(t *testing.T, file, url string) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	to := backup.Target{Database: url, KeyFile: filepath.Join(t.TempDir(), "master.key")}
	if _, err := backup.Restore(t.Context(), f, backup.Lock{Ring: ring(t)}, to); err != nil {
		t.Fatal(err)
	}
}
