package field

import (
	"context"

	"github.com/tigertally/tigertally/internal/db"
)

func (s *Service) all(ctx context.Context) (map[string][]Field, error) {
	rows, err := s.db.Query(ctx, `SELECT pool_id, key, data_type, label, options FROM fields
		ORDER BY created_at, key`)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // Err below says it all.
	pools := map[string][]Field{}
	for rows.Next() {
		var poolID string
		var f Field
		if err := rows.Scan(&poolID, &f.Key, &f.DataType, &f.Label, &f.Options); err != nil {
			return nil, err
		}
		pools[poolID] = append(pools[poolID], f)
	}
	return pools, rows.Err()
}

func (s *Service) upsert(ctx context.Context, poolID string, f Field) error {
	_, err := s.db.Exec(ctx, `INSERT INTO fields (pool_id, key, data_type, label, options, created_at)
		VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (pool_id, key) DO UPDATE
		SET data_type = excluded.data_type, label = excluded.label, options = excluded.options`,
		poolID, f.Key, f.DataType, f.Label, f.Options, db.Millis(s.now()))
	return err
}

func (s *Service) count(ctx context.Context, poolID string) (int64, error) {
	var n int64
	err := s.db.QueryRow(ctx, `SELECT COUNT(*) FROM fields WHERE pool_id = $1`, poolID).Scan(&n)
	return n, err
}

func (s *Service) remove(ctx context.Context, poolID, key string) (int64, error) {
	return s.db.Exec(ctx, `DELETE FROM fields WHERE pool_id = $1 AND key = $2`, poolID, key)
}
