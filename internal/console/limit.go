package console

import (
	"context"
	"fmt"
	"net/http"
	"net/url"

	"github.com/tigertally/tigertally/api"
	"github.com/tigertally/tigertally/internal/manage"
)

// limitRoutes are the pages about limits and lockouts.
func (c *Console) limitRoutes() []route {
	const limits = "/pools/{pool}/limits"
	return []route{
		{method: http.MethodGet, path: limits, ops: []manage.Op{manage.LimitCheck, manage.LimitList}, handle: showLimits},
		{method: http.MethodPost, path: limits, ops: []manage.Op{manage.LimitRelease}, handle: releaseLimits},
	}
}

// showLimits shows how far the counters of somebody or something stand, of the whole pool
// when nobody was asked about.
func showLimits(ctx context.Context, p *page) error {
	in := api.LimitQuery{PoolRef: p.poolRef(), Subject: p.r.FormValue("subject"), Kind: p.r.FormValue("kind")}
	if in.Subject == "" {
		in.Kind = ""
	}
	state, err := p.c.Manage.LimitState(ctx, p.who, in)
	if err := p.refuse(err); err != nil {
		return err
	}
	rules, err := p.c.Manage.Limits(ctx, p.who, p.poolRef())
	if err != nil {
		return err
	}
	return p.show(ctx, "menu_limits", limitsPage(p, in, state, rules.Items))
}

func releaseLimits(ctx context.Context, p *page) error {
	in := api.LimitRelease{
		PoolRef: p.poolRef(), Subject: p.r.PostFormValue("subject"), Kind: p.r.PostFormValue("kind"), Rule: p.r.PostFormValue("rule"),
	}
	if _, err := p.c.Manage.ReleaseLimits(ctx, p.who, in); err != nil {
		if err := p.refuse(err); err != nil {
			return err
		}
		return showLimits(ctx, p)
	}
	return p.done(p.limitsOf(in.Subject, in.Kind), "limits_released")
}

// limitsOf is the address of the page about the limits of somebody or something.
func (p *page) limitsOf(subject, kind string) string {
	if subject == "" {
		return p.link("limits")
	}
	q := url.Values{"subject": {subject}}
	if kind != "" {
		q.Set("kind", kind)
	}
	return p.link("limits") + "?" + q.Encode()
}

// counted is the counters that hold something.
func counted(all []api.LimitCounter) []api.LimitCounter {
	var some []api.LimitCounter
	for _, c := range all {
		if c.Count > 0 {
			some = append(some, c)
		}
	}
	return some
}

// span is a length of time in words.
func (p *page) span(seconds int64) string {
	for _, unit := range []struct {
		name    string
		seconds int64
	}{{"days", 86400}, {"hours", 3600}, {"minutes", 60}} {
		switch n := seconds / unit.seconds; {
		case seconds%unit.seconds != 0 || n == 0:
		case n == 1:
			return p.say("limits_1_" + unit.name)
		default:
			return p.say("limits_"+unit.name, "n", fmt.Sprint(n))
		}
	}
	return p.say("limits_seconds", "n", fmt.Sprint(seconds))
}

// most is the number of a rule in words.
func (p *page) most(l api.Limit) string {
	if l.Most == 0 {
		return p.say("limits_unbounded")
	}
	return p.say("limits_most", "n", number(int64(l.Most)), "span", p.span(l.Seconds))
}
