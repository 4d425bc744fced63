package signin

import (
	"context"

	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/user"
)

// identified adds to p whom its provider knows as subject: somebody known, or fresh, who
// gets that identity.
func (s *Service) identified(ctx context.Context, in Input, p proof, subject string, fresh user.User) (proof, error) {
	u, err := s.Users.ByIdentity(ctx, in.Client.Pool.ID, p.provider, subject)
	switch {
	case err == nil:
		p.user = u
	case errs.CodeOf(err) == errs.UserNotFound:
		fresh.Identities = []user.Identity{{Provider: p.provider, Subject: subject}}
		p.newcomer = &newcomer{user: fresh, custom: in.Custom}
	default:
		return proof{}, err
	}
	return p, nil
}
