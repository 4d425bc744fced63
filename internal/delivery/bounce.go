package delivery

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/tigertally/tigertally/internal/db"
)

const (
	channelEmail = "email"
	// softHits is how often mail may come back for a reason that may pass, such as a full
	// mailbox, before nothing is sent there any more.
	softHits = 3
)

// Bounce is what is known of an address that mail comes back from.
type Bounce struct {
	Status string // the last one, RFC 3463
	Hits   int
	// BlockedAt is since when nothing is sent there; the zero time while it still is.
	BlockedAt time.Time
}

// Bounced notes that mail to an address came back with a status of RFC 3463. One that does
// not exist gets no more mail at once, one that refuses for another reason after the third
// time. A status that is none, or is about now only, changes nothing.
func (s *Service) Bounced(ctx context.Context, address, status string) error {
	return s.bounced(ctx, s.mac(address), status)
}

func (s *Service) bounced(ctx context.Context, mac []byte, status string) error {
	if !strings.HasPrefix(status, "5.") {
		return nil
	}
	most := softHits
	if strings.HasPrefix(status, "5.1.") {
		most = 1
	}
	return s.hit(ctx, mac, status, most)
}

// BounceOf returns what is known of an address; the zero Bounce when no mail came back.
func (s *Service) BounceOf(ctx context.Context, address string) (Bounce, error) {
	b, err := s.bounce(ctx, s.mac(address))
	if errors.Is(err, db.ErrNoRows) {
		return Bounce{}, nil
	}
	return b, err
}

// Suppressed reports whether nothing is to be sent to an address.
func (s *Service) Suppressed(ctx context.Context, address string) (bool, error) {
	b, err := s.BounceOf(ctx, address)
	return !b.BlockedAt.IsZero(), err
}

// Forgive forgets that mail came back from an address, because an operator says so or
// because somebody has shown that mail arrives there, and reports whether any had. It
// joins ctx's transaction.
func (s *Service) Forgive(ctx context.Context, address string) (bool, error) {
	return s.forget(ctx, s.mac(address))
}
