package console_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/tigertally/tigertally/internal/testkit"
)

// TestSupportLetsSomebodyIn locks a person out as the real thing does, finds out why on the
// page about limits, and releases it.
func TestSupportLetsSomebodyIn(t *testing.T) {
	testkit.Each(t, func(t *testing.T, s *testkit.Server) {
		b := owner(t, s)
		s.Do(http.MethodPut, "/emulator/v1/settings", map[string]bool{"limits": true})
		made := s.Post("/emulator/v1/users", map[string]string{"username": "xiaoming", "phone": "+8613800138000", "password": "correct-horse-1"})
		if made.Status != http.StatusOK {
			t.Fatalf("person: %d %s", made.Status, made.Raw)
		}
		signIn := func(name, password string) int {
			return s.Post("/auth/v1/signin?client_id=dev", map[string]string{"username": name, "password": password}).Status
		}
		for range 10 {
			signIn("xiaoming", "wrong")
			signIn("Nobody", "wrong")
		}
		if got := signIn("xiaoming", "correct-horse-1"); got == http.StatusOK {
			t.Fatal("ten wrong passwords lock nobody out")
		}
		look := func(subject string) string {
			return b.get("/console/pools/dev/limits?" + url.Values{"subject": {subject}}.Encode()).body
		}
		for subject, want := range map[string]string{
			"xiaoming": "Wrong passwords of an account", "13800138000": "Wrong passwords of an account",
			"nobody": "Wrong passwords for a name nobody has", "127.0.0.1": "Wrong passwords from an IP address",
		} {
			if page := look(subject); !strings.Contains(page, want) {
				t.Errorf("the page about %s does not say %q", subject, want)
			}
		}
		if page := look("127.0.0.1"); strings.Contains(page, "Release all") {
			t.Error("twenty wrong passwords from one address hold it back")
		}
		if p := b.post("/console/pools/dev/limits", "subject", "xiaoming"); p.status != http.StatusSeeOther {
			t.Fatalf("release: %d %s", p.status, p.body)
		}
		if page := look("xiaoming"); !strings.Contains(page, "Not held back") {
			t.Error("held back after the release")
		}
		if got := signIn("xiaoming", "correct-horse-1"); got != http.StatusOK {
			t.Errorf("sign-in after the release: %d", got)
		}
		if page := look("nobody"); !strings.Contains(page, "Release all") {
			t.Error("somebody else was released too")
		}
	})
}
