package oidc_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/session"
)

// shown checks that a request ends here, with a line for the person and no redirect.
func (w *world) shown(what string, a answer) {
	w.t.Helper()
	if a.status != http.StatusBadRequest || a.header.Get("Location") != "" || a.header.Get("X-Request-Ticket") != "" ||
		!strings.HasPrefix(a.header.Get("Content-Type"), "text/plain") {
		w.t.Errorf("%s: %d %v %s", what, a.status, a.header, a.raw)
	}
}

// OA-01, WB-04: 303 to a registered address or none at all.
func TestRedirectURIIsCompared(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		for _, uri := range []string{
			"", "https://app.test", "https://app.test/", "https://app.test/callback", callback + "&x=1", callback + "#",
			callback + "#fragment", callback + "/", callback + "%20", callback + " ", " " + callback, callback + "\n",
			strings.ToUpper(callback), "HTTPS://app.test/callback?from=tally", "https://APP.test/callback?from=tally",
			"https://app.test/Callback?from=tally", "http://app.test/callback?from=tally",
			"https://app.test:443/callback?from=tally", "https://app.test:8443/callback?from=tally",
			"https://app.test./callback?from=tally", "https://app.test/./callback?from=tally",
			"https://app.test/x/../callback?from=tally", "https://app.test/%63allback?from=tally",
			"https://app.test/callback%2e%2e/?from=tally", "https://app.test//callback?from=tally",
			"https://app.test\\@evil.test/callback?from=tally", "https://app.test@evil.test/callback?from=tally",
			"https://evil.test@app.test/callback?from=tally", "https://user:pass@app.test/callback?from=tally",
			"https://app.test.evil.test/callback?from=tally", "https://evil.test/https://app.test/callback?from=tally",
			"https://app.test%2eevil.test/callback?from=tally", "https://еxample.test/callback", "https://xn--pp-fka.test/callback",
			"//app.test/callback?from=tally", "app.test/callback?from=tally", "/callback?from=tally",
			"javascript:alert(1)", "data:text/html,x", "javascript://app.test/%0aalert(1)", "about:blank",
			"com.example.app:/in2", "com.example.app://in", "com.example.APP:/in", "com.example.app:/in?x",
			"http://localhost:5000/cb", "http://127.0.0.1:5000/cb2", "http://127.0.0.1:5000/cb?x=1", "https://127.0.0.1:5000/cb",
			"http://127.0.0.2:5000/cb", "http://127.0.0.1.evil.test/cb", "http://127.0.0.1:5000@evil.test/cb",
			"http://evil.test@127.0.0.1:5000/cb", "http://127.0.0.1:5000/cb#x", "http://127.1:5000/cb", "http://0x7f000001/cb",
			"http://2130706433/cb", "http://[::1]:5000/cb", "http://127.0.0.1:/cb/../cb", "http://127.0.0.1:5000\\cb",
			callback + "\x00", strings.Repeat("a", 4096),
		} {
			w.shown(uri, w.authorize("redirect_uri", uri))
		}
		for _, uri := range []string{callback, "http://127.0.0.1/cb", "http://127.0.0.1:5000/cb", "http://127.0.0.1:65535/cb", "com.example.app:/in"} {
			if a := w.authorize("redirect_uri", uri); a.header.Get("X-Request-Ticket") == "" {
				t.Errorf("%s: %d %s", uri, a.status, a.raw)
			}
		}
		w.shown("unknown client", w.authorize("client_id", "nobody"))
		w.shown("no client", w.authorize("client_id", ""))
		w.shown("overlong state", w.authorize("state", strings.Repeat("s", 2000)))
		good := query("client_id", "app", "redirect_uri", callback, "response_type", "code", "code_challenge", challenge, "code_challenge_method", "S256")
		w.shown("redirect_uri twice", w.do(http.MethodGet, "/oidc/auth?"+good+"&redirect_uri=https%3A%2F%2Fevil.test", ""))
		w.shown("client_id twice", w.do(http.MethodGet, "/oidc/auth?"+good+"&client_id=other", ""))
		w.shown("state twice", w.do(http.MethodGet, "/oidc/auth?"+good+"&state=1&state=2", ""))
	})
}

// OpenID Connect Core section 3.1.2.1 wants both methods.
func TestRequestsMayBePosted(t *testing.T) {
	w := newWorld(t, dbtest.Open(t, dbtest.SQLite))
	good := []string{"client_id", "app", "redirect_uri", callback, "response_type", "code", "code_challenge", challenge, "code_challenge_method", "S256"}
	if a := w.form("/oidc/auth", good...); a.header.Get("X-Request-Ticket") == "" {
		t.Errorf("%d %s", a.status, a.raw)
	}
	w.shown("elsewhere", w.form("/oidc/auth", append(good, "redirect_uri", "https://evil.test/")...))
	w.shown("in the query", w.do(http.MethodPost, "/oidc/auth?"+query(good...), ""))
	got := w.exchange("app")
	if a := w.form("/oidc/session/end", "id_token_hint", got.str("id_token")); a.status != http.StatusOK {
		t.Errorf("%d %s", a.status, a.raw)
	}
	w.bad("the session", w.me(got.str("access_token")), http.StatusUnauthorized, "invalid_token")
}

// A development application takes every page of this machine and nothing else.
func TestLocalPagesAreOfThisMachine(t *testing.T) {
	w := newWorld(t, dbtest.Open(t, dbtest.SQLite))
	must(t, w.Pools.UpdateApp(t.Context(), "app", func(a *pool.AppSettings) { a.LocalPages = true }))
	for uri, want := range map[string]bool{
		"http://localhost:3000/": true, "https://localhost:8443/cb?x=1": true, "http://127.0.0.1:5173/auth/callback": true, "http://[::1]:80/cb": true,
		"http://localhost.evil.test/": false, "http://localhost@evil.test/": false, "http://evil.test#localhost": false,
		"javascript://localhost/%0aalert(1)": false, "http://localhost:3000/#x": false, "http:localhost": false, "//localhost/": false,
		"http://evil.test\\@localhost/": false, "http://LOCALHOST@evil.test": false, "ftp://localhost/": false,
	} {
		if a := w.authorize("redirect_uri", uri); (a.header.Get("X-Request-Ticket") != "") != want {
			t.Errorf("%s: %d %s", uri, a.status, a.raw)
		}
	}
}

// OA-03, OA-11: what is wrong with the rest of a request goes to the application, with
// its state and our name.
func TestRefusedRequestsGoBack(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		for _, test := range []struct {
			name  string
			pairs []string
			word  string
		}{
			{"prompt none", []string{"prompt", "none"}, "login_required"},
			{"prompt none and login", []string{"prompt", "none login"}, "invalid_request"},
			{"no response type", []string{"response_type", ""}, "invalid_request"},
			{"implicit", []string{"response_type", "token"}, "unsupported_response_type"},
			{"hybrid", []string{"response_type", "code id_token"}, "unsupported_response_type"},
			{"fragment", []string{"response_mode", "fragment"}, "invalid_request"},
			{"no PKCE", []string{"code_challenge", "", "code_challenge_method", ""}, "invalid_request"},
			{"plain PKCE", []string{"code_challenge_method", "plain"}, "invalid_request"},
			{"PKCE of no method is plain", []string{"code_challenge_method", ""}, "invalid_request"},
			{"a method without challenge", []string{"code_challenge", ""}, "invalid_request"},
			{"a short challenge", []string{"code_challenge", "abc"}, "invalid_request"},
			{"a request object", []string{"request", "x.y.z"}, "request_not_supported"},
			{"a request by reference", []string{"request_uri", "https://app.test/r"}, "request_not_supported"},
			{"a scope that is no text", []string{"scope", "openid\x01"}, "invalid_scope"},
			{"an endless nonce", []string{"nonce", strings.Repeat("n", 2000)}, "invalid_request"},
		} {
			a := w.authorize(test.pairs...)
			u, err := url.Parse(a.header.Get("Location"))
			must(t, err)
			q := u.Query()
			if a.status != http.StatusSeeOther || !strings.HasPrefix(u.String(), callback+"&") || q.Get("error") != test.word ||
				q.Get("state") != "st&te" || q.Get("iss") != issuer || q.Get("code") != "" {
				t.Errorf("%s: %d %s", test.name, a.status, u)
			}
		}
		// A client with a secret may leave PKCE out, but then nobody adds it.
		code := w.code("client_id", "server", "code_challenge", "", "code_challenge_method", "")
		secret := []string{"client_id", "server", "client_secret", w.secret}
		w.bad("a verifier nobody asked for", w.redeem(code, secret...), http.StatusBadRequest, "invalid_grant")
		w.good(w.redeem(code, append(secret, "code_verifier", "")...))
		code = w.code("client_id", "server")
		w.bad("a challenge without verifier", w.redeem(code, append(secret, "code_verifier", "")...), http.StatusBadRequest, "invalid_grant")
		w.good(w.redeem(code, secret...))
	})
}

// A request is answered once, by somebody who signed in to its application.
func TestRequestIsAnsweredOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		request := w.authorize().header.Get("X-Request-Ticket")
		foreign := w.Principal(t, w.begin("other", session.Style{}))
		if _, err := w.oauth.Finish(t.Context(), request, foreign); err == nil {
			t.Error("somebody of another application answered")
		}
		who := w.Principal(t, w.begin("app", session.Style{}))
		if _, err := w.oauth.Finish(t.Context(), request, who); err != nil {
			t.Error(err)
		}
		if _, err := w.oauth.Finish(t.Context(), request, who); err == nil {
			t.Error("answered twice")
		}
		target, err := w.oauth.Cancel(t.Context(), w.authorize().header.Get("X-Request-Ticket"))
		if err != nil || !strings.Contains(target, "error=access_denied") {
			t.Errorf("cancelled: %s, %v", target, err)
		}
		// Signing out before the application fetched its tokens counts.
		request = w.authorize().header.Get("X-Request-Ticket")
		target, err = w.oauth.Finish(t.Context(), request, who)
		must(t, err)
		u, err := url.Parse(target)
		must(t, err)
		must(t, w.Sessions.Revoke(t.Context(), who.SessionID, "test"))
		w.bad("after signing out", w.redeem(u.Query().Get("code")), http.StatusBadRequest, "invalid_grant")
		// So does taking the address away while somebody signs in.
		request = w.authorize().header.Get("X-Request-Ticket")
		must(t, w.Pools.SetRedirects(t.Context(), "app", nil, nil))
		if _, err := w.oauth.Finish(t.Context(), request, w.Principal(t, w.begin("app", session.Style{}))); err == nil {
			t.Error("sent to an address that is not registered any more")
		}
	})
}

// OA-10: signing out ends the session of the token shown and leads to a registered page.
func TestEndSession(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		end := func(pairs ...string) answer { return w.do(http.MethodGet, "/oidc/session/end?"+query(pairs...), "") }
		got, bystander := w.exchange("app"), w.exchange("app")
		for what, a := range map[string]answer{
			"another page":        end("id_token_hint", got.str("id_token"), "client_id", "other"),
			"an access token":     end("id_token_hint", got.str("access_token")),
			"a refresh token":     end("id_token_hint", got.str("refresh_token")),
			"a forged token":      end("id_token_hint", got.str("id_token")+"x"),
			"open redirect":       end("client_id", "app", "post_logout_redirect_uri", "https://evil.test/"),
			"the sign-in address": end("client_id", "app", "post_logout_redirect_uri", callback),
			"an unknown client":   end("client_id", "nobody", "post_logout_redirect_uri", "https://app.test/bye"),
		} {
			w.shown(what, a)
		}
		w.good(w.me(got.str("access_token")))
		a := end("id_token_hint", got.str("id_token"), "post_logout_redirect_uri", "https://app.test/bye", "state", "a&b")
		if a.status != http.StatusSeeOther || a.header.Get("Location") != "https://app.test/bye?state=a%26b" {
			t.Errorf("%d %s", a.status, a.header.Get("Location"))
		}
		w.bad("the session", w.me(got.str("access_token")), http.StatusUnauthorized, "invalid_token")
		w.good(w.me(bystander.str("access_token")))
		for what, a := range map[string]answer{
			"no hint":     end(),
			"signed out":  end("id_token_hint", got.str("id_token")),
			"login token": end("id_token_hint", w.login("app")),
		} {
			if a.status != http.StatusOK || !strings.Contains(string(a.raw), "<h1>Signed out</h1>") {
				t.Errorf("%s: %d %s", what, a.status, a.raw)
			}
		}
		w.good(w.me(bystander.str("access_token")))
	})
}

// Browsers of registered origins may call the API, and read its errors.
func TestCORS(t *testing.T) {
	w := newWorld(t, dbtest.Open(t, dbtest.SQLite))
	for _, path := range []string{"/oidc/token", "/oidc/me", "/oidc/p/.well-known/jwks.json", "/oidc/p/.well-known/openid-configuration"} {
		a := w.do(http.MethodOptions, path, "", "Origin", "https://app.test", "Access-Control-Request-Method", "POST",
			"Access-Control-Request-Headers", "authorization,x-authing-app-id")
		if a.status != http.StatusNoContent || a.header.Get("Access-Control-Allow-Origin") != "https://app.test" {
			t.Errorf("%s: %d %v", path, a.status, a.header)
		}
		if a := w.do(http.MethodOptions, path, "", "Origin", "https://evil.test", "Access-Control-Request-Method", "POST"); a.status != http.StatusForbidden {
			t.Errorf("%s: %d %v", path, a.status, a.header)
		}
	}
	a := w.do(http.MethodGet, "/oidc/me", "", "Origin", "https://app.test")
	if a.status != http.StatusUnauthorized || a.header.Get("Access-Control-Allow-Origin") != "https://app.test" {
		t.Errorf("an error: %d %v", a.status, a.header)
	}
}
