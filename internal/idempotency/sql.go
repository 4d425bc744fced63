package idempotency

import (
	"context"

	"github.com/tigertally/tigertally/internal/db"
)

// insert notes a request unless its key is taken; an expired key is free.
func (s *Service) insert(ctx context.Context, r Request, digest []byte) (int64, error) {
	now := s.now()
	return s.db.Exec(ctx, `INSERT INTO idempotency (owner, key, digest, created_at, expires_at)
		VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (owner, key) DO UPDATE SET digest = excluded.digest, sealed = NULL,
			created_at = excluded.created_at, expires_at = excluded.expires_at
		WHERE idempotency.expires_at <= excluded.created_at`,
		r.Owner, r.Key, digest, db.Millis(now), db.Millis(now.Add(Life)))
}

func (s *Service) get(ctx context.Context, r Request) (digest, sealed []byte, err error) {
	err = s.db.QueryRow(ctx, `SELECT digest, sealed FROM idempotency WHERE owner = $1 AND key = $2`,
		r.Owner, r.Key).Scan(&digest, &sealed)
	return digest, sealed, err
}

func (s *Service) setAnswer(ctx context.Context, r Request, sealed []byte) error {
	_, err := s.db.Exec(ctx, `UPDATE idempotency SET sealed = $1 WHERE owner = $2 AND key = $3 AND sealed IS NULL`,
		sealed, r.Owner, r.Key)
	return err
}

func (s *Service) remove(ctx context.Context, r Request) error {
	_, err := s.db.Exec(ctx, `DELETE FROM idempotency WHERE owner = $1 AND key = $2 AND sealed IS NULL`, r.Owner, r.Key)
	return err
}

func (s *Service) removeExpired(ctx context.Context) (int64, error) {
	return s.db.Exec(ctx, `DELETE FROM idempotency WHERE expires_at <= $1`, db.Millis(s.now()))
}
