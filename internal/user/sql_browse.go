package user

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tigertally/tigertally/internal/db"
)

func (s *Service) browse(ctx context.Context, poolID, status string, after Place, limit int) ([]User, error) {
	args := []any{poolID, limit}
	where := ""
	if !after.At.IsZero() {
		args = append(args, db.Millis(after.At), after.ID)
		where += ` AND (p.created_at, p.id) < ($3, $4)`
	}
	if status != "" {
		args = append(args, status)
		where += fmt.Sprintf(` AND p.status = $%d`, len(args))
	}
	return s.read(ctx, userColumns+`FROM (SELECT p.id FROM users p WHERE p.pool_id = $1`+where+`
			ORDER BY p.created_at DESC, p.id DESC LIMIT $2) q
		JOIN users u ON u.id = q.id LEFT JOIN identities i ON i.user_id = u.id
		ORDER BY u.created_at DESC, u.id DESC, i.created_at, i.provider`, args...)
}

// last is after every text that begins as another: no character sorts behind it.
const last = "\U0010FFFF"

// lookup finds the ids of people by the beginnings of their names and by whole ids. The
// range makes each part read its index; LIKE holds where a database sorts by language.
func (s *Service) lookup(ctx context.Context, poolID string, starts []beginning, id string, limit int) ([]string, error) {
	args := []any{poolID, id, limit}
	parts := []string{
		`SELECT id FROM users WHERE pool_id = $1 AND id = $2`,
		`SELECT id FROM users WHERE pool_id = $1 AND external_id = $2`,
		`SELECT user_id AS id FROM identities WHERE pool_id = $1 AND subject = $2`,
		`SELECT user_id AS id FROM unions WHERE pool_id = $1 AND union_id = $2`,
	}
	for _, b := range starts {
		n := len(args)
		escaped := strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(b.text)
		args = append(args, b.text, b.text+last, escaped+"%")
		parts = append(parts, fmt.Sprintf(`SELECT id FROM (SELECT id FROM users WHERE pool_id = $1 AND %[1]s >= $%[2]d
			AND %[1]s < $%[3]d AND %[1]s LIKE $%[4]d ESCAPE '!' LIMIT $3) AS by_%[1]s_%[2]d`, b.column, n+1, n+2, n+3))
	}
	rows, err := s.db.Query(ctx, strings.Join(parts, "\nUNION\n"), args...)
	if err != nil {
		return nil, fmt.Errorf("user: look up: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var ids []string
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

// moveIdentities gives to the identities and union ids of from that it has not got. A
// union id goes only when to has no other of its group.
func (s *Service) moveIdentities(ctx context.Context, poolID, to, from string) error {
	_, err := s.db.Exec(ctx, `UPDATE identities SET user_id = $1 WHERE pool_id = $2 AND user_id = $3
		AND provider NOT IN (SELECT o.provider FROM identities o WHERE o.user_id = $1)`, to, poolID, from)
	if err != nil {
		return fmt.Errorf("user: move identities: %w", err)
	}
	_, err = s.db.Exec(ctx, `UPDATE unions SET user_id = $1 WHERE pool_id = $2 AND user_id = $3
		AND union_group NOT IN (SELECT o.union_group FROM unions o WHERE o.user_id = $1)`, to, poolID, from)
	if err != nil {
		return fmt.Errorf("user: move union ids: %w", err)
	}
	return nil
}

// bury notes that an account is about to be deleted.
func (s *Service) bury(ctx context.Context, poolID, id, mergedTo string) error {
	_, err := s.db.Exec(ctx, `INSERT INTO tombstones (pool_id, user_id, merged_to, deleted_at)
		VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`, poolID, id, mergedTo, db.Millis(s.now()))
	if err != nil {
		return fmt.Errorf("user: bury: %w", err)
	}
	return nil
}

func (s *Service) tombstone(ctx context.Context, poolID, id string) (at time.Time, mergedTo string, err error) {
	var millis int64
	err = s.db.QueryRow(ctx, `SELECT deleted_at, merged_to FROM tombstones WHERE pool_id = $1 AND user_id = $2`,
		poolID, id).Scan(&millis, &mergedTo)
	if errors.Is(err, db.ErrNoRows) {
		return time.Time{}, "", nil
	}
	return db.Time(millis), mergedTo, err
}
