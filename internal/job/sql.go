package job

import (
	"context"
	"fmt"
	"time"

	"github.com/tigertally/tigertally/internal/db"
)

func (s *Service) insert(ctx context.Context, id, kind string, sealed []byte) error {
	now := db.Millis(s.now())
	_, err := s.db.Exec(ctx, `
		INSERT INTO jobs (id, kind, sealed, attempts, run_at, lease_owner, lease_until,
			last_error, dead_at, created_at)
		VALUES ($1, $2, $3, 0, $4, '', 0, '', NULL, $4)`, id, kind, sealed, now)
	if err != nil {
		return fmt.Errorf("queueing a %s job: %w", kind, err)
	}
	return nil
}

// ensurePeriod stores the one row of a periodic job, due at once, unless it is there.
// A row due further away than is possible was written before the clock was set back.
func (s *Service) ensurePeriod(ctx context.Context, kind string) error {
	now := s.now()
	_, err := s.db.Exec(ctx, `
		INSERT INTO jobs (id, kind, sealed, attempts, run_at, lease_owner, lease_until,
			last_error, dead_at, created_at)
		VALUES ($1, $1, $2, 0, $3, '', 0, '', NULL, $3)
		ON CONFLICT (id) DO UPDATE SET run_at = $3, lease_until = 0 WHERE jobs.run_at > $4`,
		kind, []byte{}, db.Millis(now), db.Millis(now.Add(s.periods[kind].interval+db.Askew)))
	if err != nil {
		return fmt.Errorf("scheduling %s: %w", kind, err)
	}
	return nil
}

func (s *Service) due(ctx context.Context, kinds []any, limit int) ([]due, error) {
	if len(kinds) == 0 {
		return nil, nil
	}
	now := db.Millis(s.now())
	rows, err := s.db.Query(ctx, `
		SELECT id, kind, sealed, attempts FROM jobs
		WHERE dead_at IS NULL AND run_at <= $1 AND lease_until <= $1
			AND kind IN (`+db.In(3, len(kinds))+`)
		ORDER BY run_at, id LIMIT $2`, append([]any{now, limit}, kinds...)...)
	if err != nil {
		return nil, fmt.Errorf("reading due jobs: %w", err)
	}
	defer rows.Close() //nolint:errcheck // Err below says it all.
	var all []due
	for rows.Next() {
		var j due
		if err := rows.Scan(&j.ID, &j.Kind, &j.Sealed, &j.Attempts); err != nil {
			return nil, fmt.Errorf("reading a due job: %w", err)
		}
		all = append(all, j)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("reading due jobs: %w", err)
	}
	return all, nil
}

func (s *Service) claim(ctx context.Context, id, owner string) (bool, error) {
	now := s.now()
	n, err := s.db.Exec(ctx, `
		UPDATE jobs SET lease_owner = $2, lease_until = $4, attempts = attempts + 1
		WHERE id = $1 AND dead_at IS NULL AND run_at <= $3 AND lease_until <= $3`,
		id, owner, db.Millis(now), db.Millis(now.Add(lease)))
	if err != nil {
		return false, fmt.Errorf("claiming a job: %w", err)
	}
	return n == 1, nil
}

func (s *Service) release(ctx context.Context) error {
	if _, err := s.db.Exec(ctx, `UPDATE jobs SET lease_owner = '', lease_until = 0 WHERE lease_until > 0`); err != nil {
		return fmt.Errorf("releasing jobs: %w", err)
	}
	return nil
}

func (s *Service) done(ctx context.Context, id, owner string) error {
	_, err := s.db.Exec(ctx, `DELETE FROM jobs WHERE id = $1 AND lease_owner = $2`, id, owner)
	if err != nil {
		return fmt.Errorf("removing a job: %w", err)
	}
	return nil
}

// again makes the job due at t. The attempts of periodic jobs count nothing.
func (s *Service) again(ctx context.Context, id, owner string, t time.Time, why string) error {
	_, err := s.db.Exec(ctx, `
		UPDATE jobs SET run_at = $3, lease_owner = '', lease_until = 0, last_error = $4
		WHERE id = $1 AND lease_owner = $2`, id, owner, db.Millis(t), why)
	if err != nil {
		return fmt.Errorf("rescheduling a job: %w", err)
	}
	return nil
}

// bury gives the job up. Its payload goes: it may hold a code, and nobody reads it.
func (s *Service) bury(ctx context.Context, id, owner, why string) error {
	_, err := s.db.Exec(ctx, `
		UPDATE jobs SET dead_at = $3, sealed = $5, lease_owner = '', lease_until = 0, last_error = $4
		WHERE id = $1 AND lease_owner = $2`, id, owner, db.Millis(s.now()), why, []byte{})
	if err != nil {
		return fmt.Errorf("giving a job up: %w", err)
	}
	return nil
}

func (s *Service) stats(ctx context.Context) (Stats, error) {
	var st Stats
	err := s.db.QueryRow(ctx, `
		SELECT COUNT(CASE WHEN dead_at IS NULL THEN 1 END), COUNT(dead_at)
		FROM jobs WHERE id <> kind`).Scan(&st.Waiting, &st.Dead)
	if err != nil {
		return Stats{}, fmt.Errorf("counting jobs: %w", err)
	}
	return st, nil
}

func (s *Service) deleteDead(ctx context.Context, before time.Time) (int64, error) {
	n, err := s.db.Exec(ctx, `DELETE FROM jobs WHERE dead_at <= $1`, db.Millis(before))
	if err != nil {
		return 0, fmt.Errorf("sweeping dead jobs: %w", err)
	}
	return n, nil
}
