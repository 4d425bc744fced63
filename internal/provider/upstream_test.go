package provider_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/driver"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/provider"
)

// today is a whole second, as the claims of tokens have it.
func today() time.Time { return time.Unix(1_700_000_000, 0) }

// upstream plays a vendor's paths on a server of this machine.
func upstream(t *testing.T, routes map[string]http.HandlerFunc) string {
	t.Helper()
	mux := http.NewServeMux()
	for pattern, handle := range routes {
		mux.HandleFunc(pattern, handle)
	}
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL
}

// says answers with a fixed text, whatever it is.
func says(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) }
}

func openAt(t *testing.T, now func() time.Time, kind string, set map[string]string) provider.Driver {
	t.Helper()
	d, err := provider.Open(kind, set, provider.Env{
		Now: now, HTTP: driver.NewClient(driver.ClientOptions{Now: now, Allow: driver.LoopbackRanges()}),
	})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func open(t *testing.T, kind string, set map[string]string) provider.Driver {
	t.Helper()
	return openAt(t, today, kind, set)
}

// wantRefusal checks the code that people get and the reason that the audit log gets; ""
// is any.
func wantRefusal(t *testing.T, err error, code errs.Code, reason string) {
	t.Helper()
	if err == nil {
		t.Fatalf("was taken, want %s (%s)", code, reason)
	}
	if got := errs.From(err); got.Code != code || (reason != "" && got.Params["reason"] != reason) {
		t.Errorf("got %s (%s), want %s (%s)", got, got.Params["reason"], code, reason)
	}
}
