package testkit_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tigertally/tigertally/internal/app"
	"github.com/tigertally/tigertally/internal/config"
	"github.com/tigertally/tigertally/internal/db/dbtest"
)

// installation returns the settings of a server with a data directory of its own, on the
// database at url.
func installation(t *testing.T, url string) config.Config {
	t.Helper()
	conf := config.Default()
	conf.DataDir = filepath.Join(t.TempDir(), "data")
	conf.DatabaseURL = url
	return conf
}

// kids opens an installation and returns the ids of its signing keys, which it makes when
// there are none.
func kids(t *testing.T, conf config.Config) string {
	t.Helper()
	s, err := app.OpenStore(t.Context(), conf, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	if pools, err := s.Pools.List(t.Context()); err != nil {
		t.Fatal(err)
	} else if len(pools) == 0 {
		if _, err := s.CreatePool(t.Context(), "p", "", nil); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Keys.Sign(t.Context(), "p", "at+jwt", map[string]string{"sub": "u1"}); err != nil {
		t.Fatal(err)
	}
	set, err := s.Keys.JWKS(t.Context(), "p")
	if err != nil || len(set.Keys) == 0 {
		t.Fatalf("%d keys, %v", len(set.Keys), err)
	}
	var ids []string
	for _, k := range set.Keys {
		ids = append(ids, k.KeyID)
	}
	slices.Sort(ids)
	return strings.Join(ids, " ")
}

// KM-02: a database opens with the master key it was made with and with no other, and
// nothing is made in place of a key that is missing.
func TestDatabaseOpensWithItsOwnMasterKeyOnly(t *testing.T) {
	for _, engine := range []string{dbtest.SQLite, dbtest.Postgres} {
		t.Run(engine, func(t *testing.T) {
			ours := installation(t, dbtest.URL(t, engine))
			theirs := installation(t, dbtest.URL(t, engine))
			before := kids(t, ours)
			kids(t, theirs)

			stolen := theirs
			stolen.DatabaseURL = ours.DatabaseURL
			refused(t, stolen, "master key is not the one this database was made with")

			if err := os.Rename(ours.KeyFile(), ours.KeyFile()+".away"); err != nil {
				t.Fatal(err)
			}
			refused(t, ours, "is missing")
			if _, err := os.Stat(ours.KeyFile()); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("a key was made beside the database: %v", err)
			}
			if err := os.Rename(ours.KeyFile()+".away", ours.KeyFile()); err != nil {
				t.Fatal(err)
			}
			if after := kids(t, ours); after != before {
				t.Errorf("signing keys %s have become %s", before, after)
			}
		})
	}
}

// refused expects one line that says why.
func refused(t *testing.T, conf config.Config, why string) {
	t.Helper()
	s, err := app.OpenStore(t.Context(), conf, nil)
	if err == nil {
		t.Errorf("opened, close says %v; want a refusal: %s", s.Close(), why)
		return
	}
	if text := err.Error(); !strings.Contains(text, why) || strings.Contains(text, "\n") {
		t.Errorf("refused with %q, want one line with %q", text, why)
	}
}
