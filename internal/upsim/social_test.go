package upsim_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/tigertally/tigertally/internal/upsim"
)

const (
	githubApp, githubSecret     = "Iv1.sim0000000000001", "sim-github-secret-000000000001"
	qqApp, qqSecret             = "100000001", "sim-qq-secret-0000000000000001"
	weiboApp, weiboSecret       = "1000000001", "sim-weibo-secret-0000000000001"
	dingTalkApp, dingTalkSecret = "dingsim00000000001", "sim-dingtalk-secret-0000000001"
	feishuApp, feishuSecret     = "cli_sim0000000001", "sim-feishu-secret-000000000001"
	alipayApp                   = "2021000000000001"
	appleApp                    = "test.example.signin"
)

func outsideID(t testing.TB, s *upsim.Server, vendor, app, subject string) string {
	t.Helper()
	id, err := s.OutsideID(vendor, app, subject)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func with(c call, name, value string) call {
	c = c.clone()
	if c.header == nil {
		c.header = map[string]string{}
	}
	c.header[name] = value
	return c
}

func githubToken(s *upsim.Server, code string) call {
	return with(postForm(s.Bases().GitHub, "/login/oauth/access_token", url.Values{
		"client_id": {githubApp}, "client_secret": {githubSecret}, "code": {code}, "redirect_uri": {callbackURL},
	}), "Accept", "application/json")
}

func TestGitHubSignsPeopleIn(t *testing.T) {
	s := start(t, vectorTime)
	l := approve(t, s, s.Bases().GitHub+"/login/oauth/authorize?"+query("client_id", githubApp, "redirect_uri", callbackURL, "scope", "user:email", "state", "st"), "carol")
	c := githubToken(s, l.Get("code"))
	delete(c.header, "Accept")
	a := c.do(t)
	form, err := url.ParseQuery(a.body)
	if err != nil || form.Get("access_token") == "" || !strings.HasPrefix(a.header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		t.Fatalf("without Accept: %s", a.body)
	}
	token := form.Get("access_token")
	user := with(get(s.Bases().GitHub, "/user"), "Authorization", "Bearer "+token)
	if a := user.do(t); strconv.Itoa(a.number("id")) != outsideID(t, s, "github", githubApp, "carol") || a.at("email") != nil {
		t.Errorf("user: %s", a.body)
	}
	if a := with(user, "User-Agent", "").do(t); a.status != http.StatusForbidden {
		t.Errorf("without User-Agent: %d", a.status)
	}
	user.path = "/user/emails"
	if a := user.do(t); !strings.Contains(a.body, `"email":"carol@example.test","primary":true,"verified":false`) {
		t.Errorf("emails: %s", a.body)
	}
	if a := with(user, "Authorization", "Bearer "+token+"0").do(t); a.status != http.StatusUnauthorized {
		t.Errorf("bad token: %d", a.status)
	}
}

func TestGitHubRefusesMutants(t *testing.T) {
	s := start(t, vectorTime)
	mutants(t, s, githubToken(s, "SIM-GH-alice-1"), "ok", oauthCode, []mutant{
		{name: "secret", change: replaced(githubSecret, flip(githubSecret)), want: "incorrect_client_credentials"},
		{name: "client", change: replaced(githubApp, "nobody"), want: "incorrect_client_credentials"},
		{name: "no secret", change: replaced("client_secret", "x"), want: "incorrect_client_credentials"},
		{name: "code of another kind", change: replaced("SIM-GH", "SIM-QQ"), want: "bad_verification_code"},
		{name: "malformed code", change: replaced("SIM-GH-alice-1", "SIM"), want: "bad_verification_code"},
		{name: "verifier", change: func(c *call) { c.body += "&code_verifier=short" }, want: "bad_verification_code"},
		{name: "expired", change: replaced("alice-1", "alice-1-EXP"), want: "bad_verification_code"},
		{name: "replay", change: func(*call) {}, twice: true, want: "bad_verification_code"},
		{name: "GET", change: func(c *call) { c.method, c.query, c.body = http.MethodGet, c.body, "" }, want: ""},
	})
}

func qqToken(s *upsim.Server, code string, more ...string) call {
	return get(s.Bases().QQ, "/oauth2.0/token", append([]string{
		"grant_type", "authorization_code", "client_id", qqApp, "client_secret", qqSecret, "code", code, "redirect_uri", callbackURL,
	}, more...)...)
}

// qqCode is the error of an answer, in any of QQ's forms.
func qqCode(a answer) string {
	text := strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(a.body), "callback( "), " );")
	var o map[string]any
	if json.Unmarshal([]byte(text), &o) == nil {
		if n, ok := o["error"].(float64); ok {
			return strconv.Itoa(int(n))
		}
	}
	if strings.Contains(a.body, "access_token") {
		return "ok"
	}
	return a.body
}

func TestQQSpeaksCallbacksUnlessJSONIsAskedFor(t *testing.T) {
	s := start(t, vectorTime)
	l := approve(t, s, s.Bases().QQ+"/oauth2.0/authorize?"+query("client_id", qqApp, "redirect_uri", callbackURL, "response_type", "code", "state", "st"), "alice")
	a := qqToken(s, l.Get("code"), "fmt", "json").do(t)
	token := a.text("access_token")
	if token == "" || a.at("expires_in") != "7776000" {
		t.Fatal(a.body)
	}
	openID := outsideID(t, s, "qq", qqApp, "alice")
	me := get(s.Bases().QQ, "/oauth2.0/me", "access_token", token, "unionid", "1").do(t)
	if want := `callback( {"client_id":"` + qqApp + `","openid":"` + openID + `","unionid":"UID_`; !strings.HasPrefix(me.body, want) || !strings.HasSuffix(me.body, " );\n") {
		t.Errorf("me: %s", me.body)
	}
	if a := get(s.Bases().QQ, "/oauth2.0/me", "access_token", token, "fmt", "json").do(t); a.text("openid") != openID || a.at("unionid") != nil {
		t.Errorf("me: %s", a.body)
	}
	info := get(s.Bases().QQ, "/user/get_user_info", "access_token", token, "oauth_consumer_key", qqApp, "openid", openID)
	if a := info.do(t); a.number("ret") != 0 || a.text("nickname") != "Alice" {
		t.Errorf("user info: %s", a.body)
	}
	info.query = strings.Replace(info.query, openID, flip(openID), 1)
	if a := info.do(t); a.number("ret") != -22 {
		t.Errorf("other openid: %s", a.body)
	}
	if a := qqToken(s, "SIM-QQ-bob-1").do(t); !strings.HasPrefix(a.body, "access_token=SIMUT-qq-bob-") {
		t.Errorf("form: %s", a.body)
	}
	foreign, err := s.MintToken(upsim.NewToken{Upstream: "qq", Client: "another-app", Subject: "alice"})
	if err != nil {
		t.Fatal(err)
	}
	if a := get(s.Bases().QQ, "/oauth2.0/me", "access_token", foreign, "fmt", "json").do(t); a.text("client_id") != "another-app" {
		t.Errorf("a token of another app: %s", a.body)
	}
}

func TestQQRefusesMutants(t *testing.T) {
	s := start(t, vectorTime)
	q := func(from, to string) func(*call) {
		return func(c *call) { c.query = strings.Replace(c.query, from, to, 1) }
	}
	for _, format := range []string{"", "json"} {
		mutants(t, s, qqToken(s, "SIM-QQ-alice-1", "fmt", format), "ok", qqCode, []mutant{
			{name: "secret", change: q(qqSecret, flip(qqSecret)), want: "100009"},
			{name: "no secret", change: q("client_secret", "x"), want: "100002"},
			{name: "client", change: q("client_id="+qqApp, "client_id=1"), want: "100008"},
			{name: "grant type", change: q("authorization_code", "x"), want: "100004"},
			{name: "no code", change: q("&code=", "&x="), want: "100005"},
			{name: "code of another kind", change: q("SIM-QQ", "SIM-WB"), want: "100019"},
			{name: "no redirect", change: q("redirect_uri", "x"), want: "100010"},
			{name: "replay", change: func(*call) {}, twice: true, want: "100020"},
		})
	}
}

func weiboToken(s *upsim.Server, code string) call {
	return postForm(s.Bases().Weibo, "/oauth2/access_token", url.Values{
		"client_id": {weiboApp}, "client_secret": {weiboSecret}, "grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {callbackURL},
	})
}

func TestWeiboTellsWhoseTokenItIs(t *testing.T) {
	s := start(t, vectorTime)
	l := approve(t, s, s.Bases().Weibo+"/oauth2/authorize?"+query("client_id", weiboApp, "redirect_uri", callbackURL), "alice")
	a := weiboToken(s, l.Get("code")).do(t)
	uid := outsideID(t, s, "weibo", weiboApp, "alice")
	if a.text("uid") != uid {
		t.Fatal(a.body)
	}
	if b := get(s.Bases().Weibo, "/2/users/show.json", "uid", uid, "access_token", a.text("access_token")).do(t); b.text("idstr") != uid || b.text("name") != "Alice" {
		t.Errorf("show: %s", b.body)
	}
	foreign, err := s.MintToken(upsim.NewToken{Upstream: "weibo", Client: "2000000002", Subject: "alice"})
	if err != nil {
		t.Fatal(err)
	}
	for token, key := range map[string]string{a.text("access_token"): weiboApp, foreign: "2000000002"} {
		if b := postForm(s.Bases().Weibo, "/oauth2/get_token_info", url.Values{"access_token": {token}}).do(t); b.text("appkey") != key || strconv.Itoa(b.number("uid")) != uid {
			t.Errorf("token info: %s", b.body)
		}
	}
}

func TestWeiboRefusesMutants(t *testing.T) {
	s := start(t, vectorTime)
	code := func(a answer) string {
		if a.text("access_token") != "" {
			return "ok"
		}
		return strconv.Itoa(a.number("error_code"))
	}
	mutants(t, s, weiboToken(s, "SIM-WB-alice-1"), "ok", code, []mutant{
		{name: "secret", change: replaced(weiboSecret, flip(weiboSecret)), want: "21324"},
		{name: "client", change: replaced("client_id="+weiboApp, "client_id=1"), want: "21324"},
		{name: "grant type", change: replaced("authorization_code", "x"), want: "21323"},
		{name: "GET", change: func(c *call) { c.method, c.query, c.body = http.MethodGet, c.body, "" }, want: "21323"},
		{name: "no redirect", change: replaced("redirect_uri", "x"), want: "21322"},
		{name: "code of another kind", change: replaced("SIM-WB", "SIM-QQ"), want: "21325"},
		{name: "expired", change: replaced("alice-1", "alice-1-EXP"), want: "21325"},
		{name: "replay", change: func(*call) {}, twice: true, want: "21325"},
	})
}

func dingTalkToken(t testing.TB, s *upsim.Server, code string) call {
	t.Helper()
	return postJSON(t, s.Bases().DingTalk, "/v1.0/oauth2/userAccessToken", map[string]string{
		"clientId": dingTalkApp, "clientSecret": dingTalkSecret, "code": code, "grantType": "authorization_code",
	})
}

func TestDingTalkSignsPeopleIn(t *testing.T) {
	s := start(t, vectorTime)
	address := s.Bases().DingTalk + "/oauth2/auth?" + query("client_id", dingTalkApp, "redirect_uri", callbackURL, "response_type", "code", "scope", "openid corpid",
		"prompt", "consent", "state", "st")
	l := approve(t, s, address, "alice", "VISITOR")
	a := dingTalkToken(t, s, l.Get("authCode")).do(t)
	if l.Get("code") != l.Get("authCode") || a.number("expireIn") != 7200 || a.text("corpId") == "" {
		t.Fatalf("%+v %s", l, a.body)
	}
	me := with(get(s.Bases().DingTalk, "/v1.0/contact/users/me"), "x-acs-dingtalk-access-token", a.text("accessToken"))
	if b := me.do(t); b.text("unionId") != outsideID(t, s, "dingtalk", dingTalkApp, "alice") || b.at("visitor") != true || b.text("mobile") != "13800000001" {
		t.Errorf("me: %s", b.body)
	}
	if b := with(me, "x-acs-dingtalk-access-token", "x").do(t); b.status != http.StatusUnauthorized || b.text("code") != "InvalidAuthentication" {
		t.Errorf("bad token: %s", b.body)
	}
}

func TestDingTalkRefusesMutants(t *testing.T) {
	s := start(t, vectorTime)
	code := func(a answer) string {
		if a.text("accessToken") != "" {
			return "ok"
		}
		return a.text("code")
	}
	mutants(t, s, dingTalkToken(t, s, "SIM-DT-alice-1"), "ok", code, []mutant{
		{name: "secret", change: replaced(dingTalkSecret, flip(dingTalkSecret)), want: "invalidClientIdOrSecret"},
		{name: "client", change: replaced(dingTalkApp, "nobody"), want: "invalidClientIdOrSecret"},
		{name: "snake case", change: replaced("clientSecret", "client_secret"), want: "invalidClientIdOrSecret"},
		{name: "grant type", change: replaced("authorization_code", "x"), want: "invalidParameter.grantType"},
		{name: "a form", change: func(c *call) { c.body = "clientId=" + dingTalkApp }, want: "invalidParameter"},
		{name: "code of another kind", change: replaced("SIM-DT", "SIM-FS"), want: "invalidParameter.authCode.notFound"},
		{name: "expired", change: replaced("alice-1", "alice-1-EXP"), want: "invalidParameter.authCode.notFound"},
		{name: "replay", change: func(*call) {}, twice: true, want: "invalidParameter.authCode.notFound"},
	})
	stamp := strconv.FormatInt(vectorTime.UnixMilli(), 10)
	signature := base64.StdEncoding.EncodeToString(hmac256([]byte(dingTalkSecret), stamp))
	for sig, want := range map[string]int{signature: 0, strings.ToUpper(signature): 853004, "": 853004, signature[1:]: 853004} {
		c := postJSON(t, s.Bases().DingTalk, "/sns/getuserinfo_bycode", map[string]string{"tmp_auth_code": "SIM-DT-alice-2"})
		c.query = query("accessKey", dingTalkApp, "timestamp", stamp, "signature", sig)
		if a := c.do(t); a.number("errcode") != want {
			t.Errorf("%s: %s", sig, a.body)
		}
	}
}

func feishuToken(t testing.TB, s *upsim.Server, path, code, verifier string) call {
	t.Helper()
	in := map[string]string{
		"grant_type": "authorization_code", "client_id": feishuApp, "client_secret": feishuSecret, "code": code, "redirect_uri": callbackURL,
	}
	if verifier != "" {
		in["code_verifier"] = verifier
	}
	return postJSON(t, s.Bases().Feishu, path, in)
}

const (
	feishuV2 = "/open-apis/authen/v2/oauth/token"
	feishuV3 = "/oauth/v3/token"
)

func TestFeishuVersion3ChecksPKCEAndVersion2DoesNot(t *testing.T) {
	s := start(t, vectorTime)
	for _, c := range []struct{ name, challenge, verifier, v2, v3 string }{
		{"right", sampleHash, sampleVerifier, "ok", "ok"},
		{"wrong", sampleHash, flip(sampleVerifier), "ok", "invalid_grant"},
		{"missing", sampleHash, "", "ok", "invalid_grant"},
		{"unexpected", "", sampleVerifier, "ok", "invalid_grant"},
		{"neither", "", "", "ok", "ok"},
	} {
		pairs := []string{"client_id", feishuApp, "redirect_uri", callbackURL, "state", "st"}
		if c.challenge != "" {
			pairs = append(pairs, "code_challenge", c.challenge, "code_challenge_method", "S256")
		}
		for path, want := range map[string]string{feishuV2: c.v2, feishuV3: c.v3} {
			l := approve(t, s, s.Bases().Feishu+"/open-apis/authen/v1/authorize?"+query(pairs...), "alice")
			a := feishuToken(t, s, path, l.Get("code"), c.verifier).do(t)
			if got := oauthCode(a); got != want {
				t.Errorf("%s at %s: %s", c.name, path, a.body)
			}
			if _, numbered := a.json["code"]; numbered != (path == feishuV2) {
				t.Errorf("%s at %s: %s", c.name, path, a.body)
			}
			if want != "ok" {
				continue
			}
			info := with(get(s.Bases().Feishu, "/open-apis/authen/v1/user_info"), "Authorization", "Bearer "+a.text("access_token")).do(t)
			if info.text("data", "union_id") != outsideID(t, s, "feishu", feishuApp, "alice") || info.number("code") != 0 {
				t.Errorf("user info: %s", info.body)
			}
		}
	}
}

func TestFeishuRefusesMutants(t *testing.T) {
	s := start(t, vectorTime)
	code := func(a answer) string { return strconv.Itoa(a.number("code")) }
	mutants(t, s, feishuToken(t, s, feishuV2, "SIM-FS-alice-1", ""), "0", code, []mutant{
		{name: "secret", change: replaced(feishuSecret, flip(feishuSecret)), want: "20002"},
		{name: "client", change: replaced(feishuApp, "nobody"), want: "20048"},
		{name: "grant type", change: replaced("authorization_code", "x"), want: "20036"},
		{name: "not JSON", change: replaced("{", "["), want: "20063"},
		{name: "code of another kind", change: replaced("SIM-FS", "SIM-DT"), want: "20003"},
		{name: "expired", change: replaced("alice-1", "alice-1-EXP"), want: "20004"},
		{name: "not allowed", change: replaced("alice-1", "alice-1-NOTALLOWED"), want: "20010"},
		{name: "replay", change: func(*call) {}, twice: true, want: "20065"},
	})
}
