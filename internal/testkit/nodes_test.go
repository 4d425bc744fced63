package testkit_test

import (
	"encoding/pem"
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/testkit"
)

// Two servers on one PostgreSQL database are one server to whoever comes by a proxy that
// gives every other request to the other one.
func TestTwoServersAreOne(t *testing.T) {
	s := testkit.StartNodes(t, 2)
	t.Run("an operator sees what they have just changed", func(t *testing.T) { oneForOperators(t, s.On(t)) })
	t.Run("a session", func(t *testing.T) { oneForASession(t, s.On(t)) })
	t.Run("the hosted page", func(t *testing.T) { oneForAPage(t, s.On(t)) })
}

func oneForOperators(t *testing.T, s *testkit.Server) {
	key := s.Do(http.MethodGet, "/emulator/v1/project", nil).String("manageKey")
	call := func(want int, method, path string, body any, header ...string) testkit.Answer {
		t.Helper()
		a := s.Do(method, "/manage/v1/pools/dev"+path, body, append(header, "Authorization", "Bearer "+key, "Content-Type", "application/json")...)
		if a.Status != want {
			t.Fatalf("%s %s: %d %s", method, path, a.Status, a.Raw)
		}
		return a
	}
	for i := range 4 {
		app := fmt.Sprint("app", i)
		call(http.StatusOK, http.MethodPost, "/apps", map[string]any{"id": app, "name": "first"})
		for _, name := range []string{"second", "third", "fourth"} {
			shown := call(http.StatusOK, http.MethodGet, "/apps/"+app, nil)
			call(http.StatusOK, http.MethodPatch, "/apps/"+app, map[string]any{"name": name}, "If-Match", shown.Header.Get("ETag"))
			if got := call(http.StatusOK, http.MethodGet, "/apps/"+app, nil).String("name"); got != name {
				t.Errorf("after it was named %q: %q", name, got)
			}
			call(http.StatusPreconditionFailed, http.MethodPatch, "/apps/"+app, map[string]any{"name": "lost"}, "If-Match", shown.Header.Get("ETag"))
		}
		// An app that was pasted the id signs somebody in at once.
		made := s.Post("/emulator/v1/users", map[string]any{"username": app, "password": memberPassword}).String("id")
		in := s.Post("/auth/v1/signin?client_id="+app, map[string]any{"username": app, "password": memberPassword})
		if in.Status != http.StatusOK || in.String("sub") != made || made == "" {
			t.Errorf("with the new app: %d %s", in.Status, in.Raw)
		}
		field := fmt.Sprint("field", i)
		call(http.StatusOK, http.MethodPut, "/fields/"+field, map[string]any{"data_type": "STRING"})
		call(http.StatusOK, http.MethodPatch, "/users/"+made, map[string]any{"custom": map[string]any{field: "value"}})
	}
}

func oneForASession(t *testing.T, s *testkit.Server) {
	m := join(t, s)
	for range 4 { // the name of the key may come to the other one than made it
		sealing := m.ok(s.Post("/auth/v2/signin/publichkey", map[string]any{}))
		block, _ := pem.Decode([]byte(sealing.String("public_key")))
		if block == nil {
			t.Fatalf("no key: %s", sealing.Raw)
		}
		m.ok(s.Post("/auth/v1/signin", map[string]any{
			"params":                seal(t, parseKey(t, block.Bytes), `{"username":"first","password":"`+memberPassword+`"}`),
			"public_key_thumbprint": sealing.String("public_key_thumbprint"),
		}))
	}
	for range 6 {
		m.ok(s.Bearer(m.access, http.MethodGet, "/auth/v1/user/me", nil))
		next := m.ok(s.Post("/auth/v1/token", map[string]any{
			"grant_type": "refresh_token", "client_id": "dev", "refresh_token": m.refresh,
		}))
		m.access, m.refresh = next.String("access_token"), next.String("refresh_token")
	}
	m.ok(s.Bearer(m.access, http.MethodPost, "/auth/v1/user/signout", map[string]any{}))
	refused := 0 // in a row: the other one may remember the session for a moment (SE-06)
	for range 100 {
		if s.Bearer(m.access, http.MethodGet, "/auth/v1/user/me", nil).Status == http.StatusUnauthorized {
			refused++
		} else {
			refused = 0
			time.Sleep(50 * time.Millisecond)
		}
		if refused == 4 {
			return
		}
	}
	t.Error("the session goes on at one of them")
}

func oneForAPage(t *testing.T, s *testkit.Server) {
	s.Post("/emulator/v1/users", map[string]any{"email": "ann@example.com"})
	v := newGuest(t, s)
	v.submit("email", url.Values{"do": {"send"}, "account": {"ann@example.com"}})
	v.submit("email", url.Values{"do": {"code"}, "account": {"ann@example.com"}, "code": {s.Code("ann@example.com")}})
	if v.left == nil {
		t.Fatalf("the browser did not leave: %s", v.page)
	}
}
