package pool

import (
	"context"
	"database/sql"
	"encoding/json"

	"github.com/tigertally/tigertally/internal/db"
)

func (s *Service) insertPool(ctx context.Context, p Pool) (int64, error) {
	set, err := p.Settings.text()
	if err != nil {
		return 0, err
	}
	return s.db.Exec(ctx, `INSERT INTO pools (id, name, settings, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`,
		p.ID, p.Name, set, db.Millis(p.CreatedAt), db.Millis(p.CreatedAt))
}

// rename changes a name; table is one of our two constants.
func (s *Service) rename(ctx context.Context, table, id, name string) (int64, error) {
	return s.db.Exec(ctx, `UPDATE `+table+` SET name = $1, updated_at = $2 WHERE id = $3`,
		name, db.Millis(s.now()), id)
}

func (s *Service) deleteApp(ctx context.Context, id string) (int64, error) {
	return s.db.Exec(ctx, `DELETE FROM apps WHERE id = $1 AND id <> pool_id`, id)
}

func (s *Service) insertApp(ctx context.Context, a App) (int64, error) {
	set, err := json.Marshal(a.Settings)
	if err != nil {
		return 0, err
	}
	now := db.Millis(s.now())
	return s.db.Exec(ctx, `INSERT INTO apps (id, pool_id, name, settings, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`,
		a.ID, a.PoolID, a.Name, string(set), now, now)
}

// settings reads the settings text of a pool or an application; table is one of our
// two constants.
func (s *Service) settings(ctx context.Context, table, id string) (string, error) {
	var text string
	err := s.db.QueryRow(ctx, `SELECT settings FROM `+table+` WHERE id = $1`, id).Scan(&text)
	return text, err
}

func (s *Service) replaceSettings(ctx context.Context, table, id, old, text string) (int64, error) {
	return s.db.Exec(ctx, `UPDATE `+table+` SET settings = $1, updated_at = $2
		WHERE id = $3 AND settings = $4`, text, db.Millis(s.now()), id, old)
}

func (s *Service) allPools(ctx context.Context) (map[string]Pool, []string, error) {
	rows, err := s.db.Query(ctx, `SELECT id, name, settings, created_at FROM pools ORDER BY created_at, id`)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close() //nolint:errcheck // Err below says it all.
	pools, order := map[string]Pool{}, []string{}
	for rows.Next() {
		var p Pool
		var set string
		var created int64
		if err := rows.Scan(&p.ID, &p.Name, &set, &created); err != nil {
			return nil, nil, err
		}
		if p.Settings, err = parseSettings(set); err != nil {
			return nil, nil, err
		}
		p.CreatedAt = db.Time(created)
		pools[p.ID], order = p, append(order, p.ID)
	}
	return pools, order, rows.Err()
}

func (s *Service) allApps(ctx context.Context) (map[string]App, error) {
	rows, err := s.db.Query(ctx, `SELECT id, pool_id, name, settings FROM apps ORDER BY id`)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // Err below says it all.
	apps := map[string]App{}
	for rows.Next() {
		var a App
		var set string
		if err := rows.Scan(&a.ID, &a.PoolID, &a.Name, &set); err != nil {
			return nil, err
		}
		if err := json.Unmarshal([]byte(set), &a.Settings); err != nil {
			return nil, err
		}
		apps[a.ID] = a
	}
	return apps, rows.Err()
}

func (s *Service) insertTicketKey(ctx context.Context, id, poolID, public string) error {
	_, err := s.db.Exec(ctx, `INSERT INTO ticket_keys (id, pool_id, public_key, created_at)
		VALUES ($1, $2, $3, $4)`, id, poolID, public, db.Millis(s.now()))
	return err
}

func (s *Service) ticketKey(ctx context.Context, poolID, id string) (string, error) {
	var public string
	err := s.db.QueryRow(ctx, `SELECT public_key FROM ticket_keys
		WHERE id = $1 AND pool_id = $2 AND revoked_at IS NULL`, id, poolID).Scan(&public)
	return public, err
}

func (s *Service) ticketKeys(ctx context.Context, poolID string) ([]TicketKeyInfo, error) {
	rows, err := s.db.Query(ctx, `SELECT id, created_at, revoked_at FROM ticket_keys
		WHERE pool_id = $1 ORDER BY created_at DESC, id`, poolID)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // Err below says it all.
	var list []TicketKeyInfo
	for rows.Next() {
		var k TicketKeyInfo
		var created int64
		var revoked sql.NullInt64
		if err := rows.Scan(&k.ID, &created, &revoked); err != nil {
			return nil, err
		}
		k.CreatedAt = db.Time(created)
		if revoked.Valid {
			k.RevokedAt = db.Time(revoked.Int64)
		}
		list = append(list, k)
	}
	return list, rows.Err()
}

func (s *Service) revokeTicketKey(ctx context.Context, poolID, id string) (int64, error) {
	return s.db.Exec(ctx, `UPDATE ticket_keys SET revoked_at = $1
		WHERE id = $2 AND pool_id = $3 AND revoked_at IS NULL`, db.Millis(s.now()), id, poolID)
}

func (s *Service) insertSecret(ctx context.Context, id, poolID string, hash []byte) (int64, error) {
	return s.db.Exec(ctx, `INSERT INTO pool_secrets (id, pool_id, hash, created_at)
		VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`, id, poolID, hash, db.Millis(s.now()))
}

func (s *Service) liveSecrets(ctx context.Context) (map[string][]liveSecret, error) {
	rows, err := s.db.Query(ctx, `SELECT id, pool_id, hash FROM pool_secrets
		WHERE revoked_at IS NULL ORDER BY id`)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // Err below says it all.
	live := map[string][]liveSecret{}
	for rows.Next() {
		var v liveSecret
		var poolID string
		if err := rows.Scan(&v.id, &poolID, &v.hash); err != nil {
			return nil, err
		}
		live[poolID] = append(live[poolID], v)
	}
	return live, rows.Err()
}

func (s *Service) secrets(ctx context.Context, poolID string) ([]SecretInfo, error) {
	rows, err := s.db.Query(ctx, `SELECT id, created_at, revoked_at FROM pool_secrets
		WHERE pool_id = $1 ORDER BY created_at DESC, id`, poolID)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // Err below says it all.
	var list []SecretInfo
	for rows.Next() {
		var v SecretInfo
		var created int64
		var revoked sql.NullInt64
		if err := rows.Scan(&v.ID, &created, &revoked); err != nil {
			return nil, err
		}
		v.CreatedAt = db.Time(created)
		if revoked.Valid {
			v.RevokedAt = db.Time(revoked.Int64)
		}
		list = append(list, v)
	}
	return list, rows.Err()
}

func (s *Service) revokeSecret(ctx context.Context, poolID, id string) (int64, error) {
	return s.db.Exec(ctx, `UPDATE pool_secrets SET revoked_at = $1
		WHERE id = $2 AND pool_id = $3 AND revoked_at IS NULL`, db.Millis(s.now()), id, poolID)
}

func (s *Service) revokeSecrets(ctx context.Context, poolID string) (int64, error) {
	return s.db.Exec(ctx, `UPDATE pool_secrets SET revoked_at = $1
		WHERE pool_id = $2 AND revoked_at IS NULL`, db.Millis(s.now()), poolID)
}
