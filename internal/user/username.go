package user

import (
	"context"

	"github.com/tigertally/tigertally/internal/contact"
	"github.com/tigertally/tigertally/internal/errs"
)

// usernameKey is what the uniqueness of a user name is decided by; an absent one has
// none.
func (s *Service) usernameKey(ctx context.Context, poolID, username string) (string, error) {
	if username == "" {
		return "", nil
	}
	cased, err := s.cased(ctx, poolID)
	return contact.UsernameKey(username, cased), err
}

func (s *Service) cased(ctx context.Context, poolID string) (bool, error) {
	if s.CasedNames == nil {
		return false, nil
	}
	return s.CasedNames(ctx, poolID)
}

// byUsername finds the owner of a user name. A pool that took up telling case has names
// from before under keys that do not.
func (s *Service) byUsername(ctx context.Context, poolID, username string) (User, error) {
	key, err := s.usernameKey(ctx, poolID, username)
	if err != nil {
		return User{}, err
	}
	u, err := s.one(ctx, selectByUsername, poolID, key)
	folded := contact.UsernameKey(username, false)
	if errs.CodeOf(err) != errs.UserNotFound || folded == key {
		return u, err
	}
	u, err = s.one(ctx, selectByUsername, poolID, folded)
	if err == nil && contact.UsernameKey(u.Username, true) != key {
		return User{}, errs.New(errs.UserNotFound)
	}
	return u, err
}
