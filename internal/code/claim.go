package code

import (
	"context"
	"time"
)

// Claim uses up the code a user asked for and verified for target since a moment, for
// clients that show no token for it, and reports whether there was one. It joins the
// transaction of ctx and succeeds once for each code.
func (s *Service) Claim(ctx context.Context, poolID, userID, target string, since time.Time) (bool, error) {
	if userID == "" || target == "" {
		return false, nil
	}
	n, err := s.claim(ctx, poolID, userID, target, since)
	return n > 0, err
}

// Forget deletes the codes a user asked for and those for the user's addresses. It joins
// the transaction of ctx.
func (s *Service) Forget(ctx context.Context, poolID, userID string, targets ...string) error {
	if err := s.forgetUser(ctx, poolID, userID); err != nil {
		return err
	}
	for _, t := range targets {
		if t == "" {
			continue
		}
		if err := s.forgetTarget(ctx, poolID, t); err != nil {
			return err
		}
	}
	return nil
}
