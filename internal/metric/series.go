package metric

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/tigertally/tigertally/internal/errs"
)

// Span is a stretch of time in steps of one length.
type Span struct {
	From, Until time.Time     // whole steps; Until is not included
	Step        time.Duration // whole hours
}

// maxSteps bounds one answer.
const maxSteps = 1000

// NewSpan is the span of steps that holds from and everything before until. Steps begin
// where steps since the beginning of a day do that is offset ahead of UTC. Errors:
// BadRequest for a span that is empty or has more than 1000 steps.
func NewSpan(from, until time.Time, step, offset time.Duration) (Span, error) {
	floor := func(t time.Time) time.Time { return t.Add(offset).Truncate(step).Add(-offset).Truncate(time.Hour) }
	s := Span{From: floor(from).UTC(), Until: floor(until.Add(step - 1)).UTC(), Step: step}
	if !s.From.Before(s.Until) || s.Steps() > maxSteps {
		return Span{}, errs.New(errs.BadRequest, "field", "from")
	}
	return s, nil
}

// Steps is how many steps the span has.
func (s Span) Steps() int { return int(s.Until.Sub(s.From) / s.Step) }

// Starts lists when the steps begin.
func (s Span) Starts() []time.Time {
	all := make([]time.Time, s.Steps())
	for i := range all {
		all[i] = s.From.Add(time.Duration(i) * s.Step)
	}
	return all
}

// Row is how often something happened in one step of a span.
type Row struct {
	Step                int // from 0
	Name, Label, Result string
	N                   int64
}

// Series returns what was counted of a pool in a span, in the order of name, label,
// result and step; steps without anything are left out. What other nodes counted in the
// last seconds may still be missing.
func (s *Service) Series(ctx context.Context, poolID string, in Span) ([]Row, error) {
	rows, err := s.series(ctx, poolID, hourOf(in.From), hourOf(in.Until), int64(in.Step/time.Hour))
	if err != nil {
		return nil, fmt.Errorf("read numbers: %w", err)
	}
	return merge(append(rows, s.pending(poolID, in)...)), nil
}

// pending is what this node has counted and not stored.
func (s *Service) pending(poolID string, in Span) (all []Row) {
	from, until, step := hourOf(in.From), hourOf(in.Until), int64(in.Step/time.Hour)
	s.mu.Lock()
	defer s.mu.Unlock()
	for k, n := range s.counts {
		if k.pool == poolID && k.hour >= from && k.hour < until {
			all = append(all, Row{Step: int((k.hour - from) / step), Name: k.name, Label: k.label, Result: k.result, N: n})
		}
	}
	return all
}

// merge adds up rows of the same series and step, and sorts them.
func merge(all []Row) []Row {
	slices.SortFunc(all, func(a, b Row) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Label, b.Label), cmp.Compare(a.Result, b.Result), cmp.Compare(a.Step, b.Step))
	})
	merged := all[:0]
	for _, r := range all {
		if n := len(merged); n > 0 && merged[n-1].Step == r.Step && merged[n-1].Name == r.Name && merged[n-1].Label == r.Label &&
			merged[n-1].Result == r.Result {
			merged[n-1].N += r.N
			continue
		}
		merged = append(merged, r)
	}
	return merged
}
