package provider_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/provider"
)

func TestGitee(t *testing.T) {
	alice := provider.Profile{
		Subject: "4242", Name: "小明", Picture: "https://gitee.example.com/4242.png",
		Email: "alice@example.com", EmailVerified: true, Extra: map[string]string{"login": "alice"},
	}
	quiet := alice
	quiet.Email, quiet.EmailVerified = "", false
	const (
		token  = `{"access_token":"access-token-1","token_type":"bearer","expires_in":86400,"scope":"user_info emails"}`
		user   = `{"id":4242,"login":"alice","name":"小明","avatar_url":"https://gitee.example.com/4242.png","email":"shown@example.com"}`
		emails = `[{"email":"old@example.com","state":"confirmed","scope":["committed"]},{"email":"alice@example.com","state":"confirmed","scope":["primary","notified"]}]`
	)
	for _, tt := range []struct {
		name                string
		token, user, emails http.HandlerFunc
		c                   provider.Credential
		want                outcome
	}{
		{"a code", says(token), says(user), says(emails), byCode, outcome{profile: alice}},
		{"an address that is not confirmed", says(token), says(user), says(`[{"email":"alice@example.com","state":"unconfirmed","scope":["primary"]}]`), byCode, outcome{profile: quiet}},
		{"no permission for addresses", says(token), says(user), failing(403, `{"message":"forbidden"}`), byCode, outcome{profile: quiet}},
		{"a used code", failing(401, `{"error":"invalid_grant"}`), nil, nil, byCode, refusal(errs.ProviderRefused, "vendor_invalid_grant")},
		{"a wrong secret", failing(401, `{"error":"invalid_client"}`), nil, nil, byCode, refusal(errs.ProviderMisconfigured, "vendor_invalid_client")},
		{"a token that is refused", says(token), failing(401, `{"message":"401"}`), nil, byCode, refusal(errs.ProviderRefused, "token_refused")},
		{"too many calls", says(token), failing(429, `{}`), nil, byCode, refusal(errs.TooManyRequests, "vendor_limit")},
		{"an account without a number", says(token), says(`{"login":"alice"}`), nil, byCode, refusal(errs.Unavailable, "no_subject")},
		{"a client's token", nil, says(user), says(emails), provider.Credential{AccessToken: accessToken}, refusal(errs.ProviderDenied, "no_code")},
		{"somebody who refused", nil, nil, nil, provider.Credential{Params: map[string]string{"error": "access_denied"}}, refusal(errs.ProviderDenied, "vendor_access_denied")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			with := func(answer http.HandlerFunc) http.HandlerFunc {
				return func(w http.ResponseWriter, r *http.Request) {
					if r.Header.Get("Authorization") != "Bearer "+accessToken || r.URL.RawQuery != "" {
						t.Errorf("asked %s with %v", r.URL, r.Header)
					}
					answer(w, r)
				}
			}
			at := upstream(t, map[string]http.HandlerFunc{
				"POST /oauth/token": func(w http.ResponseWriter, r *http.Request) {
					want := url.Values{
						"grant_type": {"authorization_code"}, "code": {goodCode}, "redirect_uri": {callbackURI},
						"client_id": {clientID}, "client_secret": {clientSecret},
					}
					if err := r.ParseForm(); err != nil || !cmp.Equal(want, r.PostForm) {
						t.Errorf("%v: %s", err, cmp.Diff(want, r.PostForm))
					}
					tt.token(w, r)
				},
				"GET /api/v5/user":   with(tt.user),
				"GET /api/v5/emails": with(tt.emails),
			})
			d := open(t, "gitee", map[string]string{"client_id": clientID, "client_secret": clientSecret, "base": at})
			got, err := d.Exchange(t.Context(), tt.c)
			tt.want.check(t, got, err)
		})
	}
}

// Whatever Gitee does, nobody is signed in.
func TestGiteeFails(t *testing.T) {
	for name, faulty := range vendorFaults(t) {
		t.Run(name, func(t *testing.T) {
			at := upstream(t, map[string]http.HandlerFunc{"POST /oauth/token": faulty})
			d := open(t, "gitee", map[string]string{"client_id": clientID, "client_secret": clientSecret, "base": at})
			_, err := d.Exchange(t.Context(), byCode)
			wantRefusal(t, err, errs.Unavailable, "")
		})
	}
}
