package media

import (
	"context"

	"github.com/tigertally/tigertally/internal/db"
)

func (s *Service) insert(ctx context.Context, p Picture) error {
	_, err := s.db.Exec(ctx, `INSERT INTO media (id, pool_id, mime, body, created_at)
		VALUES ($1, $2, $3, $4, $5)`, p.ID, p.PoolID, p.Mime, p.Body, db.Millis(p.CreatedAt))
	return err
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
