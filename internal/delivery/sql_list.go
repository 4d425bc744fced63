package delivery

import (
	"context"
	"fmt"

	"github.com/tigertally/tigertally/internal/db"
)

// list reads one page. The places of the lists stand at the end, for their number varies.
func (s *Service) list(ctx context.Context, poolID string, f Filter, macs [][]byte, after position, limit int) ([]Delivery, error) {
	args := []any{poolID, db.Millis(f.From), db.Millis(f.Until), f.Channel, after.at, after.id, limit}
	where := ""
	if len(macs) > 0 {
		where += " AND target IN (" + db.In(len(args)+1, len(macs)) + ")"
		for _, mac := range macs {
			args = append(args, mac)
		}
	}
	if len(f.Statuses) > 0 {
		where += " AND status IN (" + db.In(len(args)+1, len(f.Statuses)) + ")"
		for _, status := range f.Statuses {
			args = append(args, string(status))
		}
	}
	rows, err := s.db.Query(ctx, `
		SELECT id, pool_id, channel, driver, vendor_id, country, status, reason, units, created_at, updated_at
		FROM deliveries
		WHERE pool_id = $1 AND created_at >= $2 AND created_at < $3 AND (channel = $4 OR $4 = '')
			AND (created_at < $5 OR (created_at = $5 AND id < $6))`+where+`
		ORDER BY created_at DESC, id DESC LIMIT $7`, args...)
	if err != nil {
		return nil, fmt.Errorf("listing deliveries: %w", err)
	}
	defer rows.Close() //nolint:errcheck // Err below says it all.
	var all []Delivery
	for rows.Next() {
		var d Delivery
		var made, changed int64
		if err := rows.Scan(&d.ID, &d.PoolID, &d.Channel, &d.Driver, &d.VendorID, &d.Country, &d.Status, &d.Reason,
			&d.Units, &made, &changed); err != nil {
			return nil, fmt.Errorf("listing deliveries: %w", err)
		}
		d.CreatedAt, d.UpdatedAt = db.Time(made), db.Time(changed)
		all = append(all, d)
	}
	return all, rows.Err()
}
