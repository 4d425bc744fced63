package provider_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/provider"
)

// WeChat's page wants the parameters in this order, and the fragment.
func TestWeChatPages(t *testing.T) {
	keys := map[string]string{"appid": wxApp, "secret": wxSecret}
	company := map[string]string{"corpid": "ww1", "agentid": "1000002", "secret": "s"}
	const back = "&redirect_uri=https%3A%2F%2Fapp.example.com%2Fcb%3Fa%3Db"
	for _, tt := range []struct {
		name, kind string
		set        map[string]string
		scope      string
		want       string
	}{
		{"website", "wechat_open", keys, "", "https://open.weixin.qq.com/connect/qrconnect?appid=" + wxApp + back + "&response_type=code&scope=snsapi_login&state=st_1#wechat_redirect"},
		{"website, another scope", "wechat_open", keys, "snsapi_base", "https://open.weixin.qq.com/connect/qrconnect?appid=" + wxApp + back + "&response_type=code&scope=snsapi_login&state=st_1#wechat_redirect"},
		{"official account", "wechat_mp", keys, "", "https://open.weixin.qq.com/connect/oauth2/authorize?appid=" + wxApp + back + "&response_type=code&scope=snsapi_userinfo&state=st_1#wechat_redirect"},
		{"official account, silent", "wechat_mp", keys, "snsapi_base", "https://open.weixin.qq.com/connect/oauth2/authorize?appid=" + wxApp + back + "&response_type=code&scope=snsapi_base&state=st_1#wechat_redirect"},
		{"official account, a scope with a fragment", "wechat_mp", keys, "snsapi_base&x=y#", "https://open.weixin.qq.com/connect/oauth2/authorize?appid=" + wxApp + back + "&response_type=code&scope=snsapi_userinfo&state=st_1#wechat_redirect"},
		{"company", "wecom", company, "", "https://login.work.weixin.qq.com/wwlogin/sso/login?login_type=CorpApp&appid=ww1&agentid=1000002" + back + "&state=st_1"},
		{"company, inside the app", "wecom", company, "snsapi_privateinfo", "https://open.weixin.qq.com/connect/oauth2/authorize?appid=ww1" + back + "&response_type=code&scope=snsapi_privateinfo&state=st_1&agentid=1000002#wechat_redirect"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := openWith(t, &tokenCache{}, tt.kind, tt.set).Authorize(t.Context(), provider.AuthorizeRequest{
				RedirectURI: "https://app.example.com/cb?a=b", State: "st_1", Scope: tt.scope, Nonce: "n", Challenge: "c",
			})
			if err != nil || got != tt.want {
				t.Errorf("got  %s, %v\nwant %s", got, err, tt.want)
			}
		})
	}
	_, err := openWith(t, &tokenCache{}, "wechat_mini", keys).Authorize(t.Context(), provider.AuthorizeRequest{})
	wantRefusal(t, err, errs.GrantUnsupported, "")
}

func TestWeChatSaysWhoIsBehindACode(t *testing.T) {
	token := func(scope string) answers {
		return answers{"access_token": "SIMUT-1", "expires_in": 7200, "refresh_token": "r", "openid": aliceID, "scope": scope, "unionid": unionID}
	}
	alice := answers{"openid": aliceID, "unionid": unionID, "nickname": "小虎", "sex": 0, "headimgurl": "http://thirdwx.qlogo.cn/a/0", "privilege": []string{}}
	without := func(a answers, name string) answers {
		b := answers{}
		for k, v := range a {
			if k != name {
				b[k] = v
			}
		}
		return b
	}
	with := func(a answers, name string, value any) answers {
		b := without(a, name)
		b[name] = value
		return b
	}
	full := provider.Profile{Subject: aliceID, UnionID: unionID, AppID: wxApp, Name: "小虎", Picture: "https://thirdwx.qlogo.cn/a/0"}
	plain := provider.Profile{Subject: aliceID, UnionID: unionID, AppID: wxApp}
	unbound := plain
	unbound.UnionID = ""
	nameless := full
	nameless.Picture = ""
	snapshot := plain
	snapshot.Snapshot = true
	byBob := with(with(alice, "openid", bobID), "asked", true)
	for _, tt := range []struct {
		name  string
		kind  string
		token answers
		user  answers
		want  outcome
	}{
		{"website", "wechat_open", token("snsapi_login"), alice, outcome{profile: full}},
		{"official account", "wechat_mp", token("snsapi_userinfo"), alice, outcome{profile: full}},
		{"official account, silent", "wechat_mp", without(token("snsapi_base"), "unionid"), nil, outcome{profile: unbound}},
		{"unionid in the profile only", "wechat_mp", without(token("snsapi_userinfo"), "unionid"), alice, outcome{profile: full}},
		{"no picture", "wechat_open", token("snsapi_login"), with(alice, "headimgurl", ""), outcome{profile: nameless}},
		{"a picture that is a script", "wechat_open", token("snsapi_login"), with(alice, "headimgurl", "javascript:alert(1)"), outcome{profile: nameless}},
		{"snapshot page", "wechat_mp", with(token("snsapi_userinfo"), "is_snapshotuser", 1), alice, outcome{profile: snapshot}},
		{"no openid", "wechat_open", without(token("snsapi_login"), "openid"), alice, refusal(errs.Unavailable, "incomplete_answer")},
		{"no token", "wechat_open", without(token("snsapi_login"), "access_token"), alice, refusal(errs.Unavailable, "incomplete_answer")},
		{"no openid in the profile", "wechat_open", token("snsapi_login"), answers{"asked": true}, refusal(errs.Unavailable, "incomplete_answer")},
		{"a profile of somebody else", "wechat_open", token("snsapi_login"), byBob, refusal(errs.ProviderRefused, "bad_openid")},
		{"a unionid of somebody else", "wechat_open", token("snsapi_login"), with(alice, "unionid", "oSomebody"), refusal(errs.ProviderRefused, "bad_openid")},
		{"a token that lacks the scope", "wechat_mp", token("snsapi_userinfo"), with(fault(48001), "asked", true), refusal(errs.ProviderMisconfigured, "api_unauthorized")},
		{"an openid of another app", "wechat_mp", with(token("snsapi_userinfo"), "openid", bobID), alice, refusal(errs.ProviderRefused, "bad_openid")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWeixin(t)
			w.codes["c1"], w.users["SIMUT-1"] = tt.token, tt.user
			d := w.open(tt.kind)
			got, err := d.Exchange(t.Context(), provider.Credential{Code: "c1"})
			tt.want.check(t, got, err)
			_, err = d.Exchange(t.Context(), provider.Credential{Code: "c1"})
			wantRefusal(t, err, errs.ProviderRefused, "code_used")
		})
	}
}

func TestWeChatNeedsItsCodeAndKeys(t *testing.T) {
	w := newWeixin(t)
	for _, tt := range []struct {
		name string
		d    provider.Driver
		c    provider.Credential
		want outcome
	}{
		{"an unknown code", w.open("wechat_open"), provider.Credential{Code: "c9"}, refusal(errs.ProviderRefused, "bad_code")},
		{"a person who declined", w.open("wechat_open"), provider.Credential{}, refusal(errs.ProviderDenied, "no_code")},
		{"a wrong secret", w.open("wechat_mp", "secret", "x"), provider.Credential{Code: "c9"}, refusal(errs.ProviderMisconfigured, "bad_secret")},
		{"a wrong appid", w.open("wechat_mini", "appid", "wx9"), provider.Credential{Code: "c9"}, refusal(errs.ProviderMisconfigured, "bad_appid")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := tt.d.Exchange(t.Context(), tt.c)
			tt.want.check(t, got, err)
		})
	}
	for _, set := range []map[string]string{
		{"appid": wxApp},
		{"appid": wxApp, "secret": wxSecret, "base": "http://example.com"},
		{"appid": wxApp, "secret": wxSecret, "open_base": "//example.com"},
		{"appid": wxApp, "secret": wxSecret, "scope": "all"},
	} {
		if _, err := provider.Open("wechat_mp", set, provider.Env{Now: today}); err == nil {
			t.Errorf("opened with %v", set)
		}
	}
	if _, err := provider.Open("wechat_mini", map[string]string{"appid": wxApp, "secret": wxSecret}, provider.Env{Now: today}); err == nil {
		t.Error("opened a mini-program without a token cache")
	}
}

// The table of error codes: a code may be a number or a string of one.
func TestWeChatErrorCodes(t *testing.T) {
	for code, want := range map[int]errs.Code{
		-1: errs.Unavailable, 40003: errs.ProviderRefused, 40029: errs.ProviderRefused, 40030: errs.ProviderRefused,
		40163: errs.ProviderRefused, 42002: errs.ProviderRefused, 42003: errs.ProviderRefused, 87009: errs.ProviderRefused,
		40226: errs.ProviderDenied, 45009: errs.TooManyRequests, 45011: errs.TooManyRequests,
		40002: errs.ProviderMisconfigured, 41001: errs.Unavailable, 41002: errs.ProviderMisconfigured,
		41004: errs.ProviderMisconfigured, 41008: errs.ProviderMisconfigured, 43001: errs.ProviderMisconfigured,
		43002: errs.ProviderMisconfigured, 40001: errs.ProviderMisconfigured, 40013: errs.ProviderMisconfigured,
		40125: errs.ProviderMisconfigured, 40164: errs.ProviderMisconfigured, 40243: errs.ProviderMisconfigured,
		48001: errs.ProviderMisconfigured, 48004: errs.ProviderMisconfigured, 50001: errs.ProviderMisconfigured,
		50002: errs.ProviderMisconfigured, 50004: errs.ProviderMisconfigured, 87013: errs.Unavailable, 99999: errs.Unavailable,
	} {
		for _, form := range []string{`%d`, `"%d"`} {
			w := newWeixin(t)
			answer := says(fmt.Sprintf(`{"errcode":`+form+`,"errmsg":"code c0de blocked, hints: [ req_id: KaB-123 ]"}`, code))
			w.fixed["/sns/oauth2/access_token"], w.fixed["/sns/jscode2session"] = answer, answer
			for _, kind := range []string{"wechat_open", "wechat_mp", "wechat_mini"} {
				_, err := w.open(kind).Exchange(t.Context(), provider.Credential{Code: "c0de"})
				wantRefusal(t, err, want, "")
				if code != 40164 {
					wantNoSecret(t, err, "c0de")
					if !strings.Contains(err.Error(), "KaB-123") || !strings.Contains(err.Error(), fmt.Sprint(code)) {
						t.Errorf("%v does not tell the operator what to ask about", err)
					}
				}
			}
		}
	}
}

// vendorFaults is every way in which an answer can fail to be one.
func vendorFaults(t *testing.T) map[string]http.HandlerFunc {
	t.Helper()
	elsewhere := upstream(t, map[string]http.HandlerFunc{"/": func(http.ResponseWriter, *http.Request) { t.Error("a redirect was followed") }})
	return map[string]http.HandlerFunc{
		"silence": func(_ http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
			<-r.Context().Done()
		},
		"500":         failing(500, `{"openid":"o1"}`),
		"502":         failing(502, `<html>Bad Gateway</html>`),
		"HTML":        says(`<html><body>maintenance</body></html>`),
		"nothing":     says(``),
		"half a body": says(`{"openid":"oS`),
		"half a header": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "99")
			io.WriteString(w, `{}`)
		},
		"too long":        says(`{"openid":"` + strings.Repeat("x", 300<<10) + `"}`),
		"a redirect":      func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere, http.StatusFound) },
		"an empty object": says(`{}`), "null": says(`null`), "an array": says(`[]`), "a string": says(`"ok"`),
		"wrong types":     says(`{"openid":{"a":1},"userid":[],"id_token":7,"access_token":[],"errcode":{}}`),
		"a code of words": says(`{"errcode":"busy"}`),
		"a reset": func(w http.ResponseWriter, _ *http.Request) {
			conn, _, _ := w.(http.Hijacker).Hijack()
			conn.(*net.TCPConn).SetLinger(0)
			conn.Close()
		},
	}
}

// Whatever a vendor does, nobody is signed in, the one-time code is sent once and no secret
// reaches the log.
func TestAVendorThatFailsIsUnavailable(t *testing.T) {
	for name, faulty := range vendorFaults(t) {
		for _, tt := range []struct {
			kind, path string
			c          provider.Credential
		}{
			{"wechat_open", "/sns/oauth2/access_token", provider.Credential{Code: "c0de"}},
			{"wechat_mp", "/sns/userinfo", provider.Credential{Code: "c0de"}},
			{"wechat_mini", "/sns/jscode2session", provider.Credential{Code: "c0de"}},
			{"wechat_mini", "/wxa/business/getuserphonenumber", provider.Credential{Subject: aliceID, PhoneCode: "c0de"}},
			{"wechat_mini", "/cgi-bin/stable_token", provider.Credential{Subject: aliceID, PhoneCode: "c0de"}},
		} {
			t.Run(tt.kind+tt.path+" answers with "+name, func(t *testing.T) {
				w := newWeixin(t)
				w.codes["c0de"] = answers{"access_token": "SIMUT-1", "openid": aliceID, "scope": "snsapi_userinfo"}
				w.users["SIMUT-1"] = answers{"openid": aliceID}
				w.phones["c0de"] = number()
				w.fixed[tt.path], w.patience = faulty, hasty
				got, err := w.open(tt.kind).Exchange(t.Context(), tt.c)
				wantRefusal(t, err, errs.Unavailable, "")
				wantNoSecret(t, err, "c0de", wxSecret, "SIMUT", "SIMAT", aliceID)
				if got.Subject != "" {
					t.Errorf("named %+v", got)
				}
				most := 1
				if tt.path == "/cgi-bin/stable_token" { // nothing is used up there
					most = 2
				}
				if n := w.calls(tt.path); n > most {
					t.Errorf("asked %d times", n)
				}
			})
		}
	}
}
