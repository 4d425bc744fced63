// Package sudo owns the short proof that a signed-in user has just shown a password or
// a code again. It does not check the password or the code.
package sudo

import (
	"context"
	"time"

	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/ticket"
)

// uses is how many sensitive actions one grant covers.
const uses = 5

// Holder is who a grant belongs to: one user in one session.
type Holder struct {
	PoolID    string
	UserID    string
	SessionID string
	ClientID  string
}

// Service grants and spends sudo tokens.
type Service struct {
	tickets *ticket.Service
	now     func() time.Time
}

// New returns a Service that keeps grants as tickets.
func New(tickets *ticket.Service, now func() time.Time) *Service {
	return &Service{tickets: tickets, now: now}
}

// Grant gives h a token for life. It joins the transaction of ctx.
func (s *Service) Grant(ctx context.Context, h Holder, life time.Duration) (string, time.Duration, error) {
	token, err := s.tickets.Issue(ctx, ticket.Ticket{
		Class: ticket.Sudo, PoolID: h.PoolID, ClientID: h.ClientID,
		UserID: h.UserID, SessionID: h.SessionID,
		UsesLeft: uses, ExpiresAt: s.now().Add(life),
	})
	if err != nil {
		return "", 0, err
	}
	return token, life, nil
}

// Spend takes one use of token. It must run in the transaction of the action it
// allows, so that a refused action costs nothing and an action costs a use.
func (s *Service) Spend(ctx context.Context, poolID, userID, sessionID, token string) error {
	if token == "" {
		return errs.New(errs.SudoRequired)
	}
	t, err := s.tickets.Spend(ctx, ticket.Sudo, poolID, token)
	if errs.CodeOf(err) == errs.TokenInvalid {
		return errs.New(errs.SudoInvalid)
	}
	if err != nil {
		return err
	}
	if t.UserID != userID || t.SessionID != sessionID {
		return errs.New(errs.SudoInvalid)
	}
	return nil
}

// Void ends every grant of a user: the password or a contact has changed.
func (s *Service) Void(ctx context.Context, userID string) error {
	return s.tickets.Void(ctx, userID, ticket.Sudo)
}
