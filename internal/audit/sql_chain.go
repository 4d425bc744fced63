package audit

import (
	"context"
	"encoding/base64"
	"encoding/json"

	"github.com/tigertally/tigertally/internal/secret"
)

// lane reads the records of a lane behind seq.
func (s *Service) lane(ctx context.Context, poolID string, lane, seq int64, limit int) ([]row, error) {
	rows, err := s.db.Query(ctx, `SELECT `+columns+`, lane, seq, hash FROM audit
		WHERE pool_id = $1 AND lane = $2 AND seq > $3 ORDER BY seq LIMIT $4`, poolID, lane, seq, limit)
	if err != nil {
		return nil, err
	}
	return scanRows(rows, func(r *row) []any { return append(r.dest(), &r.lane, &r.seq, &r.hash) })
}

func (s *Service) oldest(ctx context.Context, poolID string, lane int64, limit int) ([]row, error) {
	rows, err := s.db.Query(ctx, `SELECT at, lane, seq, hash FROM audit
		WHERE pool_id = $1 AND lane = $2 ORDER BY seq LIMIT $3`, poolID, lane, limit)
	if err != nil {
		return nil, err
	}
	return scanRows(rows, func(r *row) []any { return []any{&r.at, &r.lane, &r.seq, &r.hash} })
}

func (s *Service) firstUnchained(ctx context.Context, poolID string) (id string, err error) {
	err = s.db.QueryRow(ctx, `SELECT id FROM audit WHERE seq IS NULL AND pool_id = $1 ORDER BY at, id LIMIT 1`, poolID).Scan(&id)
	return id, err
}

func (s *Service) lastCheckpoint(ctx context.Context, poolID string) (at, total int64, err error) {
	err = s.db.QueryRow(ctx, `SELECT at, total FROM audit_checkpoints WHERE pool_id = $1 ORDER BY at DESC LIMIT 1`,
		poolID).Scan(&at, &total)
	return at, total, err
}

func (s *Service) insertCheckpoint(ctx context.Context, c Checkpoint) error {
	lanes, err := json.Marshal(c.Lanes)
	if err != nil {
		return err
	}
	signature, err := base64.StdEncoding.DecodeString(c.Signature)
	if err != nil {
		return err
	}
	_, err = s.db.Exec(ctx, `INSERT INTO audit_checkpoints (id, pool_id, at, lanes, total, signature)
		VALUES ($1, $2, $3, $4, $5, $6)`, secret.ID(), c.Pool, c.At, string(lanes), c.Total, signature)
	return err
}

func (s *Service) checkpoints(ctx context.Context, poolID string) ([]Checkpoint, error) {
	rows, err := s.db.Query(ctx, `SELECT at, lanes, total, signature FROM audit_checkpoints WHERE pool_id = $1 ORDER BY at`, poolID)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // Err below says it all.
	var all []Checkpoint
	for rows.Next() {
		c := Checkpoint{Pool: poolID}
		var lanes string
		var signature []byte
		if err := rows.Scan(&c.At, &lanes, &c.Total, &signature); err != nil {
			return nil, err
		}
		// What does not read was tampered with, and its signature says so.
		json.Unmarshal([]byte(lanes), &c.Lanes) //nolint:errcheck // see above.
		c.Signature = base64.StdEncoding.EncodeToString(signature)
		all = append(all, c)
	}
	return all, rows.Err()
}

func (s *Service) base(ctx context.Context, poolID string, lane int64) (l link, signature []byte, err error) {
	l.lane = lane
	err = s.db.QueryRow(ctx, `SELECT seq, hash, signature FROM audit_bases WHERE pool_id = $1 AND lane = $2`,
		poolID, lane).Scan(&l.seq, &l.hash, &signature)
	return l, signature, err
}

func (s *Service) setBase(ctx context.Context, poolID string, l link, signature []byte) error {
	_, err := s.db.Exec(ctx, `INSERT INTO audit_bases (pool_id, lane, seq, hash, signature) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (pool_id, lane) DO UPDATE SET seq = excluded.seq, hash = excluded.hash, signature = excluded.signature`,
		poolID, l.lane, l.seq, l.hash, signature)
	return err
}

func (s *Service) setHorizon(ctx context.Context, until int64) error {
	_, err := s.db.Exec(ctx, `UPDATE audit_horizon SET until = $1 WHERE id = 1`, until)
	return err
}

func (s *Service) deleteUpTo(ctx context.Context, poolID string, l link) error {
	_, err := s.db.Exec(ctx, `DELETE FROM audit WHERE pool_id = $1 AND lane = $2 AND seq <= $3`, poolID, l.lane, l.seq)
	return err
}
