package pipeline_test

import (
	"bytes"
	"context"
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
	"github.com/tigertally/tigertally/internal/pipeline"
	"github.com/tigertally/tigertally/internal/pipeline/sandbox"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/secret"
)

// TestMain makes the test binary a worker when it is started as one.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == "pipeline-worker" {
		if err := sandbox.Worker(context.Background(), os.Stdin, os.Stdout, time.Now); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// workerDir is shared by all tests, so that the interpreter is compiled once.
func workerDir() string { return filepath.Join(os.TempDir(), "tigertally-test-workers") }

// world is a service with two pools.
type world struct {
	*pipeline.Service

	db     *db.DB
	pools  *pool.Service
	client pool.Client
	logs   *buffer
}

// buffer is a log that several goroutines write.
type buffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

const poolID, otherID = "acme", "other"

func open(t testing.TB, d *db.DB) *world {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return openWith(t, d, []string{program, "pipeline-worker"})
}

func openWith(t testing.TB, d *db.DB, command []string) *world {
	t.Helper()
	ring, err := secret.NewKeyring(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{db: d, logs: &buffer{}, pools: pool.New(d, time.Now)}
	log := slog.New(slog.NewTextHandler(w.logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
	w.Service = pipeline.New(d, ring, audit.New(d, time.Now), time.Now, log, pipeline.Options{
		Command: command, Dir: workerDir(), Clock: time.Now, LogLevel: slog.LevelInfo,
	})
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, id := range []string{poolID, otherID} {
		if _, err := w.pools.Get(t.Context(), id); err == nil {
			continue
		}
		if _, err := w.pools.Create(t.Context(), id, "The "+id, pool.Settings{}); err != nil {
			t.Fatal(err)
		}
	}
	if w.client, err = w.pools.AppOf(t.Context(), poolID); err != nil {
		t.Fatal(err)
	}
	return w
}

// each runs fn on both engines.
func each(t *testing.T, fn func(t *testing.T, w *world)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB) { fn(t, open(t, d)) })
}

func (w *world) put(t testing.TB, p pipeline.Point, name, source string) pipeline.Function {
	t.Helper()
	f, err := w.Put(t.Context(), poolID, pipeline.Function{Point: p, Name: name, Source: source, Enabled: true, Author: "ann"})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func (w *world) input(user map[string]any) pipeline.Input {
	return pipeline.Input{Client: w.client, User: user, Protocol: "password", IP: "192.0.2.7"}
}

// events are the results and details recorded under an action.
func (w *world) events(t testing.TB, action string) []string {
	t.Helper()
	rows, err := w.db.Query(t.Context(), `SELECT actor, result, detail FROM audit WHERE action = $1 ORDER BY at, id`, action)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	var list []string
	for rows.Next() {
		var actor, result, detail string
		if err := rows.Scan(&actor, &result, &detail); err != nil {
			t.Fatal(err)
		}
		list = append(list, actor+" "+result+" "+detail)
	}
	return list
}

func eventually(t *testing.T, ok func() bool) {
	t.Helper()
	for range 150 {
		if ok() {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Error("it did not happen")
}
