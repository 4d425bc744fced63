package limit

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/tigertally/tigertally/internal/db"
)

// windows reads the counters of states, by key and name of the rule. How long a window is
// and when it is looked at is for the caller to fill in.
func (s *Service) windows(ctx context.Context, states []State) (found map[row]window, err error) {
	found = map[row]window{}
	keys := distinct(states, func(v State) string { return v.key })
	if len(keys) == 0 {
		return found, nil
	}
	rows, err := s.db.Query(ctx, `
		SELECT key, rule, count, expires_at, prior, prior_from, prior_to, last_at FROM counters
		WHERE key IN (`+db.In(1, len(keys))+`)`, keys...)
	if err != nil {
		return nil, fmt.Errorf("reading counters: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var at row
		var w window
		if err := rows.Scan(&at.key, &at.rule.Name, &w.open.n, &w.closes, &w.prior.n, &w.prior.from, &w.prior.to, &w.open.to); err != nil {
			return nil, fmt.Errorf("reading counters: %w", err)
		}
		found[at] = w
	}
	return found, rows.Err()
}

// forget deletes the counters of states. A key is of one kind of counter, so no pair of
// these keys and rules is anybody else's.
func (s *Service) forget(ctx context.Context, states []State) (int64, error) {
	keys := distinct(states, func(v State) string { return v.key })
	rules := distinct(states, func(v State) string { return v.Rule.Name })
	n, err := s.db.Exec(ctx, `DELETE FROM counters WHERE key IN (`+db.In(1, len(keys))+`)
		AND rule IN (`+db.In(1+len(keys), len(rules))+`)`, slices.Concat(keys, rules)...)
	if err != nil {
		return 0, fmt.Errorf("releasing counters: %w", err)
	}
	return n, nil
}

func distinct(states []State, of func(State) string) []any {
	var all []any
	for _, v := range states {
		if text := of(v); !slices.Contains(all, any(text)) {
			all = append(all, text)
		}
	}
	return all
}
