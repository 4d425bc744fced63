package db_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/db/dbtest"
)

// node is one server that keeps a row of meta in memory.
type node struct {
	*db.Cached[string]

	d     *db.DB
	clock *atomic.Int64
	loads atomic.Int64
	hold  func() // runs in every load
}

const cachedRow = "cached-row"

func newNode(d *db.DB, clock *atomic.Int64) *node {
	n := &node{d: d, clock: clock, hold: func() {}}
	now := func() time.Time { return time.Unix(1_800_000_000, clock.Load()) }
	n.Cached = db.NewCached(d, now, "cached-generation", n.load)
	return n
}

func (n *node) load(ctx context.Context, _ *string) (*string, error) {
	n.loads.Add(1)
	n.hold()
	value, err := n.d.Meta(ctx, cachedRow)
	return &value, err
}

func (n *node) advance(d time.Duration) { n.clock.Add(int64(d)) }

// change writes value at a generation named like it.
func (n *node) change(ctx context.Context, value string) error {
	return n.Change(ctx, value, func(ctx context.Context) error { return n.d.SetMeta(ctx, cachedRow, value) })
}

func (n *node) wants(t *testing.T, ctx context.Context, what, want string) {
	t.Helper()
	got, err := n.Get(ctx)
	if err != nil {
		t.Errorf("%s: %v", what, err)
	} else if *got != want {
		t.Errorf("%s: got %q, want %q", what, *got, want)
	}
}

func eachNode(t *testing.T, fn func(t *testing.T, n *node)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		t.Helper()
		fn(t, newNode(d, new(atomic.Int64)))
	})
}

func TestCachedShowsOwnChangesAtOnce(t *testing.T) {
	eachNode(t, func(t *testing.T, n *node) {
		n.wants(t, t.Context(), "before", "")
		for _, value := range []string{"one", "two"} {
			if err := n.change(t.Context(), value); err != nil {
				t.Fatal(err)
			}
			n.wants(t, t.Context(), "after", value)
			if got, err := n.Generation(t.Context()); err != nil || got != value {
				t.Errorf("generation %q, %v; want %q", got, err, value)
			}
		}
		n.wants(t, t.Context(), "again", "two")
		n.advance(time.Minute)
		n.wants(t, t.Context(), "later", "two")
		if got := n.loads.Load(); got != 3 {
			t.Errorf("%d loads of three generations", got)
		}
	})
}

func TestCachedShowsChangesOfOthersAfterASecond(t *testing.T) {
	for _, engine := range []string{dbtest.SQLite, dbtest.Postgres} {
		t.Run(engine, func(t *testing.T) {
			clock := new(atomic.Int64)
			one, two := twoNodes(t, engine, clock)
			two.wants(t, t.Context(), "before", "")
			if err := one.change(t.Context(), "new"); err != nil {
				t.Fatal(err)
			}
			two.advance(999 * time.Millisecond)
			two.wants(t, t.Context(), "within the second", "")
			two.advance(time.Millisecond)
			two.wants(t, t.Context(), "after it", "new")
		})
	}
}

// twoNodes have a connection each, but on SQLite, where one process owns the file.
func twoNodes(t *testing.T, engine string, clock *atomic.Int64) (one, two *node) {
	t.Helper()
	if engine == dbtest.SQLite {
		d := dbtest.Open(t, engine)
		return newNode(d, clock), newNode(d, clock)
	}
	url := dbtest.URL(t, engine)
	open := func() *node {
		d, err := db.Open(t.Context(), db.Options{URL: url})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = d.Close() })
		return newNode(d, clock)
	}
	return open(), open()
}

func TestCachedRereadsUnchangedRowsAtMostOnceASecond(t *testing.T) {
	eachNode(t, func(t *testing.T, n *node) {
		n.wants(t, t.Context(), "before", "")
		for _, loads := range []int64{1, 2, 3} {
			for range 3 {
				if got, err := n.Reread(t.Context()); err != nil || *got != "" {
					t.Errorf("got %v, %v", got, err)
				}
			}
			if got := n.loads.Load(); got != loads {
				t.Errorf("%d loads, want %d", got, loads)
			}
			n.advance(time.Second)
		}
	})
}

func TestCachedRereadsWhatAnotherNodeChangedAtOnce(t *testing.T) {
	for _, engine := range []string{dbtest.SQLite, dbtest.Postgres} {
		t.Run(engine, func(t *testing.T) {
			one, two := twoNodes(t, engine, new(atomic.Int64))
			two.wants(t, t.Context(), "before", "")
			for _, value := range []string{"one", "two"} {
				if err := one.change(t.Context(), value); err != nil {
					t.Fatal(err)
				}
				var all sync.WaitGroup
				for range 20 {
					all.Go(func() {
						if got, err := two.Reread(t.Context()); err != nil || *got != value {
							t.Errorf("got %v, %v; want %q", got, err, value)
						}
					})
				}
				all.Wait()
				two.wants(t, t.Context(), "after", value)
			}
		})
	}
}

// TestCachedShowsTheChangesOfOthersToOperators: at once, and for one short read in a request.
func TestCachedShowsTheChangesOfOthersToOperators(t *testing.T) {
	for _, engine := range []string{dbtest.SQLite, dbtest.Postgres} {
		t.Run(engine, func(t *testing.T) {
			one, two := twoNodes(t, engine, new(atomic.Int64))
			two.wants(t, t.Context(), "before", "")
			for _, value := range []string{"one", "two"} {
				if err := one.change(t.Context(), value); err != nil {
					t.Fatal(err)
				}
				request := db.Fresh(t.Context())
				two.wants(t, request, "a new request", value)
				if err := one.change(t.Context(), value+" later"); err != nil {
					t.Fatal(err)
				}
				two.wants(t, request, "the same request", value)
				if err := two.Find(t.Context(), func(v *string) bool { return *v == value+" later" }); err != nil {
					t.Fatal(err)
				}
				two.wants(t, t.Context(), "after looking for it", value+" later")
			}
		})
	}
}

// An operator waits for rows that somebody else is reading already.
func TestCachedGivesOperatorsNothingOldMeanwhile(t *testing.T) {
	one, two := twoNodes(t, dbtest.Postgres, new(atomic.Int64))
	two.wants(t, t.Context(), "before", "")
	if err := one.change(t.Context(), "new"); err != nil {
		t.Fatal(err)
	}
	two.advance(time.Second)
	reading, finish := make(chan struct{}), make(chan struct{})
	two.hold = sync.OnceFunc(func() { close(reading); <-finish })
	var all sync.WaitGroup
	all.Go(func() { two.wants(t, t.Context(), "who reads", "new") })
	<-reading
	two.wants(t, t.Context(), "who does not wait", "")
	all.Go(func() { two.wants(t, db.Fresh(t.Context()), "an operator", "new") })
	time.Sleep(50 * time.Millisecond) // it would have its answer by now, if it did not wait
	close(finish)
	all.Wait()
}

// What a transaction may yet roll back, nobody else sees.
func TestCachedForgetsWhatWasRolledBack(t *testing.T) {
	eachNode(t, func(t *testing.T, n *node) {
		for _, known := range []string{"cold", "warm"} {
			err := n.d.InTx(t.Context(), func(ctx context.Context) error {
				if err := n.change(ctx, "ghost"); err != nil {
					return err
				}
				n.advance(time.Second)
				n.wants(t, ctx, known+", inside", "ghost")
				n.wants(t, t.Context(), known+", outside", "")
				return errWanted
			})
			if !errors.Is(err, errWanted) {
				t.Fatal(err)
			}
			n.wants(t, t.Context(), known+", afterwards", "")
		}
		err := n.Change(t.Context(), "half", func(ctx context.Context) error {
			if err := n.d.SetMeta(ctx, cachedRow, "half"); err != nil {
				return err
			}
			n.advance(time.Second)
			n.wants(t, ctx, "inside the write", "half")
			return errWanted
		})
		if !errors.Is(err, errWanted) {
			t.Fatal(err)
		}
		n.wants(t, t.Context(), "after a failed write", "")
	})
}

func TestCachedAsksAgainWhenTheClockGoesBack(t *testing.T) {
	eachNode(t, func(t *testing.T, n *node) {
		other := newNode(n.d, n.clock)
		n.wants(t, t.Context(), "before", "")
		if err := other.change(t.Context(), "new"); err != nil {
			t.Fatal(err)
		}
		n.advance(-time.Hour)
		n.wants(t, t.Context(), "an hour earlier", "new")
	})
}

func TestCachedLoadsOnceForFifty(t *testing.T) {
	eachNode(t, func(t *testing.T, n *node) {
		fifty := func(what, want string) {
			t.Helper()
			before := n.loads.Load()
			var wg sync.WaitGroup
			for range 50 {
				wg.Go(func() { n.wants(t, t.Context(), what, want) })
			}
			wg.Wait()
			if got := n.loads.Load() - before; got != 1 {
				t.Errorf("%s: %d loads", what, got)
			}
		}
		fifty("cold", "")
		if err := n.change(t.Context(), "new"); err != nil {
			t.Fatal(err)
		}
		fifty("after a change", "new")
	})
}

func TestCachedGoesOnWhileOneLooks(t *testing.T) {
	eachNode(t, func(t *testing.T, n *node) {
		n.wants(t, t.Context(), "before", "")
		if err := newNode(n.d, n.clock).change(t.Context(), "new"); err != nil {
			t.Fatal(err)
		}
		n.advance(time.Second)
		looking, release := make(chan struct{}), make(chan struct{})
		n.hold = func() { close(looking); <-release }
		var wg sync.WaitGroup
		wg.Go(func() { n.wants(t, t.Context(), "the one who looks", "new") })
		<-looking
		n.wants(t, t.Context(), "meanwhile", "")
		close(release)
		wg.Wait()
		n.wants(t, t.Context(), "afterwards", "new")
	})
}

// A transaction holds the only connection, which the one who looks waits for.
func TestCachedInATransactionWaitsForNobody(t *testing.T) {
	d := dbtest.OpenWith(t, dbtest.Postgres, db.Options{Readers: 1})
	n := newNode(d, new(atomic.Int64))
	n.wants(t, t.Context(), "before", "")
	if err := n.change(t.Context(), "new"); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	err := d.InTx(t.Context(), func(ctx context.Context) error {
		if err := put(ctx, d, "holds the connection"); err != nil {
			return err
		}
		wg.Go(func() { n.wants(t, t.Context(), "outside", "new") })
		time.Sleep(50 * time.Millisecond) // for the other to begin
		n.wants(t, ctx, "inside", "new")
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	wg.Wait()
}

func TestCachedFailsAndRecovers(t *testing.T) {
	eachNode(t, func(t *testing.T, n *node) {
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		if v, err := n.Get(gone); err == nil {
			t.Errorf("got %v without a database", v)
		}
		n.wants(t, t.Context(), "afterwards", "")
	})
}
