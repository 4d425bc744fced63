package revocation

import (
	"context"
	"fmt"

	"github.com/tigertally/tigertally/internal/db"
)

func (s *Service) put(ctx context.Context, userID string, i Identity, sealed string) error {
	_, err := s.db.Exec(ctx, `
		INSERT INTO revocations (pool_id, provider, subject, user_id, sealed, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (pool_id, provider, subject) DO UPDATE SET user_id = $4, sealed = $5, updated_at = $6`,
		i.PoolID, i.Provider, i.Subject, userID, sealed, db.Millis(s.now()))
	if err != nil {
		return fmt.Errorf("keeping a revocable token: %w", err)
	}
	return nil
}

func (s *Service) take(ctx context.Context, poolID, userID, provider string) ([]kept, error) {
	rows, err := s.db.Query(ctx, `
		DELETE FROM revocations WHERE user_id = $1 AND pool_id = $2 AND (provider = $3 OR $3 = '')
		RETURNING provider, subject, sealed`, userID, poolID, provider)
	if err != nil {
		return nil, fmt.Errorf("taking revocable tokens: %w", err)
	}
	defer rows.Close() //nolint:errcheck // Err below says it all.
	var all []kept
	for rows.Next() {
		k := kept{Identity: Identity{PoolID: poolID}}
		if err := rows.Scan(&k.Provider, &k.Subject, &k.Sealed); err != nil {
			return nil, fmt.Errorf("taking revocable tokens: %w", err)
		}
		all = append(all, k)
	}
	return all, rows.Err()
}
