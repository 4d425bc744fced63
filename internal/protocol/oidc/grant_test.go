package oidc_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/session"
)

// O1: what every mobile app does after signing in.
func TestLoginTokenBuysTokens(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		a := w.exchange("app")
		if a.str("token_type") != "Bearer" || a.body["expires_in"] != 1209600.0 || a.str("scope") != everyone ||
			a.str("refresh_token") == "" || a.header.Get("Cache-Control") != "no-store" {
			t.Errorf("answer %s %v", a.raw, a.header)
		}
		head, access := claimsOf(t, a.str("access_token"))
		if head["typ"] != "at+jwt" || head["alg"] != "ES256" || access["jti"] == "" || access["jti"] == nil ||
			access["aud"] != "app" || access["iss"] != issuer || access["sub"] != w.user.ID {
			t.Errorf("access token %v %v", head, access)
		}

		// The ID token, by a library of somebody else's, with the published keys.
		var set jose.JSONWebKeySet
		must(t, json.Unmarshal(w.good(w.do(http.MethodGet, "/oidc/p/.well-known/jwks.json", "")).raw, &set))
		parsed, err := jose.ParseSignedCompact(a.str("id_token"), []jose.SignatureAlgorithm{jose.RS256})
		must(t, err)
		keys := set.Key(parsed.Signatures[0].Protected.KeyID)
		if len(keys) != 1 {
			t.Fatalf("%d keys of that name", len(keys))
		}
		raw, err := parsed.Verify(keys[0])
		must(t, err)
		var id map[string]any
		must(t, json.Unmarshal(raw, &id))
		now := w.Now().Unix()
		for name, near := range map[string]int64{"iat": now, "auth_time": now, "exp": now + 1209600} {
			if at, ok := id[name].(float64); !ok || int64(at) > near || int64(at) < near-30 {
				t.Errorf("%s is %v, want about %d", name, id[name], near)
			}
			delete(id, name)
		}
		for _, name := range []string{"jti", "sid", "updated_at"} {
			if id[name] == nil {
				t.Errorf("no %s", name)
			}
			delete(id, name)
		}
		want := map[string]any{
			"iss": issuer, "sub": w.user.ID, "aud": "app", "amr": []any{"pwd"}, "project_id": "p", "token_use": "id",
			"at_hash": atHash(a.str("access_token")), "email": "lion@example.com", "email_verified": true,
			"phone_number": "+8613800000001", "phone_number_verified": true, "username": "lion", "roles": []any{},
			"extended_fields": map[string]any{},
		}
		if name, ok := id["name"]; ok {
			want["name"] = name
		}
		if diff := cmp.Diff(want, id); diff != "" {
			t.Errorf("ID token -want +got\n%s", diff)
		}
	})
}

func TestScopeDecidesWhatThereIs(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		for _, test := range []struct {
			asked, scope string
			id, refresh  bool
		}{
			{"", "openid", true, false},
			{"openid", "openid", true, false},
			{"openid offline_access", "openid offline_access", true, true},
			{"profile", "profile", false, false},
			{"openid made_up openid", "openid", true, false},
		} {
			a := w.good(w.form("/oidc/token", "grant_type", "http://authing.cn/oidc/grant_type/authing_token",
				"client_id", "app", "token", w.login("app"), "scope", test.asked))
			if a.str("scope") != test.scope || (a.body["id_token"] != nil) != test.id || (a.body["refresh_token"] != nil) != test.refresh {
				t.Errorf("%q: %s", test.asked, a.raw)
			}
		}
		me := w.me(w.good(w.form("/oidc/token", "grant_type", "http://authing.cn/oidc/grant_type/authing_token",
			"client_id", "app", "token", w.login("app"), "scope", "openid")).str("access_token"))
		if diff := cmp.Diff(map[string]any{"sub": w.user.ID}, me.body); diff != "" {
			t.Errorf("claims of openid alone -want +got\n%s", diff)
		}
	})
}

// O2: a login token counts for its own application only, and while its session lives.
// SE-01: no other token passes for one.
func TestOtherTokensBuyNothing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		got := w.exchange("app")
		ended := w.login("app")
		p, err := w.Sessions.VerifyLogin(t.Context(), ended)
		must(t, err)
		must(t, w.Sessions.Revoke(t.Context(), p.SessionID, "test"))
		for what, token := range map[string]string{
			"garbage":                         "garbage",
			"nothing":                         "",
			"a login token of another app":    w.login("other"),
			"an access token":                 got.str("access_token"),
			"an access token of ours":         w.begin("app", session.Style{}).Access,
			"an ID token":                     got.str("id_token"),
			"a refresh token":                 got.str("refresh_token"),
			"a login token after signing out": ended,
		} {
			w.bad(what, w.form("/oidc/token", "grant_type", "http://authing.cn/oidc/grant_type/authing_token",
				"client_id", "app", "token", token, "scope", everyone), http.StatusBadRequest, "invalid_grant")
		}
		w.bad("a client of another pool", w.form("/oidc/token", "grant_type", "http://authing.cn/oidc/grant_type/authing_token",
			"client_id", "q", "token", w.login("app"), "scope", everyone), http.StatusBadRequest, "invalid_grant")
		token := w.login("app")
		w.Advance(15 * 24 * time.Hour)
		w.bad("a login token too late", w.form("/oidc/token", "grant_type", "http://authing.cn/oidc/grant_type/authing_token",
			"client_id", "app", "token", token), http.StatusBadRequest, "invalid_grant")
	})
}

// O4: a refresh token works once. SE-03: used again, it ends the session.
func TestRefreshTokenWorksOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		first := w.exchange("app")
		w.Advance(time.Minute)
		second := w.good(w.refresh("app", first.str("refresh_token")))
		if second.str("refresh_token") == first.str("refresh_token") || second.str("id_token") == "" ||
			second.body["expires_in"] != 1209600.0 || second.str("scope") != everyone {
			t.Errorf("second answer %s", second.raw)
		}
		_, before := claimsOf(t, first.str("id_token"))
		_, after := claimsOf(t, second.str("id_token"))
		if before["auth_time"] != after["auth_time"] || before["sub"] != after["sub"] || before["iat"] == after["iat"] {
			t.Errorf("ID token %v, then %v", before, after)
		}
		w.good(w.me(second.str("access_token")))
		w.bad("another client", w.refresh("other", second.str("refresh_token")), http.StatusBadRequest, "invalid_grant")
		narrow := w.good(w.form("/oidc/token", "grant_type", "http://authing.cn/oidc/grant_type/authing_token",
			"client_id", "app", "token", w.login("app"), "scope", "openid offline_access"))
		w.bad("another scope", w.form("/oidc/token", "grant_type", "refresh_token", "client_id", "app",
			"refresh_token", narrow.str("refresh_token"), "scope", "openid email"), http.StatusBadRequest, "invalid_scope")
		w.good(w.me(second.str("access_token")))

		w.bad("used again", w.refresh("app", first.str("refresh_token")), http.StatusBadRequest, "invalid_grant")
		w.bad("the newest after that", w.refresh("app", second.str("refresh_token")), http.StatusBadRequest, "invalid_grant")
		w.bad("the access token after that", w.me(second.str("access_token")), http.StatusUnauthorized, "invalid_token")
		for _, bad := range []string{"", "r.", "garbage", first.str("access_token")} {
			w.bad("nonsense", w.refresh("app", bad), http.StatusBadRequest, "invalid_grant")
		}
	})
}

// SE-04: an application may ask for a grace, in which a lost answer is given again,
// until its successor was used.
func TestRefreshGraceIsTheApplicationsChoice(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		must(t, w.Pools.UpdateApp(t.Context(), "app", func(a *pool.AppSettings) { a.RefreshGrace = 30 }))
		first := w.exchange("app")
		second := w.good(w.refresh("app", first.str("refresh_token")))
		again := w.good(w.refresh("app", first.str("refresh_token")))
		if again.str("refresh_token") != second.str("refresh_token") {
			t.Error("another successor")
		}
		w.good(w.refresh("app", second.str("refresh_token")))
		w.bad("after its successor was used", w.refresh("app", first.str("refresh_token")), http.StatusBadRequest, "invalid_grant")

		first = w.exchange("app")
		w.good(w.refresh("app", first.str("refresh_token")))
		w.Advance(31 * time.Second)
		w.bad("after the grace", w.refresh("app", first.str("refresh_token")), http.StatusBadRequest, "invalid_grant")
	})
}

// SE-02: a session ends at last, however often its login token is exchanged on the way.
func TestAnExchangeDoesNotBeginAnew(t *testing.T) {
	const day = 24 * time.Hour
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d, func(s *pool.Settings) { s.RefreshIdle, s.RefreshLife = 20*day, 20*day })
		login := w.login("app")
		w.Advance(13 * day)
		got := w.good(w.form("/oidc/token", "grant_type", "http://authing.cn/oidc/grant_type/authing_token",
			"client_id", "app", "token", login, "scope", everyone))
		if left, ok := got.body["expires_in"].(float64); !ok || left > (7*day).Seconds() {
			t.Errorf("expires_in %v", got.body["expires_in"])
		}
		w.Advance(8 * day)
		w.bad("after the end of the first", w.refresh("app", got.str("refresh_token")), http.StatusBadRequest, "invalid_grant")
	})
}

// OA-05, SE-04: the refresh tokens of here are worth nothing where no secret is asked for,
// no function runs and used ones are forgiven, nor the other way round.
func TestRefreshTokensStayAtTheirEndpoint(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		got := w.good(w.form("/oidc/token", "grant_type", "http://authing.cn/oidc/grant_type/authing_token",
			"client_id", "server", "client_secret", w.secret, "token", w.login("server"), "scope", everyone))
		if _, err := w.Sessions.Rotate(t.Context(), w.Client.Pool, "server", got.str("refresh_token")); errs.CodeOf(err) != errs.RefreshInvalid {
			t.Errorf("refreshed without the secret: %v", err)
		}
		w.good(w.form("/oidc/token", "grant_type", "refresh_token", "client_id", "server", "client_secret", w.secret,
			"refresh_token", got.str("refresh_token")))
		other := w.begin("app", session.Style{})
		w.bad("a refresh token of another protocol", w.refresh("app", other.Refresh), http.StatusBadRequest, "invalid_grant")
		w.introspected("a refresh token of another protocol", other.Refresh, false)
	})
}

// SE-05: a refresh reads the account again.
func TestBlockedPersonGetsNothing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		got, login, code := w.exchange("app"), w.login("app"), w.code()
		_, err := d.Exec(t.Context(), `UPDATE users SET status = 'blocked' WHERE id = $1`, w.user.ID)
		must(t, err)
		w.bad("refresh", w.refresh("app", got.str("refresh_token")), http.StatusBadRequest, "invalid_grant")
		w.bad("userinfo", w.me(got.str("access_token")), http.StatusUnauthorized, "invalid_token")
		w.bad("code", w.redeem(code), http.StatusBadRequest, "invalid_grant")
		w.bad("login token", w.form("/oidc/token", "grant_type", "http://authing.cn/oidc/grant_type/authing_token",
			"client_id", "app", "token", login), http.StatusBadRequest, "invalid_grant")
		w.introspected("access token", got.str("access_token"), false)
	})
}

// O5, OA-02: a code works once, for whom and where it was made.
func TestCodeWorksOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		code := w.code()
		for what, change := range map[string][]string{
			"a wrong verifier":        {"code_verifier", verifier + "x"},
			"no verifier":             {"code_verifier", ""},
			"the challenge itself":    {"code_verifier", challenge},
			"another address":         {"redirect_uri", "http://127.0.0.1/cb"},
			"another form of address": {"redirect_uri", callback + "&"},
			"no address":              {"redirect_uri", ""},
			"another application":     {"client_id", "other"},
			"another pool":            {"client_id", "q"},
			"another code":            {"code", "ac_" + verifier},
			"no code":                 {"code", ""},
			"a request for a code":    {"code", w.authorize().header.Get("X-Request-Ticket")},
		} {
			w.bad(what, w.redeem(code, change...), http.StatusBadRequest, "invalid_grant")
		}
		got := w.good(w.redeem(code))
		_, id := claimsOf(t, got.str("id_token"))
		if id["nonce"] != "n-0S6" || got.body["expires_in"] != 7200.0 || got.str("refresh_token") == "" {
			t.Errorf("answer %s, ID token %v", got.raw, id)
		}
		w.good(w.me(got.str("access_token")))
		sessions, err := w.Sessions.List(t.Context(), w.user.ID)
		if err != nil || len(sessions) != 1 {
			t.Errorf("%d sessions are left of one sign-in, %v", len(sessions), err)
		}
		w.bad("another application shows the used code", w.redeem(code, "client_id", "other"), http.StatusBadRequest, "invalid_grant")
		w.good(w.me(got.str("access_token")))
		w.bad("twice", w.redeem(code), http.StatusBadRequest, "invalid_grant")
		w.bad("what it bought", w.me(got.str("access_token")), http.StatusUnauthorized, "invalid_token")
		w.bad("what it bought", w.refresh("app", got.str("refresh_token")), http.StatusBadRequest, "invalid_grant")

		late := w.code()
		w.Advance(61 * time.Second)
		w.bad("a minute later", w.redeem(late), http.StatusBadRequest, "invalid_grant")
	})
}

// OA-02: of many at once one wins at most, and then all know that the code leaked.
func TestRacingCodesHaveOneWinner(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		code := w.code()
		var mu sync.Mutex
		won := []string{}
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() {
				if a := w.redeem(code); a.status == http.StatusOK {
					mu.Lock()
					defer mu.Unlock()
					won = append(won, a.str("access_token"))
				}
			})
		}
		all.Wait()
		if len(won) != 1 {
			t.Fatalf("%d winners", len(won))
		}
		w.bad("the winner's token", w.me(won[0]), http.StatusUnauthorized, "invalid_token")
	})
}

// OA-05: a machine's token is nobody's session.
func TestMachinesAreNobody(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		got := w.good(w.form("/oidc/token", "grant_type", "client_credentials", "client_id", "server",
			"client_secret", w.secret, "scope", "openid offline_access"))
		if got.body["id_token"] != nil || got.body["refresh_token"] != nil || got.str("scope") != "" {
			t.Errorf("answer %s", got.raw)
		}
		token := got.str("access_token")
		if _, c := claimsOf(t, token); c["sub"] != "server" || c["client_id"] != "server" || c["jti"] == nil {
			t.Errorf("claims %v", c)
		}
		w.bad("userinfo", w.me(token), http.StatusUnauthorized, "invalid_token")
		a := w.good(w.form("/oidc/token/introspection", "client_id", "server", "client_secret", w.secret, "token", token))
		if a.body["active"] != true || a.str("sub") != "server" {
			t.Errorf("introspection %s", a.raw)
		}
		w.introspected("by another application", token, false)
		w.bad("revoked", w.form("/oidc/token/revocation", "client_id", "server", "client_secret", w.secret, "token", token),
			http.StatusBadRequest, "unsupported_token_type")
		w.Advance(3 * time.Hour)
		a = w.good(w.form("/oidc/token/introspection", "client_id", "server", "client_secret", w.secret, "token", token))
		if a.body["active"] != false {
			t.Errorf("introspection of an expired token: %s", a.raw)
		}
		w.bad("without a secret to have", w.form("/oidc/token", "grant_type", "client_credentials", "client_id", "app"),
			http.StatusBadRequest, "unsupported_grant_type")
	})
}

// Whoever may ask without limit fills the database: each page and each exchange is a row.
func TestRowsAreLimited(t *testing.T) {
	w := newWorld(t, dbtest.Open(t, dbtest.SQLite), func(s *pool.Settings) { s.Limits = true })
	token := w.login("app")
	var last answer
	for range 31 {
		last = w.form("/oidc/token", "grant_type", "http://authing.cn/oidc/grant_type/authing_token", "client_id", "app", "token", token)
	}
	w.bad("one login token", last, http.StatusTooManyRequests, "temporarily_unavailable")
	if last.header.Get("Retry-After") == "" {
		t.Error("does not say how long to wait")
	}
	w.exchange("app")
	for range 121 {
		last = w.authorize()
	}
	if !strings.Contains(last.header.Get("Location"), "error=temporarily_unavailable") {
		t.Errorf("one address: %d %v", last.status, last.header)
	}
}
