package console_test

import (
	"net/http"
	"testing"

	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/testkit"
)

// door is a way to ask for something with a credential.
type door struct {
	name string
	ask  func(s *testkit.Server, credential string) testkit.Answer
	open map[string]bool // for these credentials
}

// doors are one of each kind of route, for the people of a pool and for administrators.
func doors() []door {
	bearer := func(method, path string, body any) func(*testkit.Server, string) testkit.Answer {
		return func(s *testkit.Server, credential string) testkit.Answer {
			return s.Bearer(credential, method, path, body)
		}
	}
	cookie := func(s *testkit.Server, credential string) testkit.Answer {
		return s.Do(http.MethodGet, "/console/account", nil, "Cookie", "console="+credential)
	}
	users := map[string]bool{"user's access token": true}
	return []door{
		{"management API", bearer(http.MethodGet, "/manage/v1/pools", nil), map[string]bool{"operator's session": true, "API key": true}},
		{"console", cookie, map[string]bool{"operator's session": true}},
		{"CloudBase: me", bearer(http.MethodGet, "/auth/v1/user/me", nil), users},
		{"CloudBase: change", bearer(http.MethodPost, "/auth/v1/user/sudo", map[string]string{"password": "correct-horse-1"}), users},
		{"Authing: me", bearer(http.MethodPost, "/graphql/v2", map[string]string{"query": "query user { user { id } }"}), users},
		{"Authing: management", bearer(http.MethodPost, "/graphql/v2", map[string]string{"query": "query users { users { totalCount } }"}), nil},
		{"OIDC: userinfo", bearer(http.MethodGet, "/oidc/me", nil), nil}, // wants the openid scope, which an app's own sign-in has not
	}
}

// TestCredentialsOpenOnlyTheirOwnDoors tries every class of credential at every class of
// route: what people of a pool hold never administers, what administrators hold is never a
// person of a pool (AD-03).
func TestCredentialsOpenOnlyTheirOwnDoors(t *testing.T) {
	s := testkit.Start(t, dbtest.SQLite)
	b := owner(t, s)
	project := s.Do(http.MethodGet, "/emulator/v1/project", nil)
	s.Post("/emulator/v1/users", map[string]string{"username": "xiaoming", "password": "correct-horse-1"})
	person := s.Post("/auth/v1/signin?client_id=dev", map[string]string{"username": "xiaoming", "password": "correct-horse-1"})
	if person.String("access_token") == "" {
		t.Fatalf("sign-in: %d %s", person.Status, person.Raw)
	}
	made := s.Do(http.MethodPost, "/manage/v1/api-keys", map[string]string{"name": "test", "role": "operator"},
		"Authorization", "Bearer "+b.cookies["console"], "Content-Type", "application/json")
	if made.String("key") == "" {
		t.Fatalf("API key: %d %s", made.Status, made.Raw)
	}
	credentials := map[string]string{
		"nothing":              "",
		"noise":                "tts_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		"user's access token":  person.String("access_token"),
		"user's refresh token": person.String("refresh_token"),
		"pool secret":          project.String("poolSecret"),
		"operator's session":   b.cookies["console"],
		"API key":              made.String("key"),
	}
	for _, d := range doors() {
		for name, credential := range credentials {
			got := d.ask(s, credential)
			in := got.Status == http.StatusOK && got.Body["errors"] == nil
			if code, ok := got.Body["code"].(float64); ok && code != http.StatusOK {
				in = false
			}
			if in != d.open[name] {
				t.Errorf("%s with %s: in is %v (%d %.200s)", d.name, name, in, got.Status, got.Raw)
			}
		}
	}
}
