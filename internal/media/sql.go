package media

import (
	"context"
	"fmt"

	"github.com/tigertally/tigertally/internal/db"
)

// insert stores a picture if the pool has room for it.
func (s *Service) insert(ctx context.Context, p Picture, most int64) (bool, error) {
	n, err := s.db.Exec(ctx, `INSERT INTO media (id, pool_id, mime, body, size, created_at)
		SELECT $1, $2, $3, $4, CAST($5 AS BIGINT), $6
		WHERE CAST($5 AS BIGINT) + (SELECT COALESCE(SUM(size), 0) FROM media WHERE pool_id = $2) <= $7`,
		p.ID, p.PoolID, p.Mime, p.Body, int64(len(p.Body)), db.Millis(p.CreatedAt), most)
	return n > 0, err
}

func (s *Service) used(ctx context.Context, poolID string) (int64, error) {
	var n int64
	err := s.db.QueryRow(ctx, `SELECT COALESCE(SUM(size), 0) FROM media WHERE pool_id = $1`, poolID).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("sum up pictures: %w", err)
	}
	return n, nil
}

func (s *Service) find(ctx context.Context, id string) (Picture, error) {
	var p Picture
	var created int64
	err := s.db.QueryRow(ctx, `SELECT id, pool_id, mime, body, created_at FROM media WHERE id = $1`, id).
		Scan(&p.ID, &p.PoolID, &p.Mime, &p.Body, &created)
	p.CreatedAt = db.Time(created)
	return p, err
}

func (s *Service) remove(ctx context.Context, poolID, id string) error {
	_, err := s.db.Exec(ctx, `DELETE FROM media WHERE id = $1 AND pool_id = $2`, id, poolID)
	return err
}
