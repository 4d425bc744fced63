package tigertallytest_test

import (
	"net/http"
	"runtime"
	"testing"
	"time"

	"github.com/tigertally/tigertally/sdk/tigertallytest"
)

// Nothing of a server outlives its test: no goroutine and no listener. It is not parallel, so
// that no other server is counted.
func TestNothingIsLeftBehind(t *testing.T) {
	tigertallytest.Start(t) // what all servers share is made now
	settle := func(most int) int {
		n := runtime.NumGoroutine()
		for range 1000 {
			if n <= most {
				break
			}
			time.Sleep(10 * time.Millisecond)
			n = runtime.NumGoroutine()
		}
		return n
	}
	before := runtime.NumGoroutine()
	var address string
	t.Run("one server", func(t *testing.T) {
		srv := tigertallytest.Start(t, tigertallytest.WithProviders())
		srv.SignIn(t, "+86 13800000000")
		srv.Restart(t)
		srv.SignIn(t, "+86 13800000000")
		address = srv.URL
	})
	if after := settle(before); after > before {
		stacks := make([]byte, 1<<20)
		t.Errorf("%d goroutines, then %d\n%s", before, after, stacks[:runtime.Stack(stacks, true)])
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	if res, err := http.DefaultTransport.RoundTrip(req); err == nil {
		_ = res.Body.Close()
		t.Error("the server still answers")
	}
}
