package authing_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tigertally/tigertally/sdk/authing"
)

func TestUsersAreRead(t *testing.T) {
	tests := map[string]struct {
		in   string
		want authing.User
	}{
		"what is known and what is not": {
			`{"id":"u1","phone":null,"emailVerified":true,"loginsCount":3,"signedUp":"2026-01-02T03:04:05.000Z","mood":"good",
			  "registerSource":["basic:email"],"identities":[{"provider":"wechat","userIdInIdp":"o1","isSocial":true}]}`,
			authing.User{
				ID: "u1", EmailVerified: true, LoginsCount: 3, SignedUp: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
				RegisterSource: []string{"basic:email"},
				Identities:     []authing.Identity{{Provider: "wechat", UserIDInIdp: "o1", IsSocial: true}},
				Extra:          map[string]json.RawMessage{"mood": json.RawMessage(`"good"`)},
			},
		},
		"the wrong types": {
			`{"id":"u1","loginsCount":"three","address":{"city":"x"}}`,
			authing.User{ID: "u1", Extra: map[string]json.RawMessage{
				"loginsCount": json.RawMessage(`"three"`), "address": json.RawMessage(`{"city":"x"}`),
			}},
		},
		"inside a wrapper":       {`{"userEntity":{"id":"u1"}}`, authing.User{ID: "u1"}},
		"known by another claim": {`{"sub":"u1"}`, authing.User{ID: "u1", Extra: map[string]json.RawMessage{"sub": json.RawMessage(`"u1"`)}}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var got authing.User
			if err := json.Unmarshal([]byte(tt.in), &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			raw, err := json.Marshal(got)
			if err != nil {
				t.Fatal(err)
			}
			var again authing.User
			if err := json.Unmarshal(raw, &again); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(got, again); diff != "" {
				t.Errorf("written and read again (-before +after):\n%s", diff)
			}
		})
	}
	var u authing.User
	if err := json.Unmarshal([]byte(`[]`), &u); err == nil {
		t.Error("a list is a user")
	}
}

// Everything a server of ours says of a person has a field.
func TestUsersOfTheServerHaveNoSurprises(t *testing.T) {
	w := newWorld(t)
	_, u := w.byPhone()
	known := map[string]bool{"oauth": true, "device": true, "browser": true}
	for name, v := range u.Extra {
		if !known[name] {
			t.Errorf("%s is %s", name, v)
		}
	}
	if u.CreatedAt.IsZero() || u.LastLogin.IsZero() || !u.TokenExpiredAt.After(u.CreatedAt) || u.UserPoolID != w.srv.Env || u.Status != "Activated" {
		t.Errorf("got %+v", u)
	}
}

func TestTokensOfErrors(t *testing.T) {
	first := &authing.Error{Code: authing.ErrFirstLogin, Data: json.RawMessage(`{"token":"t1"}`)}
	factor := &authing.Error{Code: authing.ErrMFARequired, Data: json.RawMessage(`{"mfaToken":"t2"}`)}
	for name, tt := range map[string]struct {
		err        error
		login, mfa string
	}{
		"first sign-in": {first, "t1", ""},
		"second factor": {factor, "", "t2"},
		"no data":       {&authing.Error{Code: authing.ErrFirstLogin}, "", ""},
		"odd data":      {&authing.Error{Code: authing.ErrMFARequired, Data: json.RawMessage(`{"mfaToken":1}`)}, "", ""},
		"another error": {authing.ErrPasswordWrong, "", ""},
		"none":          {nil, "", ""},
	} {
		if got := authing.FirstTimeLoginToken(tt.err); got != tt.login {
			t.Errorf("%s: login token %q", name, got)
		}
		if got := authing.MFAToken(tt.err); got != tt.mfa {
			t.Errorf("%s: MFA token %q", name, got)
		}
	}
	if text := authing.ErrPasswordWrong.Error(); text != "authing: code 2333" {
		t.Errorf("got %q", text)
	}
}
