package db_test

import (
	"bufio"
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/db"
)

// childOf tells a re-run of this test binary which database to write to, and under
// which prefix.
const childOf = "TIGERTALLY_TEST_KILL"

// R1: a process killed at any moment has lost nothing it acknowledged and left no
// transaction half done.
func TestKillLosesNothingAcknowledged(t *testing.T) {
	if url, prefix, ok := strings.Cut(os.Getenv(childOf), " "); ok {
		writeUntilKilled(t, url, prefix)
		return
	}
	if testing.Short() {
		t.Skip("takes seconds")
	}
	path := filepath.Join(t.TempDir(), "kill.db")
	const kills = 20
	acknowledged := map[string]bool{}
	for round := range kills {
		// Some are killed while they start, most while they write.
		life := time.Duration(10+rand.IntN(240)) * time.Millisecond // not a secret.
		for _, name := range runAndKill(t, "sqlite:"+path, fmt.Sprint("round", round), life) {
			acknowledged[name] = true
		}
		checkPairs(t, path, acknowledged)
	}
	if len(acknowledged) < 100 {
		t.Errorf("only %d transactions acknowledged in %d rounds: the test proves nothing", len(acknowledged), kills)
	}
	t.Logf("%d kills, %d transactions acknowledged", kills, len(acknowledged))
}

// runAndKill starts a writer, kills it and returns what it acknowledged.
func runAndKill(t *testing.T, url, prefix string, life time.Duration) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKillLosesNothingAcknowledged$") // ourselves.
	cmd.Env = append(os.Environ(), childOf+"="+url+" "+prefix)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(life, func() { cmd.Process.Kill() }) // Wait tells how it ended.
	defer timer.Stop()
	var names []string
	for lines := bufio.NewScanner(out); lines.Scan(); {
		name, whole := strings.CutSuffix(lines.Text(), ".")
		if !whole {
			continue // killed while it wrote the line
		}
		if strings.HasPrefix(name, "failed ") {
			t.Error(name)
		}
		names = append(names, name)
	}
	if err := cmd.Wait(); err == nil {
		t.Error("the writer ended by itself")
	}
	return names
}

// writeUntilKilled writes pairs of rows and says on standard output which are durable.
func writeUntilKilled(t *testing.T, url, prefix string) {
	t.Helper()
	d, err := db.Open(t.Context(), db.Options{URL: url})
	if err != nil {
		fmt.Printf("failed %v.\n", err)
		return
	}
	var all sync.WaitGroup
	for worker := range 8 {
		all.Go(func() {
			for i := range 1_000_000 {
				name := fmt.Sprintf("%s-%d-%d", prefix, worker, i)
				err := d.InTx(t.Context(), func(ctx context.Context) error {
					for _, half := range []string{"a", "b"} {
						if err := put(ctx, d, name+"/"+half); err != nil {
							return err
						}
					}
					return nil
				})
				if err != nil {
					name = "failed " + err.Error()
				}
				fmt.Println(name + ".") // not buffered: one line, one write
			}
		})
	}
	all.Wait()
}

func checkPairs(t *testing.T, path string, acknowledged map[string]bool) {
	t.Helper()
	p, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	var integrity string
	if err := p.QueryRowContext(t.Context(), "PRAGMA integrity_check").Scan(&integrity); err != nil || integrity != "ok" {
		t.Fatalf("integrity: %s, %v", integrity, err)
	}
	halves := map[string]int{}
	rows, err := p.QueryContext(t.Context(), "SELECT name FROM sqlite_schema WHERE name = 'meta'")
	if err != nil {
		t.Fatal(err)
	}
	made := rows.Next()
	rows.Close()
	if !made {
		if len(acknowledged) > 0 {
			t.Fatal("the schema is gone")
		}
		return
	}
	if rows, err = p.QueryContext(t.Context(), "SELECT name FROM meta"); err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		pair, _, _ := strings.Cut(name, "/")
		halves[pair]++
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	for name, n := range halves {
		if n != 2 {
			t.Errorf("half a transaction: %s has %d rows", name, n)
		}
	}
	for name := range acknowledged {
		if halves[name] == 0 {
			t.Errorf("acknowledged and lost: %s", name)
		}
	}
}
