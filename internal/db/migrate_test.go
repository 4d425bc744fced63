package db_test

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/db/dbtest"
)

// R10: an older program leaves the schema of a newer one alone, and says why.
func TestForeignSchemaIsRefused(t *testing.T) {
	tests := []struct{ name, change, want string }{
		{"too new", "INSERT INTO schema_migrations (version, name, checksum) VALUES (9999, '9999_new', 'x')", "schema version 9999"},
		{"made from other files", "UPDATE schema_migrations SET checksum = 'x' WHERE version = 1", "migration 0001_core is not the one"},
	}
	for _, tt := range tests {
		for _, engine := range []string{dbtest.SQLite, dbtest.Postgres} {
			t.Run(engine+"/"+tt.name, func(t *testing.T) {
				url := dbtest.URL(t, engine)
				d, err := db.Open(t.Context(), db.Options{URL: url})
				if err != nil {
					t.Fatal(err)
				}
				if _, err := d.Exec(t.Context(), tt.change); err != nil {
					t.Fatal(err)
				}
				if err := d.Close(); err != nil {
					t.Fatal(err)
				}
				_, err = db.Open(t.Context(), db.Options{URL: url})
				if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") {
					t.Errorf("got %v, want one line with %q", err, tt.want)
				}
			})
		}
	}
}

// R10: nodes that start together migrate once.
func TestNodesMigrateOnce(t *testing.T) {
	url := dbtest.EmptyURL(t)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			d, err := db.Open(t.Context(), db.Options{URL: url, Readers: 2})
			if err != nil {
				t.Error(err)
				return
			}
			defer d.Close()
			if err := d.InTx(t.Context(), func(ctx context.Context) error {
				_, err := d.Exec(ctx, insertMeta+" ON CONFLICT DO NOTHING", "a", "b")
				return err
			}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}
