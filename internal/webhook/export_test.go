package webhook

import (
	"context"
	"encoding/json"
	"time"
)

// Sign lets tests check signatures against the published vector.
func Sign(secrets []string, id string, at time.Time, body []byte) (string, error) {
	var all []key
	for _, s := range secrets {
		all = append(all, key{Secret: s})
	}
	return sign(all, id, at, body)
}

// Drive does the work of the queue at once, so that tests wait for no clock but their own.
type Drive struct{ s *Service }

// NewDrive drives s.
func NewDrive(s *Service) *Drive { return &Drive{s} }

// All tries everything that is queued or due once.
func (d *Drive) All(ctx context.Context) error {
	if err := d.s.retry(ctx); err != nil {
		return err
	}
	rows, err := d.s.d.DB.Query(ctx, `SELECT id FROM webhook_deliveries WHERE state = 'waiting' AND next_at IS NULL ORDER BY created_at, id`)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	var ids []string
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return err
		}
		ids = append(ids, id)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for _, id := range ids {
		raw, err := json.Marshal(id)
		if err != nil {
			return err
		}
		if err := d.s.deliver(ctx, raw); err != nil {
			return err
		}
	}
	return nil
}

// Sweep is the periodic clean-up.
func (d *Drive) Sweep(ctx context.Context) error { return d.s.sweep(ctx) }
