package signin

import (
	"context"

	"github.com/tigertally/tigertally/internal/contact"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/user"
)

// provePassword finds the account by any of its names and checks the password. It says
// what the vendors' clients need to hear: who is unknown and who has no password.
func (s *Service) provePassword(ctx context.Context, in Input) (proof, error) {
	if in.Identifier == "" {
		return proof{}, errs.New(errs.FieldMissing, "field", "username")
	}
	if in.Password == "" {
		return proof{}, errs.New(errs.FieldMissing, "field", "password")
	}
	kind, canonical, err := contact.Classify(in.Identifier)
	if err != nil && in.AutoRegister { // they can correct it
		return proof{}, err
	}
	if err != nil { // nobody can be called that
		return proof{}, s.proofs.Unknown(ctx, in.Client.Pool, in.Identifier, in.Password)
	}
	u, err := s.Users.ByIdentifier(ctx, in.Client.Pool.ID, kind, canonical)
	switch {
	case errs.CodeOf(err) == errs.UserNotFound && in.AutoRegister:
		return s.claimIdentifier(ctx, in, kind, canonical)
	case errs.CodeOf(err) == errs.UserNotFound:
		return proof{}, s.proofs.Unknown(ctx, in.Client.Pool, canonical, in.Password)
	}
	if err != nil {
		return proof{}, err
	}
	right, err := s.proofs.Password(ctx, in.Client.Pool, u, in.Password)
	if err != nil {
		return proof{user: u}, err
	}
	return proof{
		user: u, amr: []string{"pwd"}, provider: string(kind), mayReset: true,
		protocol: protocolPassword, body: claim(kind, shownAs(u, kind, canonical)),
		effect: func(ctx context.Context) error {
			// The gate has asked before the password was looked at: others were tried meanwhile.
			if err := s.proofs.address(ctx, in.Client.Pool); err != nil {
				return err
			}
			return s.proofs.Settle(ctx, u, right)
		},
	}, nil
}

// claimIdentifier vouches for somebody who named themselves and chose a password: the
// identifier is a claim, as in an unproved registration.
func (s *Service) claimIdentifier(ctx context.Context, in Input, kind contact.Kind, canonical string) (proof, error) {
	if err := s.proofs.CheckPassword(in.Client.Pool, in.Password); err != nil {
		// It tells that nobody is called that, and so counts as a registration (EN-03).
		if full := s.countRegistration(ctx, in.Client.Pool); full != nil {
			return proof{}, full
		}
		return proof{}, err
	}
	u := blank(ctx, in.Client.Pool, string(kind))
	var err error
	switch kind {
	case contact.KindPhone:
		u.Phone = canonical
	case contact.KindEmail:
		u.Email = canonical
	case contact.KindUsername:
		u.Username, _, err = contact.Username(in.Identifier)
	}
	return proof{
		newcomer: &newcomer{user: u, password: in.Password, custom: in.Custom, unproved: true},
		amr:      []string{"pwd"}, provider: string(kind),
		protocol: protocolPassword, body: claim(kind, shownAs(u, kind, canonical)),
	}, err
}

// shownAs is a canonical identifier of u as people write it.
func shownAs(u user.User, kind contact.Kind, canonical string) string {
	if kind == contact.KindUsername {
		return u.Username
	}
	return canonical
}
