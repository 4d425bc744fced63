package authing

import (
	"context"
	"net/http"

	"github.com/tigertally/tigertally/internal/admin"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/web"
)

// manageRoutes are what a server that manages a pool asks for by REST. The rest it asks
// for by GraphQL.
func (p *Protocol) manageRoutes() []route {
	all := []route{
		get("/api/v2/users/{id}", spoken(p, p.detail)),
		post("/api/v2/users/batch", governed(p, p.userBatch)),
		post("/api/v2/users/filter", governed(p, p.filterUsers)),
		post("/api/v2/users/kick", governed(p, p.kickUsers)),
		get("/api/v2/users/login-status", governed(p, p.userSignedIn)),
		post("/api/v2/password/check", public(p, nil, p.checkPlainPassword)),
	}
	for _, list := range []string{"orgs", "roles", "groups", "departments"} {
		all = append(all, get("/api/v2/users/{id}/"+list, spoken(p, p.nothingOf)))
	}
	return all
}

// spoken makes an endpoint for a person and a manager; fn tells them apart.
func spoken[In any](p *Protocol, fn func(context.Context, speaker, In) (any, error)) http.Handler {
	return web.JSON(p, func(ctx context.Context, in In) (any, error) {
		s, err := p.speaker(ctx)
		if err != nil {
			return nil, err
		}
		return wrapped(fn(ctx, s, in))
	})
}

// governed makes an endpoint only managers may call.
func governed[In any](p *Protocol, fn func(context.Context, admin.Manager, In) (any, error)) http.Handler {
	return spoken(p, func(ctx context.Context, s speaker, in In) (any, error) {
		if s.manager == nil {
			return nil, errs.New(errs.PermissionDenied)
		}
		return fn(ctx, *s.manager, in)
	})
}

// detail shows one person, with their custom data whether or not it was asked for.
func (p *Protocol) detail(ctx context.Context, s speaker, in pathID) (any, error) {
	o, err := p.userOf(ctx, s, text(in.ID))
	if err != nil {
		return nil, err
	}
	return p.graphqlUser(ctx, o)
}

// pathID names a person in the path.
type pathID struct {
	ID string `path:"id"`
}

// nothingOf answers for what nobody has here. Whom it is about has to be there.
func (p *Protocol) nothingOf(ctx context.Context, s speaker, in pathID) (any, error) {
	_, err := p.userOf(ctx, s, text(in.ID))
	return []any{}, err
}

type filterRequest struct {
	paging
	Filter []any `json:"filter"`
}

// filterUsers lists people; we have no filters.
func (p *Protocol) filterUsers(ctx context.Context, m admin.Manager, in filterRequest) (any, error) {
	if len(in.Filter) > 0 {
		return nil, errs.New(errs.NotImplemented)
	}
	return p.users(ctx, m, in.paging)
}

type kickRequest struct {
	IDs []string `json:"userIds"`
}

// kickUsers ends all sessions of people. Nobody of that id is no error.
func (p *Protocol) kickUsers(ctx context.Context, m admin.Manager, in kickRequest) (any, error) {
	return nil, p.admin.Kick(ctx, m, in.IDs, "")
}

type signedInRequest struct {
	UserID string `query:"userId"`
	AppID  string `query:"appId"`
}

// signedIn says whether somebody has a live session.
type signedIn struct {
	IsLogin bool         `json:"isLogin"`
	User    *graphqlUser `json:"user,omitempty"`
}

func (p *Protocol) userSignedIn(ctx context.Context, m admin.Manager, in signedInRequest) (any, error) {
	live, err := p.admin.LoginStatus(ctx, m, in.UserID, in.AppID)
	if err != nil {
		return nil, err
	}
	u, err := p.admin.User(ctx, m, in.UserID)
	if err != nil {
		return nil, err
	}
	shown, err := p.person(ctx, u)
	return signedIn{live, &shown}, err
}

// checkPlainPassword says whether the pool takes a password, in the list clients expect.
func (p *Protocol) checkPlainPassword(ctx context.Context, c pool.Client, in strengthRequest) (any, error) {
	return []strength{p.strengthOf(ctx, c, in.Password)}, nil
}
