package cloudbase_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/testkit"
)

func TestEveryAnswerIsJSON(t *testing.T) {
	s := testkit.Start(t, dbtest.SQLite)
	for _, c := range []struct {
		name, method, path string
		word               string
		status             int
	}{
		{"an unknown path", "GET", "/auth/v1/nothing", "not_found", 404},
		{"a path below a known one", "POST", "/auth/v1/signin/", "not_found", 404},
		{"a doubled slash", "POST", "/auth//v1/signin", "not_found", 404},
		{"a dotted path", "POST", "/auth/v1/x/../signin", "not_found", 404},
		{"a wrong method", "GET", "/auth/v1/signin", "invalid_argument", 405},
		{"a wrong method below a variable", "POST", "/auth/v1/user/provider/x", "invalid_argument", 405},
		{"a provider sign-in", "POST", "/auth/v1/signin/with/provider", "invalid_argument", 400},
		{"a provider of the mini-program", "PATCH", "/auth/v1/provider/token", "permission_denied", 403},
		{"no token", "GET", "/auth/v1/user/me", "unauthenticated", 401},
		{"no grant", "POST", "/auth/v1/token", "invalid_argument", 400},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := s.Do(c.method, c.path, nil)
			if got.Status != c.status || got.String("error") != c.word {
				t.Errorf("answered %d %s, want %d %s", got.Status, got.Raw, c.status, c.word)
			}
			wantRefusal(t, got)
		})
	}
}

func TestEveryUnimplementedEndpointSaysSo(t *testing.T) {
	s := testkit.Start(t, dbtest.SQLite)
	for _, endpoint := range []string{
		"POST /auth/v1/signin/wechat/noauth", "POST /auth/v1/signin/token",
		"POST /auth/v1/token/clientCredential",
		"POST /auth/v1/user/authorize", "POST /auth/v1/qrcode/generate", "POST /auth/v1/qrcode/get/status",
	} {
		method, path, _ := strings.Cut(endpoint, " ")
		if got := s.Do(method, path, nil); got.Status != 501 || got.Body["error_code"] != 12.0 {
			t.Errorf("%s: %d %s", endpoint, got.Status, got.Raw)
		}
	}
}

func TestGrantsOfOtherKindsAreRefusedByName(t *testing.T) {
	s := testkit.Start(t, dbtest.SQLite)
	for _, grant := range []string{"authorization_code", "client_credentials", "implicit"} {
		got := s.Post("/auth/v1/token", map[string]any{"grant_type": grant})
		if got.String("error") != "unsupported_grant_type" {
			t.Errorf("%s: %s", grant, got.Raw)
		}
	}
}

// SE-08: the browser stays signed in when revoke refuses anything.
func TestRevokeNeverRefuses(t *testing.T) {
	testkit.Each(t, func(t *testing.T, s *testkit.Server) {
		w := newWorld(t, s, 1)
		for _, token := range []any{w.access, w.access, "", "nonsense", "a.b.c", nil, 5, map[string]any{"accessToken": w.access}} {
			got := s.Post("/auth/v1/revoke?client_id=dev", map[string]any{"token": token})
			if got.Status != http.StatusOK || len(got.Body) != 0 || got.Body == nil {
				t.Errorf("revoke of %v: %d %s", token, got.Status, got.Raw)
			}
		}
		if got := s.Bearer(w.access, "GET", "/auth/v1/user/me", nil); got.String("error") != "unauthenticated" {
			t.Errorf("a revoked token still works: %s", got.Raw)
		}
		got := s.Post("/auth/v1/token", map[string]any{"grant_type": "refresh_token", "refresh_token": w.refresh})
		if got.String("error") != "invalid_grant" {
			t.Errorf("the refresh token of a revoked session: %s", got.Raw)
		}
		w = newWorld(t, s, 2)
		s.Advance(100 * 24 * time.Hour)
		if got := s.Post("/auth/v1/revoke", map[string]any{"token": w.access}); got.Status != http.StatusOK {
			t.Errorf("an expired token: %d %s", got.Status, got.Raw)
		}
		if got := s.Post("/auth/v1/revoke?client_id="+strings.Repeat("x", 500), map[string]any{"token": w.access}); got.Status != http.StatusOK {
			t.Errorf("an unknown application: %d %s", got.Status, got.Raw)
		}
	})
}

func TestARepeatedRequestIsAnsweredOnce(t *testing.T) {
	testkit.Each(t, func(t *testing.T, s *testkit.Server) {
		w := newWorld(t, s, 1)
		id, digits := w.code(false, "phone_number", w.phone)
		body := map[string]any{"verification_id": id, "verification_code": digits}
		first := s.Do("POST", "/auth/v1/verification/verify", body, "X-Request-Id", w.request)
		again := s.Do("POST", "/auth/v1/verification/verify", body, "X-Request-Id", w.request)
		if first.Status != http.StatusOK || string(first.Raw) != string(again.Raw) {
			t.Errorf("answered %s, then %s", first.Raw, again.Raw)
		}
		fresh := s.Do("POST", "/auth/v1/verification/verify", body, "X-Request-Id", w.device)
		if fresh.String("error") != "invalid_argument" {
			t.Errorf("a spent code works again: %s", fresh.Raw)
		}
	})
}

func TestErrorsSpeakTheCallersLanguage(t *testing.T) {
	s := testkit.Start(t, dbtest.SQLite)
	w := newWorld(t, s, 1)
	wrong := map[string]any{"username": w.username, "password": "not this one"}
	chinese := s.Do("POST", "/auth/v1/signin", wrong, "Accept-Language", "zh-CN")
	english := s.Do("POST", "/auth/v1/signin", wrong, "Accept-Language", "en-US")
	if chinese.String("error_description") != "密码不正确" {
		t.Errorf("in Chinese: %s", chinese.Raw)
	}
	if !strings.Contains(strings.ToLower(english.String("error_description")), "password") {
		t.Errorf("in English: %s", english.Raw)
	}
	if chinese.String("error") != "invalid_password" || chinese.Body["error_code"] != 4101.0 {
		t.Errorf("answered %s", chinese.Raw)
	}
}

func TestPreflightsOfTheClientLibraryPass(t *testing.T) {
	s := testkit.Start(t, dbtest.SQLite)
	for _, headers := range []string{
		"x-device-id,x-request-id,x-sdk-version",
		"authorization,x-device-id,x-request-id,x-sdk-version",
		"authorization,undefined,x-device-id,x-request-id",
	} {
		got := s.Do("OPTIONS", "/auth/v1/user/me", nil, "Origin", "https://app.example.com",
			"Access-Control-Request-Method", "PATCH", "Access-Control-Request-Headers", headers)
		if got.Status >= 300 || got.Header.Get("Access-Control-Allow-Origin") != "https://app.example.com" ||
			got.Header.Get("Access-Control-Allow-Headers") != headers {
			t.Errorf("%s: %d %v", headers, got.Status, got.Header)
		}
	}
	refused := s.Do("GET", "/auth/v1/user/me", nil, "Origin", "https://app.example.com")
	if refused.Header.Get("Access-Control-Allow-Origin") == "" {
		t.Error("an error without CORS headers: the client would send it again")
	}
	s.Do("PUT", "/emulator/v1/settings", map[string]any{"allowedOrigins": []string{"https://app.example.com"}})
	evil := s.Do("POST", "/auth/v1/signin?client_id=dev", map[string]any{}, "Origin", "https://evil.example.com")
	if evil.Status != http.StatusForbidden || evil.String("error") != "permission_denied" {
		t.Errorf("a page of another origin: %d %s", evil.Status, evil.Raw)
	}
}

func TestTheOldCaptchaPageReturnsToTheApp(t *testing.T) {
	testkit.Each(t, func(t *testing.T, s *testkit.Server) {
		s.Do("PUT", "/emulator/v1/settings", map[string]any{"allowedOrigins": []string{"https://app.example.com"}})
		w := &world{t: t, s: s, device: strings.Repeat("0", 32)}
		back := "https://app.example.com/page?__captcha=on#top"
		start := w.post("/auth/v1/captcha/init", map[string]any{"redirect_uri": back, "state": "st"})
		page := s.Do("GET", strings.TrimPrefix(start.String("url"), s.URL), nil)
		policy := page.Header.Get("Content-Security-Policy")
		if page.Status != http.StatusOK || !strings.Contains(policy, "frame-ancestors 'self' https://app.example.com") ||
			!strings.Contains(policy, "script-src 'self'") {
			t.Fatalf("the page: %d %s", page.Status, policy)
		}
		token, key := w.solved()
		done := w.post("/auth/v1/captcha/page/finish", map[string]any{
			"redirect_uri": back, "state": "st", "token": token, "key": key,
		})
		u, err := url.Parse(done.String("redirect_uri"))
		if err != nil {
			t.Fatal(err)
		}
		q := u.Query()
		if q.Get("__captcha") != "on" || q.Get("captcha_token") == "" || q.Get("expires_in") == "" ||
			q.Get("state") != "st" || u.Fragment != "top" || u.Host != "app.example.com" {
			t.Errorf("goes back to %s", u)
		}
		cancelled := w.post("/auth/v1/captcha/page/finish", map[string]any{"redirect_uri": back, "cancel": true})
		if to := cancelled.String("redirect_uri"); !strings.Contains(to, "error=cancelled&error_description=") {
			t.Errorf("cancelling goes back to %s", to)
		}
	})
}

func TestTheCaptchaPageGoesNowhereElse(t *testing.T) {
	s := testkit.Start(t, dbtest.SQLite)
	s.Do("PUT", "/emulator/v1/settings", map[string]any{"allowedOrigins": []string{"https://app.example.com"}})
	for _, to := range []string{
		"https://evil.example.com/", "javascript:alert(1)", "//app.example.com/x", "/x", "",
		"https://app.example.com@evil.example.com/", "http://app.example.com/", "data:text/html,x",
	} {
		init := s.Post("/auth/v1/captcha/init", map[string]any{"redirect_uri": to})
		finish := s.Post("/auth/v1/captcha/page/finish", map[string]any{"redirect_uri": to, "cancel": true})
		page := s.Do("GET", "/auth/v1/captcha/page?redirect_uri="+url.QueryEscape(to), nil)
		for _, got := range []testkit.Answer{init, finish, page} {
			if got.String("error") != "invalid_argument" {
				t.Errorf("%q: %d %s", to, got.Status, got.Raw)
			}
		}
	}
}

// A wrong picture must not be answered with a word that opens a second dialog.
func TestAWrongPictureIsAnInvalidArgument(t *testing.T) {
	s := testkit.Start(t, dbtest.SQLite)
	w := newWorld(t, s, 1)
	token, _ := w.solved()
	for range 8 {
		got := s.Post("/auth/v1/captcha/data/verify", map[string]any{"token": token, "key": "!!!!"})
		if got.String("error") != "invalid_argument" {
			t.Fatalf("answered %s", got.Raw)
		}
	}
}

func TestAWrongSudoTokenKeepsTheSession(t *testing.T) {
	s := testkit.Start(t, dbtest.SQLite)
	w := newWorld(t, s, 1)
	got := s.Bearer(w.access, "PATCH", "/auth/v1/user/password", map[string]any{
		"new_password": newPassword, "sudo_token": "wrong",
	})
	if got.String("error") != "permission_denied" {
		t.Errorf("answered %s", got.Raw)
	}
	w.bearer("GET", "/auth/v1/user/me", nil)
}

func TestAnonymousUsersKeepTheirIDWhenTheySignUp(t *testing.T) {
	testkit.Each(t, func(t *testing.T, s *testkit.Server) {
		w := newWorld(t, s, 1)
		before := w.post("/auth/v1/signin/anonymously", map[string]any{})
		if before.String("scope") != "anonymous" {
			t.Errorf("scope is %q", before.String("scope"))
		}
		me := s.Bearer(before.String("access_token"), "GET", "/auth/v1/user/me", nil)
		if me.String("name") != "anonymous" || me.String("uid") != before.String("sub") {
			t.Errorf("the profile of an anonymous user: %s", me.Raw)
		}
		after := w.post("/auth/v1/signup", map[string]any{
			"phone_number": w.newPhone, "verification_token": w.verified(false, "phone_number", w.newPhone),
			"anonymous_token": map[string]any{"accessToken": before.String("access_token"), "env": "dev"},
		})
		if after.String("sub") != before.String("sub") || after.String("scope") == "anonymous" {
			t.Errorf("before %s, after %s", before.Raw, after.Raw)
		}
		me = s.Bearer(after.String("access_token"), "GET", "/auth/v1/user/me", nil)
		if me.String("phone_number") != w.newPhone {
			t.Errorf("the phone number is shown as %q", me.String("phone_number"))
		}
	})
}

func TestIntrospectionOfABadTokenIsEmpty(t *testing.T) {
	s := testkit.Start(t, dbtest.SQLite)
	w := newWorld(t, s, 1)
	if got := w.bearer("GET", "/auth/v1/token/introspect", nil); got.String("sub") != w.id {
		t.Errorf("answered %s", got.Raw)
	}
	if got := s.Bearer("bad", "GET", "/auth/v1/token/introspect", nil); got.Status != 200 || len(got.Body) != 0 {
		t.Errorf("answered %d %s", got.Status, got.Raw)
	}
}

func TestHistoryIsSplitBySignIns(t *testing.T) {
	s := testkit.Start(t, dbtest.SQLite)
	w := newWorld(t, s, 1)
	signIns := w.bearer("GET", "/auth/v1/user/security/history?query[action]=USER_LOGIN&limit=5", nil)
	others := w.bearer("GET", "/auth/v1/user/security/history?ne_query[action]=USER_LOGIN", nil)
	if !strings.Contains(string(signIns.Raw), `"action":"USER_LOGIN"`) || strings.Contains(string(signIns.Raw), "profile") {
		t.Errorf("sign-ins: %s", signIns.Raw)
	}
	if strings.Contains(string(others.Raw), "USER_LOGIN") || !strings.Contains(string(others.Raw), "profile.update") {
		t.Errorf("others: %s", others.Raw)
	}
}
