package provider_test

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/provider"
)

// outcome is what one exchange with a vendor comes to.
type outcome struct {
	profile provider.Profile
	code    errs.Code // "" is a profile
	reason  string
}

func (o outcome) check(t *testing.T, got provider.Profile, err error) {
	t.Helper()
	if o.code != "" {
		wantRefusal(t, err, o.code, o.reason)
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(o.profile, got); diff != "" {
		t.Error(diff)
	}
}

func refusal(code errs.Code, reason string) outcome { return outcome{code: code, reason: reason} }

var byCode = provider.Credential{Code: goodCode, RedirectURI: callbackURI, Verifier: rfcVerifier, Nonce: sentNonce}

// I4: QQ answers as JavaScript, as JSON and as a form.
func TestQQ(t *testing.T) {
	alice := provider.Profile{
		Subject: "OPEN1", UnionID: "UID_1", AppID: clientID, Name: "小明", Picture: "https://q.qlogo.cn/1/100",
	}
	const (
		callback = `callback( {"client_id":"client-1","openid":"OPEN1","unionid":"UID_1"} );` + "\n"
		info     = `{"ret":0,"msg":"","nickname":"小明","figureurl_qq_2":"http://q.qlogo.cn/1/100","figureurl_qq_1":"http://q.qlogo.cn/1/40"}`
		asJSON   = `{"access_token":"access-token-1","expires_in":"7776000"}`
	)
	byToken := provider.Credential{AccessToken: accessToken}
	for _, tt := range []struct {
		name, token, me, info string
		tokens                string // client_tokens
		c                     provider.Credential
		want                  outcome
	}{
		{"a form and a callback", "access_token=access-token-1&expires_in=7776000", callback, info, "", byCode, outcome{profile: alice}},
		{"JSON throughout", asJSON, `{"client_id":"client-1","openid":"OPEN1","unionid":"UID_1"}`, info, "", byCode, outcome{profile: alice}},
		{"an id that is a number", asJSON, `{"client_id":101,"openid":"OPEN1"}`, info, "", byCode, refusal(errs.ProviderRefused, "foreign_token")},
		{"a used code", `callback( {"error":100020,"error_description":"code is reused error"} );`, "", "", "", byCode, refusal(errs.ProviderRefused, "vendor_100020")},
		{"a wrong secret", `callback({"error":"100009","error_description":"x"})`, "", "", "", byCode, refusal(errs.ProviderMisconfigured, "vendor_100009")},
		{"somebody who did not agree", asJSON, callback, `{"ret":100030,"msg":"no"}`, "", byCode, refusal(errs.ProviderDenied, "vendor_100030")},
		{"a page in between", "<html>", "", "", "", byCode, refusal(errs.Unavailable, "")},
		{"nobody", asJSON, `callback( {"client_id":"client-1"} );`, info, "", byCode, refusal(errs.Unavailable, "no_subject")},
		{"no code", "", "", "", "", provider.Credential{Params: map[string]string{"usercancel": "1"}}, refusal(errs.ProviderDenied, "no_code")},
		// I6, SO-02.
		{"a client's token unasked", "", callback, info, "", byToken, refusal(errs.MethodDisabled, "client_token")},
		{"a client's token", "", callback, info, "on", byToken, outcome{profile: alice}},
		{"a token of another app", "", `callback( {"client_id":"199999999","openid":"OPEN1"} );`, info, "on", byToken, refusal(errs.ProviderRefused, "foreign_token")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			at := upstream(t, map[string]http.HandlerFunc{
				"GET /oauth2.0/token": func(w http.ResponseWriter, r *http.Request) {
					want := url.Values{
						"grant_type": {"authorization_code"}, "code": {goodCode}, "redirect_uri": {callbackURI},
						"client_id": {clientID}, "client_secret": {clientSecret}, "fmt": {"json"},
					}
					if diff := cmp.Diff(want, r.URL.Query()); diff != "" {
						t.Error(diff)
					}
					says(tt.token)(w, r)
				},
				"GET /oauth2.0/me": says(tt.me),
				"GET /user/get_user_info": func(w http.ResponseWriter, r *http.Request) {
					if q := r.URL.Query(); q.Get("oauth_consumer_key") != clientID || q.Get("openid") != "OPEN1" || q.Get("access_token") != accessToken {
						t.Errorf("asked with %s", r.URL.RawQuery)
					}
					says(tt.info)(w, r)
				},
			})
			d := open(t, "qq", map[string]string{"client_id": clientID, "client_secret": clientSecret, "base": at, "client_tokens": tt.tokens})
			got, err := d.Exchange(t.Context(), tt.c)
			tt.want.check(t, got, err)
		})
	}
}

func TestWeibo(t *testing.T) {
	alice := provider.Profile{Subject: "1234567890", AppID: clientID, Name: "小明", Picture: "https://tvax1.sinaimg.cn/hd.jpg"}
	const (
		token = `{"access_token":"access-token-1","expires_in":157679999,"uid":"1234567890"}`
		show  = `{"id":1234567890,"idstr":"1234567890","screen_name":"小明","avatar_large":"http://tvax1.sinaimg.cn/l.jpg","avatar_hd":"http://tvax1.sinaimg.cn/hd.jpg"}`
	)
	byToken := provider.Credential{AccessToken: accessToken}
	fault := func(word string, code int) string { return fmt.Sprintf(`{"error":%q,"error_code":%d}`, word, code) }
	for _, tt := range []struct {
		name, token, info, show string
		tokens                  string // client_tokens
		c                       provider.Credential
		want                    outcome
	}{
		{"a code", token, "", show, "", byCode, outcome{profile: alice}},
		{"a wrong code", fault("invalid_grant", 21325), "", "", "", byCode, refusal(errs.ProviderRefused, "vendor_invalid_grant")},
		{"a wrong secret", fault("invalid_client", 21324), "", "", "", byCode, refusal(errs.ProviderMisconfigured, "vendor_invalid_client")},
		{"a wrong address", fault("redirect_uri_mismatch", 21322), "", "", "", byCode, refusal(errs.ProviderMisconfigured, "vendor_redirect_uri_mismatch")},
		{"a limit", token, "", fault("User requests out of rate limit!", 10023), "", byCode, refusal(errs.TooManyRequests, "vendor_10023")},
		{"somebody else's profile", token, "", `{"idstr":"999","screen_name":"x"}`, "", byCode, refusal(errs.ProviderRefused, "userinfo_sub")},
		{"nobody", `{"access_token":"access-token-1"}`, "", show, "", byCode, refusal(errs.Unavailable, "no_subject")},
		// I6, SO-02: the audience of a token.
		{"a client's token unasked", "", "", show, "", byToken, refusal(errs.MethodDisabled, "client_token")},
		{"a client's token", "", `{"uid":1234567890,"appkey":"client-1","scope":null,"expire_in":100}`, show, "on", byToken, outcome{profile: alice}},
		{"a token of another app", "", `{"uid":1234567890,"appkey":"9999999999","expire_in":100}`, show, "on", byToken, refusal(errs.ProviderRefused, "foreign_token")},
		{"an old token", "", `{"uid":1234567890,"appkey":"client-1","expire_in":-5}`, show, "on", byToken, refusal(errs.ProviderRefused, "expired")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			at := upstream(t, map[string]http.HandlerFunc{
				"POST /oauth2/access_token": func(w http.ResponseWriter, r *http.Request) {
					if r.PostFormValue("code") != goodCode || r.PostFormValue("client_secret") != clientSecret || r.PostFormValue("code_verifier") != "" {
						t.Errorf("asked with %v", r.PostForm)
					}
					says(tt.token)(w, r)
				},
				"POST /oauth2/get_token_info": func(w http.ResponseWriter, r *http.Request) {
					if r.PostFormValue("access_token") != accessToken {
						t.Errorf("asked with %v", r.PostForm)
					}
					says(tt.info)(w, r)
				},
				"GET /2/users/show.json": func(w http.ResponseWriter, r *http.Request) {
					if q := r.URL.Query(); q.Get("uid") != "1234567890" || q.Get("access_token") != accessToken {
						t.Errorf("asked with %s", r.URL.RawQuery)
					}
					says(tt.show)(w, r)
				},
			})
			d := open(t, "weibo", map[string]string{"client_id": clientID, "client_secret": clientSecret, "base": at, "client_tokens": tt.tokens})
			got, err := d.Exchange(t.Context(), tt.c)
			tt.want.check(t, got, err)
		})
	}
}

func TestGitHub(t *testing.T) {
	alice := provider.Profile{
		Subject: "583231", Name: "The Octocat", Picture: "https://avatars.example.com/u/583231",
		Email: "octocat@example.com", EmailVerified: true, Extra: map[string]string{"login": "octocat"},
	}
	unnamed := alice
	unnamed.Name, unnamed.Email, unnamed.EmailVerified = "octocat", "", false
	const (
		token  = `{"access_token":"access-token-1","token_type":"bearer","scope":"read:user"}`
		user   = `{"id":583231,"login":"octocat","name":"The Octocat","email":"shown@example.com","avatar_url":"https://avatars.example.com/u/583231"}`
		emails = `[{"email":"old@example.com","primary":false,"verified":true},{"email":"octocat@example.com","primary":true,"verified":true}]`
	)
	byToken := provider.Credential{AccessToken: accessToken}
	for _, tt := range []struct {
		name, token, user, emails, check string
		tokens                           string // client_tokens
		c                                provider.Credential
		want                             outcome
	}{
		{"a code", token, user, emails, "", "", byCode, outcome{profile: alice}},
		{
			"a primary address that is not verified", token, `{"id":583231,"login":"octocat","name":null,"avatar_url":"https://avatars.example.com/u/583231"}`,
			`[{"email":"octocat@example.com","primary":true,"verified":false}]`, "", "", byCode,
			outcome{profile: unnamed},
		},
		{"an error that says 200", `{"error":"bad_verification_code","error_description":"x"}`, "", "", "", "", byCode, refusal(errs.ProviderRefused, "vendor_bad_verification_code")},
		{"a wrong secret", `{"error":"incorrect_client_credentials"}`, "", "", "", "", byCode, refusal(errs.ProviderMisconfigured, "vendor_incorrect_client_credentials")},
		{"an unverified account", `{"error":"unverified_user_email"}`, "", "", "", "", byCode, refusal(errs.ProviderDenied, "vendor_unverified_user_email")},
		{"an account without a number", token, `{"login":"octocat"}`, emails, "", "", byCode, refusal(errs.Unavailable, "no_subject")},
		{"a client's token unasked", "", user, emails, "", "", byToken, refusal(errs.MethodDisabled, "client_token")},
		{"a client's token", "", user, emails, `{"app":{"client_id":"client-1"}}`, "on", byToken, outcome{profile: alice}},
		{"a token of another app", "", user, emails, `{"app":{"client_id":"client-2"}}`, "on", byToken, refusal(errs.ProviderRefused, "foreign_token")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			// GitHub tells who does not say what it is to go away.
			named := func(body string) http.HandlerFunc {
				return func(w http.ResponseWriter, r *http.Request) {
					if r.Header.Get("User-Agent") == "" || r.Header.Get("Authorization") != "Bearer "+accessToken {
						w.WriteHeader(http.StatusForbidden)
						return
					}
					says(body)(w, r)
				}
			}
			at := upstream(t, map[string]http.HandlerFunc{
				"POST /login/oauth/access_token": func(w http.ResponseWriter, r *http.Request) {
					if r.Header.Get("Accept") != "application/json" || r.PostFormValue("code_verifier") != rfcVerifier || r.PostFormValue("client_secret") != clientSecret {
						t.Errorf("asked with %v", r.PostForm)
					}
					says(tt.token)(w, r)
				},
				"GET /api/user":        named(tt.user),
				"GET /api/user/emails": named(tt.emails),
				"POST /api/applications/client-1/token": func(w http.ResponseWriter, r *http.Request) {
					if id, password, ok := r.BasicAuth(); !ok || id != clientID || password != clientSecret {
						t.Error("asked by nobody")
					}
					says(tt.check)(w, r)
				},
			})
			d := open(t, "github", map[string]string{"client_id": clientID, "client_secret": clientSecret, "base": at, "api_base": at + "/api", "client_tokens": tt.tokens})
			got, err := d.Exchange(t.Context(), tt.c)
			tt.want.check(t, got, err)
		})
	}
}
