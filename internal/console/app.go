package console

import (
	"context"
	"net/http"

	"github.com/tigertally/tigertally/api"
	"github.com/tigertally/tigertally/internal/manage"
)

// appRoutes are the pages about applications.
func (c *Console) appRoutes() []route {
	const apps, app = "/pools/{pool}/apps", "/pools/{pool}/apps/{app}"
	return []route{
		{method: http.MethodGet, path: apps, ops: []manage.Op{manage.AppList}, handle: showApps},
		{method: http.MethodGet, path: apps + "/new", handle: newApp},
		{method: http.MethodPost, path: apps + "/new", ops: []manage.Op{manage.AppCreate}, handle: createApp},
		{method: http.MethodGet, path: app, ops: []manage.Op{manage.AppGet, manage.AppSnippets}, handle: showApp},
		{method: http.MethodGet, path: app + "/edit", ops: []manage.Op{manage.AppGet}, handle: editApp},
		{method: http.MethodPost, path: app + "/edit", ops: []manage.Op{manage.AppUpdate}, handle: changeApp},
		{method: http.MethodPost, path: app + "/secret", ops: []manage.Op{manage.AppNewSecret}, handle: newAppSecret},
		{method: http.MethodPost, path: app + "/remove", ops: []manage.Op{manage.AppRemove}, handle: removeApp},
	}
}

func (p *page) appRef() api.AppRef {
	return api.AppRef{PoolRef: p.poolRef(), App: p.r.PathValue("app")}
}

func showApps(ctx context.Context, p *page) error {
	list, err := p.c.Manage.Apps(ctx, p.who, p.poolRef())
	if err != nil {
		return err
	}
	return p.show(ctx, "menu_apps", appsPage(p, list.Items))
}

func newApp(ctx context.Context, p *page) error {
	return p.show(ctx, "app_new", appForm(p, api.App{}, "", true))
}

func createApp(ctx context.Context, p *page) error {
	f := p.r.PostForm
	in := api.NewApp{
		PoolRef: p.poolRef(), ID: f.Get("id"), Name: f.Get("name"), Origins: list(f.Get("origins")),
		RedirectURIs: list(f.Get("redirect_uris")), LogoutURIs: list(f.Get("logout_uris")),
	}
	made, err := p.c.Manage.CreateApp(ctx, p.who, in)
	if err != nil {
		if err := p.refuse(err); err != nil {
			return err
		}
		typed := api.App{ID: in.ID, Name: in.Name, Origins: in.Origins, RedirectURIs: in.RedirectURIs, LogoutURIs: in.LogoutURIs}
		return p.show(ctx, "app_new", appForm(p, typed, "", true))
	}
	return p.done(p.link("apps", made.ID), "app_made")
}

func showApp(ctx context.Context, p *page) error { return p.appPage(ctx, "") }

// appPage shows an application, with a secret that was made just now.
func (p *page) appPage(ctx context.Context, secret string) error {
	a, err := p.c.Manage.App(ctx, p.who, p.appRef())
	if err != nil {
		return err
	}
	snippets, err := p.c.Manage.Snippets(ctx, p.who, p.appRef())
	if err != nil {
		return err
	}
	return p.show(ctx, "app", appPage(p, a, snippets.Items, secret))
}

func editApp(ctx context.Context, p *page) error {
	a, err := p.c.Manage.App(ctx, p.who, p.appRef())
	if err != nil {
		return err
	}
	return p.show(ctx, "app_edit", appForm(p, a, api.ETag(a), false))
}

func changeApp(ctx context.Context, p *page) error {
	f := p.r.PostForm
	name, origins, signedIn, signedOut := f.Get("name"), list(f.Get("origins")), list(f.Get("redirect_uris")), list(f.Get("logout_uris"))
	in := api.AppChange{
		AppRef: p.appRef(), Guarded: api.Guarded{IfMatch: f.Get("etag")},
		Name: &name, Origins: &origins, RedirectURIs: &signedIn, LogoutURIs: &signedOut,
	}
	if _, err := p.c.Manage.UpdateApp(ctx, p.who, in); err != nil {
		if err := p.refuse(err); err != nil {
			return err
		}
		typed := api.App{ID: in.App, Name: name, Origins: origins, RedirectURIs: signedIn, LogoutURIs: signedOut}
		return p.show(ctx, "app_edit", appForm(p, typed, f.Get("etag"), false))
	}
	return p.done(p.link("apps", in.App), "saved")
}

func newAppSecret(ctx context.Context, p *page) error {
	made, err := p.c.Manage.NewAppSecret(ctx, p.who, p.appRef())
	if err != nil {
		return err
	}
	return p.appPage(ctx, made.Secret)
}

func removeApp(ctx context.Context, p *page) error {
	if _, err := p.c.Manage.RemoveApp(ctx, p.who, p.appRef()); err != nil {
		if err := p.refuse(err); err != nil {
			return err
		}
		return p.appPage(ctx, "")
	}
	return p.done(p.link("apps"), "app_removed")
}
