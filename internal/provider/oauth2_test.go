package provider_test

import (
	"net/http"
	"testing"

	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/provider"
)

func TestOAuth2ReadsWhatItsSettingsPointAt(t *testing.T) {
	const nested = `{"code":0,"data":{"accounts":[{"uid":12345678901234567890,"union":"U1","nick":"小明","face":"http://img.example.com/a.jpg",` +
		`"mail":{"address":"a@example.com","ok":true},"tel":"+8613800000001"}]}}`
	alice := provider.Profile{
		Subject: "12345678901234567890", UnionID: "U1", Name: "小明", Picture: "https://img.example.com/a.jpg",
		Email: "a@example.com", EmailVerified: true, Phone: "+8613800000001",
	}
	fields := []string{
		"subject_field", "data.accounts.0.uid", "union_field", "data.accounts.0.union", "name_field", "data.accounts.0.nick",
		"picture_field", "data.accounts.0.face", "email_field", "data.accounts.0.mail.address",
		"email_verified_field", "data.accounts.0.mail.ok", "phone_field", "data.accounts.0.tel", "success_field", "code",
	}
	const token = `{"access_token":"access-token-1"}`
	for _, tt := range []struct {
		name, token, user string
		set               []string
		want              outcome
	}{
		{
			"the usual names", token, `{"id":7,"name":"A","email":"a@example.com","email_verified":"true"}`, nil,
			outcome{profile: provider.Profile{Subject: "7", Name: "A", Email: "a@example.com"}},
		},
		{"names with paths", token, nested, fields, outcome{profile: alice}},
		{"a token in the query", token, `{"id":"7"}`, []string{"userinfo_token", "query"}, outcome{profile: provider.Profile{Subject: "7"}}},
		{"no success", token, `{"code":40001}`, fields, refusal(errs.ProviderRefused, "vendor_error")},
		{"nobody", token, `{"id":""}`, nil, refusal(errs.ProviderMisconfigured, "no_subject")},
		{"a subject that is no name", token, `{"id":{"a":1}}`, nil, refusal(errs.ProviderMisconfigured, "no_subject")},
		{"a path that leads nowhere", token, `{"data":{"accounts":[]}}`, []string{"subject_field", "data.accounts.0.uid"}, refusal(errs.ProviderMisconfigured, "no_subject")},
		{"a page in between", token, `<html>`, nil, refusal(errs.Unavailable, "")},
		{"a wrong code", `{"error":"invalid_grant"}`, "", nil, refusal(errs.ProviderRefused, "vendor_invalid_grant")},
		{"no token", `{}`, "", nil, refusal(errs.Unavailable, "no_token")},
		{"a word that would spoil a log", `{"error":"<b>\n"}`, "", nil, refusal(errs.ProviderRefused, "vendor_error")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			at := upstream(t, map[string]http.HandlerFunc{
				"POST /token": func(w http.ResponseWriter, r *http.Request) {
					if r.PostFormValue("code") != goodCode || r.PostFormValue("code_verifier") != rfcVerifier || r.Header.Get("Authorization") == "" {
						t.Errorf("asked with %v", r.PostForm)
					}
					says(tt.token)(w, r)
				},
				"GET /me": func(w http.ResponseWriter, r *http.Request) {
					if r.Header.Get("Authorization") != "Bearer "+accessToken && r.URL.Query().Get("access_token") != accessToken {
						t.Error("asked without the token")
					}
					says(tt.user)(w, r)
				},
			})
			set := map[string]string{
				"client_id": clientID, "client_secret": clientSecret,
				"authorize_url": at + "/authorize", "token_url": at + "/token", "userinfo_url": at + "/me",
			}
			for i := 0; i+1 < len(tt.set); i += 2 {
				set[tt.set[i]] = tt.set[i+1]
			}
			got, err := open(t, "oauth2", set).Exchange(t.Context(), byCode)
			tt.want.check(t, got, err)
		})
	}
}

// SO-02: there is no way to tell for whose app a token was made, so none is taken.
func TestOAuth2TakesNoTokenFromAClient(t *testing.T) {
	d := open(t, "oauth2", map[string]string{
		"client_id": clientID, "client_secret": clientSecret,
		"authorize_url": "https://idp.example.com/a", "token_url": "https://idp.example.com/t", "userinfo_url": "https://idp.example.com/u",
	})
	_, err := d.Exchange(t.Context(), provider.Credential{AccessToken: accessToken})
	wantRefusal(t, err, errs.ProviderDenied, "no_code")
}
