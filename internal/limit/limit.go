// Package limit owns the counters that bound how often something may happen: messages
// sent, codes and passwords tried, questions about who exists. They live in the
// database, so a restart or a second node does not refill them. It decides nothing
// about what a refusal means to the caller.
package limit

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/secret"
)

// Service counts events against rules.
type Service struct {
	db       *db.DB
	ring     *secret.Keyring
	now      func() time.Time
	takeText string
	adjusted map[string]int // other numbers than the rules', by their names
}

// New returns a Service whose stored keys are MACs under ring, so that the table shows
// no phone number or address.
func New(d *db.DB, ring *secret.Keyring, now func() time.Time) *Service {
	return &Service{db: d, ring: ring, now: now, takeText: takeSQL()}
}

// Key joins parts so that no two lists of parts give the same key.
func Key(parts ...string) string {
	var b strings.Builder
	for _, p := range parts {
		b.WriteString(strconv.Itoa(len(p)))
		b.WriteByte(':')
		b.WriteString(p)
	}
	return b.String()
}

// Charge is one event against the rules of one key.
type Charge struct {
	Key   string
	Rules []Rule
}

// Take counts one event in every rule of key, or in none and refuses with
// TooManyRequests and the time to wait. Inside a transaction the caller must let the
// refusal roll it back.
//
// Guesses are counted before they are looked at: Take first, then Refund or Clear when
// the guess was right, so that a hundred parallel guesses are a hundred events.
func (s *Service) Take(ctx context.Context, key string, rules ...Rule) error {
	return s.TakeAll(ctx, Charge{Key: key, Rules: rules})
}

// TakeAll is Take for several keys at once: every rule of every charge, or none.
func (s *Service) TakeAll(ctx context.Context, charges ...Charge) error {
	rows := s.rows(charges)
	if len(rows) == 0 {
		return nil
	}
	// A tripped counter is the usual state of an attack: it is answered by a reader.
	wait, err := s.tripped(ctx, rows)
	if err != nil {
		return err
	}
	if wait > 0 {
		return refusal(wait)
	}
	return s.db.InTx(ctx, func(ctx context.Context) error {
		for _, r := range rows {
			ok, err := s.take(ctx, r)
			if err != nil {
				return err
			}
			if ok {
				continue
			}
			wait, err := s.tripped(ctx, rows)
			if err != nil {
				return err
			}
			return refusal(max(wait, time.Second))
		}
		return nil
	})
}

// TakeDistinct counts item once per window of rule, however often it is asked about. It
// refuses a new item when the rule is full; items already counted stay free.
func (s *Service) TakeDistinct(ctx context.Context, key, item string, rule Rule) error {
	seen := s.row(Key(key, item), Rule{Name: rule.Name + "_seen", Max: 1, Per: rule.Per})
	w, err := s.window(ctx, seen)
	if err != nil || w.count() > 0 {
		return err
	}
	wait, err := s.tripped(ctx, []row{s.row(key, rule)})
	if err != nil {
		return err
	}
	if wait > 0 {
		return refusal(wait)
	}
	return s.db.InTx(ctx, func(ctx context.Context) error {
		fresh, err := s.take(ctx, seen)
		if err != nil || !fresh {
			return err
		}
		return s.Take(ctx, key, rule)
	})
}

// AddDistinct counts item once per window of rule and refuses nothing.
func (s *Service) AddDistinct(ctx context.Context, key, item string, rule Rule) error {
	rule.Max = unbounded
	return s.TakeDistinct(ctx, key, item, rule)
}

// Warned reports whether a soft rule of charges is full.
func (s *Service) Warned(ctx context.Context, charges ...Charge) (bool, error) {
	for _, r := range s.rows(charges) {
		if !r.rule.Soft {
			continue
		}
		w, err := s.window(ctx, r)
		if err != nil || w.count() >= r.rule.Max {
			return err == nil, err
		}
	}
	return false, nil
}

// Add counts one event without refusing it and returns how many the window now holds.
func (s *Service) Add(ctx context.Context, key string, rule Rule) (int, error) {
	rule.Max = unbounded
	err := s.db.InTx(ctx, func(ctx context.Context) error {
		_, err := s.take(ctx, s.row(key, rule))
		return err
	})
	if err != nil {
		return 0, err
	}
	n, _, err := s.Count(ctx, key, rule)
	return n, err
}

// Count returns how many events the last Per of rule holds and when the first of them
// leaves it; zero and the zero time when there are none.
func (s *Service) Count(ctx context.Context, key string, rule Rule) (int, time.Time, error) {
	w, err := s.window(ctx, s.row(key, rule))
	n := w.count()
	if err != nil || n == 0 {
		return 0, time.Time{}, err
	}
	return n, w.room(n), nil
}

// Refund takes back one event of each rule: the thing did not happen after all.
func (s *Service) Refund(ctx context.Context, key string, rules ...Rule) error {
	return s.RefundAll(ctx, []Charge{{Key: key, Rules: rules}})
}

// RefundAll is Refund for several keys at once.
func (s *Service) RefundAll(ctx context.Context, charges []Charge) error {
	return s.db.InTx(ctx, func(ctx context.Context) error {
		for _, r := range s.rows(charges) {
			if err := s.refund(ctx, r); err != nil {
				return err
			}
		}
		return nil
	})
}

// Clear forgets every event of the rules of key; without rules, all of key.
func (s *Service) Clear(ctx context.Context, key string, rules ...Rule) error {
	if len(rules) == 0 {
		return s.clearKey(ctx, s.hash(key))
	}
	return s.db.InTx(ctx, func(ctx context.Context) error {
		for _, r := range s.rows([]Charge{{Key: key, Rules: rules}}) {
			if err := s.clear(ctx, r); err != nil {
				return err
			}
		}
		return nil
	})
}

// Sweep deletes counters whose events are all too old to count and returns how many.
func (s *Service) Sweep(ctx context.Context) (int64, error) {
	var total int64
	for {
		n, err := s.sweep(ctx, sweepBatch)
		total += n
		if err != nil || n < sweepBatch {
			return total, err
		}
	}
}

const (
	unbounded  = math.MaxInt32
	sweepBatch = 1000
)

// row is one counter: a stored key and the rule it is counted by.
type row struct {
	key  string
	rule Rule
}

func (s *Service) row(key string, r Rule) row { return row{key: s.hash(key), rule: s.actual(r)} }

// rows lists the counters of charges in one fixed order, so that two transactions never
// wait for each other's rows.
func (s *Service) rows(charges []Charge) []row {
	var all []row
	for _, c := range charges {
		key := s.hash(c.Key)
		for _, r := range c.Rules {
			all = append(all, row{key: key, rule: s.actual(r)})
		}
	}
	slices.SortFunc(all, func(a, b row) int {
		return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.rule.Name, b.rule.Name))
	})
	return all
}

func (s *Service) hash(key string) string {
	return base64.RawURLEncoding.EncodeToString(s.ring.MAC("limit", []byte(key)))
}

// tripped returns the longest wait among the full counters of rows, zero when none is.
func (s *Service) tripped(ctx context.Context, rows []row) (time.Duration, error) {
	var wait time.Duration
	now := s.now()
	for _, r := range rows {
		w, err := s.window(ctx, r)
		if err != nil {
			return 0, err
		}
		if w.count() >= r.rule.most() {
			wait = max(wait, w.room(r.rule.Max).Sub(now))
		}
	}
	return wait, nil
}

func refusal(wait time.Duration) error {
	// Whole seconds, rounded up: Retry-After has no fractions.
	wait = (wait + time.Second - 1).Truncate(time.Second)
	return errs.New(errs.TooManyRequests).After(wait)
}

// Wait returns how long a refusal asks the caller to wait and whether err is one.
func Wait(err error) (time.Duration, bool) {
	if !errors.Is(err, errs.New(errs.TooManyRequests)) {
		return 0, false
	}
	return errs.From(err).RetryAfter, true
}
