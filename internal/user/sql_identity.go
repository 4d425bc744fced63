package user

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/tigertally/tigertally/internal/db"
)

func (s *Service) link(ctx context.Context, poolID, id string, i Identity) (int64, error) {
	profile, err := identityProfile(i)
	if err != nil {
		return 0, err
	}
	return s.db.Exec(ctx, `INSERT INTO identities (pool_id, provider, subject, user_id, name, profile, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING`,
		poolID, i.Provider, i.Subject, id, i.Name, profile, db.Millis(i.CreatedAt))
}

func identityProfile(i Identity) (string, error) {
	if len(i.Profile) == 0 {
		return "{}", nil
	}
	profile, err := json.Marshal(i.Profile)
	if err != nil {
		return "", fmt.Errorf("user: identity profile: %w", err)
	}
	return string(profile), nil
}

func (s *Service) unlinkAll(ctx context.Context, poolID, id, provider string) error {
	_, err := s.db.Exec(ctx, `DELETE FROM identities WHERE pool_id = $1 AND user_id = $2 AND provider = $3`,
		poolID, id, provider)
	return err
}

func (s *Service) unlinkEverything(ctx context.Context, poolID, id string) error {
	_, err := s.db.Exec(ctx, `DELETE FROM identities WHERE pool_id = $1 AND user_id = $2`, poolID, id)
	if err != nil {
		return err
	}
	_, err = s.db.Exec(ctx, `DELETE FROM unions WHERE pool_id = $1 AND user_id = $2`, poolID, id)
	return err
}

func (s *Service) describe(ctx context.Context, poolID, id string, i Identity) (int64, error) {
	profile, err := identityProfile(i)
	if err != nil {
		return 0, err
	}
	return s.db.Exec(ctx, `UPDATE identities SET name = $5, profile = $6
		WHERE pool_id = $1 AND user_id = $2 AND provider = $3 AND subject = $4`,
		poolID, id, i.Provider, i.Subject, i.Name, profile)
}

// claimUnion makes a union id stand for the person, unless it stands for somebody.
func (s *Service) claimUnion(ctx context.Context, poolID, group, union, id string) error {
	_, err := s.db.Exec(ctx, `INSERT INTO unions (pool_id, union_group, union_id, user_id, created_at)
		VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`, poolID, group, union, id, db.Millis(s.now()))
	return err
}

func (s *Service) unionOwner(ctx context.Context, poolID, group, union string) (string, error) {
	var id string
	err := s.db.QueryRow(ctx, `SELECT user_id FROM unions
		WHERE pool_id = $1 AND union_group = $2 AND union_id = $3`, poolID, group, union).Scan(&id)
	return id, err
}

func (s *Service) dropUnions(ctx context.Context, poolID, id, group string) error {
	_, err := s.db.Exec(ctx, `DELETE FROM unions WHERE pool_id = $1 AND user_id = $2 AND union_group = $3`,
		poolID, id, group)
	return err
}

// countProvided counts the people linked to each provider of a pool, up to most for each:
// each count reads no more than that of the primary key.
func (s *Service) countProvided(ctx context.Context, poolID string, most int) (map[string]int, error) {
	rows, err := s.db.Query(ctx, `SELECT c.id, (SELECT COUNT(*) FROM (SELECT 1 FROM identities i
			WHERE i.pool_id = c.pool_id AND i.provider = c.id LIMIT $2) AS linked)
		FROM connections c WHERE c.pool_id = $1`, poolID, most)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	counts := map[string]int{}
	for rows.Next() {
		var id string
		var n int
		if err := rows.Scan(&id, &n); err != nil {
			return nil, err
		}
		counts[id] = n
	}
	return counts, rows.Err()
}
