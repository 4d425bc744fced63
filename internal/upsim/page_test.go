package upsim_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/tigertally/tigertally/internal/upsim"
)

func qr(s *upsim.Server, pairs ...string) call {
	return get(s.Bases().WeChatOpen, "/connect/qrconnect", append([]string{
		"appid", webApp, "redirect_uri", "http://localhost:1234/back?x=1", "response_type", "code", "scope", "snsapi_login", "state", "a b&c",
	}, pairs...)...)
}

// nodes returns the elements of a page by name.
func nodes(t *testing.T, page, name string) []*html.Node {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	var found []*html.Node
	var walk func(*html.Node)
	walk = func(n *html.Node) {
		if n.Type == html.ElementNode && n.Data == name {
			found = append(found, n)
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c)
		}
	}
	walk(root)
	return found
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func TestThePageHasAButtonForEverybody(t *testing.T) {
	s := start(t, vectorTime)
	if err := s.PutUser(upsim.User{Subject: "eve", Nickname: `<script>alert(1)</script>"`}); err != nil {
		t.Fatal(err)
	}
	for lang, want := range map[string]string{"zh-CN,zh;q=0.9": "zh-CN", "en": "en", "": "en"} {
		c := qr(s)
		c.header = map[string]string{"Accept-Language": lang}
		a := c.do(t)
		if got := attr(nodes(t, a.body, "html")[0], "lang"); got != want || a.status != http.StatusOK {
			t.Errorf("%s: %s", lang, got)
		}
		var people []string
		for _, b := range nodes(t, a.body, "button") {
			if attr(b, "name") == "sim_user" {
				people = append(people, attr(b, "value"))
			}
		}
		if got := strings.Join(people, " "); got != "alice bob carol mvno nophone eve" {
			t.Error(got)
		}
		if len(nodes(t, a.body, "script")) != 0 || strings.Contains(a.body, "{{") {
			t.Errorf("%s: %s", lang, a.body)
		}
		if !strings.Contains(a.header.Get("Content-Security-Policy"), "default-src 'none'") {
			t.Error("the page is not guarded")
		}
	}
	if a := get(strings.TrimSuffix(s.Bases().Control, "/_sim"), "/_page/style.css").do(t); a.status != http.StatusOK || len(a.body) < 100 {
		t.Errorf("style: %d", a.status)
	}
}

func TestTheButtonLeadsBackWithACode(t *testing.T) {
	s := start(t, vectorTime)
	follow := func(c call) *url.URL {
		a := c.do(t)
		to, err := url.Parse(a.header.Get("Location"))
		if err != nil || a.status != http.StatusFound {
			t.Fatalf("%d %v %s", a.status, err, a.body)
		}
		return to
	}
	to := follow(qr(s, "sim_user", "alice", "sim_flags", "NOUNION"))
	q := to.Query()
	if to.Host != "localhost:1234" || q.Get("x") != "1" || q.Get("state") != "a b&c" {
		t.Errorf("leads to %s", to)
	}
	if a := exchange(s, accountApp, q.Get("code")).do(t); errcode(a) != "40029" {
		t.Errorf("another app may use the code: %s", a.body)
	}
	a := exchange(s, webApp, q.Get("code")).do(t)
	if a.text("openid") != upsim.OpenID(webApp, "alice") || a.text("unionid") != "" {
		t.Error(a.body)
	}
	refused := follow(qr(s, "sim_refuse", "1"))
	if refused.Query().Has("code") || refused.Query().Get("state") != "a b&c" {
		t.Errorf("a refusal leads to %s", refused)
	}
	late := follow(qr(s, "sim_user", "alice"))
	s.Advance(10*time.Minute + time.Second)
	if a := exchange(s, webApp, late.Query().Get("code")).do(t); errcode(a) != "40029" || lastVerdict(t, s) != "bad_code" {
		t.Errorf("after ten minutes: %s", a.body)
	}
	base := follow(get(s.Bases().WeChatOpen, "/connect/oauth2/authorize", "appid", accountApp, "redirect_uri", "http://127.0.0.1/",
		"response_type", "code", "scope", "snsapi_base", "sim_user", "bob"))
	if a := exchange(s, accountApp, base.Query().Get("code")).do(t); a.text("scope") != "snsapi_base" || a.text("unionid") != "" {
		t.Error(a.body)
	}
}

func TestAWrongLinkLeadsNowhere(t *testing.T) {
	s := start(t, vectorTime)
	for _, c := range []struct{ name, field, value, want string }{
		{"unknown app", "appid", "wx0000000000000009", "10016"},
		{"an official account", "appid", accountApp, "10016"},
		{"no app", "appid", "", "10012"},
		{"no address", "redirect_uri", "", "10011"},
		{"another host", "redirect_uri", "http://evil.example/", "10003"},
		{"a host that ends like ours", "redirect_uri", "http://evil-localhost/", "10003"},
		{"a user name in the address", "redirect_uri", "http://localhost@evil.example/", "10003"},
		{"another scheme", "redirect_uri", "javascript://localhost/%0aalert(1)", "10003"},
		{"no scope", "scope", "", "10010"},
		{"another scope", "scope", "snsapi_userinfo", "10005"},
		{"another response", "response_type", "token", "10005"},
	} {
		a := qr(s, "sim_user", "alice", c.field, c.value).do(t)
		if a.status != http.StatusBadRequest || a.header.Get("Location") != "" || !strings.Contains(a.body, c.want) {
			t.Errorf("%s: want %s: %d %s", c.name, c.want, a.status, a.body)
		}
	}
}

func TestWeComSignsMembersIn(t *testing.T) {
	s := start(t, vectorTime)
	const corp = "wwsim0000000000001"
	token := get(s.Bases().WeComAPI, "/cgi-bin/gettoken", "corpid", corp, "corpsecret", "simwecomsecret000000000000000001").do(t).text("access_token")
	page := get(s.Bases().WeComLogin, "/wwlogin/sso/login", "login_type", "CorpApp", "appid", corp, "agentid", "1000001",
		"redirect_uri", "http://localhost/", "state", "s", "sim_user", "alice").do(t)
	to, err := url.Parse(page.header.Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	info := func(path, code string) answer {
		return get(s.Bases().WeComAPI, path, "access_token", token, "code", code).do(t)
	}
	member := info("/cgi-bin/auth/getuserinfo", to.Query().Get("code"))
	if member.text("userid") != "alice" {
		t.Error(member.body)
	}
	c := postJSON(t, s.Bases().WeComAPI, "/cgi-bin/auth/getuserdetail", map[string]string{"user_ticket": member.text("user_ticket")})
	c.query = "access_token=" + token
	if a := c.do(t); a.text("mobile") != "13800000001" {
		t.Error(a.body)
	}
	if a := info("/cgi-bin/user/getuserinfo", "SIM-WC-bob-1"); a.text("UserId") != "bob" {
		t.Error(a.body)
	}
	if a := info("/cgi-bin/user/getuserinfo", "SIM-WC-guest-1-EXT"); a.text("OpenId") == "" || a.text("external_userid") == "" {
		t.Error(a.body)
	}
	if a := info("/cgi-bin/auth/getuserinfo", "SIM-WC-bob-1"); errcode(a) != "40029" {
		t.Errorf("used: %s", a.body)
	}
	for name, c := range map[string]struct {
		call call
		want string
	}{
		"wrong secret": {get(s.Bases().WeComAPI, "/cgi-bin/gettoken", "corpid", corp, "corpsecret", "x"), "40001"},
		"wrong token":  {get(s.Bases().WeComAPI, "/cgi-bin/user/get", "access_token", "x", "userid", "alice"), "40014"},
		"another host": {get(s.Bases().WeComLogin, "/wwlogin/sso/login", "login_type", "CorpApp", "appid", corp, "agentid", "1000001", "redirect_uri", "http://evil.example/"), "50001"},
	} {
		if a := c.call.do(t); errcode(a) != c.want && !strings.Contains(a.body, c.want) {
			t.Errorf("%s: %s", name, a.body)
		}
	}
	s.Advance(2 * time.Hour)
	if a := info("/cgi-bin/auth/getuserinfo", "SIM-WC-bob-2"); errcode(a) != "42001" {
		t.Error(a.body)
	}
}
