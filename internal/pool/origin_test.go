package pool_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/pool"
)

func TestOriginsAreKeptAsBrowsersSendThem(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := pool.New(d, (&clock{}).Now)
		create(t, s, "p1", pool.Settings{})
		create(t, s, "p2", pool.Settings{})
		for id, list := range map[string][]string{
			"p1": {"HTTPS://App.Example.com:443/", "http://127.0.0.1:5173"},
			"p2": {"https://app.example.com"},
		} {
			if err := s.SetOrigins(t.Context(), id, list); err != nil {
				t.Fatal(err)
			}
		}
		got, err := s.Origins(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"http://127.0.0.1:5173", "https://app.example.com"}, got); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
		for _, bad := range []string{"", "*", "null", "app.example.com", "https://*.example.com", "https://a.b/path", "ftp://a.b"} {
			if err := s.SetOrigins(t.Context(), "p1", []string{bad}); errs.CodeOf(err) != errs.BadRequest {
				t.Errorf("%q: %v", bad, err)
			}
		}
	})
}
