package pool_test

import (
	"strings"
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/pool"
)

func TestAPoolSecretIsGoodUntilRevoked(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		var c clock
		one, two := pool.New(d, c.Now), pool.New(d, c.Now)
		create(t, one, "p", pool.Settings{})
		create(t, one, "q", pool.Settings{})
		text, err := one.NewSecret(t.Context(), "p")
		if err != nil || len(text) < 43 {
			t.Fatal(text, err)
		}
		id, err := one.CheckSecret(t.Context(), "p", text)
		if err != nil || id == "" {
			t.Fatal(id, err)
		}
		for _, try := range [][2]string{
			{"q", text}, {"nowhere", text}, {"p", ""}, {"p", text + "x"}, {"p", strings.ToUpper(text)}, // MT-01
		} {
			if _, err := one.CheckSecret(t.Context(), try[0], try[1]); errs.CodeOf(err) != errs.PoolSecretWrong {
				t.Errorf("%v: %v", try, err)
			}
		}
		if err := one.AddSecret(t.Context(), "p", text); err != nil { // a restart of the development server
			t.Fatal(err)
		}
		if again, err := one.CheckSecret(t.Context(), "p", text); err != nil || again != id {
			t.Errorf("added twice: %s, %v", again, err)
		}
		if err := one.AddSecret(t.Context(), "nowhere", text); errs.CodeOf(err) != errs.PoolNotFound {
			t.Errorf("no pool: %v", err)
		}
		c.advance(2 * time.Second)
		if live, err := two.HasSecret(t.Context(), "p", id); err != nil || !live {
			t.Errorf("another node: %v, %v", live, err)
		}
		if err := one.RevokeSecret(t.Context(), "q", id); errs.CodeOf(err) != errs.KeyNotFound {
			t.Errorf("revoked by another pool: %v", err)
		}
		if err := one.RevokeSecret(t.Context(), "p", id); err != nil {
			t.Fatal(err)
		}
		for _, s := range []*pool.Service{one, two} { // SE-06
			if live, err := s.HasSecret(t.Context(), "p", id); err != nil || live {
				t.Errorf("revoked: %v, %v", live, err)
			}
			if _, err := s.CheckSecret(t.Context(), "p", text); errs.CodeOf(err) != errs.PoolSecretWrong {
				t.Errorf("revoked: %v", err)
			}
			c.advance(2 * time.Second)
		}
		if err := one.AddSecret(t.Context(), "p", text); err != nil {
			t.Fatal(err)
		}
		if _, err := one.CheckSecret(t.Context(), "p", text); errs.CodeOf(err) != errs.PoolSecretWrong {
			t.Errorf("a revoked secret came back: %v", err)
		}
		list, err := one.Secrets(t.Context(), "p")
		if err != nil || len(list) != 1 || list[0].ID != id || list[0].RevokedAt.IsZero() {
			t.Errorf("list = %+v, %v", list, err)
		}
	})
}

func TestAllSecretsEndTogether(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		var c clock
		s := pool.New(d, c.Now)
		create(t, s, "p", pool.Settings{})
		create(t, s, "q", pool.Settings{})
		secrets := map[string]string{}
		for _, id := range []string{"p", "q"} {
			text, err := s.NewSecret(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			secrets[id] = text
		}
		if n, err := s.RevokeSecrets(t.Context(), "p"); err != nil || n != 1 {
			t.Errorf("revoked %d, %v", n, err)
		}
		if _, err := s.CheckSecret(t.Context(), "p", secrets["p"]); errs.CodeOf(err) != errs.PoolSecretWrong {
			t.Errorf("revoked: %v", err)
		}
		if _, err := s.CheckSecret(t.Context(), "q", secrets["q"]); err != nil {
			t.Errorf("another pool's: %v", err)
		}
	})
}

func TestOnlyKnownApplicationsHaveAName(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		var c clock
		s := pool.New(d, c.Now)
		create(t, s, "p", pool.Settings{OpenClients: true, Limits: true})
		if got, err := s.AppOf(t.Context(), "p"); err != nil || got.Pool.ID != "p" || got.ID != "p" {
			t.Errorf("got %+v, %v", got, err)
		}
		for _, id := range []string{"nobody", ""} {
			if _, err := s.AppOf(t.Context(), id); errs.CodeOf(err) != errs.ClientUnknown {
				t.Errorf("%q: %v", id, err)
			}
		}
	})
}
