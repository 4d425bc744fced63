package signin

import (
	"context"
	"crypto/rsa"
	"encoding/json"
	"regexp"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/user"
)

const (
	ticketSkew = time.Minute
	ticketLife = 10 * time.Minute
	maxTicket  = 4096
	// shortestAccess keeps a ticket from asking for tokens that clients refresh before
	// every call.
	shortestAccess = time.Minute
)

// uidPattern is what the vendor's SDK accepts as a uid.
var uidPattern = regexp.MustCompile(`^[a-zA-Z0-9_\-#@~=*(){}[\]:.,<>+]{4,32}$`)

// customTicket is the payload of a signed ticket. All times are Unix milliseconds, which
// is why a stock JWT library must not judge them.
type customTicket struct {
	Env     string `json:"env"`
	IAT     int64  `json:"iat"`
	Exp     int64  `json:"exp"`
	UID     string `json:"uid"`
	Refresh int64  `json:"refresh"` // how long an access token shall live
}

// proveTicket signs in the person a customer's own server vouches for, and makes the
// account on the first visit (TK-05). The vendor's tickets carry no jti and its clients
// fetch one ticket and may show it again, so a ticket works until it expires, at most
// ten minutes after it was made.
func (s *Service) proveTicket(ctx context.Context, in Input) (proof, error) {
	t, err := s.readTicket(ctx, in.Client.Pool.ID, in.Ticket)
	if err != nil {
		return proof{}, err
	}
	p := proof{
		amr: []string{"custom"}, provider: user.ProviderCustom,
		protocol: protocolSocial, body: map[string]any{"username": t.UID},
	}
	if asked := time.Duration(t.Refresh) * time.Millisecond; asked > 0 && t.Refresh < int64(24*time.Hour/time.Millisecond) {
		p.accessLife = min(max(asked, shortestAccess), in.Client.Pool.Settings.AccessLife)
	}
	fresh := blank(ctx, in.Client.Pool, user.ProviderCustom)
	fresh.Kind = user.KindCustom
	return s.identified(ctx, in, p, t.UID, fresh)
}

// readTicket checks <key id>/@@/<JWT>: the key is one of this pool, the algorithm RS256
// and no other, the pool the one named inside, the window at most ten minutes.
func (s *Service) readTicket(ctx context.Context, poolID, raw string) (customTicket, error) {
	keyID, signed, ok := strings.Cut(raw, "/@@/")
	if !ok || keyID == "" || len(raw) > maxTicket {
		return customTicket{}, errs.New(errs.TicketInvalid)
	}
	key, err := s.Pools.TicketKey(ctx, poolID, keyID)
	if err != nil {
		if errs.CodeOf(err) == errs.KeyNotFound {
			return customTicket{}, errs.New(errs.TicketInvalid).Because(err)
		}
		return customTicket{}, err
	}
	t, err := openTicket(key, signed)
	if err != nil {
		return customTicket{}, errs.New(errs.TicketInvalid).Because(err)
	}
	now, issued, expires := s.Now(), time.UnixMilli(t.IAT), time.UnixMilli(t.Exp)
	switch {
	case t.Env != poolID, !uidPattern.MatchString(t.UID),
		issued.After(now.Add(ticketSkew)), !now.Before(expires),
		expires.Sub(issued) > ticketLife, expires.Before(issued):
		return customTicket{}, errs.New(errs.TicketInvalid)
	}
	return t, nil
}

func openTicket(key *rsa.PublicKey, signed string) (customTicket, error) {
	jws, err := jose.ParseSignedCompact(signed, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		return customTicket{}, err
	}
	payload, err := jws.Verify(key)
	if err != nil {
		return customTicket{}, err
	}
	var t customTicket
	return t, json.Unmarshal(payload, &t)
}
