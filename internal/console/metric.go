package console

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/tigertally/tigertally/api"
)

// metricRoutes are the pages about numbers over time; the overview shows them.
func (c *Console) metricRoutes() []route {
	return nil
}

// chartData is numbers over time as charts take them.
type chartData struct {
	api.Metrics

	zone *time.Location // whose days they are
}

// labels are what stands below the bars.
func (d chartData) labels() []string {
	all := make([]string, len(d.Starts))
	for i, t := range d.Starts {
		all[i] = t.In(d.zone).Format("01-02")
	}
	return all
}

// sum adds up the series of a name whose group is one of groups, any when there are none.
func (d chartData) sum(name string, groups ...string) []float64 {
	total := make([]float64, len(d.Starts))
	for _, s := range d.Series {
		if s.Name != name || len(groups) > 0 && !slices.Contains(groups, s.Group) {
			continue
		}
		for i, v := range s.Values {
			total[i] += v
		}
	}
	return total
}

// line is the one series with a name and a label.
func (d chartData) line(name, label string) []float64 {
	for _, s := range d.Series {
		if s.Name == name && s.Label == label {
			return s.Values
		}
	}
	return make([]float64, len(d.Starts))
}

// any reports whether something of a name was counted.
func (d chartData) any(names ...string) bool {
	return slices.ContainsFunc(d.Series, func(s api.MetricSeries) bool { return slices.Contains(names, s.Name) })
}

// colours is how many series a chart tells apart.
const colours = 6

// split makes a series of each label, the largest first; those beyond the colours are one.
func (d chartData) split(p *page, name, prefix string, groups ...string) []series {
	var all []series
	at := map[string]int{}
	for _, s := range d.Series {
		if s.Name != name || len(groups) > 0 && !slices.Contains(groups, s.Group) {
			continue
		}
		i, ok := at[s.Label]
		if !ok {
			i = len(all)
			at[s.Label] = i
			all = append(all, series{name: p.said(prefix, s.Label), values: make([]float64, len(d.Starts))})
		}
		all[i].add(s.Values)
	}
	slices.SortStableFunc(all, func(a, b series) int { return cmp.Compare(total(b.values), total(a.values)) })
	if len(all) > colours {
		rest := series{name: p.say("overview_rest"), values: make([]float64, len(d.Starts))}
		for _, s := range all[colours-1:] {
			rest.add(s.values)
		}
		all = append(all[:colours-1], rest)
	}
	for i := range all {
		all[i].class = fmt.Sprintf("c%d", i+1)
	}
	return all
}

func (s series) add(values []float64) {
	for i, v := range values {
		s.values[i] += v
	}
}

func total(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum
}

// less is a without b, not below zero.
func less(a, b []float64) []float64 {
	rest := make([]float64, len(a))
	for i := range a {
		rest[i] = max(0, a[i]-at(b, i))
	}
	return rest
}

// figure is a number of today beside that of yesterday.
type figure struct {
	name             string
	today, yesterday float64
	unit             string
}

// figures are the numbers on top of the overview.
func (d chartData) figures(p *page) []figure {
	last := func(values []float64) (today, yesterday float64) {
		n := len(values)
		return at(values, n-1), at(values, max(0, n-2))
	}
	var all []figure
	for _, f := range []struct {
		name   string
		values []float64
		unit   string
	}{
		{p.say("overview_sign_ins"), d.sum("sign_in", "ok"), ""},
		{p.say("overview_refused"), d.sum("sign_in", "refused"), ""},
		{p.say("overview_new"), d.sum("sign_up", "ok"), ""},
		{p.say("overview_codes"), d.sum("code_send", "ok"), ""},
		{p.say("overview_p95"), d.line("latency_ms", "p95"), "ms"},
	} {
		v := figure{name: f.name, unit: f.unit}
		v.today, v.yesterday = last(f.values)
		all = append(all, v)
	}
	return all
}

// text is a number without needless digits.
func (f figure) text(v float64) string {
	if f.unit != "" {
		return fmt.Sprintf("%.0f %s", v, f.unit)
	}
	return number(int64(v))
}
