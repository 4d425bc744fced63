package account

import (
	"context"

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
	change, err := s.contactChange(ctx, p, in.Phone, in.Email, in.Token)
	if err != nil {
		return err
	}
	u, c, target, channel := change.user, change.client, change.target, change.channel
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
	err := s.DB.InTx(ctx, func(ctx context.Context) error {
		if err := allow(ctx); err != nil {
			return err
		}
		return s.give(ctx, p, in, u, channel, target)
	})
	want := user.User{PoolID: u.PoolID, ID: u.ID, Phone: target}
	if channel == code.Email {
		want.Phone, want.Email = "", target
	}
	return s.Users.Conflict(ctx, err, want)
}

// give stores a contact in ctx's transaction: pending verifications end (LK-04) and the
// other contacts hear of it.
func (s *Service) give(ctx context.Context, p Principal, in pool.Pool, u user.User, channel, target string) error {
	set := s.Users.SetPhone
	if channel == code.Email {
		set = s.Users.SetEmail
	}
	if err := set(ctx, u.PoolID, u.ID, target); err != nil {
		return err
	}
	if err := s.Tickets.Void(ctx, u.ID, ticket.Verification, ticket.ConfirmEmail); err != nil {
		return err
	}
	masked := contact.Mask(target)
	if err := s.tell(ctx, in, u, notify.ContactChanged, target, map[string]string{"contact": masked}); err != nil {
		return err
	}
	return s.done(ctx, p, audit.ContactBind, map[string]string{"channel": channel, "to": masked})
}

// contactChange is what somebody wants to be reached by.
type contactChange struct {
	user            user.User
	client          pool.Client
	target, channel string
}

// contactChange reads who wants which new contact. The token is not looked at yet.
func (s *Service) contactChange(ctx context.Context, p Principal, phone, email, token string) (contactChange, error) {
	var change contactChange
	var err error
	if change.target, change.channel, err = signin.Target(phone, email); err != nil {
		return change, err
	}
	if token == "" {
		return change, errs.New(errs.FieldMissing, "field", "verification_token")
	}
	if change.user, err = s.Me(ctx, p); err != nil {
		return change, err
	}
	change.client, err = s.client(ctx, p)
	return change, err
}
