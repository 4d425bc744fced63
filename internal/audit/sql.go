package audit

import (
	"context"
	"database/sql"
	"encoding/json"

	"github.com/tigertally/tigertally/internal/db"
)

const columns = `id, pool_id, at, action, result, user_id, actor, client_id, session_id,
	device_id, ip, user_agent, request_id, detail`

// dest receives columns.
func (r *row) dest() []any {
	return []any{
		&r.id, &r.pool, &r.at, &r.action, &r.result, &r.user, &r.actor, &r.client, &r.session,
		&r.device, &r.ip, &r.agent, &r.request, &r.detail,
	}
}

func (r *row) record() (Record, error) {
	e := Event{
		PoolID: r.pool, Action: r.action, Result: r.result, UserID: r.user, Actor: r.actor,
		ClientID: r.client, SessionID: r.session,
	}
	if err := json.Unmarshal([]byte(r.detail), &e.Detail); err != nil {
		return Record{}, err
	}
	return Record{
		ID: r.id, At: db.Time(r.at), Event: e, DeviceID: r.device, IP: r.ip, UserAgent: r.agent, RequestID: r.request,
	}, nil
}

func (s *Service) insert(ctx context.Context, r row) error {
	_, err := s.db.Exec(ctx, `INSERT INTO audit (`+columns+`, lane, seq, hash)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)`,
		r.id, r.pool, r.at, r.action, r.result, r.user, r.actor, r.client, r.session,
		r.device, r.ip, r.agent, r.request, r.detail, r.lane, r.seq, r.hash)
	return err
}

func (s *Service) head(ctx context.Context, poolID string, lane int64) (link, error) {
	l := link{lane: lane}
	err := s.db.QueryRow(ctx, `SELECT seq, hash FROM audit WHERE pool_id = $1 AND lane = $2 ORDER BY seq DESC LIMIT 1`,
		poolID, lane).Scan(&l.seq, &l.hash)
	return l, err
}

// headBelow is the last link of the highest lane below one.
func (s *Service) headBelow(ctx context.Context, poolID string, below int64) (link, error) {
	var l link
	err := s.db.QueryRow(ctx, `SELECT lane, seq, hash FROM audit WHERE pool_id = $1 AND lane < $2
		ORDER BY lane DESC, seq DESC LIMIT 1`, poolID, below).Scan(&l.lane, &l.seq, &l.hash)
	return l, err
}

// poolAfter is the next pool that has records, "" after the last.
func (s *Service) poolAfter(ctx context.Context, poolID string) (string, error) {
	var next sql.NullString
	err := s.db.QueryRow(ctx, `SELECT MIN(pool_id) FROM audit WHERE pool_id > $1`, poolID).Scan(&next)
	return next.String, err
}

func (s *Service) unchained(ctx context.Context, limit int) ([]row, error) {
	rows, err := s.db.Query(ctx, `SELECT `+columns+` FROM audit WHERE seq IS NULL ORDER BY at, id LIMIT $1`, limit)
	if err != nil {
		return nil, err
	}
	return scanRows(rows, (*row).dest)
}

func (s *Service) chain(ctx context.Context, r row) error {
	_, err := s.db.Exec(ctx, `UPDATE audit SET lane = $1, seq = $2, hash = $3 WHERE id = $4 AND seq IS NULL`,
		r.lane, r.seq, r.hash, r.id)
	return err
}

// scanRows reads and closes rows.
func scanRows(rows *sql.Rows, dest func(*row) []any) ([]row, error) {
	defer rows.Close() //nolint:errcheck // Err below says it all.
	var all []row
	for rows.Next() {
		var r row
		if err := rows.Scan(dest(&r)...); err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, rows.Err()
}

func records(rows []row) ([]Record, error) {
	all := make([]Record, len(rows))
	for i := range rows {
		var err error
		if all[i], err = rows[i].record(); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (s *Service) list(ctx context.Context, poolID, userID string, f Filter, after position, limit int,
) ([]Record, error) {
	rows, err := s.db.Query(ctx, `SELECT `+columns+` FROM audit
		WHERE pool_id = $1 AND user_id = $2 AND (at < $3 OR (at = $3 AND id < $4))
		AND ($5 = '' OR action = $5) AND ($6 = '' OR action <> $6)
		ORDER BY at DESC, id DESC LIMIT $7`,
		poolID, userID, after.at, after.id, f.Action, f.NotAction, limit)
	if err != nil {
		return nil, err
	}
	found, err := scanRows(rows, (*row).dest)
	if err != nil {
		return nil, err
	}
	return records(found)
}
