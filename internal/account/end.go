package account

import (
	"context"

	"github.com/tigertally/tigertally/internal/user"
)

// CutOff ends all that speaks for a person: their sessions and what they have begun and
// could yet finish. It joins ctx's transaction.
func (s *Service) CutOff(ctx context.Context, userID, why string) error {
	// First what could become a session: one that is being made from it is waited for.
	if err := s.void(ctx, userID); err != nil {
		return err
	}
	_, err := s.Sessions.RevokeUser(ctx, userID, "", why)
	return err
}

// Erase removes a person for good, with everything that is kept by them (DL-01), and says
// UserNotFound when they are gone already. It joins ctx's transaction.
func (s *Service) Erase(ctx context.Context, u user.User) error {
	return s.erase(ctx, u, func(context.Context) error { return nil })
}

// erase asks allow while the person's tokens are still good.
func (s *Service) erase(ctx context.Context, u user.User, allow func(context.Context) error) error {
	// The row of the person first, which takes their sessions along: of many deletions
	// one goes on, and a sign-in is over before or finds nobody.
	if err := s.Users.Delete(ctx, u.PoolID, u.ID); err != nil {
		return err
	}
	if err := allow(ctx); err != nil {
		return err
	}
	if err := s.Revocations.Leave(ctx, u.PoolID, u.ID, ""); err != nil {
		return err
	}
	if err := s.void(ctx, u.ID); err != nil {
		return err
	}
	if err := s.Codes.Forget(ctx, u.PoolID, u.ID, u.Phone, u.Email); err != nil {
		return err
	}
	return s.Proofs.Unlock(ctx, u)
}
