package console

import (
	"context"
	"net/http"

	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/manage"
)

// overviewRoutes are the first pages somebody sees.
func (c *Console) overviewRoutes() []route {
	return []route{
		{method: http.MethodGet, path: "", handle: home},
		{method: http.MethodGet, path: "/{$}", handle: home},
		{method: http.MethodGet, path: "/choose", handle: choose},
		{method: http.MethodGet, path: "/pools/{pool}", ops: []manage.Op{manage.PoolList, manage.PoolGet}, handle: overview},
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

func overview(ctx context.Context, p *page) error {
	return p.show(ctx, "menu_overview", overviewPage(p))
}
