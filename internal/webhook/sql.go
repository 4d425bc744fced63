package webhook

import (
	"context"
	"database/sql"
	"encoding/json"
	"time"

	"github.com/tigertally/tigertally/internal/db"
)

const hookColumns = `w.id, w.pool_id, w.name, w.url, w.events, w.contacts, w.enabled, w.stopped, w.failing_since,
	w.secrets, w.created_at, w.updated_at`

// hookRow receives hookColumns.
type hookRow struct {
	h                Hook
	events           string
	failing          sql.NullInt64
	created, updated int64
}

func (r *hookRow) dest() []any {
	return []any{
		&r.h.ID, &r.h.PoolID, &r.h.Name, &r.h.URL, &r.events, &r.h.Contacts, &r.h.Enabled, &r.h.Stopped, &r.failing,
		&r.h.sealed, &r.created, &r.updated,
	}
}

func (r *hookRow) hook() (Hook, error) {
	h := r.h
	h.FailingSince, h.CreatedAt, h.UpdatedAt = moment(r.failing), db.Time(r.created), db.Time(r.updated)
	return h, json.Unmarshal([]byte(r.events), &h.Events)
}

func moment(v sql.NullInt64) time.Time {
	if !v.Valid {
		return time.Time{}
	}
	return db.Time(v.Int64)
}

func (s *Service) hooks(ctx context.Context, query string, args ...any) ([]Hook, error) {
	rows, err := s.d.DB.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // Err below says it all.
	var all []Hook
	for rows.Next() {
		var r hookRow
		if err := rows.Scan(r.dest()...); err != nil {
			return nil, err
		}
		h, err := r.hook()
		if err != nil {
			return nil, err
		}
		all = append(all, h)
	}
	return all, rows.Err()
}

func (s *Service) enabled(ctx context.Context) (map[string][]Hook, error) {
	all, err := s.hooks(ctx, `SELECT `+hookColumns+` FROM webhooks w WHERE w.enabled = TRUE ORDER BY w.created_at, w.id`)
	pools := map[string][]Hook{}
	for _, h := range all {
		pools[h.PoolID] = append(pools[h.PoolID], h)
	}
	return pools, err
}

func (s *Service) list(ctx context.Context, poolID string) ([]Hook, error) {
	return s.hooks(ctx, `SELECT `+hookColumns+` FROM webhooks w WHERE w.pool_id = $1 ORDER BY w.created_at, w.id`, poolID)
}

func (s *Service) get(ctx context.Context, poolID, id string) (Hook, error) {
	var r hookRow
	err := s.d.DB.QueryRow(ctx, `SELECT `+hookColumns+` FROM webhooks w WHERE w.pool_id = $1 AND w.id = $2`,
		poolID, id).Scan(r.dest()...)
	if err != nil {
		return Hook{}, err
	}
	return r.hook()
}

func (s *Service) count(ctx context.Context, poolID string) (n int, err error) {
	err = s.d.DB.QueryRow(ctx, `SELECT COUNT(*) FROM webhooks WHERE pool_id = $1`, poolID).Scan(&n)
	return n, err
}

func (s *Service) insert(ctx context.Context, h Hook) error {
	events, err := encode(h.Events)
	if err != nil {
		return err
	}
	_, err = s.d.DB.Exec(ctx, `INSERT INTO webhooks (id, pool_id, name, url, events, contacts, enabled, stopped, secrets,
		created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)`,
		h.ID, h.PoolID, h.Name, h.URL, events, h.Contacts, h.Enabled, h.Stopped, h.sealed, db.Millis(h.CreatedAt))
	return err
}

// update forgets why a hook was off when it is switched on.
func (s *Service) update(ctx context.Context, h Hook) (int64, error) {
	events, err := encode(h.Events)
	if err != nil {
		return 0, err
	}
	return s.d.DB.Exec(ctx, `UPDATE webhooks SET name = $1, url = $2, events = $3, contacts = $4, enabled = $5,
		stopped = CASE WHEN $5 THEN '' ELSE stopped END,
		failing_since = CASE WHEN $5 AND enabled = FALSE THEN NULL ELSE failing_since END, updated_at = $6
		WHERE pool_id = $7 AND id = $8`,
		h.Name, h.URL, events, h.Contacts, h.Enabled, db.Millis(s.d.Now()), h.PoolID, h.ID)
}

func (s *Service) remove(ctx context.Context, poolID, id string) (int64, error) {
	return s.d.DB.Exec(ctx, `DELETE FROM webhooks WHERE pool_id = $1 AND id = $2`, poolID, id)
}

func (s *Service) replaceSecrets(ctx context.Context, h Hook, sealed []byte) (int64, error) {
	return s.d.DB.Exec(ctx, `UPDATE webhooks SET secrets = $1, updated_at = $2 WHERE id = $3 AND secrets = $4`,
		sealed, db.Millis(s.d.Now()), h.ID, h.sealed)
}

func (s *Service) markFailing(ctx context.Context, id string) error {
	_, err := s.d.DB.Exec(ctx, `UPDATE webhooks SET failing_since = $1 WHERE id = $2 AND failing_since IS NULL`,
		db.Millis(s.d.Now()), id)
	return err
}

func (s *Service) clearFailing(ctx context.Context, id string) error {
	_, err := s.d.DB.Exec(ctx, `UPDATE webhooks SET failing_since = NULL WHERE id = $1 AND failing_since IS NOT NULL`, id)
	return err
}

func (s *Service) stop(ctx context.Context, id, why string) (int64, error) {
	return s.d.DB.Exec(ctx, `UPDATE webhooks SET enabled = FALSE, stopped = $1, updated_at = $2 WHERE id = $3 AND enabled = TRUE`,
		why, db.Millis(s.d.Now()), id)
}

const deliveryColumns = `d.id, d.webhook_id, d.event_id, d.type, d.happened_at, d.user_id, d.client_id, d.session_id,
	d.state, d.attempts, d.next_at, d.tried_at, d.status, d.latency, d.answer, d.created_at`

// deliveryRow receives deliveryColumns.
type deliveryRow struct {
	d                          Delivery
	happened, latency, created int64
	next, tried                sql.NullInt64
}

func (r *deliveryRow) dest() []any {
	e := &r.d.event
	return []any{
		&r.d.ID, &r.d.HookID, &e.id, &e.name, &r.happened, &e.userID, &e.clientID, &e.sessionID,
		&r.d.State, &r.d.Attempts, &r.next, &r.tried, &r.d.Status, &r.latency, &r.d.Answer, &r.created,
	}
}

func (r *deliveryRow) delivery() Delivery {
	d := r.d
	d.event.at, d.CreatedAt = db.Time(r.happened), db.Time(r.created)
	d.NextAt, d.TriedAt = moment(r.next), moment(r.tried)
	d.Latency = time.Duration(r.latency) * time.Millisecond
	return d
}

func (s *Service) insertDelivery(ctx context.Context, d Delivery) error {
	e := d.event
	_, err := s.d.DB.Exec(ctx, `INSERT INTO webhook_deliveries (id, webhook_id, event_id, type, happened_at, user_id, client_id,
		session_id, state, attempts, tried_at, status, latency, answer, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`,
		d.ID, d.HookID, e.id, e.name, db.Millis(e.at), e.userID, e.clientID, e.sessionID, d.State, d.Attempts,
		db.NullMillis(d.TriedAt), d.Status, d.Latency.Milliseconds(), d.Answer, db.Millis(d.CreatedAt))
	return err
}

// pending reads a delivery that has not ended, with its hook.
func (s *Service) pending(ctx context.Context, id string) (Delivery, Hook, error) {
	var d deliveryRow
	var h hookRow
	err := s.d.DB.QueryRow(ctx, `SELECT `+deliveryColumns+`, `+hookColumns+`
		FROM webhook_deliveries d JOIN webhooks w ON w.id = d.webhook_id
		WHERE d.id = $1 AND d.state = 'waiting'`, id).Scan(append(d.dest(), h.dest()...)...)
	if err != nil {
		return Delivery{}, Hook{}, err
	}
	hook, err := h.hook()
	return d.delivery(), hook, err
}

func (s *Service) delivery(ctx context.Context, hookID, id string) (Delivery, error) {
	var r deliveryRow
	err := s.d.DB.QueryRow(ctx, `SELECT `+deliveryColumns+` FROM webhook_deliveries d WHERE d.webhook_id = $1 AND d.id = $2`,
		hookID, id).Scan(r.dest()...)
	return r.delivery(), err
}

func (s *Service) settleDelivery(ctx context.Context, d Delivery) (int64, error) {
	return s.d.DB.Exec(ctx, `UPDATE webhook_deliveries SET state = $1, attempts = $2, next_at = $3, tried_at = $4, status = $5,
		latency = $6, answer = $7 WHERE id = $8 AND state = 'waiting'`,
		d.State, d.Attempts, db.NullMillis(d.NextAt), db.NullMillis(d.TriedAt), d.Status, d.Latency.Milliseconds(), d.Answer, d.ID)
}

// due lists what waits for another try. Those whose next try is furthest overdue go first.
func (s *Service) due(ctx context.Context, hookID string, limit int) ([]string, error) {
	rows, err := s.d.DB.Query(ctx, `SELECT id FROM webhook_deliveries
		WHERE webhook_id = $1 AND next_at IS NOT NULL AND next_at <= $2 ORDER BY next_at LIMIT $3`,
		hookID, db.Millis(s.d.Now()), limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // Err below says it all.
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

func (s *Service) take(ctx context.Context, id string) (int64, error) {
	return s.d.DB.Exec(ctx, `UPDATE webhook_deliveries SET next_at = NULL WHERE id = $1 AND next_at IS NOT NULL AND next_at <= $2`,
		id, db.Millis(s.d.Now()))
}

// abandon gives up what waits for a hook that is off.
func (s *Service) abandon(ctx context.Context, hookID string) error {
	_, err := s.d.DB.Exec(ctx, `UPDATE webhook_deliveries SET state = 'failed', next_at = NULL
		WHERE webhook_id = $1 AND state = 'waiting'`, hookID)
	return err
}

func (s *Service) log(ctx context.Context, hookID, state string, after Place, limit int) ([]Delivery, error) {
	rows, err := s.d.DB.Query(ctx, `SELECT `+deliveryColumns+` FROM webhook_deliveries d
		WHERE d.webhook_id = $1 AND (d.created_at < $2 OR (d.created_at = $2 AND d.id < $3)) AND ($4 = '' OR d.state = $4)
		ORDER BY d.created_at DESC, d.id DESC LIMIT $5`, hookID, after.At, after.ID, state, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // Err below says it all.
	var all []Delivery
	for rows.Next() {
		var r deliveryRow
		if err := rows.Scan(r.dest()...); err != nil {
			return nil, err
		}
		all = append(all, r.delivery())
	}
	return all, rows.Err()
}

func (s *Service) deleteBefore(ctx context.Context, t time.Time) (int64, error) {
	return s.d.DB.Exec(ctx, `DELETE FROM webhook_deliveries WHERE created_at < $1`, db.Millis(t))
}
