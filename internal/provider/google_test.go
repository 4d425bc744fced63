package provider_test

import (
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/tigertally/tigertally/internal/driver"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/provider"
)

// googleAt plays Google, whose ID token says everything and which has no userinfo we ask.
func googleAt(t *testing.T, more ...string) (*issuer, provider.Driver) {
	t.Helper()
	p := newIssuer(t)
	p.userinfo = nil
	p.claims["name"], p.claims["email"], p.claims["email_verified"] = "Alice", "alice@example.com", true
	set := map[string]string{"client_id": clientID, "client_secret": clientSecret, "base": p.URL}
	for i := 0; i+1 < len(more); i += 2 {
		set[more[i]] = more[i+1]
	}
	return p, open(t, "google", set)
}

func TestGoogleChecksTheWorkspaceDomainInTheToken(t *testing.T) {
	for _, tt := range []struct {
		name, domains string
		hd            any
		ok            bool
	}{
		{"everybody", "", nil, true},
		{"of the domain", "example.com", "example.com", true},
		{"of one of the domains", "example.org Example.com", "example.com", true},
		{"of another", "example.com", "example.org", false},
		{"of none, though the address looks like it", "example.com", nil, false},
		{"of none, in an odd way", "example.com", []string{"example.com"}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, d := googleAt(t, "hosted_domain", tt.domains)
			p.claims = p.with("hd", tt.hd)
			got, err := d.Exchange(t.Context(), answerOf(p))
			if !tt.ok {
				wantRefusal(t, err, errs.ProviderDenied, "hosted_domain")
				return
			}
			if err != nil || got.Subject != "alice" || !got.EmailVerified {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}

func TestGoogleHintsAtTheDomainOnItsPage(t *testing.T) {
	for _, tt := range []struct{ domains, want string }{{"", ""}, {"example.com", "example.com"}, {"example.com example.org", "*"}} {
		_, d := googleAt(t, "hosted_domain", tt.domains)
		page, err := d.Authorize(t.Context(), provider.AuthorizeRequest{RedirectURI: callbackURI, State: "s"})
		if err != nil {
			t.Fatal(err)
		}
		u, err := url.Parse(page)
		if err != nil || u.Query().Get("hd") != tt.want {
			t.Errorf("%q: the page is %s, %v", tt.domains, page, err)
		}
	}
}

// Google writes its issuer with and without the scheme.
func TestGoogleHasTwoSpellingsOfItsIssuer(t *testing.T) {
	p := newIssuerOn(t, httptest.NewTLSServer)
	d, err := provider.Open("google", map[string]string{"client_id": clientID, "client_secret": clientSecret, "base": p.URL}, provider.Env{
		Now: today, HTTP: driver.NewClient(driver.ClientOptions{Now: today, Allow: driver.LoopbackRanges(), Roots: p.roots}),
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		iss string
		ok  bool
	}{{p.URL, true}, {strings.TrimPrefix(p.URL, "https://"), true}, {p.URL + "/", false}, {"http" + strings.TrimPrefix(p.URL, "https"), false}} {
		p.claims["iss"] = tt.iss
		if _, err := d.Exchange(t.Context(), answerOf(p)); (err == nil) != tt.ok {
			t.Errorf("%s: %v", tt.iss, err)
		}
	}
}
