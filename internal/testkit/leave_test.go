package testkit_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/testkit"
	"github.com/tigertally/tigertally/internal/upsim"
)

// byApple signs alice in with Apple and returns her access token.
func byApple(t *testing.T, s *testkit.Server) string {
	t.Helper()
	code := visit(t, s, "apple", appPage, thisDevice())
	a := s.Do(http.MethodPost, "/auth/v1/provider/token", map[string]any{
		"provider_id": "apple", "provider_code": code, "provider_redirect_uri": appPage,
	}, thisDevice()...)
	if strings.Contains(string(a.Raw), "revocable") {
		t.Errorf("the application sees what is Apple's: %s", a.Raw)
	}
	a = s.Do(http.MethodPost, "/auth/v1/signin/with/provider", map[string]any{"provider_token": a.String("provider_token")}, thisDevice()...)
	if a.Status != http.StatusOK {
		t.Fatalf("sign-in: %s", a.Raw)
	}
	return a.String("access_token")
}

// revoked counts what Apple was told, and accepted.
func revoked(sim *upsim.Server) (told, accepted int) {
	for _, e := range sim.Journal("apple") {
		if strings.HasSuffix(e.Path, "/auth/revoke") {
			told++
			if e.Status == http.StatusOK && e.Verdict == "ok" {
				accepted++
			}
		}
	}
	return told, accepted
}

// until waits for something that a job does.
func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !done(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal(what)
		}
	}
}

// The App Store demands that Apple hears of a deleted account. Nobody waits for that, and
// it happens when Apple is well again.
func TestAppleHearsWhoHasLeft(t *testing.T) {
	for _, engine := range []string{dbtest.SQLite, dbtest.Postgres} {
		t.Run(engine, func(t *testing.T) {
			s := testkit.StartWithUpstreams(t, engine)
			sim := s.App.Upstreams()
			for _, way := range []struct {
				name  string
				leave func(t *testing.T, access string)
			}{
				{"an account that is deleted", func(t *testing.T, access string) {
					t.Helper()
					if a := s.Bearer(access, http.MethodDelete, "/auth/v1/user/me?sudo_token="+sudoByMail(t, s, access), nil); a.Status != http.StatusOK {
						t.Fatalf("deletion: %s", a.Raw)
					}
				}},
				{"an identity that is unlinked", func(t *testing.T, access string) {
					t.Helper()
					if a := s.Bearer(access, http.MethodDelete, "/auth/v1/user/provider/apple", nil); a.Status != http.StatusOK {
						t.Fatalf("unlinking: %s", a.Raw)
					}
				}},
			} {
				t.Run(way.name, func(t *testing.T) {
					s := s.On(t)
					byApple(t, s) // each sign-in brings another token, and the last one counts
					access := byApple(t, s)
					down, err := sim.Arm(upsim.Fault{Match: upsim.Match{Upstream: "apple", Path: "/auth/revoke"}, Fault: "H502"})
					if err != nil {
						t.Fatal(err)
					}
					told, accepted := revoked(sim)
					way.leave(t, access)
					until(t, "Apple was never told", func() bool { n, _ := revoked(sim); return n > told })
					if _, n := revoked(sim); n != accepted {
						t.Fatal("Apple is down and heard it")
					}
					sim.Disarm(down)
					until(t, "Apple was not told again", func() bool {
						s.Advance(time.Minute)
						_, n := revoked(sim)
						return n == accepted+1
					})
				})
			}
		})
	}
}

// sudoByMail proves the mail address of the session once more.
func sudoByMail(t *testing.T, s *testkit.Server, access string) string {
	t.Helper()
	me := s.Bearer(access, http.MethodGet, "/auth/v1/user/me", nil)
	sent := s.Post("/auth/v1/verification", map[string]any{"email": me.String("email"), "target": "USER"})
	proof := s.Post("/auth/v1/verification/verify", map[string]any{
		"verification_id": sent.String("verification_id"), "verification_code": s.Code(me.String("email")),
	})
	a := s.Bearer(access, http.MethodPost, "/auth/v1/user/sudo", map[string]any{"verification_token": proof.String("verification_token")})
	if a.Status != http.StatusOK {
		t.Fatalf("sudo: %s after %s, %s, %s", a.Raw, me.Raw, sent.Raw, proof.Raw)
	}
	return a.String("sudo_token")
}
