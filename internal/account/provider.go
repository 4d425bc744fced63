package account

import (
	"context"

	"github.com/tigertally/tigertally/internal/errs"
)

// LinkInput links an identity to the account of the session.
type LinkInput struct {
	Token     string // a provider token
	SudoToken string
	Assurance Assurance
}

// LinkProvider links whom a provider token vouches for to the account of p, and tells its
// verified contacts. With BySudo it takes a sudo token or a sign-in of the last five
// minutes. A token that was granted in another session, or to another device, is refused
// (LK-07).
//
// Errors: TokenInvalid, ProviderUnknown, SudoRequired, SudoInvalid, IdentifierTaken when
// the identity, or its unionid, belongs to somebody else, AnonymousDenied.
func (s *Service) LinkProvider(ctx context.Context, p Principal, in LinkInput) error {
	return errs.New(errs.NotImplemented)
}

// ProviderState is a configured provider, or one that was, and what links the account to
// it.
type ProviderState struct {
	ID, Name, Kind string
	Bound          bool
	Subject        string // "" unless Bound
	SubjectName    string
}

// Providers lists what the pool's people may sign in with, each with whether the account
// is linked to it, and what the account is linked to besides.
func (s *Service) Providers(ctx context.Context, p Principal) ([]ProviderState, error) {
	return nil, errs.New(errs.NotImplemented)
}
