package user

import (
	"context"

	"github.com/tigertally/tigertally/internal/errs"
)

// The channels of a contact.
const (
	ChannelPhone = "sms"
	ChannelEmail = "email"
)

// MarkVerified notes that the phone number or email address of u was proved. It says
// IdentifierMismatch when the person has another one by now.
func (s *Service) MarkVerified(ctx context.Context, u User, channel string) error {
	verify := s.verifyPhone
	if channel == ChannelEmail {
		verify = s.verifyEmail
	}
	n, err := verify(ctx, u, s.now())
	if err == nil && n == 0 {
		return errs.New(errs.IdentifierMismatch)
	}
	return err
}

// DropUnproved gives an account to whoever has just proved the contact keep, which u had
// only claimed: the contact is verified, and every other way in that somebody may have
// prepared is gone (LK-01, LK-03): other contacts, linked identities and, unless the
// caller replaces it anyway, the password. Sessions are for the caller to end. It returns
// the person as they are now, and says IdentifierMismatch when the contact is not theirs
// any more.
//
// A contact that was verified goes too: it proves who verified it, and that may well be
// the one who claimed what is now proved by another.
func (s *Service) DropUnproved(ctx context.Context, u User, keep string, dropPassword bool) (User, error) {
	if keep == ChannelEmail {
		u.Phone, u.PhoneVerified, u.EmailVerified = "", false, true
	} else {
		u.Email, u.EmailVerified, u.PhoneVerified = "", false, true
	}
	u.UpdatedAt, u.Identities = s.now(), nil
	if dropPassword && u.HasPassword() {
		u.PasswordHash, u.MustReset, u.PasswordChangedAt = "", false, later(u.UpdatedAt, u.PasswordChangedAt)
	}
	err := s.db.InTx(ctx, func(ctx context.Context) error {
		n, err := s.keepOnly(ctx, u, u.UpdatedAt)
		if err != nil {
			return err
		}
		if n == 0 {
			return errs.New(errs.IdentifierMismatch)
		}
		return s.unlinkEverything(ctx, u.PoolID, u.ID)
	})
	return u, err
}

// ClearPhone takes the phone number away, unless the person has neither an email address
// nor a linked identity. It says ContactUnset or LastMethod.
func (s *Service) ClearPhone(ctx context.Context, poolID, id string) error {
	return s.clear(ctx, poolID, id, ChannelPhone)
}

// ClearEmail takes the email address away, unless the person has neither a phone number
// nor a linked identity. It says ContactUnset or LastMethod.
func (s *Service) ClearEmail(ctx context.Context, poolID, id string) error {
	return s.clear(ctx, poolID, id, ChannelEmail)
}

func (s *Service) clear(ctx context.Context, poolID, id, channel string) error {
	remove := s.clearPhone
	if channel == ChannelEmail {
		remove = s.clearEmail
	}
	return s.db.InTx(ctx, func(ctx context.Context) error {
		// Writing the person's row first makes this and an unlinked identity take turns.
		if err := found(s.stamp(ctx, poolID, id, s.now())); err != nil {
			return err
		}
		n, err := remove(ctx, poolID, id, s.now())
		if err != nil || n == 1 {
			return err
		}
		u, err := s.ByID(ctx, poolID, id)
		if err != nil {
			return err
		}
		if (channel == ChannelPhone && u.Phone == "") || (channel == ChannelEmail && u.Email == "") {
			return errs.New(errs.ContactUnset)
		}
		return errs.New(errs.LastMethod)
	})
}
