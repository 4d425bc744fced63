package audit

import (
	"cmp"
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"time"

	"github.com/tigertally/tigertally/internal/db"
)

// strangerMark begins the actor of a record of somebody nobody knows.
const strangerMark = "stranger:"

type aboutKey struct{}

// About returns a context whose records, where nobody known is behind them, can be found
// by what was typed: a phone number, an address or a name in canonical form. It is kept as
// a mark that only the installation's key can make, never in clear.
func About(ctx context.Context, typed string) context.Context {
	if typed == "" {
		return ctx
	}
	return context.WithValue(ctx, aboutKey{}, typed)
}

// stranger is who a record of ctx is about when they are nobody known.
func (s *Service) stranger(ctx context.Context, poolID string) string {
	typed, _ := ctx.Value(aboutKey{}).(string)
	return s.mark(poolID, typed)
}

// mark is what stands for typed in a pool's records, "" for none.
func (s *Service) mark(poolID, typed string) string {
	const length = 15 // bytes: nobody is found by chance
	if typed == "" || s.Ring == nil {
		return ""
	}
	mac := s.Ring.MAC("audit stranger", []byte(poolID), []byte(typed))
	return strangerMark + base64.RawURLEncoding.EncodeToString(mac[:length])
}

// AttemptQuery narrows a list of attempts to sign in; empty fields do not.
type AttemptQuery struct {
	Typed    []string // canonical; one of them or UserID is enough
	UserID   string
	ClientID string
	IP       string
	Result   string // as in Query
	Since    time.Time
	Until    time.Time // not included
}

// AttemptActions are the records that somebody who wants to get in leaves.
func AttemptActions() []string {
	return []string{SignIn, SignUp, CodeSend, CodeVerify, PasswordReset, ProviderRefuse, CaptchaRefuse}
}

// Attempts returns what people did to get in, newest first, and the token of the next
// page, empty after the last: sign-ins, registrations and their codes. Those by a name
// that belongs to nobody are found by Typed. A page token that is not ours is BadRequest.
func (s *Service) Attempts(ctx context.Context, poolID string, q AttemptQuery, limit int, pageToken string,
) ([]Record, string, error) {
	limit = min(max(limit, 1), maxPage)
	after, err := parsePage(pageToken)
	if err != nil {
		return nil, "", err
	}
	found, err := s.attempts(ctx, poolID, q, after, limit+1)
	if err != nil || len(found) <= limit {
		return found, "", err
	}
	last := found[limit-1]
	return found[:limit], position{at: db.Millis(last.At), id: last.ID}.String(), nil
}

// attempts asks for those of the person and those of a stranger one after the other, so
// that each has an index.
func (s *Service) attempts(ctx context.Context, poolID string, q AttemptQuery, after position, limit int) (all []Record, err error) {
	for _, part := range s.parts(poolID, q) {
		if err := part.check(); err != nil {
			return nil, err
		}
		some, err := s.search(ctx, poolID, part, after, limit)
		if err != nil {
			return nil, fmt.Errorf("look for attempts: %w", err)
		}
		all = append(all, some...)
	}
	slices.SortFunc(all, func(a, b Record) int { return cmp.Or(b.At.Compare(a.At), cmp.Compare(b.ID, a.ID)) })
	return all[:min(len(all), limit)], nil
}

func (s *Service) parts(poolID string, q AttemptQuery) []Query {
	base := Query{
		UserID: q.UserID, ClientID: q.ClientID, IP: q.IP, Result: q.Result, Since: q.Since, Until: q.Until,
		actions: AttemptActions(),
	}
	var all []Query
	if q.UserID != "" || len(q.Typed) == 0 {
		all = append(all, base)
	}
	for _, typed := range q.Typed {
		stranger := base
		stranger.UserID, stranger.Actor = "", cmp.Or(s.mark(poolID, typed), strangerMark)
		all = append(all, stranger)
	}
	return all
}
