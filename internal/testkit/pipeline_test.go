package testkit_test

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/app"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/pipeline"
	"github.com/tigertally/tigertally/internal/pipeline/sandbox"
	"github.com/tigertally/tigertally/internal/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// slack is what a machine busy with other tests may add to the time of a call.
const slack = 5 * time.Second

// JS-01: while fifty bad functions run at once the server answers as before and grows by
// little. How fast it answers is reported, not asserted: the machine is shared.
func TestBadFunctionsLeaveTheServerAlone(t *testing.T) {
	s := testkit.Start(t, dbtest.SQLite)
	pools := hostilePools(t, s)
	before := resident(t)
	var longest atomic.Int64
	calm := probe(t, s, func() {})
	busy := probe(t, s, func() {
		var wg sync.WaitGroup
		for i := range 50 {
			client, err := s.App.Pools.AppOf(t.Context(), pools[i%len(pools)])
			if err != nil {
				t.Fatal(err)
			}
			wg.Go(func() {
				begin := time.Now()
				in := pipeline.Input{Client: client, Protocol: "password", User: map[string]any{"id": "u"}}
				_, err := s.App.Pipelines.Run(t.Context(), pipeline.PreAuthentication, in)
				took := time.Since(begin)
				if errs.CodeOf(err) != errs.PipelineFailed || took > sandbox.CallTime+slack {
					t.Errorf("%v after %v", err, took)
				}
				for old := longest.Load(); int64(took) > old && !longest.CompareAndSwap(old, int64(took)); {
					old = longest.Load()
				}
			})
		}
		wg.Wait()
	})
	grown := resident(t) - before
	t.Logf("/healthz: p50 %v and p99 %v alone, p50 %v and p99 %v beside fifty bad calls of at most %v; the server grew by %d KiB",
		at(calm, 50), at(calm, 99), at(busy, 50), at(busy, 99), time.Duration(longest.Load()).Round(time.Millisecond), grown>>10)
	if grown > 64<<20 {
		t.Errorf("the server grew by %d MiB", grown>>20)
	}
}

// hostilePools makes one pool for each of some bad functions.
func hostilePools(t *testing.T, s *testkit.Server) []string {
	t.Helper()
	var pools []string
	for _, name := range []string{
		"endless_loop", "microtask_loop", "regexp_backtrack", "string_repeat", "array_buffer", "deep_recursion",
		"deep_json", "native_search", "sort_loop", "log_flood",
	} {
		source, err := os.ReadFile(filepath.Join("..", "pipeline", "sandbox", "testdata", "hostile", name+".js"))
		if err != nil {
			t.Fatal(err)
		}
		id := strings.ReplaceAll(name, "_", "-")
		if _, err := s.App.CreatePool(t.Context(), id, "", nil); err != nil {
			t.Fatal(err)
		}
		_, err = s.App.Pipelines.Put(t.Context(), id, pipeline.Function{
			Point: pipeline.PreAuthentication, Name: name, Source: string(source), Enabled: true, Author: "test",
		})
		if err != nil {
			t.Fatal(err)
		}
		pools = append(pools, id)
	}
	return pools
}

// probe asks for /healthz every few milliseconds while fn runs, for a second at least.
func probe(t *testing.T, s *testkit.Server, fn func()) []time.Duration {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		fn()
	}()
	var all []time.Duration
	for begin := time.Now(); ; time.Sleep(2 * time.Millisecond) {
		asked := time.Now()
		if a := s.Do(http.MethodGet, "/healthz", nil); a.Status != http.StatusOK {
			t.Errorf("healthz: %d", a.Status)
		}
		all = append(all, time.Since(asked))
		select {
		case <-done:
			if time.Since(begin) > time.Second {
				slices.Sort(all)
				return all
			}
		default:
		}
	}
}

func at(sorted []time.Duration, percent int) time.Duration {
	return sorted[(len(sorted)-1)*percent/100].Round(10 * time.Microsecond)
}

// resident is the memory of this process, which is the server without its workers.
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

// BenchmarkSignInWithFunction signs in by password without a function and with a trivial
// one; the medians are what the function costs.
func BenchmarkSignInWithFunction(b *testing.B) {
	s := testkit.Start(b, dbtest.SQLite)
	body := map[string]any{"username": "bench", "password": memberPassword}
	a := s.Post("/auth/v1/signup", map[string]any{
		"email": "bench@example.com", "username": "bench", "password": memberPassword,
		"verification_token": verification(b, s, "bench@example.com"),
	})
	if a.Status != http.StatusOK {
		b.Fatalf("sign up: %s", a.Raw)
	}
	signIn := func(b *testing.B) {
		b.Helper()
		var all []time.Duration
		for b.Loop() {
			begin := time.Now()
			if a := s.Post("/auth/v1/signin", body); a.Status != http.StatusOK {
				b.Fatalf("sign in: %s", a.Raw)
			}
			all = append(all, time.Since(begin))
		}
		slices.Sort(all)
		b.ReportMetric(float64(at(all, 50).Microseconds()), "µs-median")
	}
	b.Run("without", signIn)
	_, err := s.App.Pipelines.Put(b.Context(), app.DevPool, pipeline.Function{
		Point: pipeline.PreAuthentication, Name: "trivial", Enabled: true, Author: "test",
		Source: "async function pipe(user, context, callback) { return callback(null, user, context) }",
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Run("with", signIn)
	b.Run("with_again", signIn)
}

func verification(b *testing.B, s *testkit.Server, email string) string {
	b.Helper()
	id := s.Post("/auth/v1/verification", map[string]any{"email": email}).String("verification_id")
	return s.Post("/auth/v1/verification/verify", map[string]any{
		"verification_id": id, "verification_code": s.Code(email),
	}).String("verification_token")
}
