package account

import (
	"context"
	"time"

	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/secret"
)

// grant is one row of device_grants.
type grant struct {
	poolID, clientID, scope, userID string
	expiresAt                       time.Time
	used                            bool
}

func (s *Service) insertGrant(ctx context.Context, deviceCode, userCode string, g grant) error {
	_, err := s.DB.Exec(ctx, `INSERT INTO device_grants (device_hash, user_hash, pool_id, client_id, scope, user_id,
		polled_at, created_at, expires_at, used_at) VALUES ($1, $2, $3, $4, $5, '', 0, $6, $7, NULL)`,
		secret.Hash(deviceCode), secret.Hash(userCode), g.poolID, g.clientID, g.scope,
		db.Millis(s.Now()), db.Millis(g.expiresAt))
	return err
}

func (s *Service) findGrant(ctx context.Context, poolID, deviceCode string) (grant, error) {
	g := grant{poolID: poolID}
	var expires, used int64
	err := s.DB.QueryRow(ctx, `SELECT client_id, scope, user_id, expires_at, COALESCE(used_at, 0) FROM device_grants
		WHERE device_hash = $1 AND pool_id = $2`, secret.Hash(deviceCode), poolID).
		Scan(&g.clientID, &g.scope, &g.userID, &expires, &used)
	g.expiresAt, g.used = db.Time(expires), used > 0
	return g, err
}

func (s *Service) approveGrant(ctx context.Context, poolID, userCode, userID string) (int64, error) {
	return s.DB.Exec(ctx, `UPDATE device_grants SET user_id = $3
		WHERE user_hash = $1 AND pool_id = $2 AND user_id = '' AND used_at IS NULL AND expires_at > $4`,
		secret.Hash(userCode), poolID, userID, db.Millis(s.Now()))
}

// pollGrant notes a poll unless the last one came after since.
func (s *Service) pollGrant(ctx context.Context, deviceCode string, since time.Time) (int64, error) {
	return s.DB.Exec(ctx, `UPDATE device_grants SET polled_at = $2 WHERE device_hash = $1 AND polled_at <= $3`,
		secret.Hash(deviceCode), db.Millis(s.Now()), db.Millis(since))
}

func (s *Service) useGrant(ctx context.Context, deviceCode string) (int64, error) {
	return s.DB.Exec(ctx, `UPDATE device_grants SET used_at = $2
		WHERE device_hash = $1 AND used_at IS NULL AND user_id <> '' AND expires_at > $2`,
		secret.Hash(deviceCode), db.Millis(s.Now()))
}

// voidGrants ends what the person has allowed and no device has fetched. A grant nobody
// has allowed yet has no user id.
func (s *Service) voidGrants(ctx context.Context, userID string) error {
	_, err := s.DB.Exec(ctx, `DELETE FROM device_grants WHERE user_id = $1 AND user_id <> ''`, userID)
	return err
}

// Sweep deletes device grants that are over.
func (s *Service) Sweep(ctx context.Context) error {
	_, err := s.DB.Exec(ctx, `DELETE FROM device_grants WHERE expires_at <= $1`, db.Millis(s.Now().Add(-time.Hour)))
	return err
}
