package console

import (
	"context"
	"net/http"

	"github.com/tigertally/tigertally/api"
	"github.com/tigertally/tigertally/internal/caller"
	"github.com/tigertally/tigertally/internal/manage"
)

// doctorRoutes are the pages about checks of the installation.
func (c *Console) doctorRoutes() []route {
	return []route{{method: http.MethodGet, path: "/doctor", ops: []manage.Op{manage.DoctorRun}, handle: showDoctor}}
}

// showDoctor runs the checks, which change nothing, and shows what they found in the
// language of the page.
func showDoctor(ctx context.Context, p *page) error {
	from := caller.From(ctx)
	from.Lang = p.lang
	found, err := p.c.Manage.Examine(caller.With(ctx, from), p.who, api.None{})
	if err != nil {
		return err
	}
	return p.show(ctx, "menu_doctor", doctorPage(p, found))
}

// ofLevel are the findings of one level.
func ofLevel(all []api.Finding, level string) []api.Finding {
	var some []api.Finding
	for _, f := range all {
		if f.Level == level {
			some = append(some, f)
		}
	}
	return some
}

// levelTone is the tone of a badge.
func levelTone(level string) string {
	switch level {
	case "fail":
		return "bad"
	case "warn":
		return "warn"
	}
	return "good"
}
