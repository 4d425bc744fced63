package audit

import (
	"context"
	"encoding/json"

	"github.com/tigertally/tigertally/internal/caller"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/secret"
)

const columns = `id, pool_id, at, action, result, user_id, actor, client_id, session_id,
	device_id, ip, user_agent, request_id, detail`

func (s *Service) insert(ctx context.Context, e Event, from caller.Info) error {
	detail := []byte("{}")
	if len(e.Detail) > 0 {
		var err error
		if detail, err = json.Marshal(e.Detail); err != nil {
			return err
		}
	}
	ip := ""
	if from.Addr.IsValid() {
		ip = from.Addr.Unmap().String()
	}
	_, err := s.db.Exec(ctx, `INSERT INTO audit (`+columns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
		secret.ID(), e.PoolID, db.Millis(s.now()), e.Action, e.Result, e.UserID, e.Actor, e.ClientID,
		e.SessionID, from.DeviceID, ip, from.UserAgent, from.RequestID, string(detail))
	return err
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
	defer rows.Close() //nolint:errcheck // Err below says it all.
	var records []Record
	for rows.Next() {
		var r Record
		var at int64
		var detail string
		e := &r.Event
		if err := rows.Scan(&r.ID, &e.PoolID, &at, &e.Action, &e.Result, &e.UserID, &e.Actor, &e.ClientID,
			&e.SessionID, &r.DeviceID, &r.IP, &r.UserAgent, &r.RequestID, &detail); err != nil {
			return nil, err
		}
		r.At = db.Time(at)
		if err := json.Unmarshal([]byte(detail), &e.Detail); err != nil {
			return nil, err
		}
		records = append(records, r)
	}
	return records, rows.Err()
}
