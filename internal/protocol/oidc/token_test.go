package oidc_test

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/session"
)

func (w *world) introspected(what, token string, active bool) {
	w.t.Helper()
	a := w.good(w.form("/oidc/token/introspection", "client_id", "app", "token", token, "token_type_hint", "access_token"))
	if a.body["active"] != active {
		w.t.Errorf("%s: %s", what, a.raw)
	}
	if !active && len(a.body) != 1 {
		w.t.Errorf("%s: says more than that it is not active: %s", what, a.raw)
	}
}

// O3: the four ways clients show an access token.
func TestUserInfo(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		got := w.exchange("app")
		token := got.str("access_token")
		first := w.good(w.me(token))
		if first.str("sub") != w.user.ID || first.body["email_verified"] != true || first.body["phone_number_verified"] != true {
			t.Errorf("claims %s", first.raw)
		}
		for what, a := range map[string]answer{
			"query":       w.do(http.MethodGet, "/oidc/me?access_token="+token, ""),
			"post":        w.do(http.MethodPost, "/oidc/me", "", "Authorization", "Bearer "+token),
			"form":        w.form("/oidc/me", "access_token", token),
			"both alike":  w.do(http.MethodGet, "/oidc/me?access_token="+token, "", "Authorization", "Bearer "+token),
			"lower case":  w.do(http.MethodGet, "/oidc/me", "", "Authorization", "bearer "+token),
			"post, query": w.do(http.MethodPost, "/oidc/me?access_token="+token, ""),
		} {
			if diff := cmp.Diff(first.body, w.good(a).body); diff != "" {
				t.Errorf("%s: -first +this\n%s", what, diff)
			}
		}
		w.bad("two tokens", w.do(http.MethodGet, "/oidc/me?access_token="+token, "", "Authorization", "Bearer x"),
			http.StatusBadRequest, "invalid_request")
		w.bad("twice", w.do(http.MethodGet, "/oidc/me?access_token="+token+"&access_token="+token, ""),
			http.StatusBadRequest, "invalid_request")
		refused := w.do(http.MethodGet, "/oidc/me", "")
		w.bad("none", refused, http.StatusUnauthorized, "invalid_token")
		if got := refused.header.Get("WWW-Authenticate"); !strings.HasPrefix(got, "Bearer ") {
			t.Errorf("WWW-Authenticate %q", got)
		}
	})
}

// SE-01, JW-01, JW-04: only our own access tokens, of this sort, count.
func TestUserInfoTakesAccessTokensOnly(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		got := w.exchange("app")
		parts := strings.Split(got.str("access_token"), ".")
		_, claims := claimsOf(t, got.str("access_token"))
		encode := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
		head, err := base64.RawURLEncoding.DecodeString(parts[0])
		must(t, err)
		payload, err := base64.RawURLEncoding.DecodeString(parts[1])
		must(t, err)
		sid, _ := claims["sid"].(string)
		for what, token := range map[string]string{
			"an ID token":       got.str("id_token"),
			"a login token":     w.login("app"),
			"a refresh token":   got.str("refresh_token"),
			"alg none":          encode(strings.Replace(string(head), "ES256", "none", 1)) + "." + parts[1] + ".",
			"alg HS256":         encode(strings.Replace(string(head), "ES256", "HS256", 1)) + "." + parts[1] + "." + parts[2],
			"alg RS256":         encode(strings.Replace(string(head), "ES256", "RS256", 1)) + "." + parts[1] + "." + parts[2],
			"another pool":      parts[0] + "." + encode(strings.ReplaceAll(string(payload), `"project_id":"p"`, `"project_id":"q"`)) + "." + parts[2],
			"another session":   parts[0] + "." + encode(strings.ReplaceAll(string(payload), sid, w.begin("app", session.Style{}).SessionID)) + "." + parts[2],
			"an ID token's typ": strings.Split(got.str("id_token"), ".")[0] + "." + parts[1] + "." + parts[2],
			"no signature":      parts[0] + "." + parts[1] + ".",
		} {
			w.bad(what, w.me(token), http.StatusUnauthorized, "invalid_token")
		}
		w.bad("without openid", w.me(w.begin("app", session.Style{}).Access), http.StatusForbidden, "insufficient_scope")
		w.good(w.me(got.str("access_token")))
	})
}

// O6, OA-06, SE-07: a revoked token is dead at once, everywhere.
func TestRevocation(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		for _, what := range []string{"access_token", "refresh_token"} {
			got := w.exchange("app")
			bystander := w.exchange("app")
			w.introspected("access token", got.str("access_token"), true)
			w.introspected("refresh token", got.str("refresh_token"), true)
			w.bad("by another application", w.form("/oidc/token/revocation", "client_id", "other", "token", got.str(what)),
				http.StatusBadRequest, "invalid_grant")
			w.bad("by another pool", w.form("/oidc/token/revocation", "client_id", "q", "token", got.str("access_token")),
				http.StatusBadRequest, "invalid_grant")
			w.good(w.me(got.str("access_token")))
			w.good(w.form("/oidc/token/revocation", "client_id", "app", "token", got.str(what), "token_type_hint", what))
			w.introspected("access token", got.str("access_token"), false)
			w.introspected("refresh token", got.str("refresh_token"), false)
			w.bad("userinfo", w.me(got.str("access_token")), http.StatusUnauthorized, "invalid_token")
			w.bad("refresh", w.refresh("app", got.str("refresh_token")), http.StatusBadRequest, "invalid_grant")
			w.good(w.form("/oidc/token/revocation", "client_id", "app", "token", got.str(what)))
			w.introspected("another session", bystander.str("access_token"), true)
		}
		for _, token := range []string{"garbage", "a.b", "a.b.c", "r.AAAA"} {
			w.good(w.form("/oidc/token/revocation", "client_id", "app", "token", token))
			w.introspected(token, token, false)
		}
		w.bad("no token", w.form("/oidc/token/revocation", "client_id", "app"), http.StatusBadRequest, "invalid_request")
	})
}

// OA-06: an introspection says nothing about what is not the client's.
func TestIntrospectionIsForTheOwner(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		got, foreign := w.exchange("app"), w.exchange("other")
		a := w.good(w.form("/oidc/token/introspection", "client_id", "app", "token", got.str("access_token")))
		if a.str("sub") != w.user.ID || a.str("client_id") != "app" || a.str("iss") != issuer || a.str("jti") == "" ||
			a.str("scope") != everyone || a.str("token_type") != "Bearer" || a.body["exp"] == nil || a.body["iat"] == nil {
			t.Errorf("introspection %s", a.raw)
		}
		for what, token := range map[string]string{
			"another application's": foreign.str("access_token"), "its refresh token": foreign.str("refresh_token"),
			"an ID token": got.str("id_token"), "a login token": w.login("app"),
		} {
			w.introspected(what, token, false)
		}
		old := got.str("refresh_token")
		w.good(w.refresh("app", old))
		w.introspected("a used refresh token", old, false)
		w.bad("nobody", w.form("/oidc/token/introspection", "token", got.str("access_token")), http.StatusUnauthorized, "invalid_client")
	})
}

// SE-08: a revocation that cannot be written down did not happen, and says so.
func TestFailedRevocationSaysSo(t *testing.T) {
	d := dbtest.Open(t, dbtest.SQLite)
	w := newWorld(t, d)
	got := w.exchange("app")
	_, err := d.Exec(t.Context(), `CREATE TRIGGER broken BEFORE UPDATE ON sessions BEGIN SELECT RAISE(ABORT, 'broken'); END`)
	must(t, err)
	for _, what := range []string{"access_token", "refresh_token"} {
		w.bad(what, w.form("/oidc/token/revocation", "client_id", "app", "token", got.str(what)),
			http.StatusServiceUnavailable, "temporarily_unavailable")
	}
	_, err = d.Exec(t.Context(), `DROP TRIGGER broken`)
	must(t, err)
	w.good(w.me(got.str("access_token")))
}

// OA-05: how an application shows who it is.
func TestClientAuthentication(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		basic := func(id, secret string) []string {
			return []string{"Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte(id+":"+secret))}
		}
		machine := query("grant_type", "client_credentials")
		w.good(w.do(http.MethodPost, "/oidc/token", machine, basic("server", w.secret)...))
		w.good(w.do(http.MethodPost, "/oidc/token", machine+"&client_id=server", basic("server", w.secret)...))
		w.good(w.form("/oidc/token", "grant_type", "client_credentials", "client_id", "server", "client_secret", w.secret))

		wrong := w.do(http.MethodPost, "/oidc/token", machine, basic("server", w.secret+"x")...)
		w.bad("wrong by Basic", wrong, http.StatusUnauthorized, "invalid_client")
		if got := wrong.header.Get("WWW-Authenticate"); !strings.HasPrefix(got, "Basic ") {
			t.Errorf("WWW-Authenticate %q", got)
		}
		posted := w.form("/oidc/token", "grant_type", "client_credentials", "client_id", "server", "client_secret", "wrong")
		w.bad("wrong by form", posted, http.StatusUnauthorized, "invalid_client")
		if got := posted.header.Get("WWW-Authenticate"); got != "" {
			t.Errorf("WWW-Authenticate %q opens a window in browsers", got)
		}
		w.bad("none", w.form("/oidc/token", "grant_type", "client_credentials", "client_id", "server"),
			http.StatusUnauthorized, "invalid_client")
		w.bad("two at once", w.do(http.MethodPost, "/oidc/token", machine+"&client_secret="+w.secret, basic("server", w.secret)...),
			http.StatusBadRequest, "invalid_request")
		w.bad("two names", w.do(http.MethodPost, "/oidc/token", machine+"&client_id=app", basic("server", w.secret)...),
			http.StatusUnauthorized, "invalid_client")
		w.bad("unknown", w.form("/oidc/token", "grant_type", "client_credentials", "client_id", "nobody"),
			http.StatusUnauthorized, "invalid_client")
		w.bad("unnamed", w.form("/oidc/token", "grant_type", "client_credentials"), http.StatusUnauthorized, "invalid_client")
		w.bad("a code without the secret", w.redeem(w.code("client_id", "server"), "client_id", "server"),
			http.StatusUnauthorized, "invalid_client")

		next, err := w.Pools.NewClientSecret(t.Context(), "server")
		must(t, err)
		for _, secret := range []string{w.secret, next} {
			w.good(w.do(http.MethodPost, "/oidc/token", machine, basic("server", secret)...))
		}
		_, err = w.Pools.NewClientSecret(t.Context(), "server")
		must(t, err)
		w.bad("the one before the last", w.do(http.MethodPost, "/oidc/token", machine, basic("server", w.secret)...),
			http.StatusUnauthorized, "invalid_client")
	})
}

func TestMalformedTokenRequests(t *testing.T) {
	w := newWorld(t, dbtest.Open(t, dbtest.SQLite))
	for what, body := range map[string]string{
		"no grant":       "client_id=app",
		"grant twice":    "client_id=app&grant_type=refresh_token&grant_type=refresh_token",
		"client twice":   "client_id=app&client_id=other&grant_type=refresh_token",
		"bad escape":     "client_id=app&grant_type=%zz",
		"semicolon":      "client_id=app;grant_type=refresh_token",
		"unknown twice":  "client_id=app&grant_type=refresh_token&x=1&x=2",
		"only in query?": "client_id=app",
	} {
		w.bad(what, w.do(http.MethodPost, "/oidc/token?grant_type=refresh_token", body), http.StatusBadRequest, "invalid_request")
	}
	// OA-04: there are no other grants.
	for _, grant := range []string{"password", "implicit", "urn:ietf:params:oauth:grant-type:jwt-bearer"} {
		w.bad(grant, w.form("/oidc/token", "grant_type", grant, "client_id", "app", "username", "lion", "password", "x"),
			http.StatusBadRequest, "unsupported_grant_type")
	}
	w.bad("scope that is no text", w.form("/oidc/token", "grant_type", "http://authing.cn/oidc/grant_type/authing_token",
		"client_id", "app", "token", w.login("app"), "scope", "openid\x00"), http.StatusBadRequest, "invalid_scope")
	w.bad("too much", w.do(http.MethodPost, "/oidc/token", "client_id="+strings.Repeat("a", 70<<10)),
		http.StatusRequestEntityTooLarge, "invalid_request")
	w.bad("wrong method", w.do(http.MethodGet, "/oidc/token", ""), http.StatusMethodNotAllowed, "invalid_request")
	w.bad("wrong path", w.do(http.MethodGet, "/oidc/tokens", ""), http.StatusNotFound, "invalid_request")
	w.bad("unclean path", w.do(http.MethodGet, "/oidc//me", ""), http.StatusNotFound, "invalid_request")

	// iOS leaves the spaces of a scope as they are.
	spaced := "client_id=app&grant_type=http://authing.cn/oidc/grant_type/authing_token&scope=openid profile&token=" + w.login("app")
	if a := w.good(w.do(http.MethodPost, "/oidc/token", spaced)); a.str("scope") != "openid profile" {
		t.Errorf("scope of a form with spaces: %s", a.raw)
	}
}
