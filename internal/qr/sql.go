package qr

import (
	"context"
	"time"

	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/secret"
)

const columns = `pool_id, client_id, status, user_id, context, expires_at`

// keys are the secrets of one sign-in. Only their hashes are stored.
type keys struct{ screen, code, ticket string }

func (s *Service) insert(ctx context.Context, k keys, sc Screen) error {
	_, err := s.db.Exec(ctx, `INSERT INTO qr_screens (hash, code, ticket, `+columns+`, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, '', $7, $8, $9)`,
		secret.Hash(k.screen), secret.Hash(k.code), secret.Hash(k.ticket), sc.PoolID, sc.ClientID,
		string(sc.Status), sc.Context, db.Millis(sc.ExpiresAt), db.Millis(s.now()))
	return err
}

func (s *Service) find(ctx context.Context, poolID, clientID, screen string) (Screen, error) {
	return scan(s.db.QueryRow(ctx, `SELECT `+columns+` FROM qr_screens
		WHERE hash = $1 AND pool_id = $2 AND client_id = $3`, secret.Hash(screen), poolID, clientID))
}

// advance takes a sign-in from where it is new, or where the same person has scanned it,
// to another status. Some applications draw the screen's own token, so that stands for the
// code too.
func (s *Service) advance(ctx context.Context, poolID, code, userID string, to Status, expires time.Time) (Screen, error) {
	return scan(s.db.QueryRow(ctx, `UPDATE qr_screens SET status = $4, user_id = $3, expires_at = $5
		WHERE (code = $1 OR hash = $1) AND pool_id = $2
		AND (status = 'new' OR (status = 'scanned' AND user_id = $3)) AND expires_at > $6
		RETURNING `+columns, secret.Hash(code), poolID, userID, string(to), db.Millis(expires), db.Millis(s.now())))
}

func (s *Service) findTicket(ctx context.Context, poolID, clientID, ticket string) (Screen, error) {
	return scan(s.db.QueryRow(ctx, `SELECT `+columns+` FROM qr_screens
		WHERE ticket = $1 AND pool_id = $2 AND client_id = $3 AND status = 'confirmed' AND expires_at > $4`,
		secret.Hash(ticket), poolID, clientID, db.Millis(s.now())))
}

func (s *Service) use(ctx context.Context, poolID, clientID, ticket string) (int64, error) {
	return s.db.Exec(ctx, `UPDATE qr_screens SET status = 'used'
		WHERE ticket = $1 AND pool_id = $2 AND client_id = $3 AND status = 'confirmed' AND expires_at > $4`,
		secret.Hash(ticket), poolID, clientID, db.Millis(s.now()))
}

func (s *Service) deleteOfUser(ctx context.Context, userID string) error {
	_, err := s.db.Exec(ctx, `DELETE FROM qr_screens WHERE user_id = $1`, userID)
	return err
}

func (s *Service) deleteExpired(ctx context.Context, before time.Time) error {
	_, err := s.db.Exec(ctx, `DELETE FROM qr_screens WHERE expires_at <= $1`, db.Millis(before))
	return err
}

func scan(row *db.Row) (Screen, error) {
	var sc Screen
	var status string
	var expires int64
	err := row.Scan(&sc.PoolID, &sc.ClientID, &status, &sc.UserID, &sc.Context, &expires)
	sc.Status, sc.ExpiresAt = Status(status), db.Time(expires)
	return sc, err
}
