package upsim_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/tigertally/tigertally/internal/upsim"
)

func TestTheControlAPIRegistersAppsOfEveryVendor(t *testing.T) {
	s := start(t, vectorTime)
	for path, body := range map[string]string{
		"oidc/other": `{"clients":{"c":{"secret":"s","redirect_uris":["http://localhost:9/callback"]}}}`, "github/g": `{"secret":"s"}`, "qq/1": `{"secret":"s"}`,
		"weibo/1": `{"secret":"s"}`, "dingtalk/d": `{"secret":"s","group":"g2"}`, "feishu/f": `{"secret":"s"}`, "alipay/1": `{"public_key":"x","user_id":true}`,
		"apple/a": `{"team":"T","key_id":"K"}`, "captcha/hcaptcha/k": `{"secret":"s"}`, "captcha/turnstile/k": `{"secret":"s","hostname":"h"}`,
		"captcha/tencent/1": `{"secret":"s"}`, "captcha/aliyun/s": `{"test_mode":"pass"}`, "mail/me": `{"password":"p"}`, "mail_server/default": `{"plain":true}`,
	} {
		if a := control(t, s, http.MethodPut, "/apps/"+path, body); a.status != http.StatusOK {
			t.Errorf("%s: %s", path, a.body)
		}
	}
	if a := control(t, s, http.MethodPut, "/apps/github/g", `{"misspelt":1}`); a.status != http.StatusBadRequest {
		t.Error(a.body)
	}
	if a := control(t, s, http.MethodPut, "/apps/nobody/g", `{}`); a.status != http.StatusBadRequest {
		t.Error(a.body)
	}
	if a := get(s.Bases().OIDC, "/other/.well-known/openid-configuration").do(t); a.status != http.StatusOK {
		t.Error(a.body)
	}
	exact := s.Bases().OIDC + "/other/authorize?" + query("client_id", "c", "response_type", "code", "scope", "openid", "code_challenge", sampleHash,
		"code_challenge_method", "S256", "redirect_uri", callbackURL)
	if l := approve(t, s, exact, "alice"); l.Get("code") == "" {
		t.Errorf("%+v", l)
	}
	if _, err := s.Approve(t.Context(), strings.Replace(exact, "callback", "callback2", 1), "alice"); err == nil {
		t.Error("a redirect URI that is nearly the registered one is taken")
	}
	if l, err := s.Refuse(t.Context(), exact); err != nil || l.Get("error") != "access_denied" {
		t.Errorf("%+v %v", l, err)
	}
}

func TestTheControlAPIMakesTokensAndKeys(t *testing.T) {
	s := start(t, vectorTime)
	token := control(t, s, http.MethodPost, "/tokens", `{"upstream":"github","client":"other","subject":"alice"}`).text("access_token")
	if a := with(get(s.Bases().GitHub, "/user"), "Authorization", "token "+token).do(t); a.text("login") != "alice" {
		t.Error(a.body)
	}
	for _, body := range []string{`{"upstream":"smtp","subject":"alice"}`, `{"upstream":"qq","subject":"Alice"}`, `[]`} {
		if a := control(t, s, http.MethodPost, "/tokens", body); a.status != http.StatusBadRequest {
			t.Errorf("%s: %s", body, a.body)
		}
	}
	if a := control(t, s, http.MethodGet, "/keys", ""); !strings.HasPrefix(a.text("apple.private_key"), "-----BEGIN PRIVATE KEY-----") {
		t.Error(a.body)
	}
	if a := control(t, s, http.MethodPut, "/dkim/s.example.test", "v=DKIM1"); a.status != http.StatusBadRequest {
		t.Error(a.body)
	}
	if a := control(t, s, http.MethodPost, "/bounce", `{"mail":1}`); a.status != http.StatusBadRequest {
		t.Error(a.body)
	}
	for _, e := range s.Journal("github") {
		if strings.Contains(e.Answer, token) {
			t.Error("a token is in the journal")
		}
	}
	if _, err := s.Arm(upsim.Fault{Match: upsim.Match{Upstream: "smtp"}, Fault: "IAT_FUTURE"}); err == nil {
		t.Error("a fault was armed that the mail server does not have")
	}
	s.Reset()
	if a := with(get(s.Bases().GitHub, "/user"), "Authorization", "token "+token).do(t); a.status != http.StatusUnauthorized {
		t.Error("a token outlives a reset")
	}
}
