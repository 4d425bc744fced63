package session

import (
	"context"
	"strings"
	"time"

	"github.com/tigertally/tigertally/internal/db"
)

const columns = `id, pool_id, user_id, client_id, device_id, scope, amr, provider_type, ip, user_agent,
	generation, rotated_at, auth_at, created_at, expires_at, access_life`

func (s *Service) insert(ctx context.Context, v Session, seedHash []byte, idleUntil time.Time) error {
	_, err := s.db.Exec(ctx, `INSERT INTO sessions (`+columns+`, seed, idle_until, revoked_why)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, '')`,
		v.ID, v.PoolID, v.UserID, v.ClientID, v.DeviceID, v.Scope, strings.Join(v.AMR, " "),
		v.ProviderType, v.IP, v.UserAgent, v.Generation, db.Millis(v.RotatedAt), db.Millis(v.AuthAt),
		db.Millis(v.CreatedAt), db.Millis(v.ExpiresAt), v.accessLife.Milliseconds(),
		seedHash, db.Millis(idleUntil))
	return err
}

// rotate moves a live session of an active user on to its next generation, if t is its
// newest token.
func (s *Service) rotate(ctx context.Context, poolID, clientID string, t refreshToken,
	now, idleUntil time.Time,
) (Session, error) {
	return scan(s.db.QueryRow(ctx, `UPDATE sessions
		SET generation = generation + 1, rotated_at = $1, idle_until = $2
		WHERE id = $3 AND generation = $4 AND seed = $5 AND pool_id = $6 AND client_id = $7
		AND revoked_at IS NULL AND idle_until > $1 AND expires_at > $1
		AND EXISTS (SELECT 1 FROM users u WHERE u.id = sessions.user_id AND u.status = 'active')
		RETURNING `+columns,
		db.Millis(now), db.Millis(idleUntil), t.session, t.generation, t.seedHash(), poolID, clientID))
}

// live reads the session of a token of any generation.
func (s *Service) live(ctx context.Context, poolID string, t refreshToken) (Session, error) {
	return scan(s.db.QueryRow(ctx, `SELECT `+columns+` FROM sessions
		WHERE id = $1 AND seed = $2 AND pool_id = $3
		AND revoked_at IS NULL AND idle_until > $4 AND expires_at > $4
		AND EXISTS (SELECT 1 FROM users u WHERE u.id = sessions.user_id AND u.status = 'active')`,
		t.session, t.seedHash(), poolID, db.Millis(s.now())))
}

// alive is ErrNoRows when a principal's session has ended or its user is not active.
func (s *Service) alive(ctx context.Context, p Principal) error {
	var one int
	return s.db.QueryRow(ctx, `SELECT 1 FROM sessions s JOIN users u ON u.id = s.user_id
		WHERE s.id = $1 AND s.user_id = $2 AND s.pool_id = $3 AND s.revoked_at IS NULL
		AND u.status = 'active'`, p.SessionID, p.UserID, p.PoolID).Scan(&one)
}

// touch keeps a live session of an active user from going idle before a time.
func (s *Service) touch(ctx context.Context, p Principal, now, idleUntil time.Time) (Session, error) {
	return scan(s.db.QueryRow(ctx, `UPDATE sessions
		SET idle_until = CASE WHEN idle_until < $1 THEN $1 ELSE idle_until END
		WHERE id = $2 AND user_id = $3 AND pool_id = $4
		AND revoked_at IS NULL AND idle_until > $5 AND expires_at > $5
		AND EXISTS (SELECT 1 FROM users u WHERE u.id = sessions.user_id AND u.status = 'active')
		RETURNING `+columns,
		db.Millis(idleUntil), p.SessionID, p.UserID, p.PoolID, db.Millis(now)))
}

// lasting reads a live session of an active user that does not go idle before a time.
func (s *Service) lasting(ctx context.Context, p Principal, now, until time.Time) (Session, error) {
	return scan(s.db.QueryRow(ctx, `SELECT `+columns+` FROM sessions
		WHERE id = $1 AND user_id = $2 AND pool_id = $3
		AND revoked_at IS NULL AND idle_until >= $4 AND idle_until > $5 AND expires_at > $5
		AND EXISTS (SELECT 1 FROM users u WHERE u.id = sessions.user_id AND u.status = 'active')`,
		p.SessionID, p.UserID, p.PoolID, db.Millis(until), db.Millis(now)))
}

func (s *Service) revoke(ctx context.Context, id, why string) (int64, error) {
	return s.db.Exec(ctx, `UPDATE sessions SET revoked_at = $1, revoked_why = $2
		WHERE id = $3 AND revoked_at IS NULL`, db.Millis(s.now()), why, id)
}

func (s *Service) revokeUser(ctx context.Context, userID, except, why string) (int64, error) {
	return s.db.Exec(ctx, `UPDATE sessions SET revoked_at = $1, revoked_why = $2
		WHERE user_id = $3 AND id <> $4 AND revoked_at IS NULL`,
		db.Millis(s.now()), why, userID, except)
}

func (s *Service) revokeClient(ctx context.Context, userID, clientID, why string) (int64, error) {
	return s.db.Exec(ctx, `UPDATE sessions SET revoked_at = $1, revoked_why = $2
		WHERE user_id = $3 AND client_id = $4 AND revoked_at IS NULL`,
		db.Millis(s.now()), why, userID, clientID)
}

func (s *Service) revokeApp(ctx context.Context, poolID, clientID, why string) (int64, error) {
	return s.db.Exec(ctx, `UPDATE sessions SET revoked_at = $1, revoked_why = $2
		WHERE pool_id = $3 AND client_id = $4 AND revoked_at IS NULL`,
		db.Millis(s.now()), why, poolID, clientID)
}

func (s *Service) revokeDevice(ctx context.Context, userID, deviceID, why string) (int64, error) {
	return s.db.Exec(ctx, `UPDATE sessions SET revoked_at = $1, revoked_why = $2
		WHERE user_id = $3 AND device_id = $4 AND revoked_at IS NULL`,
		db.Millis(s.now()), why, userID, deviceID)
}

func (s *Service) list(ctx context.Context, userID string, limit int) ([]Session, error) {
	rows, err := s.db.Query(ctx, `SELECT `+columns+` FROM sessions
		WHERE user_id = $1 AND revoked_at IS NULL AND idle_until > $2 AND expires_at > $2
		ORDER BY created_at DESC, id LIMIT $3`, userID, db.Millis(s.now()), limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // Err below says it all.
	var list []Session
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, rows.Err()
}

func (s *Service) deleteDead(ctx context.Context, before time.Time) error {
	_, err := s.db.Exec(ctx, `DELETE FROM sessions WHERE expires_at <= $1`, db.Millis(before))
	return err
}

func scan(row interface{ Scan(dest ...any) error }) (Session, error) {
	var v Session
	var amr string
	var rotated, auth, created, expires, life int64
	if err := row.Scan(&v.ID, &v.PoolID, &v.UserID, &v.ClientID, &v.DeviceID, &v.Scope, &amr,
		&v.ProviderType, &v.IP, &v.UserAgent, &v.Generation, &rotated, &auth, &created, &expires,
		&life); err != nil {
		return Session{}, err
	}
	v.AMR = strings.Fields(amr)
	v.RotatedAt, v.AuthAt, v.CreatedAt = db.Time(rotated), db.Time(auth), db.Time(created)
	v.ExpiresAt, v.accessLife = db.Time(expires), time.Duration(life)*time.Millisecond
	return v, nil
}
