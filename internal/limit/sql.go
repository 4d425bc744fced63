package limit

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/tigertally/tigertally/internal/db"
)

// A window is over when its end has passed, and also when the end is further away than
// a window is long: the clock was set back, and nobody should wait for it to catch up.

func (s *Service) take(ctx context.Context, r row) (bool, error) {
	now := db.Millis(s.now())
	end := now + r.rule.Per.Milliseconds()
	n, err := s.db.Exec(ctx, `
		INSERT INTO counters (key, rule, count, expires_at) VALUES ($1, $2, 1, $3)
		ON CONFLICT (key, rule) DO UPDATE SET
			count = CASE WHEN counters.expires_at <= $4 OR counters.expires_at > $3 THEN 1
				ELSE counters.count + 1 END,
			expires_at = CASE WHEN counters.expires_at <= $4 OR counters.expires_at > $3 THEN $3
				ELSE counters.expires_at END
		WHERE counters.expires_at <= $4 OR counters.expires_at > $3 OR counters.count < $5`,
		r.key, r.rule.Name, end, now, r.rule.Max)
	if err != nil {
		return false, fmt.Errorf("counting %s: %w", r.rule.Name, err)
	}
	return n == 1, nil
}

func (s *Service) count(ctx context.Context, r row) (int, time.Time, error) {
	now := db.Millis(s.now())
	var n int
	var until int64
	err := s.db.QueryRow(ctx, `
		SELECT count, expires_at FROM counters
		WHERE key = $1 AND rule = $2 AND expires_at > $3 AND expires_at <= $4`,
		r.key, r.rule.Name, now, now+r.rule.Per.Milliseconds()).Scan(&n, &until)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return 0, time.Time{}, nil
	case err != nil:
		return 0, time.Time{}, fmt.Errorf("reading %s: %w", r.rule.Name, err)
	}
	return n, db.Time(until), nil
}

func (s *Service) refund(ctx context.Context, r row) error {
	_, err := s.db.Exec(ctx, `
		UPDATE counters SET count = count - 1
		WHERE key = $1 AND rule = $2 AND count > 0 AND expires_at > $3`,
		r.key, r.rule.Name, db.Millis(s.now()))
	if err != nil {
		return fmt.Errorf("refunding %s: %w", r.rule.Name, err)
	}
	return nil
}

func (s *Service) clear(ctx context.Context, r row) error {
	_, err := s.db.Exec(ctx, `DELETE FROM counters WHERE key = $1 AND rule = $2`, r.key, r.rule.Name)
	if err != nil {
		return fmt.Errorf("clearing %s: %w", r.rule.Name, err)
	}
	return nil
}

func (s *Service) clearKey(ctx context.Context, key string) error {
	if _, err := s.db.Exec(ctx, `DELETE FROM counters WHERE key = $1`, key); err != nil {
		return fmt.Errorf("clearing a key: %w", err)
	}
	return nil
}

func (s *Service) sweep(ctx context.Context, limit int) (int64, error) {
	n, err := s.db.Exec(ctx, `
		DELETE FROM counters WHERE (key, rule) IN (
			SELECT key, rule FROM counters WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)`,
		db.Millis(s.now()), limit)
	if err != nil {
		return 0, fmt.Errorf("sweeping counters: %w", err)
	}
	return n, nil
}
