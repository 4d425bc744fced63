package manage

import (
	"cmp"
	"context"
	"time"

	"github.com/tigertally/tigertally/api"
	"github.com/tigertally/tigertally/internal/delivery"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/metric"
	"github.com/tigertally/tigertally/internal/operator"
)

// What can be done with numbers over time.
const (
	MetricSeries Op = "metric.series"
	PoolSetup    Op = "pool.setup"
)

// metricOperations are what can be done with numbers over time.
func metricOperations() []Operation {
	return []Operation{
		{MetricSeries, operator.MetricsRead, "Show numbers over time: sign-ins, new people, codes, messages, speed"},
		{PoolSetup, operator.PoolsRead, "Show what is left to set up in a user pool"},
	}
}

// Numbers are what charts are made of.
type Numbers struct {
	Metrics    *metric.Service
	Deliveries *delivery.Service
	// Ready says what a pool can do already.
	Ready func(ctx context.Context, poolID string) (Ready, error)
}

// Ready is what a pool can do already; a name is "" for what it cannot.
type Ready struct {
	SMS, Mail string // the vendor
	Provider  string // an identity provider that is switched on
	OneTap    bool   // phones can prove their number by their carrier
}

// The names of series that are made here.
const (
	seriesParts   = "message_parts"
	seriesLatency = "latency_ms"
)

// defaultDays is what a chart shows when nobody says.
const defaultDays = 14

// Metrics returns what was counted in a pool. BadRequest for times that are none and for
// more than 1000 steps.
func (s *Service) Metrics(ctx context.Context, p operator.Principal, in api.MetricQuery) (api.Metrics, error) {
	if _, err := s.may(ctx, p, MetricSeries, in.Pool); err != nil {
		return api.Metrics{}, err
	}
	span, err := s.span(&in)
	if err != nil {
		return api.Metrics{}, err
	}
	rows, err := s.d.Numbers.Metrics.Series(ctx, in.Pool, span)
	if err != nil {
		return api.Metrics{}, err
	}
	parts, err := s.d.Numbers.Deliveries.SpentBy(ctx, in.Pool, span.From, span.Until, span.Step)
	if err != nil {
		return api.Metrics{}, err
	}
	out := api.Metrics{Step: in.Step, Starts: span.Starts(), Series: []api.MetricSeries{}}
	out.Series = append(out.Series, counted(rows, span.Steps())...)
	out.Series = append(out.Series, latency(rows, span.Steps())...)
	out.Series = append(out.Series, spent(parts, span.Steps())...)
	return out, nil
}

// span reads what stretch of time is asked for, and says what was left open.
func (s *Service) span(in *api.MetricQuery) (metric.Span, error) {
	from, err := readTime("from", in.From)
	if err != nil {
		return metric.Span{}, err
	}
	to, err := readTime("to", in.To)
	if err != nil {
		return metric.Span{}, err
	}
	if in.UTCOffset < -24*60 || in.UTCOffset > 24*60 {
		return metric.Span{}, errs.New(errs.BadRequest, "field", "utc_offset")
	}
	if to.IsZero() {
		to = s.d.Now()
	}
	if from.IsZero() {
		from = to.AddDate(0, 0, 1-defaultDays)
	}
	step := 24 * time.Hour
	switch in.Step {
	case "":
		in.Step = "day"
	case "hour":
		step = time.Hour
	case "day":
	default:
		return metric.Span{}, errs.New(errs.BadRequest, "field", "step")
	}
	return metric.NewSpan(from, to, step, time.Duration(in.UTCOffset)*time.Minute)
}

// counted makes lines of what was counted, but for latency.
func counted(rows []metric.Row, steps int) (all []api.MetricSeries) {
	for _, r := range rows {
		if r.Name == metric.Latency {
			continue
		}
		if n := len(all); n == 0 || all[n-1].Name != r.Name || all[n-1].Label != r.Label || all[n-1].Result != r.Result {
			all = append(all, api.MetricSeries{
				Name: r.Name, Label: r.Label, Result: r.Result, Group: group(r.Result), Values: make([]float64, steps),
			})
		}
		all[len(all)-1].Values[r.Step] = float64(r.N)
	}
	return all
}

// latency makes the lines of how long half, and all but the slowest twentieth, of the
// sign-ins took at most.
func latency(rows []metric.Row, steps int) []api.MetricSeries {
	classes := make([]map[string]int64, steps)
	seen := false
	for _, r := range rows {
		if r.Name != metric.Latency {
			continue
		}
		if classes[r.Step] == nil {
			classes[r.Step] = map[string]int64{}
		}
		classes[r.Step][r.Label], seen = r.N, true
	}
	if !seen {
		return nil
	}
	all := []api.MetricSeries{{Name: seriesLatency, Label: "p50"}, {Name: seriesLatency, Label: "p95"}}
	for i, q := range []float64{0.5, 0.95} {
		for _, c := range classes {
			all[i].Values = append(all[i].Values, metric.Quantile(q, c))
		}
	}
	return all
}

// spent makes lines of the messages that had to be paid for, by country.
func spent(parts []delivery.Part, steps int) (all []api.MetricSeries) {
	for _, p := range parts {
		label := cmp.Or(p.Country, p.Channel)
		if n := len(all); n == 0 || all[n-1].Label != label {
			all = append(all, api.MetricSeries{Name: seriesParts, Label: label, Values: make([]float64, steps)})
		}
		all[len(all)-1].Values[p.Step] += float64(p.Units)
	}
	return all
}
