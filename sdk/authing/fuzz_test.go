package authing_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/tigertally/tigertally/sdk/authing"
)

// Whatever a server answers, a call returns a user or an error, and what was kept of the
// user can be read again.
func FuzzAnswers(f *testing.F) {
	for _, seed := range []string{
		`{"code":200,"data":{"id":"u1","token":"a.eyJpYXQiOjEsImV4cCI6Mn0.c","loginsCount":1}}`,
		`{"code":200,"data":{"userEntity":{"id":"u1"}}}`, `{"code":200,"data":null}`, `{"statusCode":499,"apiCode":"2011"}`,
		`{"code":1636,"data":{"mfaToken":1}}`, `{"code":200,"data":{"identities":[null],"createdAt":"x"}}`, `[]`, ``,
	} {
		f.Add(200, seed)
	}
	f.Fuzz(func(t *testing.T, status int, body string) {
		storage := authing.NewMemoryStorage()
		config := authing.Config{AppID: "app", Host: "http://id.test", Storage: storage}
		config.HTTPClient = &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: status, Header: http.Header{}, Request: r, Body: io.NopCloser(strings.NewReader(body))}, nil
		})}
		u, err := newClient(t, config).LoginByEmail(t.Context(), "a@example.com", "1", nil)
		if (u == nil) == (err == nil) {
			t.Fatalf("got %v, %v", u, err)
		}
		if err != nil {
			_ = authing.MFAToken(err) + authing.FirstTimeLoginToken(err) + err.Error()
			return
		}
		known, err := newClient(t, config).CachedUser(t.Context())
		if u.Token == "" {
			return // nobody is signed in
		}
		if err != nil {
			t.Fatal(err)
		}
		before, err := json.Marshal(u)
		if err != nil {
			t.Fatal(err)
		}
		after, err := json.Marshal(known)
		if err != nil || string(before) != string(after) {
			t.Errorf("kept %s, read %s, %v", before, after, err)
		}
	})
}
