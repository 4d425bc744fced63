package sandbox_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/pipeline/sandbox"
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
	if len(os.Args) == 2 && os.Args[1] == "probe" {
		probe()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// workerDir is shared by all tests, so that the interpreter is compiled once.
func workerDir() string { return filepath.Join(os.TempDir(), "tigertally-test-workers") }

// start makes a sandbox that is warm.
func start(t testing.TB, workers int) *sandbox.Sandbox {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s := sandbox.New(sandbox.Options{
		Command: []string{program, "pipeline-worker"}, Workers: workers, Dir: workerDir(), Clock: time.Now,
		Logger: quiet(t),
	})
	t.Cleanup(func() { _ = s.Close() })
	if a := run(t, s, `function pipe(u, c, cb) { return cb(null, u, c) }`); a.Fault != nil {
		t.Fatal(a.Fault)
	}
	return s
}

func job(sources ...string) sandbox.Job {
	j := sandbox.Job{
		Tenant: "acme", User: map[string]any{"id": "u1", "email": "a@example.com"},
		Context: map[string]any{"protocol": "password"}, Env: map[string]string{"KEY": "value"},
		Now: time.Date(2026, 5, 1, 8, 0, 0, 0, time.UTC), Seed: [4]uint32{1, 2, 3, 4},
	}
	for i, s := range sources {
		j.Steps = append(j.Steps, sandbox.Step{Name: fmt.Sprintf("f%d.js", i), Source: s})
	}
	return j
}

func run(t testing.TB, s *sandbox.Sandbox, sources ...string) sandbox.Answer {
	t.Helper()
	a, err := s.Run(t.Context(), job(sources...))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func quiet(t testing.TB) *slog.Logger {
	t.Helper()
	return slog.New(slog.NewTextHandler(t.Output(), nil))
}
