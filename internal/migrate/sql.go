package migrate

import (
	"context"
	"errors"
	"fmt"

	"github.com/tigertally/tigertally/internal/db"
)

// job is one import as the database has it.
type job struct {
	Counts
	id          string
	reportBytes int64
}

// unfinished finds the newest import of a file that was cut off.
func (s *Service) unfinished(ctx context.Context, poolID string, digest []byte, source string) (job, bool, error) {
	var j job
	err := s.d.DB.QueryRow(ctx, `SELECT id, done, created, updated, skipped, refused, report_bytes FROM imports
		WHERE pool_id = $1 AND digest = $2 AND source = $3 AND finished_at IS NULL
		ORDER BY started_at DESC, id LIMIT 1`, poolID, digest, source).
		Scan(&j.id, &j.Rows, &j.Created, &j.Updated, &j.Skipped, &j.Refused, &j.reportBytes)
	if errors.Is(err, db.ErrNoRows) {
		return job{}, false, nil
	}
	if err != nil {
		return job{}, false, fmt.Errorf("find import: %w", err)
	}
	return j, true, nil
}

func (s *Service) begin(ctx context.Context, id, poolID string, digest []byte, source, actor string) error {
	now := db.Millis(s.d.Now())
	_, err := s.d.DB.Exec(ctx, `INSERT INTO imports (id, pool_id, digest, source, actor, done, created, updated,
		skipped, refused, report_bytes, started_at, updated_at) VALUES ($1, $2, $3, $4, $5, 0, 0, 0, 0, 0, 0, $6, $6)`,
		id, poolID, digest, source, actor, now)
	return err
}

// advance is guarded by how far the import was: of two that go on with it one fails.
func (s *Service) advance(ctx context.Context, before, after job) (int64, error) {
	return s.d.DB.Exec(ctx, `UPDATE imports SET done = $3, created = $4, updated = $5, skipped = $6, refused = $7,
		report_bytes = $8, updated_at = $9 WHERE id = $1 AND done = $2 AND finished_at IS NULL`,
		after.id, before.Rows, after.Rows, after.Created, after.Updated, after.Skipped, after.Refused,
		after.reportBytes, db.Millis(s.d.Now()))
}

func (s *Service) finish(ctx context.Context, id string) (int64, error) {
	return s.d.DB.Exec(ctx, `UPDATE imports SET finished_at = $2 WHERE id = $1 AND finished_at IS NULL`,
		id, db.Millis(s.d.Now()))
}

// page reads the ids of a pool's people after one, in the order they came.
func (s *Service) page(ctx context.Context, poolID string, at int64, after string, limit int) (list []string, last int64, err error) {
	rows, err := s.d.DB.Query(ctx, `SELECT id, created_at FROM users
		WHERE pool_id = $1 AND (created_at > $2 OR (created_at = $2 AND id > $3))
		ORDER BY created_at, id LIMIT $4`, poolID, at, after, limit)
	if err != nil {
		return nil, 0, fmt.Errorf("list people: %w", err)
	}
	defer rows.Close() //nolint:errcheck // Err below says it all.
	for rows.Next() {
		var id string
		if err := rows.Scan(&id, &last); err != nil {
			return nil, 0, err
		}
		list = append(list, id)
	}
	return list, last, rows.Err()
}
