package db_test

import (
	"context"
	"testing"

	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/db/dbtest"
)

func TestSmoke(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		err := d.InTx(t.Context(), func(ctx context.Context) error {
			_, err := d.Exec(ctx, "INSERT INTO meta (name, value) VALUES ($1, $2)", "a", "b")
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		var v string
		if err := d.QueryRow(t.Context(), "SELECT value FROM meta WHERE name = $1", "a").Scan(&v); err != nil || v != "b" {
			t.Fatal(v, err)
		}
	})
}
