package upsim_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/upsim"
)

func TestHTTPSIsTrustedByItsAuthorityUntilAFaultStrikes(t *testing.T) {
	s := start(t, vectorTime)
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM([]byte(control(t, s, http.MethodGet, "/ca.pem", "").body)) {
		t.Fatal("no certificate")
	}
	ask := func() error {
		c := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{
			DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: pool},
		}}
		resp, err := c.Get(s.Bases().HTTPS + "/wechat-api/sns/auth")
		if err == nil {
			err = resp.Body.Close()
		}
		return err
	}
	for _, c := range []struct {
		fault string
		seen  func(error) bool
	}{
		{"TLSBADNAME", func(err error) bool { _, ok := errors.AsType[x509.HostnameError](err); return ok }},
		{"TLSEXPIRED", func(err error) bool {
			invalid, ok := errors.AsType[x509.CertificateInvalidError](err)
			return ok && invalid.Reason == x509.Expired
		}},
		{"TLS10", func(err error) bool { return err != nil && strings.Contains(err.Error(), "version") }},
	} {
		if err := ask(); err != nil {
			t.Fatal(err)
		}
		arm(t, s, upsim.Fault{Fault: c.fault, Times: 1})
		if err := ask(); !c.seen(err) {
			t.Errorf("%s: %v", c.fault, err)
		}
	}
	if err := ask(); err != nil {
		t.Error(err)
	}
	if _, err := s.Arm(upsim.Fault{Fault: "TLS10", Match: upsim.Match{Upstream: "wechat"}}); err == nil {
		t.Error("a fault of connections was armed for one upstream")
	}
	resp, err := (&http.Client{Timeout: 5 * time.Second}).Get(s.Bases().HTTPS)
	if err == nil {
		resp.Body.Close()
		t.Error("a client without the authority trusts the certificate")
	}
}
