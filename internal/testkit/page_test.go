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

// A browser comes from an app, signs in on the page by a code and leaves with one that
// buys tokens for the right person.
func TestSigningInOnThePageBuysTokens(t *testing.T) {
	testkit.Each(t, func(t *testing.T, s *testkit.Server) {
		const verifier, to = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "http://127.0.0.1:3000/signed-in"
		made := s.Post("/emulator/v1/users", map[string]any{"email": "ann@example.com"})
		jar, err := cookiejar.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		var left *url.URL
		browser := &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
			if strings.HasPrefix(r.URL.String(), to) {
				left = r.URL
				return http.ErrUseLastResponse
			}
			return nil
		}}
		read := func(resp *http.Response, err error) (string, *url.URL) {
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			return string(body), resp.Request.URL
		}
		form := func(page string) string {
			return regexp.MustCompile(`name="form" value="([^"]+)"`).FindStringSubmatch(page + `name="form" value="none"`)[1]
		}
		page, at := read(browser.Get(s.URL + "/oidc/auth?" + url.Values{
			"client_id": {"dev-app"}, "redirect_uri": {to}, "response_type": {"code"}, "scope": {"openid"},
			"state": {"s1"}, "code_challenge": {"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}, "code_challenge_method": {"S256"},
		}.Encode()))
		at.RawQuery = "tab=email&lang=en"
		page, _ = read(browser.PostForm(at.String(), url.Values{"form": {form(page)}, "do": {"send"}, "account": {"ann@example.com"}}))
		read(browser.PostForm(at.String(), url.Values{
			"form": {form(page)}, "do": {"code"}, "account": {"ann@example.com"}, "code": {s.Code("ann@example.com")},
		}))
		if left == nil || left.Query().Get("state") != "s1" {
			t.Fatalf("the browser did not leave: %v", left)
		}
		got, _ := read(browser.PostForm(s.URL+"/oidc/token", url.Values{
			"grant_type": {"authorization_code"}, "client_id": {"dev-app"}, "redirect_uri": {to},
			"code": {left.Query().Get("code")}, "code_verifier": {verifier},
		}))
		access := regexp.MustCompile(`"access_token":\s*"([^"]+)"`).FindStringSubmatch(got)
		if access == nil {
			t.Fatalf("no access token: %s", got)
		}
		if me := s.Bearer(access[1], http.MethodGet, "/oidc/me", nil); me.String("sub") != made.String("id") || me.String("sub") == "" {
			t.Errorf("the tokens are for %q, want %q", me.Raw, made.Raw)
		}
	})
}
