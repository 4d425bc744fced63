package console

import (
	"context"
	"net/http"
	"time"

	"github.com/tigertally/tigertally/api"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/manage"
)

// overviewRoutes are the first pages somebody sees.
func (c *Console) overviewRoutes() []route {
	return []route{
		{method: http.MethodGet, path: "", handle: home},
		{method: http.MethodGet, path: "/{$}", handle: home},
		{method: http.MethodGet, path: "/choose", handle: choose},
		{method: http.MethodGet, path: "/pools/{pool}", ops: []manage.Op{
			manage.PoolList, manage.PoolGet, manage.MetricSeries, manage.PoolSetup,
		}, handle: overview},
	}
}

// home leads to the only pool there is, or lets one be chosen.
func home(ctx context.Context, p *page) error {
	if len(p.pools) == 1 {
		p.pool = p.pools[0]
		return p.redirect(p.link())
	}
	return p.show(ctx, "pools", poolsPage(p))
}

// choose leads to the pool that was picked in the header.
func choose(_ context.Context, p *page) error {
	for _, v := range p.pools {
		if v.ID == p.r.FormValue("pool") {
			p.pool = v
			return p.redirect(p.link())
		}
	}
	return errs.New(errs.PoolNotFound)
}

// overviewDays is how many days the charts show, today included.
const overviewDays = 14

func overview(ctx context.Context, p *page) error {
	if !p.may(manage.PoolSetup) || !p.may(manage.MetricSeries) {
		return p.show(ctx, "menu_overview", overviewPage(p, api.Setup{Done: true}, chartData{}))
	}
	setup, err := p.c.Manage.Setup(ctx, p.who, p.poolRef())
	if err != nil {
		return err
	}
	_, offset := p.now.Zone()
	in := api.MetricQuery{
		PoolRef: p.poolRef(), Step: "day", UTCOffset: offset / 60,
		From: p.now.AddDate(0, 0, 1-overviewDays).UTC().Format(time.RFC3339), To: p.now.UTC().Add(time.Second).Format(time.RFC3339),
	}
	m, err := p.c.Manage.Metrics(ctx, p.who, in)
	if err != nil {
		return err
	}
	return p.show(ctx, "menu_overview", overviewPage(p, setup, chartData{m, p.now.Location()}))
}
