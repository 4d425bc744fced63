package channel

import (
	"context"
	"strings"

	"github.com/tigertally/tigertally/internal/db"
)

func (s *Service) all(ctx context.Context) (map[string][]Driver, error) {
	rows, err := s.db.Query(ctx, `SELECT pool_id, id, channel, kind, name, countries, enabled, settings, created_at, updated_at
		FROM message_drivers ORDER BY channel DESC, position, created_at, id`)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // Err below says it all.
	pools := map[string][]Driver{}
	for rows.Next() {
		var d Driver
		var countries string
		var made, changed int64
		if err := rows.Scan(&d.PoolID, &d.ID, &d.Channel, &d.Kind, &d.Name, &countries, &d.Enabled, &d.sealed, &made, &changed); err != nil {
			return nil, err
		}
		d.Countries, d.CreatedAt, d.UpdatedAt = strings.Fields(countries), db.Time(made), db.Time(changed)
		pools[d.PoolID] = append(pools[d.PoolID], d)
	}
	return pools, rows.Err()
}

// upsert keeps the place of a driver that is there already.
func (s *Service) upsert(ctx context.Context, d Driver) error {
	_, err := s.db.Exec(ctx, `INSERT INTO message_drivers (pool_id, id, channel, position, kind, name, countries,
		enabled, settings, created_at, updated_at)
		VALUES ($1, $2, $3, (SELECT COALESCE(MAX(position), 0) + 1 FROM message_drivers WHERE pool_id = $1 AND channel = $3),
			$4, $5, $6, $7, $8, $9, $9)
		ON CONFLICT (pool_id, id) DO UPDATE SET channel = excluded.channel, kind = excluded.kind, name = excluded.name,
		countries = excluded.countries, enabled = excluded.enabled, settings = excluded.settings, updated_at = excluded.updated_at`,
		d.PoolID, d.ID, d.Channel, d.Kind, d.Name, strings.Join(d.Countries, " "), d.Enabled, d.sealed, db.Millis(s.now()))
	return err
}

func (s *Service) count(ctx context.Context, poolID, channel string) (n int, err error) {
	err = s.db.QueryRow(ctx, `SELECT COUNT(*) FROM message_drivers WHERE pool_id = $1 AND channel = $2`, poolID, channel).Scan(&n)
	return n, err
}

func (s *Service) enable(ctx context.Context, poolID, id string, on bool) (int64, error) {
	return s.db.Exec(ctx, `UPDATE message_drivers SET enabled = $3, updated_at = $4 WHERE pool_id = $1 AND id = $2`,
		poolID, id, on, db.Millis(s.now()))
}

// order returns the ids of the channel of a driver, nothing when there is no such driver.
func (s *Service) order(ctx context.Context, poolID, id string) ([]string, error) {
	rows, err := s.db.Query(ctx, `SELECT d.id FROM message_drivers d JOIN message_drivers o ON o.pool_id = d.pool_id AND o.channel = d.channel
		WHERE o.pool_id = $1 AND o.id = $2 ORDER BY d.position, d.created_at, d.id`, poolID, id)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // Err below says it all.
	var all []string
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		all = append(all, id)
	}
	return all, rows.Err()
}

// arrange writes the places of the drivers of one channel, of which there are ten at most.
func (s *Service) arrange(ctx context.Context, poolID string, order []string) (n int64, err error) {
	for i, id := range order {
		n, err = s.db.Exec(ctx, `UPDATE message_drivers SET position = $3 WHERE pool_id = $1 AND id = $2`, poolID, id, i+1)
		if err != nil {
			return 0, err
		}
	}
	return n, nil
}

func (s *Service) remove(ctx context.Context, poolID, id string) (int64, error) {
	return s.db.Exec(ctx, `DELETE FROM message_drivers WHERE pool_id = $1 AND id = $2`, poolID, id)
}

func (s *Service) allWords(ctx context.Context) (map[wordsKey]Words, error) {
	rows, err := s.db.Query(ctx, `SELECT pool_id, name, channel, lang, subject, body, updated_at FROM message_templates`)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // Err below says it all.
	all := map[wordsKey]Words{}
	for rows.Next() {
		var w Words
		var changed int64
		if err := rows.Scan(&w.PoolID, &w.Name, &w.Channel, &w.Lang, &w.Subject, &w.Body, &changed); err != nil {
			return nil, err
		}
		w.UpdatedAt = db.Time(changed)
		all[w.key()] = w
	}
	return all, rows.Err()
}

func (s *Service) upsertWords(ctx context.Context, w Words) error {
	_, err := s.db.Exec(ctx, `INSERT INTO message_templates (pool_id, name, channel, lang, subject, body, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (pool_id, name, channel, lang) DO UPDATE SET subject = excluded.subject, body = excluded.body,
		updated_at = excluded.updated_at`, w.PoolID, w.Name, w.Channel, w.Lang, w.Subject, w.Body, db.Millis(s.now()))
	return err
}

func (s *Service) removeWords(ctx context.Context, k wordsKey) error {
	_, err := s.db.Exec(ctx, `DELETE FROM message_templates WHERE pool_id = $1 AND name = $2 AND channel = $3 AND lang = $4`,
		k.pool, k.name, k.channel, k.lang)
	return err
}
