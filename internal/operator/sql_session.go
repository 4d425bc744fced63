package operator

import (
	"context"
	"encoding/json"
	"net/netip"
	"time"

	"github.com/tigertally/tigertally/internal/db"
)

func (s *Service) findSession(ctx context.Context, hash []byte) (liveSession, error) {
	var r accountRow
	var live liveSession
	var factor *int64
	var sudo, seen, expires int64
	dest := append(r.dest(), &live.id, &factor, &sudo, &seen, &expires)
	err := s.d.DB.QueryRow(ctx, `SELECT `+accountColumns+`, s.id, s.factor_at, s.sudo_until, s.seen_at, s.expires_at
		FROM operator_sessions s JOIN operators o ON o.id = s.operator_id WHERE s.hash = $1`, hash).Scan(dest...)
	if err != nil {
		return liveSession{}, err
	}
	live.factor, live.sudo, live.seen, live.expires = factor != nil, db.Time(sudo), db.Time(seen), db.Time(expires)
	live.account, err = r.read()
	return live, err
}

// completeSession gives a session its second factor and a new hash, once. A session that
// has one keeps its end.
func (s *Service) completeSession(ctx context.Context, id string, old, fresh []byte, now, sudo, expires time.Time) (int64, error) {
	return s.d.DB.Exec(ctx, `UPDATE operator_sessions SET hash = $1, sudo_until = $2, seen_at = $3,
		expires_at = CASE WHEN factor_at IS NULL THEN $4 ELSE expires_at END, factor_at = $3
		WHERE id = $5 AND hash = $6`,
		fresh, db.Millis(sudo), db.Millis(now), db.Millis(expires), id, old)
}

func (s *Service) extendSudo(ctx context.Context, id string, until time.Time) error {
	_, err := s.d.DB.Exec(ctx, `UPDATE operator_sessions SET sudo_until = $1 WHERE id = $2`, db.Millis(until), id)
	return err
}

func (s *Service) touchSession(ctx context.Context, id string, now time.Time) error {
	_, err := s.d.DB.Exec(ctx, `UPDATE operator_sessions SET seen_at = $1 WHERE id = $2 AND seen_at <= $3`,
		db.Millis(now), id, db.Millis(now.Add(-seenEvery)))
	return err
}

func (s *Service) listSessions(ctx context.Context, operatorID string, now time.Time) ([]Session, error) {
	rows, err := s.d.DB.Query(ctx, `SELECT id, ip, user_agent, created_at, seen_at, expires_at, factor_at IS NOT NULL
		FROM operator_sessions WHERE operator_id = $1 AND expires_at > $2 AND seen_at > $3 ORDER BY created_at DESC, id`,
		operatorID, db.Millis(now), db.Millis(now.Add(-SessionIdle)))
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // Err below says it all.
	var all []Session
	for rows.Next() {
		var v Session
		var created, seen, expires int64
		if err := rows.Scan(&v.ID, &v.IP, &v.UserAgent, &created, &seen, &expires, &v.Factor); err != nil {
			return nil, err
		}
		v.CreatedAt, v.SeenAt, v.ExpiresAt = db.Time(created), db.Time(seen), db.Time(expires)
		all = append(all, v)
	}
	return all, rows.Err()
}

// deleteSession ends one session of an operator, or all when sessionID is empty.
func (s *Service) deleteSession(ctx context.Context, operatorID, sessionID string) error {
	_, err := s.d.DB.Exec(ctx, `DELETE FROM operator_sessions WHERE operator_id = $1 AND ($2 = '' OR id = $2)`,
		operatorID, sessionID)
	return err
}

func (s *Service) deleteOthers(ctx context.Context, operatorID, sessionID string) error {
	_, err := s.d.DB.Exec(ctx, `DELETE FROM operator_sessions WHERE operator_id = $1 AND id <> $2`, operatorID, sessionID)
	return err
}

func (s *Service) sweepSessions(ctx context.Context, now time.Time) error {
	_, err := s.d.DB.Exec(ctx, `DELETE FROM operator_sessions WHERE expires_at <= $1 OR seen_at <= $2`,
		db.Millis(now), db.Millis(now.Add(-SessionIdle)))
	return err
}

const keyColumns = `id, name, role, scopes, pools, addresses, created_by, created_at, expires_at, used_at, used_ip, revoked_at`

func (s *Service) insertKey(ctx context.Context, k Key, hash []byte) (int64, error) {
	scopes, err := json.Marshal(k.Scopes)
	if err != nil {
		return 0, err
	}
	pools, err := list(k.Pools)
	if err != nil {
		return 0, err
	}
	addresses, err := json.Marshal(append([]netip.Prefix{}, k.Addresses...))
	if err != nil {
		return 0, err
	}
	return s.d.DB.Exec(ctx, `INSERT INTO operator_keys
		(id, hash, name, role, scopes, pools, addresses, created_by, created_at, expires_at, used_ip)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, '') ON CONFLICT DO NOTHING`,
		k.ID, hash, k.Name, string(k.Role), string(scopes), pools, string(addresses), k.CreatedBy,
		db.Millis(k.CreatedAt), db.Millis(k.ExpiresAt))
}

// scanner is a row to be read.
type scanner interface{ Scan(dest ...any) error }

func scanKey(row scanner) (Key, error) {
	var k Key
	var scopes, addresses string
	var pools *string
	var created, expires int64
	var used, revoked *int64
	if err := row.Scan(&k.ID, &k.Name, &k.Role, &scopes, &pools, &addresses, &k.CreatedBy, &created, &expires,
		&used, &k.LastIP, &revoked); err != nil {
		return Key{}, err
	}
	k.CreatedAt, k.ExpiresAt, k.LastUsed, k.RevokedAt = db.Time(created), db.Time(expires), optional(used), optional(revoked)
	if err := json.Unmarshal([]byte(scopes), &k.Scopes); err != nil {
		return Key{}, err
	}
	if err := json.Unmarshal([]byte(addresses), &k.Addresses); err != nil {
		return Key{}, err
	}
	return k, parse(pools, &k.Pools)
}

func (s *Service) findKey(ctx context.Context, hash []byte) (Key, error) {
	return scanKey(s.d.DB.QueryRow(ctx, `SELECT `+keyColumns+` FROM operator_keys WHERE hash = $1`, hash))
}

// listKeys lists all of them, newest first, or the one with an id.
func (s *Service) listKeys(ctx context.Context, id string) ([]Key, error) {
	rows, err := s.d.DB.Query(ctx, `SELECT `+keyColumns+` FROM operator_keys
		WHERE $1 = '' OR id = $1 ORDER BY created_at DESC, id`, id)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // Err below says it all.
	var all []Key
	for rows.Next() {
		k, err := scanKey(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, k)
	}
	return all, rows.Err()
}

func (s *Service) touchKey(ctx context.Context, id string, now time.Time, ip string) error {
	_, err := s.d.DB.Exec(ctx, `UPDATE operator_keys SET used_at = $1, used_ip = $2
		WHERE id = $3 AND (used_at IS NULL OR used_at <= $4)`,
		db.Millis(now), ip, id, db.Millis(now.Add(-usedEvery)))
	return err
}

func (s *Service) revokeKey(ctx context.Context, id string, now time.Time) (int64, error) {
	return s.d.DB.Exec(ctx, `UPDATE operator_keys SET revoked_at = $1 WHERE id = $2 AND revoked_at IS NULL`,
		db.Millis(now), id)
}
