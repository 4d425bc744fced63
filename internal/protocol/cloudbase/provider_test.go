package cloudbase_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/testkit"
)

// G1, G2: the whole way over a provider whose answer comes to our callback.
func TestABrowserGoesToAProviderAndBack(t *testing.T) {
	testkit.Each(t, func(t *testing.T, s *testkit.Server) {
		v, b := withVendors(t, s), newVisitor(t, s, 1)
		to := b.begin("corp", "s 1")
		q := to.Query()
		if to.Path != "/authorize" || q.Get("client_id") != "us" || q.Get("scope") != "profile" ||
			q.Get("redirect_uri") != s.URL+"/auth/v1/provider/callback/corp" || q.Get("code_challenge") == "" {
			t.Fatalf("the provider's page is %s", to)
		}
		back := b.arrive("s 1", "alice")
		if !strings.HasPrefix(back.String(), page+"?") || back.Query().Get("state") != "s 1" {
			t.Fatalf("back at %s", back)
		}
		if v.last.Get("code_verifier") == "" || v.last.Get("redirect_uri") != q.Get("redirect_uri") {
			t.Errorf("the code was redeemed with %v", v.last)
		}
		code := back.Query().Get("code")
		granted := b.grant("corp", code)
		profile, _ := granted.Body["provider_profile"].(map[string]any)
		if granted.Status != http.StatusOK || profile["sub"] != "corp-alice" || profile["email"] != "alice@example.com" {
			t.Fatalf("granted %d %s", granted.Status, granted.Raw)
		}
		if expires, _ := granted.Body["expires_in"].(float64); expires < 590 || expires > 600 {
			t.Errorf("for %v seconds", expires)
		}
		session := b.entered(granted.String("provider_token"))
		me := b.bearer(session, "GET", "/auth/v1/user/me", nil)
		if me.String("name") != "alice" || me.String("email") != "alice@example.com" || me.Body["email_verified"] != true {
			t.Errorf("signed in as %s", me.Raw)
		}
		refused(t, "G6: the token again", b.enter(granted.String("provider_token")), "permission_denied")
		refused(t, "the code on another device", newVisitor(t, s, 2).grant("corp", code), "failed_precondition")
		again := b.entered(b.grant("corp", b.arrive("s2", "alice").Query().Get("code")).String("provider_token"))
		if again.String("sub") != session.String("sub") {
			t.Error("the same person became two")
		}
		refused(t, "somebody new who should not be", b.post("/auth/v1/signin/with/provider", map[string]any{
			"provider_token": b.granted("nobody"), "force_disable_sign_up": true,
		}), "not_found")
	})
}

// SO-01: a code goes to the page, provider, app and device it was made for.
func TestCodesOfOursAreBound(t *testing.T) {
	testkit.Each(t, func(t *testing.T, s *testkit.Server) {
		withVendors(t, s)
		b := newVisitor(t, s, 1)
		code := b.arrive("s", "alice").Query().Get("code")
		ask := func(b *visitor, changed ...string) testkit.Answer {
			body := map[string]any{"provider_id": "corp", "provider_redirect_uri": page, "provider_code": code}
			for i := 0; i+1 < len(changed); i += 2 {
				body[changed[i]] = changed[i+1]
			}
			return b.post("/auth/v1/provider/token", body)
		}
		refused(t, "another page", ask(b, "provider_redirect_uri", page+"/other"), "failed_precondition")
		refused(t, "another provider", ask(b, "provider_id", "wx_open"), "failed_precondition")
		refused(t, "another device", ask(newVisitor(t, s, 2)), "failed_precondition")
		refused(t, "a code of the provider itself", ask(b, "provider_code", b.code("mallory")), "failed_precondition")
		refused(t, "no provider", ask(b, "provider_id", "nobody"), "not_found")
		refused(t, "no code", ask(b, "provider_code", ""), "invalid_argument")
		refused(t, "SO-02: a token of the provider", ask(b, "provider_code", "", "provider_access_token", "mallory"), "permission_denied")
		if got := ask(b); got.Status != http.StatusOK {
			t.Errorf("after all that the code is gone: %s", got.Raw)
		}
	})
}

func TestOnlyPagesOfTheAppAreLedBackTo(t *testing.T) {
	s := testkit.Start(t, "sqlite")
	withVendors(t, s)
	b := newVisitor(t, s, 1)
	out := "http://127.0.0.1:3000/bye"
	got := b.uri("provider_id", "wx_open", "redirect_uri", page, "state", "s", "other_params[sign_out_uri]", out, "other_params[foo]", "b r")
	if got.String("signout_uri") != out {
		t.Errorf("answered %s", got.Raw)
	}
	for what, query := range map[string][]string{
		"another site":         {"provider_id", "corp", "redirect_uri", "https://evil.example.com/"},
		"a script":             {"provider_id", "corp", "redirect_uri", "javascript:alert(1)"},
		"another way out":      {"provider_id", "corp", "redirect_uri", page, "other_params[sign_out_uri]", "https://evil.example.com/"},
		"no page":              {"provider_id", "corp"},
		"no provider":          {"redirect_uri", page},
		"a state without end":  {"provider_id", "corp", "redirect_uri", page, "state", strings.Repeat("x", 5000)},
		"a page with userinfo": {"provider_id", "corp", "redirect_uri", "http://127.0.0.1:3000@evil.example.com/"},
	} {
		got := b.uri(query...)
		if got.Status < 400 || got.String("uri") != "" {
			t.Errorf("%s: %d %s", what, got.Status, got.Raw)
		}
	}
	refused(t, "an unknown provider", b.uri("provider_id", "nobody", "redirect_uri", page), "not_found")
}

// A provider that posts its answer does so from its own page.
func TestAnswersMayBePosted(t *testing.T) {
	testkit.Each(t, func(t *testing.T, s *testkit.Server) {
		withVendors(t, s)
		b := newVisitor(t, s, 1)
		for _, origin := range []string{"https://appleid.example.com", "null"} {
			form := url.Values{"state": {b.begin("corp", "s").Query().Get("state")}, "code": {b.code("alice")}}
			got := b.form("/auth/v1/provider/callback/corp", form, "Origin", origin)
			if code := b.location(got, http.StatusSeeOther).Query().Get("code"); b.grant("corp", code).Status != http.StatusOK {
				t.Errorf("posted from %s: no code for the app", origin)
			}
		}
	})
}

func TestWhatGoesWrongOnTheWayIsShown(t *testing.T) {
	testkit.Each(t, func(t *testing.T, s *testkit.Server) {
		withVendors(t, s)
		b := newVisitor(t, s, 1)
		callback := func(provider, state string, more ...string) testkit.Answer {
			q := url.Values{"state": {state}}
			for i := 0; i+1 < len(more); i += 2 {
				q.Set(more[i], more[i+1])
			}
			return b.do("GET", "/auth/v1/provider/callback/"+provider+"?"+q.Encode(), nil, "Accept-Language", "en-US")
		}
		state := b.begin("corp", "s1").Query().Get("state")
		denied := b.location(callback("corp", state, "error", "access_denied"), http.StatusSeeOther).Query()
		if denied.Get("error") != "access_denied" || denied.Get("state") != "s1" || denied.Has("code") {
			t.Errorf("the app hears %v", denied)
		}
		broken := b.location(callback("corp", b.begin("corp", "s2").Query().Get("state"), "code", "nonsense"), http.StatusSeeOther).Query()
		if broken.Get("error") == "" || broken.Get("state") != "s2" || broken.Has("code") {
			t.Errorf("the app hears %v", broken)
		}
		old := b.begin("corp", "s3").Query().Get("state")
		mixed := b.begin("corp", "s4").Query().Get("state")
		s.Advance(11 * time.Minute)
		for what, got := range map[string]testkit.Answer{
			"a state that is over":           callback("corp", old, "code", b.code("alice")),
			"SO-03: of another provider":     callback("wx_open", mixed, "code", b.code("alice")),
			"a state of nobody":              callback("corp", "ps_nobody", "code", b.code("alice")),
			"a state that was used":          callback("corp", state, "code", b.code("alice")),
			"an address of nobody":           b.do("GET", "/auth/v1/provider/start/ps_nobody", nil, "Accept-Language", "en-US"),
			"parameters that stand twice":    b.do("GET", "/auth/v1/provider/callback/corp?state=a&state=b", nil),
			"a form that is none":            b.do("POST", "/auth/v1/provider/callback/corp", map[string]any{"state": "a"}),
			"markup in the provider's name":  callback("%3Cscript%3E", "x", "code", "y"),
			"a state of the other direction": callback("corp", b.code("x"), "code", b.code("alice")),
		} {
			text := string(got.Raw)
			if got.Status < 400 || !strings.HasPrefix(got.Header.Get("Content-Type"), "text/html") ||
				strings.Contains(text, "{") || strings.Contains(text, "<script") || got.Header.Get("Location") != "" {
				t.Errorf("%s: %d %s", what, got.Status, got.Raw)
			}
		}
	})
}

// W1, W6: the vendor leads to the app's page, which brings us the code once.
func TestWeChatOnAWebsite(t *testing.T) {
	testkit.Each(t, func(t *testing.T, s *testkit.Server) {
		withVendors(t, s)
		b := newVisitor(t, s, 1)
		to := b.begin("wx_open", "s&1=#")
		q := to.Query()
		if to.Path != "/connect/qrconnect" || to.Fragment != "wechat_redirect" ||
			q.Get("redirect_uri") != page || q.Get("state") != "s&1=#" {
			t.Errorf("WeChat's page is %s", to)
		}
		code := b.code("alice")
		first, again := b.grant("wx_open", code), b.grant("wx_open", code)
		if first.String("provider_token") == "" || first.String("provider_token") != again.String("provider_token") {
			t.Errorf("one browser heard %s, then %s", first.Raw, again.Raw)
		}
		refused(t, "another browser", newVisitor(t, s, 2).grant("wx_open", code), "failed_precondition")
		refused(t, "the token in another browser", newVisitor(t, s, 2).enter(first.String("provider_token")), "permission_denied")
		profile, _ := first.Body["provider_profile"].(map[string]any)
		meta, _ := profile["meta"].(map[string]any)
		if profile["provider_id"] != "wx_open" || meta["openid"] != "web-alice" || meta["appid"] != "wx0000000000000001" {
			t.Errorf("WeChat's profile is %v", profile)
		}
		sub := b.entered(first.String("provider_token")).String("sub")

		// W2: the same person in the mini-program.
		phone := newVisitor(t, s, 3)
		if got := phone.entered(phone.mini("open_id", "alice").String("provider_token")); got.String("sub") != sub {
			t.Error("the union id did not lead to the same account")
		}
	})
}
