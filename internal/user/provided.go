package user

import (
	"context"
	"fmt"
)

// CountProvided counts the people that are linked to each identity provider a pool has, by
// the provider's id; a count ends at most.
func (s *Service) CountProvided(ctx context.Context, poolID string, most int) (map[string]int, error) {
	counts, err := s.countProvided(ctx, poolID, most)
	if err != nil {
		return nil, fmt.Errorf("user: count by provider: %w", err)
	}
	return counts, nil
}
