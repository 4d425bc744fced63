package testkit_test

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/tigertally/tigertally/internal/testkit"
)

// guest is a browser sent to the hosted page by an app, which it has not left yet.
type guest struct {
	*http.Client
	t    *testing.T
	left *url.URL // where it went when it left
	at   *url.URL
	page string
}

const (
	guestVerifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	guestReturns  = "http://127.0.0.1:3000/signed-in"
)

// newGuest opens the hosted page for the app dev-app.
func newGuest(t *testing.T, s *testkit.Server) *guest {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	v := &guest{t: t}
	v.Client = &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(r.URL.String(), guestReturns) {
			v.left = r.URL
			return http.ErrUseLastResponse
		}
		return nil
	}}
	v.read(v.Get(s.URL + "/oidc/auth?" + url.Values{
		"client_id": {"dev-app"}, "redirect_uri": {guestReturns}, "response_type": {"code"}, "scope": {"openid"},
		"state": {"s1"}, "code_challenge": {"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}, "code_challenge_method": {"S256"},
	}.Encode()))
	return v
}

func (v *guest) read(resp *http.Response, err error) {
	v.t.Helper()
	if err != nil {
		v.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	v.page, v.at = string(body), resp.Request.URL
}

// submit sends the form of a tab of the page in English.
func (v *guest) submit(tab string, values url.Values) {
	v.t.Helper()
	form := regexp.MustCompile(`name="form" value="([^"]+)"`).FindStringSubmatch(v.page)
	if form == nil {
		v.t.Fatalf("no form on the page: %s", v.page)
	}
	to := *v.at
	to.RawQuery = url.Values{"tab": {tab}, "lang": {"en"}}.Encode()
	values.Set("form", form[1])
	v.read(v.PostForm(to.String(), values))
}

// A browser comes from an app, signs in on the page by a code and leaves with one that
// buys tokens for the right person.
func TestSigningInOnThePageBuysTokens(t *testing.T) {
	testkit.Each(t, func(t *testing.T, s *testkit.Server) {
		made := s.Post("/emulator/v1/users", map[string]any{"email": "ann@example.com"})
		v := newGuest(t, s)
		v.submit("email", url.Values{"do": {"send"}, "account": {"ann@example.com"}})
		v.submit("email", url.Values{"do": {"code"}, "account": {"ann@example.com"}, "code": {s.Code("ann@example.com")}})
		if v.left == nil || v.left.Query().Get("state") != "s1" {
			t.Fatalf("the browser did not leave: %v", v.left)
		}
		v.read(v.PostForm(s.URL+"/oidc/token", url.Values{
			"grant_type": {"authorization_code"}, "client_id": {"dev-app"}, "redirect_uri": {guestReturns},
			"code": {v.left.Query().Get("code")}, "code_verifier": {guestVerifier},
		}))
		access := regexp.MustCompile(`"access_token":\s*"([^"]+)"`).FindStringSubmatch(v.page)
		if access == nil {
			t.Fatalf("no access token: %s", v.page)
		}
		if me := s.Bearer(access[1], http.MethodGet, "/oidc/me", nil); me.String("sub") != made.String("id") || me.String("sub") == "" {
			t.Errorf("the tokens are for %q, want %q", me.Raw, made.Raw)
		}
	})
}
