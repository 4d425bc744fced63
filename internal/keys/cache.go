package keys

import (
	"context"
	"time"
)

// metaGeneration is the row of meta that changes with every key.
const metaGeneration = "keys_generation"

// snapshot is every key of every pool at one generation.
type snapshot struct {
	pools map[string][]*key
}

func (n *snapshot) match(poolID, head, typ string, now time.Time) *key {
	for _, k := range n.pools[poolID] {
		if k.purpose == purposeSign && !k.retired(now) && k.header(typ) == head {
			return k
		}
	}
	return nil
}

// load reads every key that is not retired, taking over what old has parsed already.
func (s *Service) load(ctx context.Context, old *snapshot) (*snapshot, error) {
	known := map[string]*key{}
	if old != nil {
		for _, list := range old.pools {
			for _, k := range list {
				known[k.id] = k
			}
		}
	}
	list, err := s.all(ctx, known)
	if err != nil {
		return nil, err
	}
	next := &snapshot{pools: map[string][]*key{}}
	for _, k := range list {
		next.pools[k.poolID] = append(next.pools[k.poolID], k)
	}
	return next, nil
}
