package keys

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/tigertally/tigertally/internal/db"
)

const columns = `id, pool_id, purpose, alg, public_key, sealed, activates_at, retires_at`

func (s *Service) insert(ctx context.Context, k *key) error {
	_, err := s.db.Exec(ctx, `INSERT INTO signing_keys (`+columns+`, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING`,
		k.id, k.poolID, k.purpose, string(k.alg), k.encoded, k.sealed,
		db.Millis(k.activates), db.NullMillis(k.retires), db.Millis(s.now()))
	return err
}

// all reads every key that is not retired.
func (s *Service) all(ctx context.Context, known map[string]*key) ([]*key, error) {
	rows, err := s.db.Query(ctx, `SELECT `+columns+` FROM signing_keys
		WHERE retires_at IS NULL OR retires_at > $1 ORDER BY pool_id, activates_at, id`, db.Millis(s.now()))
	if err != nil {
		return nil, err
	}
	return scan(rows, known)
}

func (s *Service) list(ctx context.Context, poolID string) ([]*key, error) {
	rows, err := s.db.Query(ctx, `SELECT `+columns+` FROM signing_keys
		WHERE pool_id = $1 ORDER BY activates_at, id`, poolID)
	if err != nil {
		return nil, err
	}
	return scan(rows, nil)
}

// scan takes a key that is known already instead of parsing it again.
func scan(rows *sql.Rows, known map[string]*key) ([]*key, error) {
	defer rows.Close() //nolint:errcheck // Err below says it all.
	var list []*key
	for rows.Next() {
		k := &key{}
		var alg string
		var activates int64
		var retires sql.NullInt64
		if err := rows.Scan(&k.id, &k.poolID, &k.purpose, &alg, &k.encoded, &k.sealed,
			&activates, &retires); err != nil {
			return nil, err
		}
		k.alg, k.activates = jose.SignatureAlgorithm(alg), db.Time(activates)
		if retires.Valid {
			k.retires = db.Time(retires.Int64)
		}
		if old := known[k.id]; old != nil && old.retires.Equal(k.retires) {
			k = old
		} else if err := k.parsePublic(); err != nil {
			return nil, fmt.Errorf("key %s: %w", k.id, err)
		}
		list = append(list, k)
	}
	return list, rows.Err()
}

func (s *Service) countPending(ctx context.Context, poolID string) (int, error) {
	var n int
	err := s.db.QueryRow(ctx, `SELECT COUNT(*) FROM signing_keys
		WHERE pool_id = $1 AND purpose = $2 AND activates_at > $3 AND retires_at IS NULL`,
		poolID, purposeSign, db.Millis(s.now())).Scan(&n)
	return n, err
}

// retire sets when a key stops verifying, unless that is decided already.
func (s *Service) retire(ctx context.Context, poolID, id string, at time.Time) error {
	_, err := s.db.Exec(ctx, `UPDATE signing_keys SET retires_at = $1
		WHERE id = $2 AND pool_id = $3 AND retires_at IS NULL`, db.Millis(at), id, poolID)
	return err
}

func (s *Service) revoke(ctx context.Context, poolID, id string, at time.Time) (int64, error) {
	return s.db.Exec(ctx, `UPDATE signing_keys SET retires_at = $1
		WHERE id = $2 AND pool_id = $3 AND (retires_at IS NULL OR retires_at > $1)`,
		db.Millis(at), id, poolID)
}
