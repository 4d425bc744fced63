package limit_test

import (
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/limit"
)

// A window that opens with the first event would let two full ones touch.
func TestTwoFullWindowsNeverTouch(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		c := newClock()
		s := limit.New(d, ring(t), c.now)
		passed := func(n int) (got int) {
			for range n {
				if s.Take(t.Context(), "k", three()) == nil {
					got++
				}
			}
			return got
		}
		if got := passed(1); got != 1 {
			t.Fatal(got)
		}
		c.advance(59 * time.Second)
		if got := passed(5); got != 2 {
			t.Errorf("%d more in the first minute", got)
		}
		c.advance(2 * time.Second)
		if got := passed(5); got != 1 {
			t.Errorf("%d when only the first event was a minute old", got)
		}
		wait, refused := limit.Wait(s.Take(t.Context(), "k", three()))
		if !refused || wait < 29*time.Second || wait > 58*time.Second {
			t.Errorf("wait %v, %v", wait, refused)
		}
		c.advance(wait)
		if got := passed(5); got != 1 {
			t.Errorf("%d after the wait", got)
		}
	})
}

// However events come, a window anywhere holds at most a few more than the rule says,
// and who waits as told is let in.
func TestWindowsSlide(t *testing.T) {
	d := dbtest.Open(t, dbtest.SQLite)
	c := newClock()
	s := limit.New(d, ring(t), c.now)
	rule := limit.Rule{Name: "ten", Max: 10, Per: time.Minute}
	var passed []time.Time
	step := uint32(1)
	for range 2000 {
		step = step*1664525 + 1013904223 // any steps will do, the same each time
		c.advance(time.Duration(step>>20) * time.Millisecond)
		err := s.Take(t.Context(), "k", rule)
		if wait, refused := limit.Wait(err); refused && step&0x100 != 0 {
			c.advance(wait)
			err = s.Take(t.Context(), "k", rule)
			if errs.CodeOf(err) == errs.TooManyRequests {
				t.Fatalf("refused after the wait of %v", wait)
			}
		}
		if err == nil {
			passed = append(passed, c.now())
		}
	}
	most := 0
	for i := range passed {
		n := 0
		for _, at := range passed[i:] {
			if at.Before(passed[i].Add(rule.Per)) {
				n++
			}
		}
		most = max(most, n)
	}
	if most > 13 || len(passed) < 300 {
		t.Errorf("%d passed, up to %d in one window", len(passed), most)
	}
}

func TestSoftRulesWarnAndNeverRefuse(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		c := newClock()
		s := limit.New(d, ring(t), c.now)
		soft := limit.Rule{Name: "soft", Max: 2, Per: time.Minute, Soft: true}
		for i := range 4 {
			warned, err := s.Warned(t.Context(), limit.Charge{Key: "k", Rules: []limit.Rule{soft, three()}})
			if err != nil || warned != (i >= 2) {
				t.Errorf("before event %d: %v, %v", i, warned, err)
			}
			if err := s.Take(t.Context(), "k", soft); err != nil {
				t.Fatal(err)
			}
		}
		for range 3 {
			if err := s.AddDistinct(t.Context(), "series", "a", soft); err != nil {
				t.Fatal(err)
			}
		}
		if n, _, err := s.Count(t.Context(), "series", soft); n != 1 || err != nil {
			t.Errorf("one item counted %d times, %v", n, err)
		}
		c.advance(time.Minute)
		if warned, err := s.Warned(t.Context(), limit.Charge{Key: "k", Rules: []limit.Rule{soft}}); warned || err != nil {
			t.Errorf("a minute later: %v, %v", warned, err)
		}
	})
}
