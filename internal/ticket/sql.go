package ticket

import (
	"context"
	"encoding/json"
	"time"

	"github.com/tigertally/tigertally/internal/db"
)

const columns = `class, pool_id, client_id, user_id, session_id, binding, uses_left, expires_at`

func (s *Service) insert(ctx context.Context, hash []byte, t Ticket) error {
	binding, err := encode(t.Binding)
	if err != nil {
		return err
	}
	_, err = s.db.Exec(ctx, `INSERT INTO tickets (hash, `+columns+`, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		hash, string(t.Class), t.PoolID, t.ClientID, t.UserID, t.SessionID, binding,
		t.UsesLeft, db.Millis(t.ExpiresAt), db.Millis(s.now()))
	return err
}

func (s *Service) insertNew(ctx context.Context, hash []byte, t Ticket) (int64, error) {
	binding, err := encode(t.Binding)
	if err != nil {
		return 0, err
	}
	return s.db.Exec(ctx, `INSERT INTO tickets (hash, `+columns+`, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING`,
		hash, string(t.Class), t.PoolID, t.ClientID, t.UserID, t.SessionID, binding,
		t.UsesLeft, db.Millis(t.ExpiresAt), db.Millis(s.now()))
}

func (s *Service) rebind(ctx context.Context, class Class, poolID string, hash []byte, binding map[string]string) (int64, error) {
	text, err := encode(binding)
	if err != nil {
		return 0, err
	}
	return s.db.Exec(ctx, `UPDATE tickets SET binding = $4
		WHERE hash = $1 AND class = $2 AND pool_id = $3 AND uses_left > 0 AND expires_at > $5`,
		hash, string(class), poolID, text, db.Millis(s.now()))
}

func (s *Service) takeUse(ctx context.Context, class Class, poolID string, hash []byte) (Ticket, error) {
	return scan(s.db.QueryRow(ctx, `UPDATE tickets SET uses_left = uses_left - 1
		WHERE hash = $1 AND class = $2 AND pool_id = $3 AND uses_left > 0 AND expires_at > $4
		RETURNING `+columns, hash, string(class), poolID, db.Millis(s.now())))
}

func (s *Service) find(ctx context.Context, class Class, poolID string, hash []byte) (Ticket, error) {
	return scan(s.db.QueryRow(ctx, `SELECT `+columns+` FROM tickets
		WHERE hash = $1 AND class = $2 AND pool_id = $3 AND uses_left > 0 AND expires_at > $4`,
		hash, string(class), poolID, db.Millis(s.now())))
}

func (s *Service) findSpent(ctx context.Context, class Class, poolID string, hash []byte) (Ticket, error) {
	return scan(s.db.QueryRow(ctx, `SELECT `+columns+` FROM tickets
		WHERE hash = $1 AND class = $2 AND pool_id = $3 AND uses_left = 0`,
		hash, string(class), poolID))
}

func (s *Service) deleteOne(ctx context.Context, class Class, poolID string, hash []byte) error {
	_, err := s.db.Exec(ctx, `DELETE FROM tickets WHERE hash = $1 AND class = $2 AND pool_id = $3`,
		hash, string(class), poolID)
	return err
}

func (s *Service) deleteOfUser(ctx context.Context, userID string, classes []Class) error {
	if len(classes) == 0 {
		_, err := s.db.Exec(ctx, `DELETE FROM tickets WHERE user_id = $1`, userID)
		return err
	}
	args := []any{userID}
	for _, c := range classes {
		args = append(args, string(c))
	}
	_, err := s.db.Exec(ctx, `DELETE FROM tickets WHERE user_id = $1 AND class IN (`+
		db.In(2, len(classes))+`)`, args...)
	return err
}

func (s *Service) deleteExpired(ctx context.Context, now time.Time) error {
	_, err := s.db.Exec(ctx, `DELETE FROM tickets WHERE expires_at <= $1`, db.Millis(now))
	return err
}

func scan(row *db.Row) (Ticket, error) {
	var t Ticket
	var class, binding string
	var expires int64
	if err := row.Scan(&class, &t.PoolID, &t.ClientID, &t.UserID, &t.SessionID, &binding,
		&t.UsesLeft, &expires); err != nil {
		return Ticket{}, err
	}
	t.Class, t.ExpiresAt = Class(class), db.Time(expires)
	return t, json.Unmarshal([]byte(binding), &t.Binding)
}
