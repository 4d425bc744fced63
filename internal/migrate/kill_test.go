package migrate_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/account/accounttest"
	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/migrate"
)

// killed tells a re-run of this test binary what to import, into which database.
const killed = "TIGERTALLY_TEST_IMPORT"

// R1, ID-05: an import that is killed at any moment and goes on brings everybody exactly
// once, counts them once, and names each problem once.
func TestKilledImportGoesOn(t *testing.T) {
	if file, url, ok := strings.Cut(os.Getenv(killed), " "); ok {
		importUntilKilled(t, file, url)
		return
	}
	if testing.Short() {
		t.Skip("takes seconds")
	}
	const rows, bad = 6000, 600 // every tenth breaks a rule
	var text strings.Builder
	for i := range rows {
		if i%10 == 9 {
			fmt.Fprintf(&text, `{"phone":"%d"}`+"\n", i)
		} else {
			fmt.Fprintf(&text, `{"username":"user-%d","phone":"+86138%08d","password_hash":"$1$saltstri$YMyguxXMBpd2TEZ.vS/3q1","identities":[{"provider":"wx","subject":"s-%d"}]}`+"\n", i, i, i)
		}
	}
	for _, engine := range []string{dbtest.SQLite, dbtest.Postgres} {
		t.Run(engine, func(t *testing.T) {
			url, file := dbtest.URL(t, engine), filepath.Join(t.TempDir(), "people.jsonl")
			if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
				t.Fatal(err)
			}
			kills, runs := 0, 0
			for done := false; !done; runs++ {
				// Later runs live longer, so that there is an end on the slowest machine.
				life := time.Duration(300+runs*50+rand.IntN(300)) * time.Millisecond // not a secret.
				if done = runAndKill(t, file, url, life); !done {
					kills++
				}
				if runs == 200 {
					t.Fatal("it does not end")
				}
			}
			d, err := db.Open(t.Context(), db.Options{URL: url})
			if err != nil {
				t.Fatal(err)
			}
			defer d.Close()
			check(t, bench{Kit: accounttest.New(t, d)}, file, rows, bad)
			t.Logf("%d kills", kills)
		})
	}
}

// check counts who came and what was said about the others.
func check(t *testing.T, b bench, file string, rows, bad int) {
	t.Helper()
	if n := b.people(t); n != int64(rows-bad) {
		t.Errorf("%d people, want %d", n, rows-bad)
	}
	for i := range rows {
		if i%10 != 9 {
			if u, err := b.Users.ByIdentity(t.Context(), "p", "wx", fmt.Sprintf("s-%d", i)); err != nil || u.Username != fmt.Sprintf("user-%d", i) {
				t.Fatalf("row %d: %q, %v", i, u.Username, err)
			}
		}
	}
	text, err := os.ReadFile(file + ".report")
	if err != nil {
		t.Fatal(err)
	}
	line := int64(10)
	for one := range strings.Lines(string(text)) {
		var p migrate.Problem
		if err := json.Unmarshal([]byte(one), &p); err != nil || p.Line != line {
			t.Fatalf("%q, %v: want line %d", one, err, line)
		}
		line += 10
	}
	if line != int64(rows)+10 {
		t.Errorf("the report ends before line %d", line)
	}
	recorded := 0
	for page := ""; ; {
		records, next, err := b.Audit.History(t.Context(), "p", "", audit.Filter{Action: audit.UserImport}, 200, page)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range records {
			var n int
			if _, err := fmt.Sscan(r.Event.Detail["rows"], &n); err != nil {
				t.Fatal(err)
			}
			recorded += n
		}
		if page = next; page == "" {
			break
		}
	}
	if recorded != rows {
		t.Errorf("%d rows are recorded, want %d", recorded, rows)
	}
}

// runAndKill starts an import, kills it after a while, and reports whether it was done.
func runAndKill(t *testing.T, file, url string, life time.Duration) bool {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKilledImportGoesOn$") // ourselves.
	cmd.Env = append(os.Environ(), killed+"="+file+" "+url)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(life, func() { cmd.Process.Kill() }) // Wait tells how it ended.
	defer timer.Stop()
	err := cmd.Wait()
	if err != nil && cmd.ProcessState.Exited() {
		t.Fatalf("the import failed: %v", err)
	}
	return err == nil
}

func importUntilKilled(t *testing.T, file, url string) {
	t.Helper()
	d, err := db.Open(t.Context(), db.Options{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	b := newBench(t, d)
	people, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer people.Close()
	report, err := os.OpenFile(file+".report", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer report.Close()
	if _, err := b.migrate.Import(t.Context(), b.m, people, migrate.Options{Resume: true, BatchSize: 50, Report: report}); err != nil {
		t.Fatal(err)
	}
}
