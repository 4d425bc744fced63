package provider

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/driver"
)

// What QQ answers may be anything; what is found in it is JSON or what was there.
func FuzzQQAnswer(f *testing.F) {
	for _, seed := range []string{
		`callback( {"client_id":"1","openid":"2"} );`, `{"ret":0}`, "access_token=a&expires_in=1", "callback(", "callback();", "&=%zz",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		found := qqJSON(body)
		if json.Valid(body) && len(body) > 0 && body[0] == '{' && string(found) != string(body) && json.Unmarshal(found, &map[string]any{}) != nil {
			t.Errorf("%q became %q", body, found)
		}
	})
}

// Nobody without the issuer's key makes an ID token.
func FuzzIDToken(f *testing.F) {
	for _, seed := range []string{
		"", "..", "eyJhbGciOiJub25lIn0.e30.", "eyJhbGciOiJSUzI1NiJ9.e30.AA", "eyJhbGciOiJFUzI1NiIsImp3ayI6e319.e30.AA", "bnVsbA.e30.AA",
	} {
		f.Add(seed)
	}
	keys := newKeySet(nil, func() time.Time { return time.Unix(0, 0) }, func(context.Context) (string, error) {
		return "", errors.New("there are none")
	})
	f.Fuzz(func(t *testing.T, raw string) {
		if _, err := readIDToken(t.Context(), keys, raw, expectation{}); err == nil {
			t.Errorf("%q was taken", raw)
		}
	})
}

// What settings point at may be anything too.
func FuzzFields(f *testing.F) {
	f.Add([]byte(`{"a":[{"b":1}]}`), "a.0.b")
	f.Add([]byte(`[]`), "-1")
	f.Add([]byte(`null`), ".")
	f.Fuzz(func(_ *testing.T, body []byte, path string) {
		document, err := parseFields(driver.Answer{Status: http.StatusOK, Body: body})
		if err == nil {
			_ = field(document, path)
		}
	})
}
