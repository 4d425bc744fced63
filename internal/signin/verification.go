package signin

import (
	"context"

	"github.com/tigertally/tigertally/internal/code"
	"github.com/tigertally/tigertally/internal/contact"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/user"
)

// proveAddress finds the owner of a verified address. A typed identifier must be that
// address or another name of its owner.
func (s *Service) proveAddress(ctx context.Context, in Input) (proof, error) {
	if in.Token == "" {
		return proof{}, errs.New(errs.FieldMissing, "field", "verification_token")
	}
	kind, canonical := contact.Kind(""), ""
	if in.Identifier != "" {
		var err error
		if kind, canonical, err = contact.Classify(in.Identifier); err != nil {
			return proof{}, errs.New(errs.UserNotFound).Because(err)
		}
	}
	target := canonical
	if kind == contact.KindUsername {
		target = ""
	}
	a, err := s.proofs.Address(ctx, in.Client, in.Token, target, UsageSignIn)
	if errs.CodeOf(err) == errs.IdentifierMismatch {
		// The name typed is another of the owner's addresses, perhaps.
		a, err = s.proofs.Address(ctx, in.Client, in.Token, "", UsageSignIn)
	}
	if err != nil {
		return proof{}, err
	}
	u, err := s.owner(ctx, in.Client.Pool.ID, a, kind, canonical)
	if err != nil {
		return proof{}, err
	}
	provider, amr := "phone", "sms"
	if a.Channel == code.Email {
		provider, amr = "email", "email"
	}
	return proof{
		user: u, amr: []string{"otp", amr}, provider: provider,
		effect: func(ctx context.Context) error {
			if err := s.proofs.Spend(ctx, in.Client.Pool.ID, a); err != nil {
				return err
			}
			// The owner can always get in by a code, and is not locked afterwards (AT-02).
			return s.proofs.Unlock(ctx, u)
		},
	}, nil
}

// owner returns who a was verified for, and refuses a name that is somebody else's.
func (s *Service) owner(ctx context.Context, poolID string, a Address, kind contact.Kind, canonical string) (user.User, error) {
	u, err := s.Users.ByTarget(ctx, poolID, a.Target)
	if err != nil || canonical == "" || canonical == a.Target {
		return u, err
	}
	named, err := s.Users.ByIdentifier(ctx, poolID, kind, canonical)
	if errs.CodeOf(err) == errs.UserNotFound || (err == nil && named.ID != u.ID) {
		return user.User{}, errs.New(errs.IdentifierMismatch)
	}
	return u, err
}
