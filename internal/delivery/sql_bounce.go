package delivery

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tigertally/tigertally/internal/db"
)

// hit counts one bounce; the one that makes most of them blocks the address.
func (s *Service) hit(ctx context.Context, mac []byte, status string, most int) error {
	now, blocked := db.Millis(s.now()), int64(0)
	if most <= 1 {
		blocked = now
	}
	_, err := s.db.Exec(ctx, `
		INSERT INTO bounces (target, hits, status, blocked_at, updated_at) VALUES ($1, 1, $2, $3, $4)
		ON CONFLICT (target) DO UPDATE SET hits = bounces.hits + 1, status = $2, updated_at = $4,
			blocked_at = CASE WHEN bounces.blocked_at > 0 THEN bounces.blocked_at
				WHEN bounces.hits + 1 >= $5 THEN $4 ELSE 0 END`,
		mac, status, blocked, now, most)
	if err != nil {
		return fmt.Errorf("noting a bounce: %w", err)
	}
	return nil
}

func (s *Service) bounce(ctx context.Context, mac []byte) (Bounce, error) {
	var b Bounce
	var blocked int64
	err := s.db.QueryRow(ctx, `SELECT hits, status, blocked_at FROM bounces WHERE target = $1`, mac).
		Scan(&b.Hits, &b.Status, &blocked)
	if err != nil && !errors.Is(err, db.ErrNoRows) {
		return b, fmt.Errorf("reading a bounce: %w", err)
	}
	if blocked > 0 {
		b.BlockedAt = db.Time(blocked)
	}
	return b, err
}

func (s *Service) forget(ctx context.Context, mac []byte) (bool, error) {
	n, err := s.db.Exec(ctx, `DELETE FROM bounces WHERE target = $1`, mac)
	if err != nil {
		return false, fmt.Errorf("forgiving bounces: %w", err)
	}
	return n > 0, nil
}

// sweepBounces forgets what came back from addresses that still get mail.
func (s *Service) sweepBounces(ctx context.Context, before time.Time) error {
	_, err := s.db.Exec(ctx, `DELETE FROM bounces WHERE blocked_at = 0 AND updated_at < $1`, db.Millis(before))
	if err != nil {
		return fmt.Errorf("sweeping bounces: %w", err)
	}
	return nil
}

// blocked reads one page of the addresses of a pool that get no mail.
func (s *Service) blocked(ctx context.Context, q BlockedQuery, mac, after []byte) ([]Blocked, error) {
	args := []any{q.PoolID, q.Limit + 1}
	where := ""
	if mac != nil {
		where, args = " AND b.target = $3", append(args, mac)
	} else if after != nil {
		where, args = " AND (b.blocked_at < $3 OR (b.blocked_at = $3 AND b.target < $4))", append(args, db.Millis(q.After.At), after)
	}
	rows, err := s.db.Query(ctx, `
		SELECT b.target, b.hits, b.status, b.blocked_at FROM bounces b
		WHERE b.blocked_at > 0 AND EXISTS (SELECT 1 FROM deliveries d WHERE d.pool_id = $1 AND d.target = b.target)`+where+`
		ORDER BY b.blocked_at DESC, b.target DESC LIMIT $2`, args...)
	if err != nil {
		return nil, fmt.Errorf("listing blocked addresses: %w", err)
	}
	defer rows.Close() //nolint:errcheck // Err below says it all.
	var all []Blocked
	for rows.Next() {
		var b Blocked
		var target []byte
		var at int64
		if err := rows.Scan(&target, &b.Hits, &b.Status, &at); err != nil {
			return nil, fmt.Errorf("listing blocked addresses: %w", err)
		}
		b.ID, b.BlockedAt = idOf(target), db.Time(at)
		all = append(all, b)
	}
	return all, rows.Err()
}

// forgetOf is forget for an address that a pool has sent messages to.
func (s *Service) forgetOf(ctx context.Context, poolID string, mac []byte) (bool, error) {
	n, err := s.db.Exec(ctx, `DELETE FROM bounces WHERE target = $2
		AND EXISTS (SELECT 1 FROM deliveries d WHERE d.pool_id = $1 AND d.target = bounces.target)`, poolID, mac)
	if err != nil {
		return false, fmt.Errorf("forgiving bounces: %w", err)
	}
	return n > 0, nil
}
