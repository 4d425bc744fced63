package limit_test

import (
	"slices"
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/limit"
)

// everything is a subject with all that counters are kept for.
func everything() limit.Subject {
	return limit.Subject{
		Pool: "dev", Person: "u1", Targets: []string{"+8613800138000", "a@example.com"}, Name: "nobody",
		Address: "203.0.113.7/32", Network: "203.0.113.0/24", Group: "hosting", Device: "d1",
		Gap: time.Second, DayBudget: 10, CountryBudget: 10, Budget: true,
	}
}

// TestEveryRuleCanBeAskedAbout compares the table of rules with the counters of a subject.
func TestEveryRuleCanBeAskedAbout(t *testing.T) {
	s := limit.New(dbtest.Open(t, dbtest.SQLite), ring(t), newClock().now)
	states, err := s.Standing(t.Context(), everything())
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := []string{ // kept for an application, a series of numbers, a login token
		limit.SendApp().Name, limit.SendSeries().Name, limit.ExchangeSession().Name,
	}
	for _, e := range limit.Table() {
		asked := slices.ContainsFunc(states, func(v limit.State) bool { return v.Rule.Name == e.Rule.Name })
		if asked == slices.Contains(elsewhere, e.Rule.Name) {
			t.Errorf("%s is among the counters of a subject: %v", e.Rule.Name, asked)
		}
	}
	for _, v := range states {
		if v.Count != 0 || v.Full || v.Value == "" {
			t.Errorf("nothing was counted: %+v", v)
		}
		if v.Rule.Name == "number_gap" && v.Value == "a@example.com" && v.Rule.Per != limit.MailGap {
			t.Errorf("the gap between mails: %v", v.Rule.Per)
		}
	}
	if states, err = s.Standing(t.Context(), limit.Subject{Pool: "dev"}); err != nil || len(states) != 0 {
		t.Errorf("nobody has counters: %+v, %v", states, err)
	}
}

// TestStandingSaysWhatTakeWouldDo fills a counter and asks both.
func TestStandingSaysWhatTakeWouldDo(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		c := newClock()
		s := limit.New(d, ring(t), c.now)
		of, rule := limit.Subject{Pool: "dev", Targets: []string{"+8613800138000"}}, limit.NumberHour()
		key := limit.Sends.In("dev", "+8613800138000")
		state := func() limit.State {
			t.Helper()
			all, err := s.Standing(t.Context(), of)
			if err != nil {
				t.Fatal(err)
			}
			i := slices.IndexFunc(all, func(v limit.State) bool { return v.Rule.Name == rule.Name })
			return all[i]
		}
		for n := range rule.Max {
			if v := state(); v.Count != n || v.Full {
				t.Errorf("after %d: %+v", n, v)
			}
			if err := s.Take(t.Context(), key, rule); err != nil {
				t.Fatal(err)
			}
			c.advance(time.Minute)
		}
		wait, refused := limit.Wait(s.Take(t.Context(), key, rule))
		if v := state(); !refused || !v.Full || v.Until.Sub(c.now()) > wait || v.Until.Sub(c.now()) <= wait-time.Second {
			t.Errorf("full: %+v; take waits %v", v, wait)
		}
		c.advance(wait)
		if v := state(); v.Full {
			t.Errorf("after the wait: %+v", v)
		}
		if err := s.Take(t.Context(), limit.SendsAnywhere.Over("+8613800138000"), limit.NumberAll()); err != nil {
			t.Fatal(err)
		}
		if n, err := s.Release(t.Context(), []limit.State{state()}); err != nil || n != 1 {
			t.Errorf("released %d, %v", n, err)
		}
		if v := state(); v.Count != 0 {
			t.Errorf("after release: %+v", v)
		}
		if n, _, err := s.Count(t.Context(), limit.SendsAnywhere.Over("+8613800138000"), limit.NumberAll()); err != nil || n != 1 {
			t.Errorf("another counter: %d, %v", n, err)
		}
		if n, err := s.Release(t.Context(), nil); err != nil || n != 0 {
			t.Errorf("nothing to release: %d, %v", n, err)
		}
	})
}
