package webhook

import (
	"context"
	"fmt"
	"time"

	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/secret"
)

// Delivery is one event on its way to one webhook, and what became of it.
type Delivery struct {
	ID, HookID string
	State      string
	Attempts   int
	NextAt     time.Time // of the next try; zero when one is under way or none comes
	TriedAt    time.Time // of the last one
	Status     int       // of the last answer; 0 when there was none
	Latency    time.Duration
	Answer     string // the beginning of the last answer, or why there was none
	CreatedAt  time.Time

	event event
	err   error // of the try just made
}

// EventID is what the receiver tells repetitions by.
func (d Delivery) EventID() string { return d.event.id }

// Type is the name of the event.
func (d Delivery) Type() string { return d.event.name }

// UserID is whom the event is about; it may be "".
func (d Delivery) UserID() string { return d.event.userID }

// HappenedAt is the time of the event.
func (d Delivery) HappenedAt() time.Time { return d.event.at }

// Place is where a page of the log ends.
type Place struct {
	At int64  `json:"a"`
	ID string `json:"i"`
}

// Deliveries returns what a webhook was sent, newest first, and where the next page
// begins; nil after the last. state narrows it; "" does not. The webhook has to be one of
// the pool: WebhookNotFound.
func (s *Service) Deliveries(ctx context.Context, poolID, hookID, state string, after *Place, limit int) ([]Delivery, *Place, error) {
	if _, err := s.Get(ctx, poolID, hookID); err != nil {
		return nil, nil, err
	}
	from := Place{At: 1<<63 - 1}
	if after != nil {
		from = *after
	}
	all, err := s.log(ctx, hookID, state, from, limit+1)
	if err != nil {
		return nil, nil, fmt.Errorf("read deliveries: %w", err)
	}
	if len(all) <= limit {
		return all, nil, nil
	}
	last := all[limit-1]
	return all[:limit], &Place{At: db.Millis(last.CreatedAt), ID: last.ID}, nil
}

// Test sends a made-up event now and returns what came back. It is not repeated, and it
// works on a webhook that is switched off.
//
// Errors: WebhookNotFound.
func (s *Service) Test(ctx context.Context, poolID, hookID string) (Delivery, error) {
	h, err := s.Get(ctx, poolID, hookID)
	if err != nil {
		return Delivery{}, err
	}
	now := s.d.Now()
	d, err := s.try(ctx, h, Delivery{
		ID: secret.ID(), HookID: h.ID, CreatedAt: now, event: event{id: eventID(now), name: TestEvent, at: now},
	})
	if err != nil {
		return d, err
	}
	d.State = StateDelivered
	if d.err != nil {
		d.State = StateFailed
	}
	if err := s.insertDelivery(ctx, d); err != nil {
		return d, fmt.Errorf("store delivery: %w", err)
	}
	return d, nil
}

// Redeliver sends an event of the log again, under its old id, as a delivery of its own.
//
// Errors: WebhookNotFound.
func (s *Service) Redeliver(ctx context.Context, poolID, hookID, id string) (d Delivery, err error) {
	err = s.d.DB.InTx(ctx, func(ctx context.Context) error {
		h, err := s.get(ctx, poolID, hookID)
		if err != nil {
			return missing(err)
		}
		old, err := s.delivery(ctx, hookID, id)
		if err != nil {
			return missing(err)
		}
		d, err = s.queue(ctx, h, old.event)
		return err
	})
	return d, err
}
