// Package dbtest gives tests a fresh database of each kind: a SQLite file in the
// test's directory, and a database on PostgreSQL where there is one. It owns the
// throw-away PostgreSQL server; it holds no test.
package dbtest

import (
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/tigertally/tigertally/internal/db"
)

// The engines Open knows.
const (
	SQLite   = "sqlite"
	Postgres = "postgres"
)

// Each runs fn on both engines, as the subtests "sqlite" and "postgres".
func Each(t *testing.T, fn func(t *testing.T, d *db.DB)) {
	t.Helper()
	for _, engine := range []string{SQLite, Postgres} {
		t.Run(engine, func(t *testing.T) {
			t.Helper()
			fn(t, Open(t, engine))
		})
	}
}

// Open opens a fresh database and closes it when the test ends. A test that asks for
// PostgreSQL is skipped where there is none, except on CI, where it fails.
func Open(t testing.TB, engine string) *db.DB {
	t.Helper()
	return OpenWith(t, engine, db.Options{})
}

// OpenWith is Open with options; their URL is filled in.
func OpenWith(t testing.TB, engine string, o db.Options) *db.DB {
	t.Helper()
	o.URL = URL(t, engine)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	d, err := db.Open(t.Context(), o)
	if err != nil {
		t.Fatalf("open %s: %v", engine, err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Errorf("close %s: %v", engine, err)
		}
	})
	return d
}

// URL is the address of a fresh database that goes away with the test.
func URL(t testing.TB, engine string) string {
	t.Helper()
	if engine == Postgres {
		return postgresURL(t)
	}
	return "sqlite:" + filepath.Join(t.TempDir(), "test.db")
}
