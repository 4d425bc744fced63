package backup

import (
	"context"
	"errors"
	"slices"

	"github.com/tigertally/tigertally/internal/db"
)

// newEpoch makes everything void that must not work twice, and counts restores in meta.
func newEpoch(ctx context.Context, l *db.Loader, tables []db.Table) (int64, error) {
	for _, name := range ShortLived() {
		if !slices.ContainsFunc(tables, func(t db.Table) bool { return t.Name == name }) {
			continue // of another schema version
		}
		if _, err := l.Exec(ctx, "DELETE FROM "+name); err != nil {
			return 0, err
		}
	}
	// What waited has gone out since, or is about a code that is void.
	if _, err := l.Exec(ctx, `DELETE FROM jobs WHERE kind NOT LIKE 'every.%'`); err != nil {
		return 0, err
	}
	if _, err := l.Exec(ctx, `UPDATE jobs SET lease_owner = '', lease_until = 0`); err != nil {
		return 0, err
	}
	n, err := l.Exec(ctx, `INSERT INTO meta (name, value) VALUES ('epoch', '1')
		ON CONFLICT (name) DO UPDATE SET value = CAST(CAST(meta.value AS BIGINT) + 1 AS TEXT)`)
	if err != nil || n != 1 {
		return 0, errors.Join(err, errNoEpoch(n))
	}
	return l.Int(ctx, `SELECT CAST(value AS BIGINT) FROM meta WHERE name = 'epoch'`)
}

func errNoEpoch(n int64) error {
	if n == 1 {
		return nil
	}
	return errors.New("the epoch was not counted")
}
