// Package delivery owns what became of each message handed to a vendor: whether it was,
// what it cost, and whether it arrived. It hands nothing over itself and keeps no address
// and no text.
package delivery

import (
	"context"
	"encoding/base64"
	"errors"
	"time"

	"github.com/tigertally/tigertally/internal/contact"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/driver"
	"github.com/tigertally/tigertally/internal/secret"
)

// Status is how far a message has come.
type Status string

// The statuses. A message is perhaps sent from the moment it is being handed over, so
// only a failed one may be handed over again.
const (
	Sending     Status = "sending"
	Sent        Status = "sent"    // the vendor took it
	Failed      Status = "failed"  // the vendor certainly did not
	Unknown     Status = "unknown" // nobody can say
	Delivered   Status = "delivered"
	Undelivered Status = "undelivered"
)

const (
	keep       = 180 * 24 * time.Hour
	sweepBatch = 1000
	maxWord    = 128 // of what vendors call things
)

// Message names a message about to be handed over.
type Message struct {
	ID      string
	PoolID  string
	Channel string
	To      string // kept as a MAC
}

// Delivery is what is known about one message.
type Delivery struct {
	ID, PoolID, Channel string
	Driver, VendorID    string
	Country             string // dialling code, "" for mail
	Status              Status
	Reason              string
	Units               int
	CreatedAt           time.Time
	UpdatedAt           time.Time
}

// Service keeps deliveries.
type Service struct {
	db   *db.DB
	ring *secret.Keyring
	now  func() time.Time
}

// New makes the service.
func New(d *db.DB, ring *secret.Keyring, now func() time.Time) *Service {
	return &Service{db: d, ring: ring, now: now}
}

// Begin notes that m is being handed over. It reports false when it was before and may
// have gone out, however that run ended: then it must not be handed over again.
func (s *Service) Begin(ctx context.Context, m Message) (bool, error) {
	country := ""
	if len(m.To) > 0 && m.To[0] == '+' {
		country, _ = contact.SplitPhone(m.To)
	}
	return s.begin(ctx, m, country, s.mac(m.To))
}

func (s *Service) mac(address string) []byte { return s.ring.MAC("delivery target", []byte(address)) }

// Took notes that a vendor took the message.
func (s *Service) Took(ctx context.Context, id string, r driver.Receipt) error {
	r.VendorID = cut(r.VendorID)
	return s.took(ctx, id, r)
}

// Refused notes why no vendor took the message.
func (s *Service) Refused(ctx context.Context, id string, f *driver.Failure) error {
	status := Failed
	if f.Maybe {
		status = Unknown
	}
	reason := string(f.Class)
	if f.Code != "" {
		reason += ": " + f.Code
	}
	return s.refused(ctx, id, f.Vendor, status, cut(reason))
}

// Report notes what a vendor says became of its messages, and returns how many it
// changed. Reports about messages of another driver, about unknown ones and about those
// whose end is known change nothing.
func (s *Service) Report(ctx context.Context, name string, reports []driver.Report) (int, error) {
	changed := 0
	err := s.db.InTx(ctx, func(ctx context.Context) error {
		changed = 0
		for _, r := range reports {
			if r.VendorID == "" || len(r.VendorID) > maxWord {
				continue
			}
			r.Reason = cut(r.Reason)
			target, err := s.report(ctx, name, r)
			if errors.Is(err, db.ErrNoRows) {
				continue
			}
			if err != nil {
				return err
			}
			changed++
			if target.channel == channelEmail && r.Outcome == driver.Undelivered {
				if err := s.bounced(ctx, target.mac, r.Reason); err != nil {
					return err
				}
			}
		}
		return nil
	})
	return changed, err
}

// Get returns what is known about a message.
func (s *Service) Get(ctx context.Context, id string) (Delivery, error) { return s.get(ctx, id) }

// Spend is what a pool's messages to one country came to.
type Spend struct {
	Channel, Country, Driver string

	Messages, Units, Delivered, Undelivered int
}

// Spent sums up what vendors took from a pool between two times.
func (s *Service) Spent(ctx context.Context, poolID string, from, until time.Time) ([]Spend, error) {
	return s.spent(ctx, poolID, from, until)
}

// Token is the part of a callback address that nobody can guess: vendors that sign
// nothing prove with it who they are.
func (s *Service) Token(name string) string {
	return base64.RawURLEncoding.EncodeToString(s.ring.MAC("delivery callback", []byte(name))[:24])
}

// Sweep deletes what is half a year old and returns how much. Addresses that get no mail
// stay.
func (s *Service) Sweep(ctx context.Context) (int64, error) {
	if err := s.sweepBounces(ctx, s.now().Add(-keep)); err != nil {
		return 0, err
	}
	var total int64
	for {
		n, err := s.sweep(ctx, s.now().Add(-keep), sweepBatch)
		total += n
		if err != nil || n < sweepBatch {
			return total, err
		}
	}
}

func cut(word string) string {
	if len(word) > maxWord {
		return word[:maxWord]
	}
	return word
}
