package driver_test

import (
	"crypto/x509"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/driver"
	"github.com/tigertally/tigertally/internal/upsim"
)

// Nothing is sent to whom the certificate does not name, nor under one that has expired or
// by a TLS that is broken: a one-time code is as good as before.
func TestSS01NothingIsSentToWhoCannotProveItsName(t *testing.T) {
	s, err := upsim.Start(t.Context(), upsim.Options{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(s.CA()) {
		t.Fatal("no certificate")
	}
	ask := func(roots *x509.CertPool) error {
		client := driver.NewClient(driver.ClientOptions{Now: time.Now, Allow: driver.LoopbackRanges(), Roots: roots})
		defer client.CloseIdleConnections()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.Bases().HTTPS+"/wechat-api/sns/auth", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		_, err = driver.Do(client, req)
		return err
	}
	if err := ask(roots); err != nil {
		t.Fatalf("a good one: %v", err)
	}
	if err := ask(x509.NewCertPool()); !errors.Is(err, driver.ErrUnsent) {
		t.Errorf("by nobody we trust: %v", err)
	}
	for _, fault := range []string{"TLSBADNAME", "TLSEXPIRED", "TLS10"} {
		id, err := s.Arm(upsim.Fault{Fault: fault})
		if err != nil {
			t.Fatal(err)
		}
		if err := ask(roots); !errors.Is(err, driver.ErrUnsent) {
			t.Errorf("%s: %v", fault, err)
		}
		s.Disarm(id)
	}
	if asked := len(s.Journal("wechat")); asked != 1 {
		t.Errorf("the vendor saw %d requests, want the good one", asked)
	}
}
