package user

import (
	"context"

	"github.com/tigertally/tigertally/internal/errs"
)

// AdminChange is what an operator may change of anybody; nil leaves a field alone, and
// an empty text takes an identifier away. Values are canonical and checked.
type AdminChange struct {
	Profile                      Profile
	Phone, Email                 *string
	PhoneVerified, EmailVerified *bool // a new address is unverified unless it says otherwise
	Status                       *string
	ExternalID                   *string
	PasswordHash                 *string
	MustReset                    *bool // false after a new password unless it says otherwise
}

// apply writes the change into u as of now.
func (c AdminChange) apply(u *User) {
	c.Profile.Apply(u)
	contact := func(to *string, verified *bool, from *string, is *bool) {
		if from != nil && *from != *to {
			*to, *verified = *from, false
		}
		if is != nil {
			*verified = *is && *to != ""
		}
	}
	contact(&u.Phone, &u.PhoneVerified, c.Phone, c.PhoneVerified)
	contact(&u.Email, &u.EmailVerified, c.Email, c.EmailVerified)
	if c.Status != nil {
		u.Status = *c.Status
	}
	if c.ExternalID != nil {
		u.ExternalID = *c.ExternalID
	}
	if c.PasswordHash != nil {
		u.PasswordHash, u.PasswordChangedAt, u.MustReset = *c.PasswordHash, later(u.UpdatedAt, u.PasswordChangedAt), false
	}
	if c.MustReset != nil {
		u.MustReset = *c.MustReset
	}
}

// Update changes a person the way an operator may and returns them as they were and as
// they are. It says IdentifierTaken, UsernameTaken or ExternalIDTaken.
func (s *Service) Update(ctx context.Context, poolID, id string, c AdminChange) (before, after User, err error) {
	err = s.db.InTx(ctx, func(ctx context.Context) error {
		if err := found(s.await(ctx, poolID, id)); err != nil {
			return err
		}
		if before, err = s.ByID(ctx, poolID, id); err != nil {
			return err
		}
		after = before
		after.UpdatedAt = s.now()
		c.apply(&after)
		n, err := s.overwrite(ctx, after)
		if err != nil {
			return err
		}
		if n == 1 {
			return s.release(ctx, poolID, before.Picture, after.Picture)
		}
		key, err := s.usernameKey(ctx, after.PoolID, after.Username)
		if err != nil {
			return err
		}
		code, err := s.whoHas(ctx, after, key)
		if err != nil {
			return err
		}
		if code == "" { // the owner was deleted since: the caller may try again
			code = errs.IdentifierTaken
		}
		return errs.New(code)
	})
	if err != nil {
		return before, User{}, s.Conflict(ctx, err, after)
	}
	return before, after, nil
}
