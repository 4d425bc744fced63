package connection

import (
	"context"
	"time"

	"github.com/tigertally/tigertally/internal/db"
)

func (s *Service) all(ctx context.Context) (map[string][]Connection, error) {
	rows, err := s.db.Query(ctx, `SELECT pool_id, id, kind, name, union_group, enabled, sign_up, trust_email,
		link_phone, settings FROM connections ORDER BY created_at, id`)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // Err below says it all.
	pools := map[string][]Connection{}
	for rows.Next() {
		var c Connection
		if err := rows.Scan(&c.PoolID, &c.ID, &c.Kind, &c.Name, &c.UnionGroup, &c.Enabled, &c.SignUp, &c.TrustEmail,
			&c.LinkPhone, &c.sealed); err != nil {
			return nil, err
		}
		pools[c.PoolID] = append(pools[c.PoolID], c)
	}
	return pools, rows.Err()
}

func (s *Service) upsert(ctx context.Context, c Connection) error {
	_, err := s.db.Exec(ctx, `INSERT INTO connections (pool_id, id, kind, name, union_group, enabled, sign_up,
		trust_email, link_phone, settings, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11)
		ON CONFLICT (pool_id, id) DO UPDATE SET kind = excluded.kind, name = excluded.name,
		union_group = excluded.union_group, enabled = excluded.enabled, sign_up = excluded.sign_up,
		trust_email = excluded.trust_email, link_phone = excluded.link_phone, settings = excluded.settings,
		updated_at = excluded.updated_at`,
		c.PoolID, c.ID, c.Kind, c.Name, c.UnionGroup, c.Enabled, c.SignUp, c.TrustEmail, c.LinkPhone, c.sealed,
		db.Millis(s.now()))
	return err
}

func (s *Service) remove(ctx context.Context, poolID, id string) (int64, error) {
	return s.db.Exec(ctx, `DELETE FROM connections WHERE pool_id = $1 AND id = $2`, poolID, id)
}

func (s *Service) findToken(ctx context.Context, name string) (sealed []byte, err error) {
	err = s.db.QueryRow(ctx, `SELECT sealed FROM app_tokens WHERE name = $1 AND expires_at > $2`,
		name, db.Millis(s.now())).Scan(&sealed)
	return sealed, err
}

func (s *Service) putToken(ctx context.Context, name string, sealed []byte, expires time.Time) error {
	_, err := s.db.Exec(ctx, `INSERT INTO app_tokens (name, sealed, expires_at, updated_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (name) DO UPDATE SET sealed = excluded.sealed, expires_at = excluded.expires_at,
		updated_at = excluded.updated_at`, name, sealed, db.Millis(expires), db.Millis(s.now()))
	return err
}

func (s *Service) dropToken(ctx context.Context, name string, sealed []byte) error {
	_, err := s.db.Exec(ctx, `DELETE FROM app_tokens WHERE name = $1 AND sealed = $2`, name, sealed)
	return err
}

func (s *Service) sweepTokens(ctx context.Context) error {
	_, err := s.db.Exec(ctx, `DELETE FROM app_tokens WHERE expires_at <= $1`, db.Millis(s.now()))
	return err
}
