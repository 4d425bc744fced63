package sandbox_test

import (
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/pipeline/sandbox"
)

// JS-01: fifty bad calls at once all end in time with a fault, and the server grows by
// little.
func TestFlood(t *testing.T) {
	s := start(t, 2)
	files, err := filepath.Glob("testdata/hostile/*.js")
	if err != nil {
		t.Fatal(err)
	}
	before := resident(t)
	var wg sync.WaitGroup
	for i := range 50 {
		source, err := os.ReadFile(files[i%len(files)])
		if err != nil {
			t.Fatal(err)
		}
		wg.Go(func() {
			begin := time.Now()
			j := job(string(source))
			j.Tenant = strconv.Itoa(i % 5)
			a, err := s.Run(t.Context(), j)
			if took := time.Since(begin); err != nil || a.Fault == nil || took > sandbox.CallTime+slack {
				t.Errorf("%s: %v %v after %v", files[i%len(files)], err, a.Fault, took)
			}
		})
	}
	wg.Wait()
	if grown := resident(t) - before; grown > 64<<20 {
		t.Errorf("the server grew by %d MiB", grown>>20)
	} else {
		t.Logf("the server grew by %d KiB", grown>>10)
	}
}

// resident is the memory of this process, without its workers.
func resident(t *testing.T) int {
	t.Helper()
	raw, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Skip("there is no /proc here")
	}
	for line := range strings.Lines(string(raw)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			n, err := strconv.Atoi(strings.Fields(rest)[0])
			if err != nil {
				t.Fatal(err)
			}
			return n << 10
		}
	}
	t.Fatal("no VmRSS")
	return 0
}

// A tenant whose functions never end costs the others at most one wait: afterwards it
// may not have every worker.
func TestOneTenantDoesNotStarveAnother(t *testing.T) {
	s := start(t, 2)
	const loop = `function pipe() { for (;;) {} }`
	run(t, s, loop)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() { _, _ = s.Run(t.Context(), job(loop)) })
	}
	time.Sleep(100 * time.Millisecond)
	for range 10 {
		j := job(`function pipe(u, c, cb) { return cb(null, u, c) }`)
		j.Tenant = "good"
		a, err := s.Run(t.Context(), j)
		if err != nil || a.Fault != nil {
			t.Errorf("%v %v", err, a.Fault)
		}
	}
	wg.Wait()
}

// Calls that nobody can serve any more are refused, and nothing is left running.
func TestClose(t *testing.T) {
	s := start(t, 1)
	var wg sync.WaitGroup
	for range 5 {
		wg.Go(func() {
			a, err := s.Run(t.Context(), job(`function pipe() { for (;;) {} }`))
			if err == nil && a.Fault == nil {
				t.Error("it ended well")
			}
		})
	}
	time.Sleep(50 * time.Millisecond)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	if _, err := s.Run(t.Context(), job(`function pipe() {}`)); err == nil {
		t.Error("it runs after Close")
	}
}

func TestNoWorker(t *testing.T) {
	for name, command := range map[string][]string{"none": nil, "no such program": {"/nonexistent"}, "one that ends": {"/bin/true"}} {
		if runtime.GOOS == "windows" {
			t.Skip("no /bin/true")
		}
		t.Run(name, func(t *testing.T) {
			s := sandbox.New(sandbox.Options{Command: command, Dir: t.TempDir(), Clock: time.Now, Logger: quiet(t)})
			defer func() { _ = s.Close() }()
			begin := time.Now()
			if _, err := s.Run(t.Context(), job(`function pipe() {}`)); err == nil {
				t.Error("it ran")
			}
			if took := time.Since(begin); took > 5*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}

func BenchmarkTrivial(b *testing.B) {
	s := start(b, 2)
	j := job(`async function pipe(user, context, callback) { user.nickname = 'n'; return callback(null, user, context) }`)
	b.ResetTimer()
	for b.Loop() {
		if a, err := s.Run(b.Context(), j); err != nil || a.Fault != nil {
			b.Fatal(err, a.Fault)
		}
	}
}

func BenchmarkChainOfFive(b *testing.B) {
	s := start(b, 2)
	const f = `async function pipe(user, context, callback) { return callback(null, user, context) }`
	j := job(f, f, f, f, f)
	b.ResetTimer()
	for b.Loop() {
		if a, err := s.Run(b.Context(), j); err != nil || a.Fault != nil {
			b.Fatal(err, a.Fault)
		}
	}
}
