package admin

import (
	"context"

	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/session"
	"github.com/tigertally/tigertally/internal/signin"
	"github.com/tigertally/tigertally/internal/user"
)

// amrManage says in a token that the customer's own server vouched for the person.
const amrManage = "manage"

// SignIn begins a session of a person at an application of the pool: the customer's own
// server says who they are. It counts as no sign-in of theirs and is recorded as the
// manager's doing.
//
// Errors: UserNotFound, UserBlocked, UserPending, ClientUnknown.
func (s *Service) SignIn(ctx context.Context, m Manager, id string, c pool.Client, style func(user.User) session.Style) (session.Tokens, error) {
	if c.Pool.ID != m.PoolID {
		return session.Tokens{}, errs.New(errs.ClientUnknown)
	}
	u, err := s.User(ctx, m, id)
	if err != nil {
		return session.Tokens{}, err
	}
	if err := u.State(); err != nil {
		return session.Tokens{}, err
	}
	st := style(u)
	if err := s.d.Sessions.Ready(ctx, c.Pool.ID, st); err != nil {
		return session.Tokens{}, err
	}
	var tokens session.Tokens
	err = s.d.DB.InTx(ctx, func(ctx context.Context) error {
		tokens, err = s.d.Sessions.Start(ctx, session.Start{
			Pool: c.Pool, ClientID: c.ID, UserID: u.ID, Scope: signin.DefaultScope,
			AMR: []string{amrManage}, Style: st,
		})
		if err != nil {
			return err
		}
		return s.done(ctx, m, audit.SignIn, u.ID, map[string]string{"method": amrManage})
	})
	return tokens, err
}
