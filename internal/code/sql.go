package code

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/tigertally/tigertally/internal/db"
)

func (s *Service) insert(ctx context.Context, r record) error {
	_, err := s.db.Exec(ctx, `
		INSERT INTO codes (id, pool_id, client_id, channel, target, usage, user_id, mac,
			tries, max_tries, created_at, expires_at, used_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, $9, $10, $11, NULL)`,
		r.ID, r.PoolID, r.ClientID, r.Channel, r.Target, r.Usage, r.UserID, r.MAC,
		r.MaxTries, db.Millis(r.CreatedAt), db.Millis(r.ExpiresAt))
	if err != nil {
		return fmt.Errorf("storing a code: %w", err)
	}
	return nil
}

// void ends the older codes that r replaces.
func (s *Service) void(ctx context.Context, r record) error {
	_, err := s.db.Exec(ctx, `
		UPDATE codes SET expires_at = $4
		WHERE pool_id = $1 AND target = $2 AND usage = $3 AND used_at IS NULL AND expires_at > $4`,
		r.PoolID, r.Target, r.Usage, db.Millis(r.CreatedAt))
	if err != nil {
		return fmt.Errorf("ending older codes: %w", err)
	}
	return nil
}

// count adds a try to a live code. Two codes issued at once do not see each other to
// void; the clause about a newer one leaves the later of them alive alone.
func (s *Service) count(ctx context.Context, id string) (record, error) {
	now := db.Millis(s.now())
	r := record{ID: id}
	err := s.db.QueryRow(ctx, `
		UPDATE codes SET tries = tries + 1
		WHERE id = $1 AND tries < max_tries AND used_at IS NULL AND expires_at > $2
			AND NOT EXISTS (SELECT 1 FROM codes n
				WHERE n.pool_id = codes.pool_id AND n.target = codes.target AND n.usage = codes.usage
					AND n.created_at > codes.created_at AND n.expires_at > $2)
		RETURNING pool_id, client_id, channel, target, usage, user_id, mac`, id, now).
		Scan(&r.PoolID, &r.ClientID, &r.Channel, &r.Target, &r.Usage, &r.UserID, &r.MAC)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return r, fmt.Errorf("counting a try: %w", err)
	}
	return r, err
}

func (s *Service) exhausted(ctx context.Context, id string) (bool, error) {
	var n int
	err := s.db.QueryRow(ctx, `
		SELECT COUNT(*) FROM codes
		WHERE id = $1 AND tries >= max_tries AND used_at IS NULL AND expires_at > $2`,
		id, db.Millis(s.now())).Scan(&n)
	if err != nil {
		return false, fmt.Errorf("reading a code: %w", err)
	}
	return n > 0, nil
}

func (s *Service) use(ctx context.Context, id string) (bool, error) {
	n, err := s.db.Exec(ctx, `
		UPDATE codes SET used_at = $2 WHERE id = $1 AND used_at IS NULL AND expires_at > $2`,
		id, db.Millis(s.now()))
	if err != nil {
		return false, fmt.Errorf("spending a code: %w", err)
	}
	return n == 1, nil
}

func (s *Service) newest(ctx context.Context, poolID, target string, usages []string) (string, error) {
	args := []any{poolID, target, db.Millis(s.now())}
	for _, u := range usages {
		args = append(args, u)
	}
	var id string
	err := s.db.QueryRow(ctx, `
		SELECT id FROM codes
		WHERE pool_id = $1 AND target = $2 AND used_at IS NULL AND expires_at > $3
			AND usage IN (`+db.In(4, len(usages))+`)
		ORDER BY created_at DESC, id DESC LIMIT 1`, args...).Scan(&id)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("finding a code: %w", err)
	}
	return id, err
}

func (s *Service) deleteBefore(ctx context.Context, t time.Time) (int64, error) {
	n, err := s.db.Exec(ctx, `DELETE FROM codes WHERE expires_at <= $1`, db.Millis(t))
	if err != nil {
		return 0, fmt.Errorf("sweeping codes: %w", err)
	}
	return n, nil
}

func (s *Service) claim(ctx context.Context, poolID, userID, target string, since time.Time) (int64, error) {
	n, err := s.db.Exec(ctx, `
		DELETE FROM codes
		WHERE pool_id = $1 AND user_id = $2 AND target = $3 AND used_at IS NOT NULL AND used_at >= $4`,
		poolID, userID, target, db.Millis(since))
	if err != nil {
		return 0, fmt.Errorf("claiming a code: %w", err)
	}
	return n, nil
}

func (s *Service) forgetUser(ctx context.Context, poolID, userID string) error {
	if _, err := s.db.Exec(ctx, `DELETE FROM codes WHERE pool_id = $1 AND user_id = $2`, poolID, userID); err != nil {
		return fmt.Errorf("forgetting a user's codes: %w", err)
	}
	return nil
}

func (s *Service) forgetTarget(ctx context.Context, poolID, target string) error {
	if _, err := s.db.Exec(ctx, `DELETE FROM codes WHERE pool_id = $1 AND target = $2`, poolID, target); err != nil {
		return fmt.Errorf("forgetting an address's codes: %w", err)
	}
	return nil
}

func (s *Service) countUsed(ctx context.Context, poolID string, before time.Time, most int) (sent, used int, err error) {
	err = s.db.QueryRow(ctx, `
		SELECT COUNT(*), COUNT(used_at) FROM (
			SELECT used_at FROM codes WHERE pool_id = $1 AND channel = $2 AND created_at < $3
			ORDER BY created_at DESC LIMIT $4) last`,
		poolID, SMS, db.Millis(before), most).Scan(&sent, &used)
	if err != nil {
		return 0, 0, fmt.Errorf("counting used codes: %w", err)
	}
	return sent, used, nil
}

func (s *Service) putFixed(ctx context.Context, poolID, target string, sealed []byte, until time.Time) error {
	_, err := s.db.Exec(ctx, `
		INSERT INTO test_targets (pool_id, target, sealed, expires_at, created_at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (pool_id, target) DO UPDATE SET sealed = $3, expires_at = $4`,
		poolID, target, sealed, db.Millis(until), db.Millis(s.now()))
	if err != nil {
		return fmt.Errorf("storing a fixed code: %w", err)
	}
	return nil
}

func (s *Service) deleteFixed(ctx context.Context, poolID, target string) error {
	_, err := s.db.Exec(ctx, `DELETE FROM test_targets WHERE pool_id = $1 AND target = $2`, poolID, target)
	if err != nil {
		return fmt.Errorf("removing a fixed code: %w", err)
	}
	return nil
}

func (s *Service) readFixed(ctx context.Context, poolID, target string) (sealed []byte, err error) {
	err = s.db.QueryRow(ctx, `
		SELECT sealed FROM test_targets WHERE pool_id = $1 AND target = $2 AND expires_at > $3`,
		poolID, target, db.Millis(s.now())).Scan(&sealed)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("reading a fixed code: %w", err)
	}
	return sealed, err
}

func (s *Service) listFixed(ctx context.Context, poolID string) ([]Fixed, error) {
	rows, err := s.db.Query(ctx, `
		SELECT target, expires_at FROM test_targets WHERE pool_id = $1 ORDER BY target`, poolID)
	if err != nil {
		return nil, fmt.Errorf("listing fixed codes: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var all []Fixed
	for rows.Next() {
		var f Fixed
		var until int64
		if err := rows.Scan(&f.Target, &until); err != nil {
			return nil, fmt.Errorf("listing fixed codes: %w", err)
		}
		f.ExpiresAt = db.Time(until)
		all = append(all, f)
	}
	return all, rows.Err()
}

func (s *Service) sentTo(ctx context.Context, poolID, id string) (channel, target string, err error) {
	err = s.db.QueryRow(ctx, `SELECT channel, target FROM codes WHERE id = $1 AND pool_id = $2`, id, poolID).Scan(&channel, &target)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", "", fmt.Errorf("reading a code: %w", err)
	}
	return channel, target, nil
}
