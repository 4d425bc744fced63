package account

import (
	"context"
	"slices"
	"time"

	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/signin"
	"github.com/tigertally/tigertally/internal/sudo"
	"github.com/tigertally/tigertally/internal/user"
)

// freshFor is how long a sign-in stands in for a sudo token of people who have nothing
// to prove themselves with again (PW-11). Letting in a device is no sign-in of anybody: a
// thief of a session can do that too.
const freshFor = 5 * time.Minute

// Sudo lets somebody prove themselves again, by password or by a verification token for
// a verified address of their own, for the sensitive actions of this session.
//
// Errors: FieldMissing, PasswordWrong, PasswordNotSet, PasswordAttempts,
// VerificationInvalid, IdentifierMismatch.
func (s *Service) Sudo(ctx context.Context, p Principal, password, token string) (Granted, error) {
	g, err := s.grant(ctx, p, password, token)
	return g, s.refused(ctx, p, audit.SudoGrant, err)
}

func (s *Service) grant(ctx context.Context, p Principal, password, token string) (Granted, error) {
	u, err := s.Me(ctx, p)
	if err != nil {
		return Granted{}, err
	}
	c, err := s.client(ctx, p)
	if err != nil {
		return Granted{}, err
	}
	var settle func(context.Context) error
	switch {
	case password != "":
		right, err := s.Proofs.Password(ctx, c.Pool, u, password)
		if err != nil {
			return Granted{}, err
		}
		settle = func(ctx context.Context) error { return s.Proofs.Settle(ctx, u, right) }
	case token != "":
		a, err := s.ownAddress(ctx, p, u, token)
		if err != nil {
			return Granted{}, err
		}
		settle = func(ctx context.Context) error { return s.Proofs.Spend(ctx, p.PoolID, a) }
	default:
		return Granted{}, errs.New(errs.FieldMissing, "field", "password")
	}
	var g Granted
	err = s.DB.InTx(ctx, func(ctx context.Context) error {
		if err := settle(ctx); err != nil {
			return err
		}
		holder := sudo.Holder{PoolID: p.PoolID, UserID: p.UserID, SessionID: p.SessionID, ClientID: p.ClientID}
		var err error
		if g.Token, g.ExpiresIn, err = s.Deps.Sudo.Grant(ctx, holder, c.Pool.Settings.SudoLife); err != nil {
			return err
		}
		return s.done(ctx, p, audit.SudoGrant, nil)
	})
	return g, err
}

// ownAddress reads a verification token for an address u has, asked for by nobody else.
func (s *Service) ownAddress(ctx context.Context, p Principal, u user.User, token string) (signin.Address, error) {
	c, err := s.client(ctx, p)
	if err != nil {
		return signin.Address{}, err
	}
	a, err := s.Proofs.Address(ctx, c, token, "", signin.UsageSudo)
	if err != nil {
		return signin.Address{}, err
	}
	if !u.Owns(a.Target) || (a.AskedBy != "" && a.AskedBy != u.ID) {
		return signin.Address{}, errs.New(errs.IdentifierMismatch)
	}
	return a, nil
}

// spendSudo takes one use of a sudo token in the transaction of the action. Without a
// token a fresh sign-in will do when excused says that u has nothing to prove themselves
// with; a session that was refreshed since is not fresh, for its token may be stolen.
func (s *Service) spendSudo(ctx context.Context, p Principal, token string, excused bool) error {
	if token == "" && excused && s.fresh(p) {
		return nil
	}
	return s.Deps.Sudo.Spend(ctx, p.PoolID, p.UserID, p.SessionID, token)
}

func (s *Service) fresh(p Principal) bool {
	return !p.Refreshed && !slices.Contains(p.AMR, amrDevice) && s.Now().Sub(p.AuthAt) <= freshFor
}
