package ticket

import (
	"context"

	"github.com/tigertally/tigertally/internal/secret"
)

// Spent returns what a token stood for that has no use left and has not been swept yet.
// It is for whoever must undo the effect of a token that is shown a second time.
func (s *Service) Spent(ctx context.Context, class Class, poolID, token string) (Ticket, error) {
	t, err := s.findSpent(ctx, class, poolID, secret.Hash(token))
	return answer(t, err, "look for spent")
}
