package admin

import (
	"context"

	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/user"
)

// Link links a person to an account at an identity provider: the manager vouches for it.
//
// Errors: UserNotFound, IdentifierTaken, BadRequest for an identity nobody may vouch for.
func (s *Service) Link(ctx context.Context, m Manager, id string, i user.Identity) (after user.User, err error) {
	if !nameable(i) {
		return after, errs.New(errs.BadRequest, "field", "identity")
	}
	return s.relink(ctx, m, id, audit.IdentityLink, i.Provider, func(ctx context.Context) error {
		return s.d.Users.Link(ctx, m.PoolID, id, i)
	})
}

// Unlink unlinks a person from an identity provider. Errors: UserNotFound,
// ProviderNotFound, LastMethod.
func (s *Service) Unlink(ctx context.Context, m Manager, id, provider string) (user.User, error) {
	return s.relink(ctx, m, id, audit.IdentityUnlink, provider, func(ctx context.Context) error {
		return s.d.Users.Unlink(ctx, m.PoolID, id, provider)
	})
}

func (s *Service) relink(ctx context.Context, m Manager, id, action, provider string, change func(context.Context) error) (after user.User, err error) {
	err = s.d.DB.InTx(ctx, func(ctx context.Context) error {
		if _, err := s.d.Users.ByID(ctx, m.PoolID, id); err != nil {
			return err
		}
		if err := change(ctx); err != nil {
			return err
		}
		if after, err = s.d.Users.ByID(ctx, m.PoolID, id); err != nil {
			return err
		}
		return s.done(ctx, m, action, id, map[string]string{"provider": provider})
	})
	return after, err
}
