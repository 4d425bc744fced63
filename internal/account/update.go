package account

import (
	"context"

	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/code"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/signin"
	"github.com/tigertally/tigertally/internal/user"
)

// UpdateInput replaces a contact by one of the same channel. Phone or Email, as typed, is
// the new one and Token the proof of it; OldPhone or OldEmail and OldToken are the same
// for the contact the person has, if they have one. Both proofs may be the digits that
// were sent.
type UpdateInput struct {
	Phone, Email, Token          string
	OldPhone, OldEmail, OldToken string
}

// UpdateContact replaces a contact of a person who proves that they have both the new one
// and the old one. Somebody without an old one needs the new one's proof alone.
//
// Errors: FieldMissing, PhoneInvalid, EmailInvalid, VerificationInvalid,
// IdentifierMismatch, CodeWrong, CodeAttempts, IdentifierTaken, AnonymousDenied.
func (s *Service) UpdateContact(ctx context.Context, p Principal, in UpdateInput) error {
	change, err := s.contactChange(ctx, p, in.Phone, in.Email, in.Token)
	if err != nil {
		return err
	}
	u, c, target, channel := change.user, change.client, change.target, change.channel
	proofs := make([]signin.Address, 0, 2)
	if held := heldBy(u, channel); held != "" && held != target {
		old, err := s.oldAddress(ctx, p, in, held)
		if err != nil {
			return s.refused(ctx, p, audit.ContactBind, err)
		}
		proofs = append(proofs, old)
	}
	fresh, err := s.newAddress(ctx, p, c, in.Token, target)
	if err != nil {
		return s.refused(ctx, p, audit.ContactBind, err)
	}
	proofs = append(proofs, fresh)
	err = s.bind(ctx, p, c.Pool, u, channel, target, func(ctx context.Context) error {
		for _, a := range proofs {
			if err := s.Proofs.Spend(ctx, p.PoolID, a); err != nil {
				return err
			}
		}
		return nil
	})
	return s.refused(ctx, p, audit.ContactBind, err)
}

// oldAddress reads the proof of the contact held, which the person wants to give up.
func (s *Service) oldAddress(ctx context.Context, p Principal, in UpdateInput, held string) (signin.Address, error) {
	if in.OldToken == "" {
		return signin.Address{}, errs.New(errs.FieldMissing, "field", "old_verification_token")
	}
	typed, _, err := signin.Target(in.OldPhone, in.OldEmail)
	if err != nil {
		return signin.Address{}, err
	}
	if typed != held {
		return signin.Address{}, errs.New(errs.IdentifierMismatch)
	}
	c, err := s.client(ctx, p)
	if err != nil {
		return signin.Address{}, err
	}
	return s.newAddress(ctx, p, c, in.OldToken, held)
}

// heldBy is the contact u has on a channel.
func heldBy(u user.User, channel string) string {
	if channel == code.Email {
		return u.Email
	}
	return u.Phone
}
