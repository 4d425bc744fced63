package oidc_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"

	rp "github.com/coreos/go-oidc/v3/oidc"

	"github.com/tigertally/tigertally/internal/testkit"
)

// A client library of somebody else's signs a person in against a whole server: it
// reads the configuration, the page does the rest, and every check of its own passes.
func TestWholeSignInWithAnotherLibrary(t *testing.T) {
	testkit.Each(t, func(t *testing.T, s *testkit.Server) {
		made := s.Post("/emulator/v1/users", map[string]any{"username": "lion", "email": "lion@example.com", "password": "correct horse battery"})
		provider, err := rp.NewProvider(t.Context(), s.URL+"/oidc")
		must(t, err)
		jar, err := cookiejar.New(nil)
		must(t, err)
		const back = "http://localhost:3000/callback"
		browser := &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
			if strings.HasPrefix(r.URL.String(), s.URL) {
				return nil
			}
			return http.ErrUseLastResponse
		}}
		open := func(method, target, body string) (*http.Response, string) {
			t.Helper()
			req, err := http.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
			must(t, err)
			if body != "" {
				req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				req.Header.Set("Origin", s.URL)
			}
			res, err := browser.Do(req)
			must(t, err)
			raw, err := io.ReadAll(res.Body)
			must(t, err)
			must(t, res.Body.Close())
			return res, string(raw)
		}

		page, text := open(http.MethodGet, provider.Endpoint().AuthURL+"?"+query("client_id", "dev-app", "redirect_uri", back,
			"response_type", "code", "scope", "openid profile email offline_access", "state", "s1", "nonce", "n1",
			"code_challenge", challenge, "code_challenge_method", "S256"), "")
		form := regexp.MustCompile(`name="form" value="([^"]+)"`).FindStringSubmatch(text)
		if page.StatusCode != http.StatusOK || form == nil {
			t.Fatalf("no page: %d %s", page.StatusCode, text)
		}
		res, text := open(http.MethodPost, page.Request.URL.String(), query("form", form[1], "do", "password",
			"account", "lion", "password", "correct horse battery"))
		target, err := url.Parse(res.Header.Get("Location"))
		must(t, err)
		if q := target.Query(); !strings.HasPrefix(target.String(), back+"?") || q.Get("state") != "s1" || q.Get("iss") != s.URL+"/oidc" {
			t.Fatalf("%d goes to %q: %s", res.StatusCode, target, text)
		}
		_, text = open(http.MethodPost, provider.Endpoint().TokenURL, query("grant_type", "authorization_code", "client_id", "dev-app",
			"code", target.Query().Get("code"), "redirect_uri", back, "code_verifier", verifier))
		var got struct {
			Access  string `json:"access_token"`
			ID      string `json:"id_token"`
			Refresh string `json:"refresh_token"`
		}
		must(t, json.Unmarshal([]byte(text), &got))

		id, err := provider.Verifier(&rp.Config{ClientID: "dev-app"}).Verify(t.Context(), got.ID)
		if err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		must(t, id.VerifyAccessToken(got.Access))
		if id.Nonce != "n1" || id.Subject != made.String("id") || got.Refresh == "" {
			t.Errorf("ID token %+v", id)
		}
		if me := s.Bearer(got.Access, http.MethodGet, "/oidc/me", nil); me.String("email") != "lion@example.com" || me.String("sub") != id.Subject {
			t.Errorf("claims %s", me.Raw)
		}
		if _, err := rp.NewProvider(t.Context(), s.URL+"/oidc/dev"); err == nil {
			t.Error("the default pool has two names")
		}
	})
}
