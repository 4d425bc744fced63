package db

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// pollEvery is how long another node's change may go unnoticed here, and how often
// Reread may send somebody to the rows.
const pollEvery = time.Second

// Cached keeps in memory what is made of some tables. A row of meta, its generation,
// changes with them, so that looking for another node's change costs one short read a
// second.
type Cached[T any] struct {
	db   *DB
	now  func() time.Time
	name string
	load func(ctx context.Context, old *T) (*T, error)

	current atomic.Pointer[version[T]]
	changes atomic.Uint64 // commits of this node, and those of others that it came to know of
	reload  sync.Mutex
}

// version is the value at one generation.
type version[T any] struct {
	value      *T
	generation string
	checked    time.Time // the generation was compared
	loaded     time.Time // the rows were read
	changes    uint64    // that this node knew of before it was read
}

// NewCached makes a cache whose generation is the row name of meta. load reads the
// tables; old is what it made last, nil the first time. What it returns is shared by
// everybody and written by nobody.
func NewCached[T any](d *DB, now func() time.Time, name string, load func(ctx context.Context, old *T) (*T, error)) *Cached[T] {
	return &Cached[T]{db: d, now: now, name: name, load: load}
}

// Get returns the value as of at most a second ago, this node's own changes at once, and
// everybody's when ctx is of Fresh.
// Inside the transaction of a change it may or may not show that change.
func (c *Cached[T]) Get(ctx context.Context) (*T, error) {
	v, err := c.get(ctx)
	if err != nil {
		return nil, err
	}
	return v.value, nil
}

// Generation returns an id that differs whenever the value does.
func (c *Cached[T]) Generation(ctx context.Context) (string, error) {
	v, err := c.get(ctx)
	if err != nil {
		return "", err
	}
	return v.generation, nil
}

// Find calls look with the value, and once more with a reread one if look did not find
// there what it looks for: another node may just have written it.
func (c *Cached[T]) Find(ctx context.Context, look func(*T) (found bool)) error {
	value, err := c.Get(ctx)
	if err != nil || look(value) {
		return err
	}
	if value, err = c.Reread(ctx); err == nil {
		look(value)
	}
	return err
}

// Reread returns the value with its rows read afresh; with rows that were read a moment
// ago if their generation is still the same. It is for whoever misses something that
// another node may just have written, and costs no more than a short read when often asked
// for what there is not.
func (c *Cached[T]) Reread(ctx context.Context) (*T, error) {
	if cur := c.current.Load(); c.enough(cur, true) && !c.db.txFrom(ctx).hasChanged(c) {
		if err := c.compare(ctx, cur); err != nil {
			return nil, err
		}
		if c.enough(cur, true) {
			return cur.value, nil
		}
	}
	v, err := c.renew(ctx, true, true)
	if err != nil {
		return nil, err
	}
	return v.value, nil
}

// Change runs a write of the tables in a transaction. This node sees it once that is
// durable, the others at their next poll. generation is a new random id.
func (c *Cached[T]) Change(ctx context.Context, generation string, write func(ctx context.Context) error) error {
	return c.db.InTx(ctx, func(ctx context.Context) error {
		c.db.txFrom(ctx).change(c)
		if err := write(ctx); err != nil {
			return err
		}
		if err := c.db.SetMeta(ctx, c.name, generation); err != nil {
			return err
		}
		AfterCommit(ctx, func() { c.changes.Add(1) })
		return nil
	})
}

// compare makes this node know whether another one has made a change since cur.
func (c *Cached[T]) compare(ctx context.Context, cur *version[T]) error {
	generation, err := c.db.Meta(ctx, c.name)
	if err != nil {
		return fmt.Errorf("read %s: %w", c.name, err)
	}
	if generation != cur.generation && c.current.Load() == cur {
		c.changes.Add(1)
	}
	return nil
}

// get looks for a change by one caller at a time; the others go on with what there is,
// unless this node knows that it is old.
func (c *Cached[T]) get(ctx context.Context) (*version[T], error) {
	if t := c.db.txFrom(ctx); t != nil && isFresh(ctx) {
		// On SQLite others of the same commit have written what is not durable yet: it is for
		// this transaction, which comes after them, and for nobody else.
		return c.read(ctx, t.hasChanged(c))
	}
	cur := c.current.Load()
	if cur != nil && fresh(ctx, c) {
		if err := c.compare(ctx, cur); err != nil {
			return nil, err
		}
	}
	if c.enough(cur, false) {
		return cur, nil
	}
	v, err := c.renew(ctx, c.outdated(cur), false)
	if v == nil && err == nil {
		return cur, nil
	}
	return v, err
}

// renew reads and shares what it has read, when it is its turn; without wait it returns
// nil when it is not. A transaction never waits for its turn: it holds a connection,
// which may be the very one that the caller in front of it needs. Nor does it share what
// it has changed and may yet roll back.
func (c *Cached[T]) renew(ctx context.Context, wait, rows bool) (*version[T], error) {
	t := c.db.txFrom(ctx)
	switch {
	case t.hasChanged(c):
		return c.read(ctx, true)
	case c.reload.TryLock():
	case !wait:
		return nil, nil //nolint:nilnil // there is nothing new, and that is no error.
	case t != nil:
		return c.read(ctx, rows)
	default:
		c.reload.Lock()
	}
	defer c.reload.Unlock()
	if cur := c.current.Load(); c.enough(cur, rows) {
		return cur, nil
	}
	next, err := c.read(ctx, rows)
	if err == nil {
		c.current.Store(next)
	}
	return next, err
}

// enough says whether the generation, or the rows, were read a moment ago.
func (c *Cached[T]) enough(v *version[T], rows bool) bool {
	if c.outdated(v) {
		return false
	}
	if rows {
		return c.recent(v.loaded)
	}
	return c.recent(v.checked)
}

// outdated says whether this node knows of a change since.
func (c *Cached[T]) outdated(v *version[T]) bool {
	return v == nil || v.changes != c.changes.Load()
}

// recent is false for a time yet to come: the clock went backwards.
func (c *Cached[T]) recent(then time.Time) bool {
	age := c.now().Sub(then)
	return age >= 0 && age < pollEvery
}

// read looks at the generation first: a change between the two reads leaves an old
// generation with newer rows, which the next poll puts right.
func (c *Cached[T]) read(ctx context.Context, rows bool) (*version[T], error) {
	cur, now := c.current.Load(), c.now()
	next := &version[T]{checked: now, loaded: now, changes: c.changes.Load()}
	var err error
	if next.generation, err = c.db.Meta(ctx, c.name); err != nil {
		return nil, fmt.Errorf("read %s: %w", c.name, err)
	}
	var old *T
	if cur != nil {
		if old = cur.value; cur.generation == next.generation && !rows {
			next.value, next.loaded = old, cur.loaded
			return next, nil
		}
	}
	if next.value, err = c.load(ctx, old); err != nil {
		return nil, fmt.Errorf("read what %s counts: %w", c.name, err)
	}
	return next, nil
}

// change notes that the transaction changes the rows of a Cached.
func (t *tx) change(c any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.changed = append(t.changed, c)
}

func (t *tx) hasChanged(c any) bool {
	if t == nil {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Contains(t.changed, c)
}

// Meta returns the value of a name, "" when it has none.
func (d *DB) Meta(ctx context.Context, name string) (string, error) {
	var value string
	err := d.QueryRow(ctx, `SELECT value FROM meta WHERE name = $1`, name).Scan(&value)
	if errors.Is(err, ErrNoRows) {
		return "", nil
	}
	return value, err
}

// SetMeta gives a name its value.
func (d *DB) SetMeta(ctx context.Context, name, value string) error {
	_, err := d.Exec(ctx, `INSERT INTO meta (name, value) VALUES ($1, $2)
		ON CONFLICT (name) DO UPDATE SET value = excluded.value`, name, value)
	return err
}
