package app

import (
	"context"

	"github.com/tigertally/tigertally/internal/manage"
)

// ready says what a pool can do already, from what is configured and switched on.
func (s *services) ready(ctx context.Context, poolID string) (manage.Ready, error) {
	out := s.vendors
	all, err := s.Connections.List(ctx, poolID)
	if err != nil {
		return out, err
	}
	for _, c := range all {
		if c.Enabled {
			out.Provider = c.ID
			break
		}
	}
	return out, nil
}
