package delivery

import (
	"context"
	"time"
)

// Part is what went to one country in one step of a stretch of time.
type Part struct {
	Channel, Country string
	Step             int // from 0
	Units            int // parts of messages, as vendors count them
}

// SpentBy is Spent in steps: what vendors took from a pool between two times, by channel
// and country.
func (s *Service) SpentBy(ctx context.Context, poolID string, from, until time.Time, step time.Duration) ([]Part, error) {
	return s.spentBy(ctx, poolID, from, until, step)
}
