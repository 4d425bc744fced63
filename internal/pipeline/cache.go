package pipeline

import (
	"context"
)

// metaGeneration is the row of meta this package owns.
const metaGeneration = "pipeline_generation"

// snapshot has what runs, by pool; a pool without functions is not in it.
type snapshot struct{ pools map[string]set }

// set is what runs in one pool.
type set struct {
	chains map[Point][]step
	env    map[string]string
}

// step is a function as it runs.
type step struct {
	name       string
	version    int64
	source     string
	background bool
}

func (s *Service) load(ctx context.Context, _ *snapshot) (*snapshot, error) {
	snap := &snapshot{pools: map[string]set{}}
	if err := s.active(ctx, snap); err != nil {
		return nil, err
	}
	for poolID, one := range snap.pools {
		env, err := s.env(ctx, poolID)
		if err != nil {
			return nil, err
		}
		one.env = env
		snap.pools[poolID] = one
	}
	return snap, nil
}
