package manage

import (
	"context"
	"slices"

	"github.com/tigertally/tigertally/api"
	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/operator"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/secret"
)

// What can be done with applications.
const (
	AppList      Op = "app.list"
	AppGet       Op = "app.get"
	AppCreate    Op = "app.create"
	AppUpdate    Op = "app.update"
	AppRemove    Op = "app.remove"
	AppNewSecret Op = "app.new-secret"
	AppSnippets  Op = "app.snippets"
)

// appOperations are what can be done with applications.
func appOperations() []Operation {
	return []Operation{
		{AppList, operator.AppsRead, "List the applications of a pool"},
		{AppGet, operator.AppsRead, "Show an application"},
		{AppCreate, operator.AppsWrite, "Make an application"},
		{AppUpdate, operator.AppsWrite, "Change an application: name, origins and addresses"},
		{AppRemove, operator.AppsWrite, "Remove an application, which ends the sessions people have with it"},
		{AppNewSecret, operator.AppsWrite, "Give an application another client secret; the one before stays good, an older one ends"},
		{AppSnippets, operator.AppsRead, "Show what to paste into an app so that it signs people in here"},
	}
}

// Apps lists the applications of a pool, by id. There are few: they are not paged.
func (s *Service) Apps(ctx context.Context, p operator.Principal, in api.PoolRef) (list api.List[api.App], err error) {
	if _, err := s.may(ctx, p, AppList, in.Pool); err != nil {
		return list, err
	}
	apps, err := s.d.Pools.Apps(ctx, in.Pool)
	list.Items = make([]api.App, len(apps))
	for i, a := range apps {
		list.Items[i] = appView(a)
	}
	return list, err
}

// App returns an application. Errors: AppNotFound.
func (s *Service) App(ctx context.Context, p operator.Principal, in api.AppRef) (api.App, error) {
	if _, err := s.may(ctx, p, AppGet, in.Pool); err != nil {
		return api.App{}, err
	}
	a, err := s.app(ctx, in)
	return appView(a), err
}

// app finds an application of the pool that in names.
func (s *Service) app(ctx context.Context, in api.AppRef) (pool.App, error) {
	apps, err := s.d.Pools.Apps(ctx, in.Pool)
	if err != nil {
		return pool.App{}, err
	}
	for _, a := range apps {
		if a.ID == in.App {
			return a, nil
		}
	}
	return pool.App{}, errs.New(errs.AppNotFound)
}

// CreateApp makes an application. Errors: AppTaken, BadRequest, RedirectRefused.
func (s *Service) CreateApp(ctx context.Context, p operator.Principal, in api.NewApp) (api.App, error) {
	m, err := s.may(ctx, p, AppCreate, in.Pool)
	if err != nil {
		return api.App{}, err
	}
	if in.Name == "" {
		return api.App{}, errs.New(errs.FieldMissing, "field", "name")
	}
	if in.ID == "" {
		in.ID = secret.ID()
	}
	err = s.changed(ctx, m, audit.AppCreate, map[string]string{"app": in.ID}, func(ctx context.Context) error {
		err := s.d.Pools.CreateApp(ctx, pool.App{ID: in.ID, PoolID: in.Pool, Name: in.Name, Settings: pool.AppSettings{FirstParty: true}})
		if errs.CodeOf(err) == errs.PoolTaken { // applications and pools share their ids
			return errs.New(errs.AppTaken).Because(err)
		}
		if err != nil {
			return err
		}
		if err := s.d.Pools.SetOrigins(ctx, in.ID, in.Origins); err != nil {
			return err
		}
		return s.d.Pools.SetRedirects(ctx, in.ID, in.RedirectURIs, in.LogoutURIs)
	})
	if err != nil {
		return api.App{}, err
	}
	a, err := s.app(ctx, api.AppRef{PoolRef: in.PoolRef, App: in.ID})
	return appView(a), err
}

// UpdateApp changes what is given of an application. Errors: AppNotFound, EditConflict,
// BadRequest, RedirectRefused.
func (s *Service) UpdateApp(ctx context.Context, p operator.Principal, in api.AppChange) (api.App, error) {
	m, err := s.may(ctx, p, AppUpdate, in.Pool)
	if err != nil {
		return api.App{}, err
	}
	err = s.changed(ctx, m, audit.AppChange, map[string]string{"app": in.App}, func(ctx context.Context) error {
		now, err := s.app(ctx, in.AppRef)
		if err != nil {
			return err
		}
		if err := match(in.Guarded, appView(now)); err != nil {
			return err
		}
		return s.updateApp(ctx, in, now)
	})
	if err != nil {
		return api.App{}, err
	}
	a, err := s.app(ctx, in.AppRef)
	return appView(a), err
}

// updateApp writes each part that is given, in the transaction of ctx. What stays as it
// was is not looked at again: a development server lets in every origin, which nobody could
// ask for.
func (s *Service) updateApp(ctx context.Context, in api.AppChange, now pool.App) error {
	if in.Name != nil {
		if err := s.d.Pools.RenameApp(ctx, in.App, *in.Name); err != nil {
			return err
		}
	}
	if in.Origins != nil && !slices.Equal(*in.Origins, now.Settings.Origins) {
		if err := s.d.Pools.SetOrigins(ctx, in.App, *in.Origins); err != nil {
			return err
		}
	}
	signedIn, signedOut := now.Settings.RedirectURIs, now.Settings.LogoutURIs
	put(&signedIn, in.RedirectURIs)
	put(&signedOut, in.LogoutURIs)
	if !slices.Equal(signedIn, now.Settings.RedirectURIs) || !slices.Equal(signedOut, now.Settings.LogoutURIs) {
		if err := s.d.Pools.SetRedirects(ctx, in.App, signedIn, signedOut); err != nil {
			return err
		}
	}
	if in.RefreshGrace == nil {
		return nil
	}
	return s.d.Pools.SetRefreshGrace(ctx, in.App, *in.RefreshGrace)
}

// RemoveApp removes an application and ends the sessions people have with it. The pool's
// own application stays. Errors: AppNotFound, AppDefault.
func (s *Service) RemoveApp(ctx context.Context, p operator.Principal, in api.AppRef) (api.None, error) {
	m, err := s.may(ctx, p, AppRemove, in.Pool)
	if err != nil {
		return api.None{}, err
	}
	if in.App == in.Pool {
		return api.None{}, errs.New(errs.AppDefault)
	}
	return api.None{}, s.changed(ctx, m, audit.AppRemove, map[string]string{"app": in.App}, func(ctx context.Context) error {
		if _, err := s.app(ctx, in); err != nil {
			return err
		}
		if err := s.d.Pools.RemoveApp(ctx, in.App); err != nil {
			return err
		}
		_, err := s.d.Sessions.RevokeApp(ctx, in.Pool, in.App, "app_removed")
		return err
	})
}

// NewAppSecret gives an application another client secret. Errors: AppNotFound.
func (s *Service) NewAppSecret(ctx context.Context, p operator.Principal, in api.AppRef) (out api.Secret, err error) {
	m, err := s.may(ctx, p, AppNewSecret, in.Pool)
	if err != nil {
		return out, err
	}
	detail := map[string]string{"app": in.App, "what": "secret"}
	err = s.changed(ctx, m, audit.AppChange, detail, func(ctx context.Context) error {
		if _, err := s.app(ctx, in); err != nil {
			return err
		}
		out.Secret, err = s.d.Pools.NewClientSecret(ctx, in.App)
		return err
	})
	return out, err
}

func appView(a pool.App) api.App {
	return api.App{
		ID: a.ID, Name: a.Name, Origins: append([]string{}, a.Settings.Origins...),
		RedirectURIs: append([]string{}, a.Settings.RedirectURIs...), LogoutURIs: append([]string{}, a.Settings.LogoutURIs...),
		RefreshGrace: a.Settings.RefreshGrace, Secrets: len(a.Settings.SecretHashes), Default: a.ID == a.PoolID,
	}
}
