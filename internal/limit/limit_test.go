package limit_test

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/limit"
	"github.com/tigertally/tigertally/internal/secret"
)

// clock is a time a test moves.
type clock struct{ ms atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.ms.Store(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).UnixMilli())
	return c
}
func (c *clock) now() time.Time          { return time.UnixMilli(c.ms.Load()) }
func (c *clock) advance(d time.Duration) { c.ms.Add(d.Milliseconds()) }

func ring(t *testing.T) *secret.Keyring {
	t.Helper()
	r, err := secret.NewKeyring(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func three() limit.Rule { return limit.Rule{Name: "three", Max: 3, Per: time.Minute} }

func TestTakeRefusesAboveTheRuleUntilTheWindowCloses(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		c := newClock()
		s := limit.New(d, ring(t), c.now)
		for range 3 {
			if err := s.Take(t.Context(), "k", three()); err != nil {
				t.Fatal(err)
			}
		}
		c.advance(20 * time.Second)
		err := s.Take(t.Context(), "k", three())
		if wait, refused := limit.Wait(err); !refused || wait != 40*time.Second {
			t.Errorf("fourth event: wait %v, refused %v, want 40s, true", wait, refused)
		}
		if err := s.Take(t.Context(), "other", three()); err != nil {
			t.Errorf("another key: %v", err)
		}
		c.advance(40 * time.Second)
		if err := s.Take(t.Context(), "k", three()); err != nil {
			t.Errorf("after the window: %v", err)
		}
		if n, until, err := s.Count(t.Context(), "k", three()); err != nil || n != 1 || !until.Equal(c.now().Add(time.Minute)) {
			t.Errorf("new window: count %d until %v, %v", n, until, err)
		}
	})
}

// VC-07: the rules a number is sent by are all or nothing, and the longest wait wins.
func TestVC07EveryRuleCountsOrNone(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		c := newClock()
		s := limit.New(d, ring(t), c.now)
		number := limit.SendNumber(30 * time.Second)
		take := func() error {
			return s.TakeAll(t.Context(),
				limit.Charge{Key: "+8613800000000", Rules: number},
				limit.Charge{Key: "192.0.2.1/32", Rules: limit.SendAddress()})
		}
		if err := take(); err != nil {
			t.Fatal(err)
		}
		if wait, refused := limit.Wait(take()); !refused || wait != 30*time.Second {
			t.Errorf("second message at once: wait %v, refused %v", wait, refused)
		}
		if n, _, err := s.Count(t.Context(), "192.0.2.1/32", limit.SendAddress()[1]); err != nil || n != 1 {
			t.Errorf("a refused message counted for the address: %d, %v", n, err)
		}
		for range 4 {
			c.advance(31 * time.Second)
			if err := take(); err != nil {
				t.Fatal(err)
			}
		}
		c.advance(31 * time.Second)
		if wait, refused := limit.Wait(take()); !refused || wait != time.Hour-5*31*time.Second {
			t.Errorf("sixth in the hour: wait %v, refused %v", wait, refused)
		}
		c.advance(time.Hour)
		for range 5 {
			if err := take(); err != nil {
				t.Fatal(err)
			}
			c.advance(31 * time.Second)
		}
		c.advance(time.Hour)
		if wait, refused := limit.Wait(take()); !refused || wait < 20*time.Hour {
			t.Errorf("eleventh in the day: wait %v, refused %v", wait, refused)
		}
	})
}

func TestParallelTakesNeverPassTheRule(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := limit.New(d, ring(t), newClock().now)
		rule := limit.Rule{Name: "ten", Max: 10, Per: time.Minute}
		var passed atomic.Int32
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				err := s.Take(t.Context(), "k", rule)
				if err == nil {
					passed.Add(1)
				} else if errs.CodeOf(err) != errs.TooManyRequests {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if passed.Load() != 10 {
			t.Errorf("%d of 50 passed a rule of 10", passed.Load())
		}
	})
}

// AT-04: a tripped counter is answered without a transaction.
func TestAT04RefusalsAreCheap(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := limit.New(d, ring(t), newClock().now)
		for range 3 {
			if err := s.Take(t.Context(), "k", three()); err != nil {
				t.Fatal(err)
			}
		}
		before := d.Stats()
		for range 200 {
			err := s.Take(t.Context(), "k", three())
			if errs.CodeOf(err) != errs.TooManyRequests || errs.From(err).RetryAfter <= 0 {
				t.Fatalf("got %v", err)
			}
		}
		after := d.Stats()
		if after.Transactions != before.Transactions || after.Rollbacks != before.Rollbacks {
			t.Errorf("refusals wrote: %+v then %+v", before, after)
		}
	})
}

// AT-05: counters outlive the process.
func TestAT05CountersSurviveARestart(t *testing.T) {
	url := "sqlite:" + filepath.Join(t.TempDir(), "t.db")
	c := newClock()
	open := func() *db.DB {
		d, err := db.Open(t.Context(), db.Options{URL: url})
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	d := open()
	for range 9 {
		if err := limit.New(d, ring(t), c.now).Take(t.Context(), "u", limit.PasswordAccount()); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	d = open()
	defer d.Close()
	s := limit.New(d, ring(t), c.now)
	if err := s.Take(t.Context(), "u", limit.PasswordAccount()); err != nil {
		t.Errorf("tenth: %v", err)
	}
	if err := s.Take(t.Context(), "u", limit.PasswordAccount()); errs.CodeOf(err) != errs.TooManyRequests {
		t.Errorf("eleventh: %v", err)
	}
}

// EN-03: an identifier asked about again costs nothing; a new one counts.
// AT-05: two nodes, whose clocks are not quite the same, count together. It must not matter
// which of them opened a window, nor that a caller has looked at the time before another
// and comes to the row after it.
func TestAT05NodesWhoseClocksDifferCountTogether(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		early, late := newClock(), newClock()
		nodes := []*limit.Service{limit.New(d, ring(t), late.now), limit.New(d, ring(t), early.now)}
		late.advance(2 * time.Second)
		for round := range 3 { // the second and third come when windows have closed
			passed := 0
			for i := range 6 {
				if nodes[i%2].Take(t.Context(), "k", three()) == nil {
					passed++
				}
			}
			if passed != 3 {
				t.Errorf("round %d: %d of 6 passed a rule of 3", round, passed)
			}
			for i, s := range nodes {
				if n, _, err := s.Count(t.Context(), "k", three()); err != nil || n != 3 {
					t.Errorf("round %d: node %d counts %d, %v", round, i, n, err)
				}
			}
			early.advance(2*time.Minute + time.Second)
			late.advance(2*time.Minute + time.Second)
		}
	})
}

func TestEN03OnlyDistinctItemsCount(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		c := newClock()
		s := limit.New(d, ring(t), c.now)
		ask := func(i int) error {
			return s.TakeDistinct(t.Context(), "192.0.2.1/32", strconv.Itoa(i), limit.ExistsAddress())
		}
		for range 3 {
			for i := range 10 {
				if err := ask(i); err != nil {
					t.Fatalf("identifier %d: %v", i, err)
				}
			}
		}
		for range 2 {
			if err := ask(10); errs.CodeOf(err) != errs.TooManyRequests {
				t.Errorf("eleventh identifier: %v", err)
			}
		}
		if err := ask(3); err != nil {
			t.Errorf("a known identifier when full: %v", err)
		}
		c.advance(10 * time.Minute)
		if err := ask(10); err != nil {
			t.Errorf("after the window: %v", err)
		}
	})
}

func TestAddRefundAndClear(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := limit.New(d, ring(t), newClock().now)
		for want := 1; want <= 5; want++ {
			if n, err := s.Add(t.Context(), "k", three()); err != nil || n != want {
				t.Fatalf("Add: %d, %v, want %d", n, err, want)
			}
		}
		for range 7 {
			if err := s.Refund(t.Context(), "k", three()); err != nil {
				t.Fatal(err)
			}
		}
		if n, _, err := s.Count(t.Context(), "k", three()); err != nil || n != 0 {
			t.Errorf("refunded more than taken: %d, %v", n, err)
		}
		for _, rules := range [][]limit.Rule{{three()}, nil} {
			if _, err := s.Add(t.Context(), "k", three()); err != nil {
				t.Fatal(err)
			}
			if err := s.Clear(t.Context(), "k", rules...); err != nil {
				t.Fatal(err)
			}
			if n, _, err := s.Count(t.Context(), "k", three()); err != nil || n != 0 {
				t.Errorf("cleared: %d, %v", n, err)
			}
		}
	})
}

func TestAClockSetBackLocksNobodyOut(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		c := newClock()
		s := limit.New(d, ring(t), c.now)
		c.advance(31 * 24 * time.Hour)
		for range 3 {
			if err := s.Take(t.Context(), "k", three()); err != nil {
				t.Fatal(err)
			}
		}
		c.advance(-31 * 24 * time.Hour)
		if err := s.Take(t.Context(), "k", three()); err != nil {
			t.Error(err)
		}
	})
}

func TestARefusalInsideATransactionUndoesIt(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := limit.New(d, ring(t), newClock().now)
		one := limit.Rule{Name: "one", Max: 1, Per: time.Minute}
		err := d.InTx(t.Context(), func(ctx context.Context) error {
			return errors.Join(s.Take(ctx, "a", one), s.Take(ctx, "a", one))
		})
		if errs.CodeOf(err) != errs.TooManyRequests {
			t.Fatal(err)
		}
		if n, _, err := s.Count(t.Context(), "a", one); err != nil || n != 0 {
			t.Errorf("count %d, %v after the rollback", n, err)
		}
	})
}

func TestSweepDeletesClosedWindowsOnly(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		c := newClock()
		s := limit.New(d, ring(t), c.now)
		for i := range 5 {
			if err := s.Take(t.Context(), strconv.Itoa(i), three()); err != nil {
				t.Fatal(err)
			}
		}
		c.advance(time.Minute)
		if err := s.Take(t.Context(), "open", three()); err != nil {
			t.Fatal(err)
		}
		if n, err := s.Sweep(t.Context()); err != nil || n != 5 {
			t.Errorf("swept %d, %v, want 5", n, err)
		}
		if n, _, _ := s.Count(t.Context(), "open", three()); n != 1 {
			t.Error("an open window was swept")
		}
	})
}

func TestStoredKeysShowNoNumber(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := limit.New(d, ring(t), newClock().now)
		if err := s.Take(t.Context(), limit.Key("dev", "+8613800000000"), three()); err != nil {
			t.Fatal(err)
		}
		var key string
		if err := d.QueryRow(t.Context(), `SELECT key FROM counters`).Scan(&key); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(key, "138") || len(key) != 43 {
			t.Errorf("stored key %q is not a MAC", key)
		}
	})
}

// MT-02: keys are tuples, not joined strings.
func TestMT02KeysAreTuples(t *testing.T) {
	for _, pair := range [][2][]string{
		{{"a:b", "c"}, {"a", "b:c"}},
		{{"1:a", ""}, {"1:a"}},
		{{"", "a"}, {"a", ""}},
		{{"a1:b"}, {"a", "b"}},
	} {
		if limit.Key(pair[0]...) == limit.Key(pair[1]...) {
			t.Errorf("%q and %q share a key", pair[0], pair[1])
		}
	}
}
