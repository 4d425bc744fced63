package pool

import (
	"context"
	"fmt"
	"time"

	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/secret"
)

// pollEvery is how long another node's change may go unnoticed here.
const pollEvery = time.Second

// The rows of meta this package owns.
const (
	metaGeneration = "pool_generation"
	metaDefault    = "pool_default"
)

// snapshot is everything Client needs, as it was at one generation.
type snapshot struct {
	generation string
	checked    time.Time
	changes    uint64 // of this node, as counted when it was read

	pools    map[string]Pool
	apps     map[string]App
	order    []string // pool ids, oldest first
	origins  []string // of all applications, each once
	fallback string   // the pool for requests that name no client
}

// fresh says whether the snapshot may be used without asking the database. A clock
// that went backwards makes it ask.
func (s *Service) fresh(n *snapshot) bool {
	age := s.now().Sub(n.checked)
	return n.changes == s.changes.Load() && age >= 0 && age < pollEvery
}

// snapshot returns the pools as of at most pollEvery ago. Only one request at a time
// looks for a change; the others go on with what there is.
func (s *Service) snapshot(ctx context.Context) (*snapshot, error) {
	cur := s.current.Load()
	if cur != nil && s.fresh(cur) {
		return cur, nil
	}
	if cur == nil || cur.changes != s.changes.Load() {
		s.reload.Lock()
	} else if !s.reload.TryLock() {
		return cur, nil
	}
	defer s.reload.Unlock()
	if again := s.current.Load(); again != nil && s.fresh(again) {
		return again, nil
	}
	next, err := s.refresh(ctx, s.current.Load())
	if err != nil {
		return nil, fmt.Errorf("read pools: %w", err)
	}
	s.current.Store(next)
	return next, nil
}

// refresh reads the generation first: a change between the two reads leaves an old
// generation with newer rows, which the next poll puts right.
func (s *Service) refresh(ctx context.Context, cur *snapshot) (*snapshot, error) {
	now, changes := s.now(), s.changes.Load()
	generation, err := s.meta(ctx, metaGeneration)
	if err != nil {
		return nil, err
	}
	if cur != nil && cur.generation == generation {
		same := *cur
		same.checked, same.changes = now, changes
		return &same, nil
	}
	next := &snapshot{generation: generation, checked: now, changes: changes}
	if next.pools, next.order, err = s.allPools(ctx); err != nil {
		return nil, err
	}
	if next.apps, err = s.allApps(ctx); err != nil {
		return nil, err
	}
	next.origins = originsOf(next.apps)
	if next.fallback, err = s.meta(ctx, metaDefault); err != nil {
		return nil, err
	}
	if next.fallback == "" && len(next.order) > 0 {
		next.fallback = next.order[0]
	}
	return next, nil
}

// change runs a write and tells this node at its commit and the others at their next
// poll. A reader inside the same transaction may see the change early; if it is rolled
// back, the generation differs and the next poll forgets it.
func (s *Service) change(ctx context.Context, write func(context.Context) error) error {
	return s.db.InTx(ctx, func(ctx context.Context) error {
		if err := write(ctx); err != nil {
			return err
		}
		if err := s.setMeta(ctx, metaGeneration, secret.ID()); err != nil {
			return err
		}
		db.AfterCommit(ctx, func() { s.changes.Add(1) })
		return nil
	})
}
