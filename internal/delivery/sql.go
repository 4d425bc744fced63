package delivery

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/driver"
)

func (s *Service) begin(ctx context.Context, m Message, country string, target []byte) (bool, error) {
	n, err := s.db.Exec(ctx, `
		INSERT INTO deliveries (id, pool_id, channel, driver, vendor_id, target, country, status, reason,
			units, created_at, updated_at)
		VALUES ($1, $2, $3, '', '', $4, $5, $6, '', 0, $7, $7)
		ON CONFLICT (id) DO UPDATE SET status = $6, reason = '', updated_at = $7
		WHERE deliveries.status = $8`,
		m.ID, m.PoolID, m.Channel, target, country, string(Sending), db.Millis(s.now()), string(Failed))
	if err != nil {
		return false, fmt.Errorf("noting a delivery: %w", err)
	}
	return n == 1, nil
}

func (s *Service) took(ctx context.Context, id string, r driver.Receipt) error {
	_, err := s.db.Exec(ctx, `
		UPDATE deliveries SET status = $2, driver = $3, vendor_id = $4, units = $5, updated_at = $6
		WHERE id = $1 AND status = $7`,
		id, string(Sent), r.Driver, r.VendorID, r.Units, db.Millis(s.now()), string(Sending))
	if err != nil {
		return fmt.Errorf("noting a receipt: %w", err)
	}
	return nil
}

func (s *Service) refused(ctx context.Context, id, name string, status Status, reason string) error {
	_, err := s.db.Exec(ctx, `
		UPDATE deliveries SET status = $2, driver = $3, reason = $4, updated_at = $5
		WHERE id = $1 AND status = $6`,
		id, string(status), name, reason, db.Millis(s.now()), string(Sending))
	if err != nil {
		return fmt.Errorf("noting a failed delivery: %w", err)
	}
	return nil
}

// target is whom a message was for.
type target struct {
	channel string
	mac     []byte
}

// report notes one report, and says whom the message was for; db.ErrNoRows when it changes
// nothing.
func (s *Service) report(ctx context.Context, name string, r driver.Report) (target, error) {
	var t target
	err := s.db.QueryRow(ctx, `
		UPDATE deliveries SET status = $3, reason = $4, updated_at = $5,
			units = CASE WHEN $6 > units THEN $6 ELSE units END
		WHERE driver = $1 AND vendor_id = $2 AND status = $7
		RETURNING channel, target`,
		name, r.VendorID, string(r.Outcome), r.Reason, db.Millis(s.now()), r.Units, string(Sent)).Scan(&t.channel, &t.mac)
	if err != nil && !errors.Is(err, db.ErrNoRows) {
		err = fmt.Errorf("noting a report: %w", err)
	}
	return t, err
}

func (s *Service) get(ctx context.Context, id string) (Delivery, error) {
	d := Delivery{ID: id}
	var at, changed int64
	err := s.db.QueryRow(ctx, `
		SELECT pool_id, channel, driver, vendor_id, country, status, reason, units, created_at, updated_at
		FROM deliveries WHERE id = $1`, id).
		Scan(&d.PoolID, &d.Channel, &d.Driver, &d.VendorID, &d.Country, &d.Status, &d.Reason, &d.Units, &at, &changed)
	if err != nil {
		return Delivery{}, fmt.Errorf("reading a delivery: %w", err)
	}
	d.CreatedAt, d.UpdatedAt = db.Time(at), db.Time(changed)
	return d, nil
}

func (s *Service) spent(ctx context.Context, poolID string, from, until time.Time) ([]Spend, error) {
	// What may have gone out may have to be paid for. A vendor that does not count the
	// parts of a message takes one.
	rows, err := s.db.Query(ctx, `
		SELECT channel, country, driver, COUNT(*), SUM(CASE WHEN units > 0 THEN units ELSE 1 END),
			SUM(CASE WHEN status = $4 THEN 1 ELSE 0 END), SUM(CASE WHEN status = $5 THEN 1 ELSE 0 END)
		FROM deliveries
		WHERE pool_id = $1 AND created_at >= $2 AND created_at < $3 AND status NOT IN ($6, $7)
		GROUP BY channel, country, driver ORDER BY channel, country, driver`,
		poolID, db.Millis(from), db.Millis(until), string(Delivered), string(Undelivered), string(Failed), string(Sending))
	if err != nil {
		return nil, fmt.Errorf("summing up deliveries: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var all []Spend
	for rows.Next() {
		var x Spend
		if err := rows.Scan(&x.Channel, &x.Country, &x.Driver, &x.Messages, &x.Units, &x.Delivered, &x.Undelivered); err != nil {
			return nil, fmt.Errorf("summing up deliveries: %w", err)
		}
		all = append(all, x)
	}
	return all, rows.Err()
}

func (s *Service) sweep(ctx context.Context, before time.Time, limit int) (int64, error) {
	n, err := s.db.Exec(ctx, `
		DELETE FROM deliveries WHERE id IN (SELECT id FROM deliveries WHERE created_at < $1 LIMIT $2)`,
		db.Millis(before), limit)
	if err != nil {
		return 0, fmt.Errorf("sweeping deliveries: %w", err)
	}
	return n, nil
}

func (s *Service) spentBy(ctx context.Context, poolID string, from, until time.Time, step time.Duration) (all []Part, err error) {
	rows, err := s.db.Query(ctx, `
		SELECT channel, country, (created_at - $2) / $4 AS step, SUM(CASE WHEN units > 0 THEN units ELSE 1 END)
		FROM deliveries
		WHERE pool_id = $1 AND created_at >= $2 AND created_at < $3 AND status NOT IN ($5, $6)
		GROUP BY channel, country, step ORDER BY channel, country, step`,
		poolID, db.Millis(from), db.Millis(until), step.Milliseconds(), string(Failed), string(Sending))
	if err != nil {
		return nil, fmt.Errorf("summing up deliveries: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var p Part
		if err := rows.Scan(&p.Channel, &p.Country, &p.Step, &p.Units); err != nil {
			return nil, fmt.Errorf("summing up deliveries: %w", err)
		}
		all = append(all, p)
	}
	return all, rows.Err()
}
