package upsim_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/upsim"
)

const (
	webApp, miniApp, accountApp = "wx0000000000000001", "wx0000000000000002", "wx0000000000000003"
	secretPrefix                = "simwechatsecret0000000000000000"
)

func wechatSecret(app string) string { return secretPrefix + app[len(app)-1:] }

func errcode(a answer) string { return strconv.Itoa(a.number("errcode")) }

// exchange asks for the tokens of a code.
func exchange(s *upsim.Server, app, code string, pairs ...string) call {
	return get(s.Bases().WeChatAPI, "/sns/oauth2/access_token", append([]string{
		"appid", app, "secret", wechatSecret(app), "code", code, "grant_type", "authorization_code",
	}, pairs...)...)
}

func session(s *upsim.Server, code string, pairs ...string) call {
	return get(s.Bases().WeChatAPI, "/sns/jscode2session", append([]string{
		"appid", miniApp, "secret", wechatSecret(miniApp), "js_code", code, "grant_type", "authorization_code",
	}, pairs...)...)
}

func stable(t testing.TB, s *upsim.Server, force bool) answer {
	t.Helper()
	return postJSON(t, s.Bases().WeChatAPI, "/cgi-bin/stable_token", map[string]any{
		"grant_type": "client_credential", "appid": miniApp, "secret": wechatSecret(miniApp), "force_refresh": force,
	}).do(t)
}

func phone(t testing.TB, s *upsim.Server, token string, body map[string]string) answer {
	t.Helper()
	c := postJSON(t, s.Bases().WeChatAPI, "/wxa/business/getuserphonenumber", body)
	c.query = "access_token=" + url.QueryEscape(token)
	return c.do(t)
}

// S1 and S4: the ids are those of the vector, in every simulator.
func TestIdentitiesAreTheSameInEveryRun(t *testing.T) {
	var in, want map[string]string
	vectors(t, "sim.wechat.ids")[0].read(t, &in, &want)
	for range 2 {
		s := start(t, vectorTime)
		web := exchange(s, webApp, "SIM-WO-alice-1").do(t)
		mini := session(s, "SIM-WX-alice-1").do(t)
		for name, got := range map[string]string{
			"openid_web": web.text("openid"), "unionid": web.text("unionid"), "openid_mini": mini.text("openid"),
			"session_key": mini.text("session_key"),
		} {
			if got != want[name] {
				t.Errorf("%s: got %s, want %s", name, got, want[name])
			}
		}
		if mini.text("unionid") != want["unionid"] {
			t.Errorf("the unionids differ: %s", mini.body)
		}
		if u := s.User("dave"); u.Phone != "13827566062" { // 138 and sha256("dave") modulo 10^8
			t.Errorf("%+v", u)
		}
	}
}

func TestWeChatExchangesInTheVendorsOrder(t *testing.T) {
	s := start(t, vectorTime)
	for _, c := range []struct {
		name string
		call call
		want string
	}{
		{"POST", func() call { c := exchange(s, webApp, "SIM-WO-a-1"); c.method = http.MethodPost; return c }(), "43001"},
		{"no appid", exchange(s, webApp, "SIM-WO-a-1", "appid", ""), "41002"},
		{"no secret", exchange(s, webApp, "SIM-WO-a-1", "secret", ""), "41004"},
		{"no code", exchange(s, webApp, ""), "41008"},
		{"unknown app", exchange(s, webApp, "SIM-WO-a-1", "appid", "wx0000000000000009"), "40013"},
		{"wrong secret", exchange(s, webApp, "SIM-WO-a-1", "secret", "x"), "40125"},
		{"a mini-program", exchange(s, miniApp, "SIM-WO-a-1"), "40013"},
		{"another grant", exchange(s, webApp, "SIM-WO-a-1", "grant_type", "x"), "40002"},
		{"no code of ours", exchange(s, webApp, "nonsense"), "40029"},
		{"the code of a mini-program", exchange(s, webApp, "SIM-WX-a-1"), "40029"},
		{"the code of an official account", exchange(s, webApp, "SIM-WM-a-1"), "40029"},
		{"expired", exchange(s, webApp, "SIM-WO-a-1-EXP"), "40029"},
		{"used by flag", exchange(s, webApp, "SIM-WO-a-1-USED"), "40163"},
		{"good", exchange(s, webApp, "SIM-WO-a-1"), "0"},
		{"used", exchange(s, webApp, "SIM-WO-a-1"), "40163"},
		{"too often", exchange(s, webApp, "SIM-WO-a-2-RATE"), "45011"},
		{"busy", exchange(s, webApp, "SIM-WO-a-3-BUSY"), "-1"},
	} {
		a := c.call.do(t)
		if errcode(a) != c.want || a.status != http.StatusOK || !strings.HasPrefix(a.header.Get("Content-Type"), "text/plain") {
			t.Errorf("%s: want %s: %d %s", c.name, c.want, a.status, a.body)
		}
		if rid := regexp.MustCompile(`, rid: [0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}$`); c.want != "0" && !rid.MatchString(a.text("errmsg")) {
			t.Errorf("%s: no rid: %s", c.name, a.body)
		}
	}
}

func TestWeChatTellsWhatTheScopeAllows(t *testing.T) {
	s := start(t, vectorTime)
	for _, c := range []struct {
		app, code, scope string
		union            bool
		info             string
	}{
		{webApp, "SIM-WO-alice-1", "snsapi_login", true, "0"},
		{accountApp, "SIM-WM-alice-1", "snsapi_userinfo", true, "0"},
		{accountApp, "SIM-WM-alice-2-BASE", "snsapi_base", false, "48001"},
		{webApp, "SIM-WO-alice-3-NOUNION", "snsapi_login", false, "0"},
	} {
		a := exchange(s, c.app, c.code).do(t)
		if a.text("scope") != c.scope || (a.text("unionid") != "") != c.union || a.number("expires_in") != 7200 {
			t.Errorf("%s: %s", c.code, a.body)
		}
		info := get(s.Bases().WeChatAPI, "/sns/userinfo", "access_token", a.text("access_token"), "openid", a.text("openid")).do(t)
		if errcode(info) != c.info {
			t.Errorf("%s: %s", c.code, info.body)
		}
		if c.info == "0" && (info.text("nickname") != "Alice" || (info.text("unionid") != "") != c.union) {
			t.Errorf("%s: %s", c.code, info.body)
		}
	}
	if a := exchange(s, accountApp, "SIM-WM-alice-9-SNAP").do(t); a.number("is_snapshotuser") != 1 {
		t.Error(a.body)
	}
}

func TestWeChatUserTokensAreBoundAndExpire(t *testing.T) {
	s := start(t, vectorTime)
	tokens := exchange(s, webApp, "SIM-WO-alice-1").do(t)
	bob := exchange(s, webApp, "SIM-WO-bob-1").do(t)
	check := func(token, openID string) string {
		return errcode(get(s.Bases().WeChatAPI, "/sns/auth", "access_token", token, "openid", openID).do(t))
	}
	if got := check(tokens.text("access_token"), tokens.text("openid")); got != "0" {
		t.Error(got)
	}
	if got := check(tokens.text("access_token"), bob.text("openid")); got != "40003" {
		t.Error(got)
	}
	if got := check("x", tokens.text("openid")); got != "40001" {
		t.Error(got)
	}
	s.Advance(2 * time.Hour)
	if got := check(tokens.text("access_token"), tokens.text("openid")); got != "42001" {
		t.Error(got)
	}
	renew := get(s.Bases().WeChatAPI, "/sns/oauth2/refresh_token", "appid", webApp, "grant_type", "refresh_token",
		"refresh_token", tokens.text("refresh_token"))
	fresh := renew.do(t)
	if got := check(fresh.text("access_token"), fresh.text("openid")); got != "0" {
		t.Error(got, fresh.body)
	}
	s.Advance(30 * 24 * time.Hour)
	if got := errcode(renew.do(t)); got != "42002" {
		t.Error(got)
	}
}

func TestMiniProgramSessions(t *testing.T) {
	s := start(t, vectorTime)
	post := session(s, "SIM-WX-alice-1")
	post.method = http.MethodPost
	for _, c := range []struct {
		name string
		call call
		want string
	}{
		{"POST", post, "41002"},
		{"a website's app", session(s, "SIM-WX-alice-1", "appid", webApp, "secret", wechatSecret(webApp)), "40013"},
		{"a phone code", session(s, "SIM-WP-alice-1"), "40029"},
		{"good", session(s, "SIM-WX-alice-1"), "0"},
		{"used", session(s, "SIM-WX-alice-1"), "40163"},
		{"risk", session(s, "SIM-WX-alice-2-RISK"), "40226"},
		{"no code", session(s, ""), "41008"},
	} {
		if a := c.call.do(t); errcode(a) != c.want {
			t.Errorf("%s: want %s: %s", c.name, c.want, a.body)
		}
	}
	if err := s.PutUser(upsim.User{Subject: "mallory", Phone: "13800000009", Risk: true}); err != nil {
		t.Fatal(err)
	}
	if a := session(s, "SIM-WX-mallory-1").do(t); errcode(a) != "40226" {
		t.Error(a.body)
	}
	for n := range 101 {
		a := session(s, "SIM-WX-bob-"+strconv.Itoa(n)).do(t)
		if want := map[bool]string{true: "0", false: "45011"}[n < 100]; errcode(a) != want {
			t.Fatalf("login %d: want %s: %s", n, want, a.body)
		}
	}
}

func TestStableTokensOverlapAndForcedOnesDoNot(t *testing.T) {
	s := start(t, vectorTime)
	works := func(token string) string { return errcode(phone(t, s, token, map[string]string{"code": "x"})) }
	first := stable(t, s, false)
	if again := stable(t, s, false); again.text("access_token") != first.text("access_token") || again.number("expires_in") != 7200 {
		t.Error(again.body)
	}
	s.Advance(2*time.Hour - 5*time.Minute)
	second := stable(t, s, false)
	if second.text("access_token") == first.text("access_token") {
		t.Error("the last five minutes have no new token")
	}
	if got := works(first.text("access_token")); got != "40029" {
		t.Errorf("the old token is dead too early: %s", got)
	}
	s.Advance(5 * time.Minute)
	if got := works(first.text("access_token")); got != "42001" {
		t.Errorf("the old token: %s", got)
	}
	forced := stable(t, s, true)
	if got := works(second.text("access_token")); got != "40001" {
		t.Errorf("the token before the forced one: %s", got)
	}
	if got := works(forced.text("access_token")); got != "40029" {
		t.Errorf("the forced one: %s", got)
	}
	if a := stable(t, s, true); errcode(a) != "45009" {
		t.Errorf("forced again at once: %s", a.body)
	}
	legacy := get(s.Bases().WeChatAPI, "/cgi-bin/token", "grant_type", "client_credential", "appid", miniApp, "secret", wechatSecret(miniApp))
	one, two := legacy.do(t).text("access_token"), legacy.do(t).text("access_token")
	if one == two || works(one) != "40029" || works(two) != "40029" || works(forced.text("access_token")) != "40029" {
		t.Error("the older kind of token must be new each time and leave the others alone")
	}
	s.Advance(5 * time.Minute)
	if works(one) != "42001" || works(two) != "40029" {
		t.Error("the one before lives five minutes")
	}
}

func TestAppTokensAreForListedAddresses(t *testing.T) {
	s := start(t, vectorTime)
	allow := func(ranges ...string) {
		s.Edit(func(a *upsim.Accounts) {
			app := a.WeChat[miniApp]
			app.IPAllow = ranges
			a.WeChat[miniApp] = app
		})
	}
	allow("10.0.0.0/8")
	if a := stable(t, s, false); errcode(a) != "40164" || !strings.Contains(a.text("errmsg"), "127.0.0.1") {
		t.Error(a.body)
	}
	allow("127.0.0.0/8")
	if a := stable(t, s, false); errcode(a) != "0" {
		t.Error(a.body)
	}
}

func TestPhoneCodes(t *testing.T) {
	s := start(t, vectorTime)
	token := stable(t, s, false).text("access_token")
	for _, c := range []struct{ name, code, openid, want, contains string }{
		{"good", "SIM-WP-alice-1", upsim.OpenID(miniApp, "alice"), "0", `"purePhoneNumber":"13800000001"`},
		{"used", "SIM-WP-alice-1", "", "40029", ""},
		{"a login code", "SIM-WX-alice-1", "", "40029", ""},
		{"of somebody else", "SIM-WP-alice-2", upsim.OpenID(miniApp, "bob"), "40003", ""},
		{"not burnt by that", "SIM-WP-alice-2", "", "0", ""},
		{"country as a number", "SIM-WP-alice-3-CCNUM", "", "0", `"countryCode":86,`},
		{"country as text", "SIM-WP-alice-4-CCSTR", "", "0", `"countryCode":"86"`},
		{"abroad", "SIM-WP-alice-5-INTL", "", "0", `"phoneNumber":"+85251234567"`},
		{"another app's watermark", "SIM-WP-alice-6-BADMARK", "", "0", `"appid":"wx0000000000000009"`},
		{"an old watermark", "SIM-WP-alice-7-OLDMARK", "", "0", `"timestamp":1699996400`},
		{"nobody's number", "SIM-WP-nophone-1", "", "40029", ""},
		{"no code", "", "", "40029", ""},
	} {
		body := map[string]string{"code": c.code}
		if c.openid != "" {
			body["openid"] = c.openid
		}
		if a := phone(t, s, token, body); errcode(a) != c.want || !strings.Contains(a.body, c.contains) {
			t.Errorf("%s: want %s %s: %s", c.name, c.want, c.contains, a.body)
		}
	}
	if a := session(s, "SIM-WX-alice-1").do(t); errcode(a) != "0" {
		t.Errorf("the login code was burnt: %s", a.body)
	}
	if a := phone(t, s, "", nil); errcode(a) != "41001" {
		t.Error(a.body)
	}
	if a := phone(t, s, "x", nil); errcode(a) != "40001" {
		t.Error(a.body)
	}
}

func TestSessionKeysAreChecked(t *testing.T) {
	s := start(t, vectorTime)
	token := stable(t, s, false).text("access_token")
	login := session(s, "SIM-WX-alice-1").do(t)
	check := func(signature string) string {
		return errcode(get(s.Bases().WeChatAPI, "/wxa/checksession", "access_token", token, "openid", login.text("openid"),
			"signature", signature, "sig_method", "hmac_sha256").do(t))
	}
	good := hexOf(hmac256([]byte(login.text("session_key")), ""))
	for signature, want := range map[string]string{good: "0", strings.ToUpper(good): "87009", good[1:]: "87009", flip(good): "87009", "": "87009"} {
		if got := check(signature); got != want {
			t.Errorf("%s: got %s, want %s", signature, got, want)
		}
	}
}
