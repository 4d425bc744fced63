package delivery

import (
	"context"
	"encoding/base64"
	"time"

	"github.com/tigertally/tigertally/internal/errs"
)

// Blocked is an address that gets no mail, as far as it is known.
type Blocked struct {
	Bounce

	ID string // stands for the address, which is not kept
}

// Place is where it stands in the list.
func (b Blocked) Place() BlockedPlace { return BlockedPlace{b.BlockedAt, b.ID} }

// BlockedPlace is a place in the list of a Blocked.
type BlockedPlace struct {
	At time.Time
	ID string
}

// BlockedQuery asks for addresses that get no mail, among those that a pool has sent
// messages to: what another pool knows is none of its business.
type BlockedQuery struct {
	PoolID  string
	Address string       // one canonical address, "" for all
	ID      string       // one address by its id, "" for all
	After   BlockedPlace // the last of the page before
	Limit   int
}

// Blocked lists addresses that get no mail, the latest first, and says whether there are
// more.
func (s *Service) Blocked(ctx context.Context, q BlockedQuery) (all []Blocked, more bool, err error) {
	mac, err := s.macOf(q)
	if err != nil {
		return nil, false, err
	}
	after, err := macOfID(q.After.ID)
	if err != nil {
		return nil, false, err
	}
	all, err = s.blocked(ctx, q, mac, after)
	if len(all) > q.Limit {
		return all[:q.Limit], true, err
	}
	return all, false, err
}

// ForgiveBlocked sends mail again to the one address that q names, and reports whether
// there was one.
func (s *Service) ForgiveBlocked(ctx context.Context, q BlockedQuery) (bool, error) {
	mac, err := s.macOf(q)
	if err != nil || mac == nil {
		return false, err
	}
	return s.forgetOf(ctx, q.PoolID, mac)
}

// macOf is the mark of the address that q names, nil for all.
func (s *Service) macOf(q BlockedQuery) ([]byte, error) {
	if q.Address != "" {
		return s.mac(q.Address), nil
	}
	return macOfID(q.ID)
}

func macOfID(id string) ([]byte, error) {
	if id == "" {
		return nil, nil
	}
	mac, err := base64.RawURLEncoding.DecodeString(id)
	if err != nil {
		return nil, errs.New(errs.BadRequest, "field", "id")
	}
	return mac, nil
}

func idOf(mac []byte) string { return base64.RawURLEncoding.EncodeToString(mac) }
