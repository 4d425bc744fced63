package account

import (
	"context"

	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/user"
)

// SetCustom sets fields the pool defines for the person; nil takes one away. Fields the
// pool does not define are FieldUndefined, or left out with ignoreUnknown.
//
// Errors: BadRequest for a value of another type, FieldTooLong.
func (s *Service) SetCustom(ctx context.Context, p Principal, values map[string]any, ignoreUnknown bool) (user.User, error) {
	fit, err := s.Fields.Check(ctx, p.PoolID, values, ignoreUnknown)
	if err != nil {
		return user.User{}, err
	}
	if len(fit) == 0 {
		return s.Me(ctx, p)
	}
	var after user.User
	err = s.DB.InTx(ctx, func(ctx context.Context) error {
		if after, err = s.Users.SetCustom(ctx, p.PoolID, p.UserID, fit); err != nil {
			return err
		}
		return s.done(ctx, p, audit.CustomUpdate, nil)
	})
	return after, err
}
