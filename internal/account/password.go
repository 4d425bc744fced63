package account

import (
	"context"

	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/contact"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/notify"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/ticket"
	"github.com/tigertally/tigertally/internal/user"
)

// SetPassword gives the person a new password for a sudo token. The token may be empty
// when they have none yet and signed in within the last five minutes (PW-11). This
// session goes on; every other one ends (PW-10).
//
// Errors: SudoRequired, SudoInvalid, the Password… codes of a policy, FieldMissing,
// AnonymousDenied.
func (s *Service) SetPassword(ctx context.Context, p Principal, sudoToken, password string) error {
	u, c, err := s.changer(ctx, p, password)
	if err != nil {
		return err
	}
	excused := !u.HasPassword()
	if sudoToken == "" && (!excused || !s.fresh(p)) { // refuse before hashing
		return s.refused(ctx, p, audit.PasswordChange, errs.New(errs.SudoRequired))
	}
	return s.change(ctx, p, c.Pool, u, password, func(ctx context.Context) error {
		return s.spendSudo(ctx, p, sudoToken, excused)
	})
}

// ChangePassword replaces a known password. The old one may be empty for people without
// one, under the conditions of SetPassword.
//
// Errors: PasswordWrong, PasswordAttempts, and those of SetPassword.
func (s *Service) ChangePassword(ctx context.Context, p Principal, old, password string) error {
	u, c, err := s.changer(ctx, p, password)
	if err != nil {
		return err
	}
	write, err := s.passwordChange(ctx, p, c.Pool, u, old, password)
	if err == nil {
		err = s.DB.InTx(ctx, write)
	}
	return s.refused(ctx, p, audit.PasswordChange, err)
}

// changer returns who wants a new password, and where.
func (s *Service) changer(ctx context.Context, p Principal, password string) (user.User, pool.Client, error) {
	if password == "" {
		return user.User{}, pool.Client{}, errs.New(errs.FieldMissing, "field", "new_password")
	}
	u, err := s.Me(ctx, p)
	if err != nil {
		return user.User{}, pool.Client{}, err
	}
	if u.Anonymous() {
		return user.User{}, pool.Client{}, errs.New(errs.AnonymousDenied)
	}
	c, err := s.client(ctx, p)
	return u, c, err
}

// passwordChange checks the old password, or that none is needed (PW-11), hashes the new
// one and returns what stores it in a transaction.
func (s *Service) passwordChange(ctx context.Context, p Principal, in pool.Pool, u user.User, old, password string) (func(context.Context) error, error) {
	if old == "" {
		if u.HasPassword() || !s.fresh(p) {
			return nil, errs.New(errs.SudoRequired)
		}
		return s.newPassword(ctx, p, in, u, password, func(context.Context) error { return nil })
	}
	right, err := s.Proofs.Password(ctx, in, u, old)
	if err != nil {
		return nil, err
	}
	return s.newPassword(ctx, p, in, u, password, func(ctx context.Context) error {
		return s.Proofs.Settle(ctx, u, right)
	})
}

// change stores a new password in a transaction that begins with allow.
func (s *Service) change(ctx context.Context, p Principal, in pool.Pool, u user.User, password string, allow func(context.Context) error) error {
	write, err := s.newPassword(ctx, p, in, u, password, allow)
	if err == nil {
		err = s.DB.InTx(ctx, write)
	}
	return s.refused(ctx, p, audit.PasswordChange, err)
}

// newPassword hashes outside and returns what, in a transaction that begins with allow,
// stores the password, ends the other sessions and voids everything pending.
func (s *Service) newPassword(ctx context.Context, p Principal, in pool.Pool, u user.User, password string, allow func(context.Context) error) (func(context.Context) error, error) {
	phc, err := s.Proofs.NewPassword(ctx, in, u, password)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) error {
		if err := allow(ctx); err != nil {
			return err
		}
		// What was shown was the password of u; another change may have come first.
		if err := s.Users.HoldPassword(ctx, u); err != nil {
			return err
		}
		if err := s.replacePassword(ctx, in, u, phc, p.SessionID); err != nil {
			return err
		}
		return s.done(ctx, p, audit.PasswordChange, nil)
	}, nil
}

// replacePassword joins ctx's transaction. Verification tokens and device grants of the
// person end, so that what somebody else began with the old password is over too (LK-04).
func (s *Service) replacePassword(ctx context.Context, in pool.Pool, u user.User, phc, keepSession string) error {
	if err := s.Users.SetPasswordHash(ctx, u.PoolID, u.ID, phc); err != nil {
		return err
	}
	if _, err := s.Sessions.RevokeUser(ctx, u.ID, keepSession, "password"); err != nil {
		return err
	}
	classes := []ticket.Class{ticket.Verification, ticket.ConfirmEmail, ticket.FirstLogin}
	if keepSession == "" {
		classes = append(classes, ticket.Sudo, ticket.Provider)
	}
	if err := s.void(ctx, u.ID, classes...); err != nil {
		return err
	}
	return s.tell(ctx, in, u, notify.PasswordChanged, "", nil)
}

// RenewInput replaces a known password without a session.
type RenewInput struct {
	Client       pool.Client
	Identifier   string
	Old          string
	Password     string
	CaptchaToken string
}

// RenewPassword replaces a password by the old one, for people who are not signed in:
// also for those who must choose a new one before they may. It ends all sessions.
//
// Errors: those of a sign-in by password, and the Password… codes of a policy.
func (s *Service) RenewPassword(ctx context.Context, in RenewInput) error {
	if in.Identifier == "" || in.Old == "" || in.Password == "" {
		return errs.New(errs.FieldMissing, "field", "password")
	}
	if err := s.Proofs.Gate(ctx, in.Client, in.CaptchaToken); err != nil {
		return err
	}
	kind, canonical, err := contact.Classify(in.Identifier)
	if err != nil {
		return s.Proofs.Unknown(ctx, in.Client.Pool, in.Identifier, in.Old)
	}
	u, err := s.Users.ByIdentifier(ctx, in.Client.Pool.ID, kind, canonical)
	if errs.CodeOf(err) == errs.UserNotFound {
		return s.Proofs.Unknown(ctx, in.Client.Pool, canonical, in.Old)
	}
	if err != nil {
		return err
	}
	nobody := Principal{PoolID: u.PoolID, UserID: u.ID, ClientID: in.Client.ID}
	right, err := s.Proofs.Password(ctx, in.Client.Pool, u, in.Old)
	if err == nil {
		err = u.State()
	}
	if err != nil {
		return s.refused(ctx, nobody, audit.PasswordChange, err)
	}
	return s.change(ctx, nobody, in.Client.Pool, u, in.Password, func(ctx context.Context) error {
		return s.Proofs.Settle(ctx, u, right)
	})
}
