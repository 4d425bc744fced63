package provider_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/provider"
)

// body reads a posted JSON object.
func body(t *testing.T, r *http.Request) map[string]string {
	t.Helper()
	var got map[string]string
	if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
		t.Error(err)
	}
	return got
}

func failing(status int, text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(text))
	}
}

func TestDingTalk(t *testing.T) {
	alice := provider.Profile{
		Subject: "UNION1", UnionID: "UNION1", AppID: clientID, Name: "小明", Phone: "+8613800000001",
		Picture: "https://static.dingtalk.com/a.jpg", Email: "a@example.com", Extra: map[string]string{"open_id": "OPEN1", "visitor": "false"},
	}
	guest := provider.Profile{Subject: "UNION1", UnionID: "UNION1", AppID: clientID, Extra: map[string]string{"open_id": "", "visitor": "true"}}
	const (
		token = `{"accessToken":"access-token-1","refreshToken":"r","expireIn":7200,"corpId":"ding1"}`
		me    = `{"nick":"小明","avatarUrl":"https://static.dingtalk.com/a.jpg","mobile":"13800000001","stateCode":"86","openId":"OPEN1","unionId":"UNION1","email":"a@example.com"}`
	)
	calledAuthCode := provider.Credential{Params: map[string]string{"authCode": goodCode}}
	for _, tt := range []struct {
		name      string
		token, me http.HandlerFunc
		corp      string
		c         provider.Credential
		want      outcome
	}{
		{"a code", says(token), says(me), "", byCode, outcome{profile: alice}},
		{"a code by DingTalk's name", says(token), says(me), "", calledAuthCode, outcome{profile: alice}},
		{"a code of the company", says(token), says(me), "ding1", byCode, outcome{profile: alice}},
		{"a code of another company", says(token), says(me), "ding2", byCode, refusal(errs.ProviderDenied, "foreign_tenant")},
		{"a guest", says(token), says(`{"unionId":"UNION1","visitor":true}`), "", byCode, outcome{profile: guest}},
		{"a wrong code", failing(400, `{"code":"invalidParameter.authCode.notFound","message":"x","requestid":"r"}`), nil, "", byCode, refusal(errs.ProviderRefused, "vendor_invalidparameter_authcode_notfound")},
		{"a wrong secret", failing(400, `{"code":"invalidClientIdOrSecret"}`), nil, "", byCode, refusal(errs.ProviderMisconfigured, "")},
		{"a missing permission", says(token), failing(403, `{"code":"Forbidden.AccessDenied.AccessTokenPermissionDenied"}`), "", byCode, refusal(errs.ProviderMisconfigured, "")},
		{"a limit", failing(400, `{"code":"Throttling.Api"}`), nil, "", byCode, refusal(errs.TooManyRequests, "")},
		{"nobody", says(token), says(`{}`), "", byCode, refusal(errs.Unavailable, "no_subject")},
		{"no code", nil, nil, "", provider.Credential{}, refusal(errs.ProviderDenied, "no_code")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			at := upstream(t, map[string]http.HandlerFunc{
				"POST /v1.0/oauth2/userAccessToken": func(w http.ResponseWriter, r *http.Request) {
					want := map[string]string{"clientId": clientID, "clientSecret": clientSecret, "code": goodCode, "grantType": "authorization_code"}
					if diff := cmp.Diff(want, body(t, r)); diff != "" {
						t.Error(diff)
					}
					tt.token(w, r)
				},
				"GET /v1.0/contact/users/me": func(w http.ResponseWriter, r *http.Request) {
					if r.Header.Get("x-acs-dingtalk-access-token") != accessToken {
						t.Error("asked without the token")
					}
					tt.me(w, r)
				},
			})
			d := open(t, "dingtalk", map[string]string{"client_id": clientID, "client_secret": clientSecret, "corp_id": tt.corp, "base": at, "login_base": at})
			got, err := d.Exchange(t.Context(), tt.c)
			tt.want.check(t, got, err)
		})
	}
}

// The service of older apps, with the signature that DingTalk prints in its documentation
// (faquestions/hxs5v9).
func TestDingTalkSignsForOlderApps(t *testing.T) {
	at := upstream(t, map[string]http.HandlerFunc{
		"POST /sns/getuserinfo_bycode": func(w http.ResponseWriter, r *http.Request) {
			q := r.URL.Query()
			if q.Get("accessKey") != clientID || q.Get("timestamp") != "1546084445901" || q.Get("signature") != "HCbG3xNE3vzhO+u7qCUL1jS5hsu2n5r2cFhnTrtyDAE=" {
				t.Errorf("asked with %s", r.URL.RawQuery)
			}
			switch body(t, r)["tmp_auth_code"] {
			case goodCode:
				says(`{"errcode":0,"errmsg":"ok","user_info":{"nick":"小明","unionid":"UNION1","openid":"OPEN1"}}`)(w, r)
			case "unsigned":
				says(`{"errcode":853004,"errmsg":"x"}`)(w, r)
			default:
				says(`{"errcode":40078,"errmsg":"x"}`)(w, r)
			}
		},
	})
	now := func() time.Time { return time.UnixMilli(1546084445901) }
	d := openAt(t, now, "dingtalk", map[string]string{"client_id": clientID, "client_secret": "testappSecret", "api": "sns", "base": at})
	got, err := d.Exchange(t.Context(), byCode)
	outcome{profile: provider.Profile{
		Subject: "UNION1", UnionID: "UNION1", AppID: clientID, Name: "小明", Extra: map[string]string{"open_id": "OPEN1", "visitor": "false"},
	}}.check(t, got, err)
	_, err = d.Exchange(t.Context(), provider.Credential{Code: "bad-code"})
	wantRefusal(t, err, errs.ProviderRefused, "vendor_40078")
	_, err = d.Exchange(t.Context(), provider.Credential{Code: "unsigned"})
	wantRefusal(t, err, errs.ProviderMisconfigured, "vendor_853004")
}

func TestFeishu(t *testing.T) {
	alice := provider.Profile{
		Subject: "ou_1", UnionID: "on_1", AppID: clientID, Name: "小明", Picture: "https://p.feishu.cn/a.jpg",
		Email: "a@example.com", Extra: map[string]string{"tenant_key": "t1"},
	}
	const (
		token = `{"code":0,"access_token":"access-token-1","expires_in":7200,"token_type":"Bearer"}`
		user  = `{"code":0,"msg":"success","data":{"open_id":"ou_1","union_id":"on_1","tenant_key":"t1","name":"小明","avatar_url":"https://p.feishu.cn/a.jpg","email":"a@example.com","mobile":"+8613800000001"}}`
	)
	for _, tt := range []struct {
		name        string
		token, user http.HandlerFunc
		tenant      string
		want        outcome
	}{
		{"a code", says(token), says(user), "", outcome{profile: alice}},
		{"as RFC 6749 has it", says(`{"access_token":"access-token-1","token_type":"Bearer"}`), says(user), "t1", outcome{profile: alice}},
		{"of another company", says(token), says(user), "t2", refusal(errs.ProviderDenied, "foreign_tenant")},
		{"a used code", failing(400, `{"code":20065,"error":"invalid_grant","error_description":"x"}`), nil, "", refusal(errs.ProviderRefused, "vendor_20065")},
		{"a used code, by name", failing(400, `{"error":"invalid_grant"}`), nil, "", refusal(errs.ProviderRefused, "vendor_invalid_grant")},
		{"a wrong verifier", failing(400, `{"code":20049,"error":"invalid_grant"}`), nil, "", refusal(errs.ProviderRefused, "vendor_20049")},
		{"not theirs to use", failing(400, `{"code":20010,"error":"access_denied"}`), nil, "", refusal(errs.ProviderDenied, "vendor_20010")},
		{"a wrong secret", failing(401, `{"code":20002,"error":"invalid_client"}`), nil, "", refusal(errs.ProviderMisconfigured, "vendor_20002")},
		{"busy", failing(400, `{"code":20050,"error":"temporarily_unavailable"}`), nil, "", refusal(errs.Unavailable, "vendor_20050")},
		{"a refused token", says(token), failing(401, `{"code":20005,"msg":"x"}`), "", refusal(errs.ProviderRefused, "vendor_20005")},
		{"nobody", says(token), says(`{"code":0,"data":{}}`), "", refusal(errs.Unavailable, "no_subject")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			at := upstream(t, map[string]http.HandlerFunc{
				"POST /oauth/v3/token": func(w http.ResponseWriter, r *http.Request) {
					want := map[string]string{
						"grant_type": "authorization_code", "client_id": clientID, "client_secret": clientSecret,
						"code": goodCode, "redirect_uri": callbackURI, "code_verifier": rfcVerifier,
					}
					if diff := cmp.Diff(want, body(t, r)); diff != "" {
						t.Error(diff)
					}
					tt.token(w, r)
				},
				"GET /open-apis/authen/v1/user_info": func(w http.ResponseWriter, r *http.Request) {
					if r.Header.Get("Authorization") != "Bearer "+accessToken {
						t.Error("asked without the token")
					}
					tt.user(w, r)
				},
			})
			d := open(t, "feishu", map[string]string{"client_id": clientID, "client_secret": clientSecret, "tenant": tt.tenant, "base": at, "login_base": at})
			got, err := d.Exchange(t.Context(), byCode)
			tt.want.check(t, got, err)
		})
	}
}
