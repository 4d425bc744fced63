package console

import (
	"context"
	"net/http"
	"slices"

	"github.com/tigertally/tigertally/api"
	"github.com/tigertally/tigertally/internal/manage"
)

// tryRoutes are the page about the ways to sign in, from which one can try them.
func (c *Console) tryRoutes() []route {
	return []route{
		{method: http.MethodGet, path: "/pools/{pool}/try", ops: []manage.Op{manage.SignInWays, manage.AppTry, manage.AppList}, handle: tryPage},
	}
}

// signInTrial is what the page to try signing in shows.
type signInTrial struct {
	ways []api.SignInWay
	apps []api.App
	app  api.App        // the chosen one; zero when there is none
	at   api.TryAddress // zero when app has no address to come back to
}

func tryPage(ctx context.Context, p *page) error {
	ways, err := p.c.Manage.SignInWays(ctx, p.who, p.poolRef())
	if err != nil {
		return err
	}
	apps, err := p.c.Manage.Apps(ctx, p.who, p.poolRef())
	if err != nil {
		return err
	}
	t := signInTrial{ways: ways.Items, apps: apps.Items}
	if t.app = chosen(apps.Items, p.r.FormValue("app")); len(t.app.RedirectURIs) > 0 {
		in := api.TryLink{AppRef: api.AppRef{PoolRef: p.poolRef(), App: t.app.ID}}
		if to := p.r.FormValue("to"); slices.Contains(t.app.RedirectURIs, to) {
			in.RedirectURI = to
		}
		if t.at, err = p.c.Manage.TryApp(ctx, p.who, in); err != nil {
			return err
		}
	}
	return p.show(ctx, "menu_try", tryView(p, t))
}

// chosen is the application called id, or else the first that can be tried.
func chosen(apps []api.App, id string) api.App {
	var first api.App
	for _, a := range apps {
		if a.ID == id {
			return a
		}
		if first.ID == "" || len(first.RedirectURIs) == 0 && len(a.RedirectURIs) > 0 {
			first = a
		}
	}
	return first
}

// wayPath is where a way to sign in is switched, and which operation shows that page; ""
// when it is configured outside the console.
func (p *page) wayPath(w api.SignInWay) (path string, op manage.Op) {
	switch w.Name {
	case "provider":
		return p.link("providers", w.Provider), manage.ProviderGet
	case "ticket":
		return p.link("keys"), manage.KeyList
	case "code_sms", "code_email":
		return p.link("messages"), manage.PoolGet
	case "onetap":
		return "", ""
	}
	return p.link("settings"), manage.PoolSettings
}

// wayTitle is what a way to sign in is called.
func (p *page) wayTitle(w api.SignInWay) string {
	if w.Name == "provider" {
		return p.providerTitle(api.Provider{ID: w.Provider, Kind: w.Kind, Name: w.Title})
	}
	return p.say("try_way_" + w.Name)
}

// wayHint says what a way to sign in is, or why it is off.
func (p *page) wayHint(w api.SignInWay) string {
	if !w.On {
		return p.word("try_off_" + w.Name)
	}
	return p.word("try_way_" + w.Name + "_hint")
}
