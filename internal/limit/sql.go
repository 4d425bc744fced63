package limit

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/tigertally/tigertally/internal/db"
)

// A counter holds two windows. The open one started with its first event and closes Per
// later (expires_at); the prior one is known by how many events it had and when the first
// and last were. Those of the prior window that are not older than Per still count, as if
// they had been spread evenly. So within any Per no more than Max events pass, evenness
// apart, and a burst counts exactly.
//
// A window whose end is further away than it is long, by more than db.Askew, is of a clock
// that was set back: it is forgotten, for nobody should wait for the clock to catch up.
// Less is another node's clock, or a caller that looked at the time before it waited for
// the row: what they counted counts.

// left is how many of n events between two times are newer than $6, which is Per ago.
func left(n, from, to string) string {
	return "(CASE WHEN " + n + " = 0 OR $6 >= " + to + " THEN 0 WHEN $6 < " + from + " THEN " + n +
		" ELSE " + n + " - 1 - ((" + n + " - 1) * ($6 - " + from + ")) / (" + to + " - " + from + ") END)"
}

// takeSQL counts one event if there is room. $3 is when a window opened now closes, $4 is
// now, $5 the most there may be, $7 how long a window is, $8 when the latest window closes
// that is not of a clock that was set back.
func takeSQL() string {
	const live = "counters.expires_at > $4 AND counters.expires_at <= $8"
	return `
		INSERT INTO counters (key, rule, count, expires_at, prior, prior_from, prior_to, last_at, keep_until)
		VALUES ($1, $2, 1, $3, 0, 0, 0, $4, $3)
		ON CONFLICT (key, rule) DO UPDATE SET
			count = CASE WHEN ` + live + ` THEN counters.count + 1 ELSE 1 END,
			expires_at = CASE WHEN ` + live + ` THEN counters.expires_at ELSE $3 END,
			prior = CASE WHEN ` + live + ` THEN counters.prior WHEN counters.expires_at > $8 THEN 0 ELSE counters.count END,
			prior_from = CASE WHEN ` + live + ` THEN counters.prior_from ELSE counters.expires_at - $7 END,
			prior_to = CASE WHEN ` + live + ` THEN counters.prior_to ELSE counters.last_at END,
			last_at = CASE WHEN ` + live + ` AND counters.last_at > $4 THEN counters.last_at ELSE $4 END,
			keep_until = CASE WHEN ` + live + ` AND counters.keep_until > $3 THEN counters.keep_until ELSE $3 END
		WHERE counters.expires_at > $8
			OR (counters.expires_at > $4 AND counters.count + ` + left("counters.prior", "counters.prior_from", "counters.prior_to") + ` < $5)
			OR (counters.expires_at <= $4 AND ` + left("counters.count", "(counters.expires_at - $7)", "counters.last_at") + ` < $5)`
}

func (s *Service) take(ctx context.Context, r row) (bool, error) {
	now, per := db.Millis(s.now()), r.rule.Per.Milliseconds()
	n, err := s.db.Exec(ctx, s.takeText,
		r.key, r.rule.Name, now+per, now, r.rule.most(), now-per, per, now+per+db.Askew.Milliseconds())
	if err != nil {
		return false, fmt.Errorf("counting %s: %w", r.rule.Name, err)
	}
	return n == 1, nil
}

func (s *Service) window(ctx context.Context, r row) (window, error) {
	w := window{per: r.rule.Per.Milliseconds(), now: db.Millis(s.now())}
	err := s.db.QueryRow(ctx, `
		SELECT count, expires_at, prior, prior_from, prior_to, last_at FROM counters
		WHERE key = $1 AND rule = $2`,
		r.key, r.rule.Name).Scan(&w.open.n, &w.closes, &w.prior.n, &w.prior.from, &w.prior.to, &w.open.to)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return window{}, nil
	case err != nil:
		return window{}, fmt.Errorf("reading %s: %w", r.rule.Name, err)
	}
	w.open.from = w.closes - w.per
	return w, nil
}

func (s *Service) refund(ctx context.Context, r row) error {
	_, err := s.db.Exec(ctx, `
		UPDATE counters SET count = CASE WHEN count > 0 THEN count - 1 ELSE 0 END,
			prior = CASE WHEN count = 0 AND prior > 0 THEN prior - 1 ELSE prior END
		WHERE key = $1 AND rule = $2 AND keep_until > $3`,
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
			SELECT key, rule FROM counters WHERE expires_at <= $1 AND keep_until <= $1 ORDER BY expires_at LIMIT $2)`,
		db.Millis(s.now()), limit)
	if err != nil {
		return 0, fmt.Errorf("sweeping counters: %w", err)
	}
	return n, nil
}
