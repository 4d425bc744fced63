package delivery

import (
	"context"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/errs"
)

const (
	maxPage    = 200
	maxTargets = 8
)

// Filter narrows a list of deliveries; empty fields do not.
type Filter struct {
	// Targets are canonical addresses, such as the phone number and the mail address of one
	// person.
	Targets  []string
	Channel  string
	Statuses []Status
	// From and Until bound when the message was first handed over; Until itself is not in.
	From, Until time.Time
}

// List returns messages of a pool, newest first, and the token of the next page, empty
// after the last. limit is at most 200. A page token that is not ours is BadRequest, and
// so are more than eight targets.
func (s *Service) List(ctx context.Context, poolID string, f Filter, limit int, pageToken string) ([]Delivery, string, error) {
	limit = min(max(limit, 1), maxPage)
	after, err := parsePage(pageToken)
	if err != nil {
		return nil, "", err
	}
	if len(f.Targets) > maxTargets || len(f.Statuses) > maxTargets {
		return nil, "", errs.New(errs.BadRequest, "field", "filter")
	}
	if f.Until.IsZero() {
		f.Until = time.UnixMilli(1<<62 - 1)
	}
	macs := make([][]byte, len(f.Targets))
	for i, address := range f.Targets {
		macs[i] = s.mac(address)
	}
	all, err := s.list(ctx, poolID, f, macs, after, limit+1)
	if err != nil || len(all) <= limit {
		return all, "", err
	}
	last := all[limit-1]
	return slices.Clip(all[:limit]), position{db.Millis(last.CreatedAt), last.ID}.String(), nil
}

// position is the last message of a page.
type position struct {
	at int64
	id string
}

func (p position) String() string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(p.at, 10) + "." + p.id))
}

func parsePage(token string) (position, error) {
	if token == "" {
		return position{at: 1<<63 - 1}, nil
	}
	refused := errs.New(errs.BadRequest, "field", "page_token")
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(token) > 256 {
		return position{}, refused
	}
	text, id, ok := strings.Cut(string(raw), ".")
	at, err := strconv.ParseInt(text, 10, 64)
	if err != nil || !ok || id == "" {
		return position{}, refused
	}
	return position{at, id}, nil
}
