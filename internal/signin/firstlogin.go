package signin

import (
	"context"
	"strconv"
	"time"

	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/ticket"
	"github.com/tigertally/tigertally/internal/user"
)

// firstLoginLife is how long somebody has to think of a new password.
const firstLoginLife = 10 * time.Minute

// firstLogin answers a right password that has to be replaced: no session, but a ticket
// to replace it with. The ticket is good for this very password only.
func (s *Service) firstLogin(ctx context.Context, r request, p proof) (Outcome, error) {
	step := Step{Kind: StepResetPassword}
	u := p.user
	err := s.DB.InTx(ctx, func(ctx context.Context) error {
		if err := p.effect(ctx); err != nil {
			return err
		}
		if err := s.Tickets.Void(ctx, u.ID, ticket.FirstLogin); err != nil {
			return err
		}
		var err error
		step.Token, err = s.Tickets.Issue(ctx, ticket.Ticket{
			Class: ticket.FirstLogin, PoolID: u.PoolID, ClientID: r.client.ID, UserID: u.ID,
			Binding: map[string]string{"changed": passwordAge(u)}, UsesLeft: 1, ExpiresAt: s.Now().Add(firstLoginLife),
		})
		if err != nil {
			return err
		}
		return s.Audit.Record(ctx, audit.Event{
			PoolID: u.PoolID, Action: audit.SignIn, Result: string(StepResetPassword),
			UserID: u.ID, ClientID: r.client.ID, Detail: r.detail,
		})
	})
	if err != nil {
		return Outcome{User: u}, err
	}
	return Outcome{User: u, Next: &step}, nil
}

// FirstLogin returns whom the token of a StepResetPassword is for, without spending it.
//
// Errors: TokenInvalid, also when the password was changed since; UserBlocked,
// UserPending.
func (p *Proofs) FirstLogin(ctx context.Context, c pool.Client, token string) (user.User, error) {
	t, err := p.tickets.Peek(ctx, ticket.FirstLogin, c.Pool.ID, token)
	if err != nil {
		return user.User{}, err
	}
	u, err := p.users.ByID(ctx, c.Pool.ID, t.UserID)
	if errs.CodeOf(err) == errs.UserNotFound {
		return user.User{}, errs.New(errs.TokenInvalid).Because(err)
	}
	if err != nil {
		return user.User{}, err
	}
	if t.ClientID != c.ID || !u.MustReset || t.Binding["changed"] != passwordAge(u) {
		return user.User{}, errs.New(errs.TokenInvalid)
	}
	return u, u.State()
}

// SpendFirstLogin uses up the token, in the transaction that stores the new password, and
// looks once more whether it is still the old one's.
func (p *Proofs) SpendFirstLogin(ctx context.Context, c pool.Client, token string) error {
	if _, err := p.FirstLogin(ctx, c, token); err != nil {
		return err
	}
	_, err := p.tickets.Spend(ctx, ticket.FirstLogin, c.Pool.ID, token)
	return err
}

// passwordAge names a password without telling anything of it.
func passwordAge(u user.User) string {
	if u.PasswordChangedAt.IsZero() {
		return ""
	}
	return strconv.FormatInt(db.Millis(u.PasswordChangedAt), 10)
}
