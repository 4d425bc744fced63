package account

import (
	"context"
	"time"

	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/code"
	"github.com/tigertally/tigertally/internal/contact"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/notify"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/signin"
	"github.com/tigertally/tigertally/internal/ticket"
	"github.com/tigertally/tigertally/internal/user"
)

// BindInput gives the person a new phone number or email address, as typed.
type BindInput struct {
	Phone, Email string
	SudoToken    string
	Token        string // a verification token for the address, or the digits sent to it
	Assurance    Assurance
}

// BindContact adds or replaces a contact. SudoToken may be empty for people with neither
// a password nor a contact who signed in within the last five minutes: they have nothing
// to prove themselves with. With BySession nobody needs one.
//
// Errors: FieldMissing, SudoRequired, SudoInvalid, VerificationInvalid,
// IdentifierMismatch, IdentifierTaken, AnonymousDenied.
func (s *Service) BindContact(ctx context.Context, p Principal, in BindInput) error {
	target, channel, err := signin.Target(in.Phone, in.Email)
	if err != nil {
		return err
	}
	if in.Token == "" {
		return errs.New(errs.FieldMissing, "field", "verification_token")
	}
	u, err := s.Me(ctx, p)
	if err != nil {
		return err
	}
	c, err := s.client(ctx, p)
	if err != nil {
		return err
	}
	a, err := s.newAddress(ctx, p, c, in.Token, target)
	if err != nil {
		return s.refused(ctx, p, audit.ContactBind, err)
	}
	err = s.bind(ctx, p, c.Pool, u, channel, target, func(ctx context.Context) error {
		if in.Assurance == BySudo {
			if err := s.spendSudo(ctx, p, in.SudoToken, nothingToShow(u)); err != nil {
				return err
			}
		}
		return s.Proofs.Spend(ctx, p.PoolID, a)
	})
	return s.refused(ctx, p, audit.ContactBind, err)
}

// newAddress reads the proof of an address the person wants to have, which nobody else
// may have asked for (TK-06).
func (s *Service) newAddress(ctx context.Context, p Principal, c pool.Client, token, target string) (signin.Address, error) {
	a, err := s.Proofs.Address(ctx, c, token, target, signin.UsageContact)
	if err == nil && a.AskedBy != "" && a.AskedBy != p.UserID {
		err = errs.New(errs.VerificationInvalid)
	}
	return a, err
}

// bind stores a contact in the transaction that begins with allow.
func (s *Service) bind(ctx context.Context, p Principal, in pool.Pool, u user.User, channel, target string, allow func(context.Context) error) error {
	if u.Anonymous() { // an anonymous person registers instead, and keeps their id
		return errs.New(errs.AnonymousDenied)
	}
	want := user.User{PoolID: u.PoolID, ID: u.ID, Phone: target}
	set := s.Users.SetPhone
	if channel == code.Email {
		want.Phone, want.Email, set = "", target, s.Users.SetEmail
	}
	err := s.DB.InTx(ctx, func(ctx context.Context) error {
		if err := allow(ctx); err != nil {
			return err
		}
		if err := set(ctx, u.PoolID, u.ID, target); err != nil {
			return err
		}
		if err := s.Tickets.Void(ctx, u.ID, ticket.Verification); err != nil {
			return err
		}
		params := map[string]string{"contact": contact.Mask(target)}
		if err := s.tell(ctx, in, u, notify.ContactChanged, target, params); err != nil {
			return err
		}
		return s.done(ctx, p, audit.ContactBind, map[string]string{"channel": channel, "to": contact.Mask(target)})
	})
	return s.Users.Conflict(ctx, err, want)
}

// claimFor is how long a verified code of this very person stands in for a verification
// token in EditBasic.
const claimFor = 5 * time.Minute

// EditInput is a change of the account's basics; nil and "" leave a field alone. Some
// clients change an address with this call after a verification whose token they do not
// show, and set a password with Old and New.
type EditInput struct {
	Profile      user.Profile
	Phone, Email string
	Old, New     string
}

// EditBasic changes the basics of an account. A new Phone or Email is taken only when
// this person asked for a code for exactly that address and verified it in the last five
// minutes; otherwise any stolen access token could take the account over.
//
// Errors: those of UpdateProfile and ChangePassword, IdentifierTaken,
// VerificationInvalid.
func (s *Service) EditBasic(ctx context.Context, p Principal, in EditInput) error {
	u, err := s.Me(ctx, p)
	if err != nil {
		return err
	}
	for _, a := range [][2]string{{in.Phone, ""}, {"", in.Email}} {
		if a[0]+a[1] == "" {
			continue
		}
		if err := s.claim(ctx, p, u, a[0], a[1]); err != nil {
			return s.refused(ctx, p, audit.ContactBind, err)
		}
	}
	if in.New != "" {
		if err := s.ChangePassword(ctx, p, in.Old, in.New); err != nil {
			return err
		}
	}
	if in.Profile.Empty() {
		return nil
	}
	_, err = s.UpdateProfile(ctx, p, in.Profile)
	return err
}

// claim binds an address by a code the person verified, once.
func (s *Service) claim(ctx context.Context, p Principal, u user.User, phone, email string) error {
	target, channel, err := signin.Target(phone, email)
	if err != nil {
		return err
	}
	if u.Owns(target) { // forms send what has not changed
		return nil
	}
	c, err := s.client(ctx, p)
	if err != nil {
		return err
	}
	return s.bind(ctx, p, c.Pool, u, channel, target, func(ctx context.Context) error {
		claimed, err := s.Codes.Claim(ctx, p.PoolID, p.UserID, target, s.Now().Add(-claimFor))
		if err != nil {
			return err
		}
		if !claimed {
			return errs.New(errs.VerificationInvalid)
		}
		return nil
	})
}
