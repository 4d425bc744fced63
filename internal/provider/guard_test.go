package provider_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/tigertally/tigertally/internal/driver"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/provider"
)

// SS-01: an issuer that may be asked does not make the server ask its neighbours, whichever
// address of its document names them.
func TestSS01AnIssuerLeadsNowhereElse(t *testing.T) {
	var hits atomic.Int32
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.2:0")
	if err != nil {
		t.Skipf("this machine has one loopback address: %v", err)
	}
	neighbour := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
	_ = neighbour.Listener.Close()
	neighbour.Listener = listener
	neighbour.Start()
	t.Cleanup(neighbour.Close)
	for _, endpoint := range []string{"token_endpoint", "jwks_uri", "userinfo_endpoint"} {
		for _, address := range []string{neighbour.URL, strings.Replace(neighbour.URL, "127.0.0.2", "[::ffff:127.0.0.2]", 1)} {
			t.Run(endpoint+" "+address, func(t *testing.T) {
				p := newIssuer(t)
				p.metadata[endpoint] = address
				d, err := provider.Open("oidc", p.settings(), provider.Env{
					Now:  today,
					HTTP: driver.NewClient(driver.ClientOptions{Now: today, Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}}),
				})
				if err != nil {
					t.Fatal(err)
				}
				_, err = d.Exchange(t.Context(), answerOf(p))
				if code := errs.CodeOf(err); code != errs.Unavailable && code != errs.ProviderMisconfigured {
					t.Errorf("got %v", err)
				}
			})
		}
	}
	if n := hits.Load(); n != 0 {
		t.Errorf("the neighbour was asked %d times", n)
	}
}
