package metric

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/tigertally/tigertally/internal/db"
)

// columns is how many values a row of metrics has, chunk how many rows one statement
// stores.
const (
	columns = 6
	chunk   = 500
)

// store adds counts in an order that is the same on every node, so that no two wait for
// each other. It joins ctx's transaction.
func (s *Service) store(ctx context.Context, counts map[key]int64) error {
	keys := slices.SortedFunc(maps.Keys(counts), func(a, b key) int {
		return cmp.Or(cmp.Compare(a.pool, b.pool), cmp.Compare(a.hour, b.hour), cmp.Compare(a.name, b.name),
			cmp.Compare(a.label, b.label), cmp.Compare(a.result, b.result))
	})
	for part := range slices.Chunk(keys, chunk) {
		args := make([]any, 0, columns*len(part))
		for _, k := range part {
			args = append(args, k.pool, k.hour, k.name, k.label, k.result, counts[k])
		}
		_, err := s.db.Exec(ctx, `INSERT INTO metrics (pool_id, hour, name, label, result, n)
			VALUES `+db.Tuples(len(part), columns)+`
			ON CONFLICT (pool_id, hour, name, label, result) DO UPDATE SET n = metrics.n + excluded.n`, args...)
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) series(ctx context.Context, poolID string, from, until, step int64) (all []Row, err error) {
	rows, err := s.db.Query(ctx, `SELECT name, label, result, (hour - $2) / $4 AS step, SUM(n)
		FROM metrics WHERE pool_id = $1 AND hour >= $2 AND hour < $3
		GROUP BY name, label, result, step ORDER BY name, label, result, step`, poolID, from, until, step)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // Err below says it all.
	for rows.Next() {
		var r Row
		if err := rows.Scan(&r.Name, &r.Label, &r.Result, &r.Step, &r.N); err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, rows.Err()
}

func (s *Service) deleteBefore(ctx context.Context, hour int64) (int64, error) {
	return s.db.Exec(ctx, `DELETE FROM metrics WHERE hour < $1`, hour)
}
