package signin

import (
	"context"

	"github.com/tigertally/tigertally/internal/contact"
	"github.com/tigertally/tigertally/internal/errs"
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
	if err != nil { // nobody can be called that
		return proof{}, s.proofs.Unknown(ctx, in.Client.Pool, in.Identifier, in.Password)
	}
	u, err := s.Users.ByIdentifier(ctx, in.Client.Pool.ID, kind, canonical)
	if errs.CodeOf(err) == errs.UserNotFound {
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
		effect: func(ctx context.Context) error { return s.proofs.Settle(ctx, u, right) },
	}, nil
}
