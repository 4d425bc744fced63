package testkit_test

import (
	"context"
	"net/http"
	"net/url"
	"testing"

	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/testkit"
)

// SE-08: a sign-out the database does not take in time is answered with 503, and the
// session goes on until one is taken.
func TestRevocationThatFailsIsNoSuccess(t *testing.T) {
	address := dbtest.URL(t, dbtest.Postgres)
	impatient, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	q := impatient.Query()
	q.Set("lock_timeout", "200")
	impatient.RawQuery = q.Encode()
	s := testkit.StartOn(t, impatient.String())
	m := join(t, s)
	ways := map[string]func() testkit.Answer{
		"revoke": func() testkit.Answer { return s.Post("/auth/v1/revoke", map[string]any{"token": m.access}) },
		"sign-out": func() testkit.Answer {
			return s.Bearer(m.access, http.MethodPost, "/auth/v1/user/signout", map[string]any{})
		},
	}
	d, err := db.Open(t.Context(), db.Options{URL: address})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = d.Close() }()
	answers := make(chan string, len(ways))
	err = d.InTx(t.Context(), func(ctx context.Context) error {
		if _, err := d.Exec(ctx, `LOCK TABLE sessions IN EXCLUSIVE MODE`); err != nil {
			return err
		}
		for name, call := range ways {
			go func() {
				if a := call(); a.Status != http.StatusServiceUnavailable {
					answers <- name + ": " + string(a.Raw)
				} else {
					answers <- ""
				}
			}()
		}
		for range ways {
			if wrong := <-answers; wrong != "" {
				t.Error(wrong)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	m.ok(s.Bearer(m.access, http.MethodGet, "/auth/v1/user/me", nil))
	m.ok(ways["revoke"]())
	if a := s.Bearer(m.access, http.MethodGet, "/auth/v1/user/me", nil); a.Status != http.StatusUnauthorized {
		t.Errorf("after the revocation: %d %s", a.Status, a.Raw)
	}
}
