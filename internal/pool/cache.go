package pool

import "context"

// The rows of meta this package owns.
const (
	metaGeneration = "pool_generation"
	metaDefault    = "pool_default"
)

// snapshot is everything Client needs, as it was at one generation.
type snapshot struct {
	pools    map[string]Pool
	apps     map[string]App
	secrets  map[string][]liveSecret // by pool
	order    []string                // pool ids, oldest first
	origins  []string                // of all applications, each once
	fallback string                  // the pool for requests that name no client
}

func (s *Service) load(ctx context.Context, _ *snapshot) (*snapshot, error) {
	next := &snapshot{}
	var err error
	if next.pools, next.order, err = s.allPools(ctx); err != nil {
		return nil, err
	}
	if next.apps, err = s.allApps(ctx); err != nil {
		return nil, err
	}
	if next.secrets, err = s.liveSecrets(ctx); err != nil {
		return nil, err
	}
	next.origins = originsOf(next.apps)
	if next.fallback, err = s.db.Meta(ctx, metaDefault); err != nil {
		return nil, err
	}
	if next.fallback == "" && len(next.order) > 0 {
		next.fallback = next.order[0]
	}
	return next, nil
}
