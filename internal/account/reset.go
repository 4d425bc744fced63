package account

import (
	"context"

	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/signin"
	"github.com/tigertally/tigertally/internal/user"
)

// ResetInput asks for a new password without a session. Phone or Email is as typed and
// must be the verified address. What proves it is a Token or, for clients that have no
// step between, the Code that was sent to it.
type ResetInput struct {
	Client       pool.Client
	Phone, Email string
	Token, Code  string
	Password     string
	// Bearer is an access token the client happens to hold, as in signin.Input.
	Bearer       string
	CaptchaToken string
}

// ResetPassword sets a new password for the owner of a verified address, ends all their
// sessions (LK-02), voids their tokens (LK-04) and unlocks password sign-in (AT-02). When
// the account had only claimed the address, it now belongs to whoever proved it, and what
// others prepared ends (LK-03). With a Code, whether there is such a person is told
// before the code is looked at, within the limits on such questions (EN-03).
//
// Errors: FieldMissing, VerificationInvalid, IdentifierMismatch, CodeWrong,
// CodeAttempts, UserNotFound, the Password… codes of a policy; with a Code also
// CaptchaRequired, CaptchaInvalid, TooManyRequests.
func (s *Service) ResetPassword(ctx context.Context, in ResetInput) error {
	if in.Token+in.Code == "" {
		return errs.New(errs.FieldMissing, "field", "verification_token")
	}
	if in.Password == "" {
		return errs.New(errs.FieldMissing, "field", "new_password")
	}
	target, _, err := signin.Target(in.Phone, in.Email)
	if err != nil {
		return err
	}
	if err := s.Proofs.CheckPassword(in.Client.Pool, in.Password); err != nil {
		return err
	}
	a, u, err := s.resetter(ctx, in, target)
	if err != nil {
		return err
	}
	phc, err := s.Proofs.NewPassword(ctx, in.Client.Pool, u, in.Password)
	if err != nil {
		return err
	}
	own := s.Proofs.Holds(ctx, in.Bearer, u)
	return s.DB.InTx(ctx, func(ctx context.Context) error {
		if err := s.Proofs.Spend(ctx, u.PoolID, a); err != nil {
			return err
		}
		if !u.Owns(a.Target) {
			if u, err = s.Proofs.Reclaim(ctx, u, a, own); err != nil {
				return err
			}
		}
		return s.reset(ctx, in.Client, u, phc, a.Channel)
	})
}

// resetter reads the proof of a reset and finds who it is for.
func (s *Service) resetter(ctx context.Context, in ResetInput, target string) (signin.Address, user.User, error) {
	if in.Token == "" {
		if err := s.budget(ctx, in.Client, target, in.CaptchaToken); err != nil {
			return signin.Address{}, user.User{}, err
		}
		u, err := s.Users.ByTarget(ctx, in.Client.Pool.ID, target)
		if err != nil {
			return signin.Address{}, user.User{}, err
		}
		a, err := s.Proofs.Code(ctx, in.Client, in.Code, target, signin.UsageReset)
		return a, u, err
	}
	a, err := s.Proofs.Address(ctx, in.Client, in.Token, target, signin.UsageReset)
	if err != nil {
		return signin.Address{}, user.User{}, err
	}
	u, err := s.Users.ByTarget(ctx, in.Client.Pool.ID, a.Target)
	return a, u, err
}

// reset stores a password that somebody outside a session has chosen, in ctx's
// transaction. how is what they proved themselves with.
func (s *Service) reset(ctx context.Context, c pool.Client, u user.User, phc, how string) error {
	if err := s.replacePassword(ctx, c.Pool, u, phc, ""); err != nil {
		return err
	}
	if err := s.Proofs.Unlock(ctx, u); err != nil {
		return err
	}
	return s.Audit.Record(ctx, audit.Event{
		PoolID: u.PoolID, Action: audit.PasswordReset, UserID: u.ID, ClientID: c.ID,
		Detail: map[string]string{"channel": how},
	})
}

// ResetByFirstLogin replaces a password that had to be replaced, with the token of the
// sign-in that said so. The token works once, for ten minutes, and not after the password
// was changed in another way. The person signs in afterwards.
//
// Errors: TokenInvalid, FieldMissing, UserBlocked, UserPending, the Password… codes of a
// policy.
func (s *Service) ResetByFirstLogin(ctx context.Context, c pool.Client, token, password string) error {
	if password == "" {
		return errs.New(errs.FieldMissing, "field", "password")
	}
	u, err := s.Proofs.FirstLogin(ctx, c, token)
	if err != nil {
		return err
	}
	phc, err := s.Proofs.NewPassword(ctx, c.Pool, u, password)
	if err != nil {
		return err
	}
	return s.DB.InTx(ctx, func(ctx context.Context) error {
		if err := s.Proofs.SpendFirstLogin(ctx, c, token); err != nil {
			return err
		}
		return s.reset(ctx, c, u, phc, "first_login")
	})
}
