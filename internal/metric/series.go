package metric

import (
	"context"
	"fmt"
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
// result and step; steps without anything are left out. What was counted in the last
// seconds may still be missing.
func (s *Service) Series(ctx context.Context, poolID string, in Span) ([]Row, error) {
	rows, err := s.series(ctx, poolID, hourOf(in.From), hourOf(in.Until), int64(in.Step/time.Hour))
	if err != nil {
		return nil, fmt.Errorf("read numbers: %w", err)
	}
	return rows, nil
}
