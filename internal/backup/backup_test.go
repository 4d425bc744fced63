package backup_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tigertally/tigertally/internal/account/accounttest"
	"github.com/tigertally/tigertally/internal/admin"
	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/backup"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/secret"
	"github.com/tigertally/tigertally/internal/signin"
)

const phone = "+8613800138000"

// ring is the master key of accounttest.
func ring(t *testing.T) *secret.Keyring {
	t.Helper()
	r, err := secret.NewKeyring(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func write(t *testing.T, d *db.DB, lock backup.Lock) (backup.Summary, []byte) {
	t.Helper()
	var out bytes.Buffer
	var sum backup.Summary
	err := d.Snapshot(t.Context(), func(s *db.Snapshot) (err error) {
		sum, err = backup.Write(t.Context(), s, &out, lock, ring(t), time.Now())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return sum, out.Bytes()
}

// restore makes a new database of a backup and opens it.
func restore(t *testing.T, engine string, text []byte, lock backup.Lock) (*db.DB, backup.Summary) {
	t.Helper()
	return restoreTo(t, engine, text, lock, backup.Target{})
}

func restoreTo(t *testing.T, engine string, text []byte, lock backup.Lock, to backup.Target) (*db.DB, backup.Summary) {
	t.Helper()
	to.Database, to.KeyFile = dbtest.URL(t, engine), filepath.Join(t.TempDir(), "master.key")
	sum, err := backup.Restore(t.Context(), bytes.NewReader(text), lock, to)
	if err != nil {
		t.Fatal(err)
	}
	d, err := db.Open(t.Context(), db.Options{URL: to.Database})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d, sum
}

// contents are all rows of all tables, sorted.
func contents(t *testing.T, d *db.DB) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	err := d.Snapshot(t.Context(), func(s *db.Snapshot) error {
		tables, err := s.Tables(t.Context())
		if err != nil {
			return err
		}
		for _, table := range tables {
			all[table.Name] = []string{}
			err := s.Rows(t.Context(), table, func(values []any) error {
				all[table.Name] = append(all[table.Name], fmt.Sprintf("%#v", values))
				return nil
			})
			if err != nil {
				return err
			}
			slices.Sort(all[table.Name])
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// R11: a backup of either engine makes a server of either engine, row for row, on which
// people sign in; what was spent or replaced after the backup is refused, without an alarm.
func TestBackupsMoveBetweenEngines(t *testing.T) {
	for _, from := range []string{dbtest.SQLite, dbtest.Postgres} {
		for _, to := range []string{dbtest.SQLite, dbtest.Postgres} {
			t.Run(from+" to "+to, func(t *testing.T) {
				d := dbtest.Open(t, from)
				k := accounttest.New(t, d)
				u := k.User(t, admin.NewUser{Username: "alice", Phone: phone, Password: accounttest.Password})
				quiet, _ := k.SignIn(t, "alice")
				busy, _ := k.SignIn(t, "alice")
				codeID, digits := k.Code(t, phone, "", signin.UsageSignIn)
				token := k.Verified(t, "+8613900139000", "", signin.UsageSignIn)
				lock := backup.Lock{Ring: ring(t)}
				before := contents(t, d)
				sum, text := write(t, d, lock)
				later, err := k.Sessions.Rotate(t.Context(), k.Client.Pool, k.Client.ID, busy.Refresh)
				if err != nil {
					t.Fatal(err)
				}
				if sum.Users != 1 || sum.Rows == 0 || sum.HasKey {
					t.Errorf("summary %+v", sum)
				}
				restored, made := restore(t, to, text, lock)
				if made.Epoch != 1 || made.Rows != sum.Rows {
					t.Errorf("restored %+v of %+v", made, sum)
				}
				after := contents(t, restored)
				for _, name := range []string{"codes", "tickets"} {
					if len(before[name]) == 0 || len(after[name]) != 0 {
						t.Errorf("%s: %d rows before, %d after", name, len(before[name]), len(after[name]))
					}
					delete(before, name)
					delete(after, name)
				}
				before["meta"] = append(before["meta"], `[]interface {}{"epoch", "1"}`)
				slices.Sort(before["meta"])
				delete(before, "jobs") // clean-ups have their turns meanwhile
				delete(after, "jobs")
				if diff := cmp.Diff(before, after); diff != "" {
					t.Errorf("-before +after\n%s", diff)
				}
				k2 := accounttest.New(t, restored)
				if _, p := k2.SignIn(t, "alice"); p.UserID != u.ID {
					t.Errorf("signed in as %s, want %s", p.UserID, u.ID)
				}
				if _, err := k2.Account.VerifyCode(t.Context(), k2.Client, codeID, digits); err == nil {
					t.Error("a code from before the restore is good")
				}
				_, err = k2.Signin.SignIn(t.Context(), signin.Input{Client: k2.Client, Method: signin.MethodVerification, Token: token})
				if err == nil {
					t.Error("a verification token from before the restore is good")
				}
				if _, err := k2.Sessions.Rotate(t.Context(), k2.Client.Pool, k2.Client.ID, later.Refresh); errs.CodeOf(err) != errs.RefreshInvalid {
					t.Errorf("a token of after the backup: %v", err)
				}
				if _, err := k2.Sessions.Rotate(t.Context(), k2.Client.Pool, k2.Client.ID, quiet.Refresh); err != nil {
					t.Errorf("a session nobody touched: %v", err)
				}
				alarms, _, err := k2.Audit.History(t.Context(), "p", u.ID, audit.Filter{Action: audit.RefreshReuse}, 10, "")
				if err != nil || len(alarms) != 0 {
					t.Errorf("%d alarms, %v", len(alarms), err)
				}
				still, _ := k2.SignIn(t, "alice")
				_, again := write(t, restored, lock)
				d3, made := restoreTo(t, to, again, lock, backup.Target{EndSessions: time.Now()})
				if made.Epoch != 2 {
					t.Errorf("the second restore begins epoch %d", made.Epoch)
				}
				k3 := accounttest.New(t, d3)
				if _, err := k3.Sessions.Rotate(t.Context(), k3.Client.Pool, k3.Client.ID, still.Refresh); errs.CodeOf(err) != errs.RefreshInvalid {
					t.Errorf("a session that was ended: %v", err)
				}
			})
		}
	}
}

// R11: everybody who was acknowledged before the backup began is in it, with writers at
// work all the while, and it is of one moment: nobody is there by half.
func TestBackupUnderLoad(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := accounttest.New(t, d)
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		var mu sync.Mutex
		var acknowledged []string
		var writers sync.WaitGroup
		for w := range 4 {
			writers.Go(func() {
				for i := 0; ctx.Err() == nil; i++ {
					name := fmt.Sprintf("user-%d-%d", w, i)
					_, err := k.Admin.CreateUser(t.Context(), admin.Operator("p", "test"), admin.NewUser{
						Username: name, Password: accounttest.Password, PhoneVerified: true,
					})
					if err != nil {
						t.Errorf("sign up: %v", err)
						return
					}
					mu.Lock()
					acknowledged = append(acknowledged, name)
					mu.Unlock()
				}
			})
		}
		for {
			mu.Lock()
			n := len(acknowledged)
			mu.Unlock()
			if n >= 100 || t.Failed() {
				break
			}
			time.Sleep(time.Millisecond)
		}
		mu.Lock()
		promised := slices.Clone(acknowledged)
		mu.Unlock()
		sum, text := write(t, d, backup.Lock{Ring: ring(t)})
		stop()
		writers.Wait()
		if sum.Counts["audit"] < sum.Users || sum.Users < int64(len(promised)) {
			t.Errorf("%d people with %d records, %d were promised", sum.Users, sum.Counts["audit"], len(promised))
		}
		restored, _ := restore(t, dbtest.SQLite, text, backup.Lock{Ring: ring(t)})
		k2 := accounttest.New(t, restored)
		for _, name := range promised {
			k2.SignIn(t, name)
		}
	})
}

func TestPassphraseIsAllAnEmptyMachineNeeds(t *testing.T) {
	d := dbtest.Open(t, dbtest.SQLite)
	accounttest.New(t, d)
	lock := backup.Lock{Passphrase: "open sesame"}
	sum, text := write(t, d, lock)
	if !sum.HasKey || bytes.Contains(text, []byte(ring(t).KeyText())) {
		t.Errorf("summary %+v", sum)
	}
	dir := t.TempDir()
	to := backup.Target{Database: "sqlite:" + filepath.Join(dir, "new", "t.db"), KeyFile: filepath.Join(dir, "new", "master.key")}
	if _, err := backup.Restore(t.Context(), bytes.NewReader(text), lock, to); err != nil {
		t.Fatal(err)
	}
	if got, err := secret.LoadKeyring(to.KeyFile, false); err != nil || got.ID() != ring(t).ID() {
		t.Errorf("key file: %v", err)
	}
	for _, name := range []string{"t.db", "master.key"} {
		if info, err := os.Stat(filepath.Join(dir, "new", name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
	if _, err := backup.Restore(t.Context(), bytes.NewReader(text), lock, to); !errors.Is(err, db.ErrNotEmpty) {
		t.Errorf("over a database: %v", err)
	}
	for name, wrong := range map[string]struct {
		lock backup.Lock
		want error
	}{
		"another passphrase": {backup.Lock{Passphrase: "open barley"}, backup.ErrLock},
		"the master key":     {backup.Lock{Ring: ring(t)}, backup.ErrLock},
		"nothing":            {backup.Lock{}, backup.ErrLock},
	} {
		if _, err := backup.Verify(t.Context(), bytes.NewReader(text), wrong.lock); !errors.Is(err, wrong.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, other := write(t, d, backup.Lock{Ring: ring(t)})
	if _, err := backup.Verify(t.Context(), bytes.NewReader(other), backup.Lock{}); !errors.Is(err, backup.ErrNoKey) {
		t.Errorf("without the key file: %v", err)
	}
	stranger, err := secret.NewKeyring(bytes.Repeat([]byte{8}, 32))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := backup.Verify(t.Context(), bytes.NewReader(other), backup.Lock{Ring: stranger}); !errors.Is(err, backup.ErrLock) {
		t.Errorf("another server's key: %v", err)
	}
}

// A backup of which anything is missing or changed makes nothing at all.
func TestDamagedBackupsMakeNothing(t *testing.T) {
	d := dbtest.Open(t, dbtest.SQLite)
	k := accounttest.New(t, d)
	for i := range 50 {
		k.User(t, admin.NewUser{Username: fmt.Sprintf("user-%d", i)})
	}
	lock := backup.Lock{Ring: ring(t)}
	_, text := write(t, d, lock)
	bad := map[string][]byte{"empty": nil, "no backup": []byte("hello\nworld\n"), "the header alone": text[:200], "cut off": text[:len(text)-1], "longer": append(bytes.Clone(text), 'x')}
	for i := 0; i < len(text); i += len(text) / 20 {
		changed := bytes.Clone(text)
		changed[i] ^= 0x20
		bad[fmt.Sprintf("changed at %d", i)] = changed
	}
	for name, text := range bad {
		dir := t.TempDir()
		to := backup.Target{Database: "sqlite:" + filepath.Join(dir, "t.db"), KeyFile: filepath.Join(dir, "master.key")}
		if _, err := backup.Restore(t.Context(), bytes.NewReader(text), lock, to); err == nil {
			t.Errorf("%s: restored", name)
		}
		left, err := os.ReadDir(dir)
		if err != nil || len(left) != 0 {
			t.Errorf("%s: left %v, %v", name, left, err)
		}
	}
}

// killed ends in the middle, as a killed process would: what it made stays on the disk.
type killed struct {
	io.ReadSeeker
	left, pass int
}

func (k *killed) Seek(offset int64, whence int) (int64, error) {
	k.pass++
	return k.ReadSeeker.Seek(offset, whence)
}

func (k *killed) Read(p []byte) (int, error) {
	if k.pass == 0 {
		return k.ReadSeeker.Read(p)
	}
	n, err := k.ReadSeeker.Read(p[:min(len(p), max(k.left, 1))])
	if k.left -= n; k.left <= 0 {
		return 0, errors.New("killed")
	}
	return n, err
}

func TestFailedRestoreLeavesNoDatabase(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := accounttest.New(t, d)
		for i := range 200 {
			k.User(t, admin.NewUser{Username: fmt.Sprintf("user-%d", i)})
		}
		lock := backup.Lock{Ring: ring(t)}
		_, text := write(t, d, lock)
		url := dbtest.URL(t, engine(t))
		to := backup.Target{Database: url, KeyFile: filepath.Join(t.TempDir(), "master.key")}
		_, err := backup.Restore(t.Context(), &killed{ReadSeeker: bytes.NewReader(text), left: len(text) * 3 / 4}, lock, to)
		if err == nil {
			t.Fatal("restored")
		}
		if path, ok := strings.CutPrefix(url, "sqlite:"); ok {
			if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("there is a database: %v", err)
			}
			// What a kill leaves is no database, and in nobody's way.
			if err := os.WriteFile(path+".restoring", []byte("half"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := backup.Restore(t.Context(), bytes.NewReader(text), lock, to); err != nil {
			t.Fatalf("again: %v", err)
		}
	})
}

func engine(t *testing.T) string {
	t.Helper()
	if strings.HasSuffix(t.Name(), dbtest.Postgres) {
		return dbtest.Postgres
	}
	return dbtest.SQLite
}

// Whoever adds a table of things that work once has to say so here.
func TestNothingShortLivedIsForgotten(t *testing.T) {
	lasting := []string{"sessions", "test_targets", "counters", "operator_keys", "idempotency"}
	d := dbtest.Open(t, dbtest.SQLite)
	err := d.Snapshot(t.Context(), func(s *db.Snapshot) error {
		tables, err := s.Tables(t.Context())
		for _, table := range tables {
			expires := slices.ContainsFunc(table.Columns, func(c db.Column) bool { return c.Name == "expires_at" })
			if expires && !slices.Contains(lasting, table.Name) && !slices.Contains(backup.ShortLived(), table.Name) {
				t.Errorf("%s has rows that expire: does one work twice after a restore?", table.Name)
			}
		}
		for _, name := range backup.ShortLived() {
			if !slices.ContainsFunc(tables, func(table db.Table) bool { return table.Name == name }) {
				t.Errorf("there is no table %s", name)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestFilesAreProvedAndNeverReplaced(t *testing.T) {
	url := dbtest.URL(t, dbtest.SQLite)
	d, err := db.Open(t.Context(), db.Options{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	accounttest.New(t, d)
	path := filepath.Join(t.TempDir(), "one.backup")
	view := func() error { // beside the server, as the command does
		return db.View(t.Context(), db.Options{URL: url}, func(s *db.Snapshot) error {
			_, err := backup.WriteFile(t.Context(), s, path, backup.Lock{Ring: ring(t)}, ring(t), time.Now())
			return err
		})
	}
	if err := view(); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if err := view(); err == nil {
		t.Error("a file was replaced")
	}
	if left, err := os.ReadDir(filepath.Dir(path)); err != nil || len(left) != 1 {
		t.Errorf("%v, %v", left, err)
	}
}
