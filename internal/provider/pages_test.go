package provider_test

import (
	"maps"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tigertally/tigertally/internal/provider"
)

// What the vendors' pages are asked, in production: none but those that know PKCE and
// nonces get them.
func TestAuthorizeLeadsToTheVendorsPage(t *testing.T) {
	keys := map[string]string{"client_id": "c", "client_secret": "s"}
	plain := url.Values{"response_type": {"code"}, "redirect_uri": {callbackURI}, "state": {"state-1"}}
	for _, tt := range []struct {
		kind string
		set  map[string]string
		page string
		more url.Values
	}{
		{"github", keys, "https://github.com/login/oauth/authorize", url.Values{
			"client_id": {"c"}, "scope": {"read:user user:email"}, "code_challenge": {rfcChallenge}, "code_challenge_method": {"S256"},
		}},
		{"gitee", keys, "https://gitee.com/oauth/authorize", url.Values{"client_id": {"c"}, "scope": {"user_info emails"}}},
		{"qq", keys, "https://graph.qq.com/oauth2.0/authorize", url.Values{"client_id": {"c"}, "scope": {"get_user_info"}}},
		{"weibo", keys, "https://api.weibo.com/oauth2/authorize", url.Values{"client_id": {"c"}}},
		{
			"alipay",
			map[string]string{"app_id": "c", "private_key": file(t, "app.pem"), "alipay_public_key": file(t, "alipay.pub.pem")},
			"https://openauth.alipay.com/oauth2/publicAppAuthorize.htm",
			url.Values{"app_id": {"c"}, "scope": {"auth_user"}},
		},
		{"dingtalk", keys, "https://login.dingtalk.com/oauth2/auth", url.Values{"client_id": {"c"}, "scope": {"openid"}, "prompt": {"consent"}}},
		{
			"dingtalk",
			map[string]string{"client_id": "c", "client_secret": "s", "corp_id": "ding1"},
			"https://login.dingtalk.com/oauth2/auth",
			url.Values{"client_id": {"c"}, "scope": {"openid corpid"}, "prompt": {"consent"}, "corpId": {"ding1"}},
		},
		{
			"dingtalk",
			map[string]string{"client_id": "c", "client_secret": "s", "api": "sns"},
			"https://oapi.dingtalk.com/connect/qrconnect",
			url.Values{"appid": {"c"}, "scope": {"snsapi_login"}},
		},
		{"feishu", keys, "https://accounts.feishu.cn/open-apis/authen/v1/authorize", url.Values{
			"client_id": {"c"}, "code_challenge": {rfcChallenge}, "code_challenge_method": {"S256"},
		}},
		{"oauth2", map[string]string{
			"client_id": "c", "client_secret": "s", "authorize_url": "https://idp.example.com/a?x=1", "token_url": "https://idp.example.com/t", "userinfo_url": "https://idp.example.com/u",
		}, "https://idp.example.com/a", url.Values{"client_id": {"c"}, "x": {"1"}, "code_challenge": {rfcChallenge}, "code_challenge_method": {"S256"}}},
	} {
		t.Run(tt.kind, func(t *testing.T) {
			page, err := open(t, tt.kind, tt.set).Authorize(t.Context(), provider.AuthorizeRequest{
				RedirectURI: callbackURI, State: "state-1", Nonce: sentNonce, Challenge: rfcChallenge,
			})
			if err != nil {
				t.Fatal(err)
			}
			address, query, _ := strings.Cut(page, "?")
			got, err := url.ParseQuery(query)
			if err != nil || address != tt.page {
				t.Errorf("the page is %s, %v", address, err)
			}
			maps.Copy(tt.more, plain)
			if diff := cmp.Diff(tt.more, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// file reads what the key tool of Alipay, played by OpenSSL, made.
func file(t *testing.T, name string) string {
	t.Helper()
	raw, err := os.ReadFile("testdata/alipay/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
