package keys

import (
	"context"
	"fmt"
	"time"

	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/secret"
)

// pollEvery is how long another node's change may go unnoticed here, and how often a
// token of an unknown key may send us to the database.
const pollEvery = time.Second

// metaGeneration is the row of meta that changes with every key.
const metaGeneration = "keys_generation"

// snapshot is every key of every pool at one generation.
type snapshot struct {
	generation string
	checked    time.Time // the generation was compared
	loaded     time.Time // the rows were read
	changes    uint64    // of this node, as counted when it was read
	pools      map[string][]*key
}

func (n *snapshot) match(poolID, head, typ string, now time.Time) *key {
	for _, k := range n.pools[poolID] {
		if k.purpose == purposeSign && !k.retired(now) && k.header(typ) == head {
			return k
		}
	}
	return nil
}

func (s *Service) fresh(n *snapshot) bool {
	return n.changes == s.changes.Load() && recent(n.checked, s.now())
}

// recent is false for a time yet to come: the clock went backwards.
func recent(then, now time.Time) bool {
	age := now.Sub(then)
	return age >= 0 && age < pollEvery
}

// snapshot returns the keys as of at most pollEvery ago. Only one request at a time
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
	return s.refresh(ctx, false)
}

// lookAgain reads the rows afresh for a token of a key that seen does not have, unless
// that was done a moment ago.
func (s *Service) lookAgain(ctx context.Context, seen *snapshot) (*snapshot, error) {
	if recent(seen.loaded, s.now()) {
		return seen, nil
	}
	s.reload.Lock()
	defer s.reload.Unlock()
	if cur := s.current.Load(); recent(cur.loaded, s.now()) {
		return cur, nil
	}
	return s.refresh(ctx, true)
}

// refresh reads the generation first: a change between the two reads leaves an old
// generation with newer rows, which the next poll puts right.
func (s *Service) refresh(ctx context.Context, rows bool) (*snapshot, error) {
	cur, now, changes := s.current.Load(), s.now(), s.changes.Load()
	generation, err := s.generation(ctx)
	if err != nil {
		return nil, fmt.Errorf("read keys: %w", err)
	}
	if cur != nil && cur.generation == generation && !rows {
		same := *cur
		same.checked, same.changes = now, changes
		s.current.Store(&same)
		return &same, nil
	}
	next := &snapshot{generation: generation, checked: now, loaded: now, changes: changes}
	if next.pools, err = s.all(ctx, cur); err != nil {
		return nil, fmt.Errorf("read keys: %w", err)
	}
	s.current.Store(next)
	return next, nil
}

// change runs a write and tells this node at its commit and the others at their next
// poll.
func (s *Service) change(ctx context.Context, write func(context.Context) error) error {
	return s.db.InTx(ctx, func(ctx context.Context) error {
		if err := write(ctx); err != nil {
			return err
		}
		if err := s.setGeneration(ctx, secret.ID()); err != nil {
			return err
		}
		db.AfterCommit(ctx, func() { s.changes.Add(1) })
		return nil
	})
}
