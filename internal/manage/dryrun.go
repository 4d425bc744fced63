package manage

import (
	"cmp"
	"context"
	"encoding/json"
	"time"

	"github.com/tigertally/tigertally/api"
	"github.com/tigertally/tigertally/internal/admin"
	"github.com/tigertally/tigertally/internal/caller"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/i18n"
	"github.com/tigertally/tigertally/internal/operator"
	"github.com/tigertally/tigertally/internal/pipeline"
	"github.com/tigertally/tigertally/internal/pool"
)

// DryRun runs a function on a person and a context of the caller's choice. Nothing is
// stored or recorded. Whoever shows it a person must be allowed to see people.
//
// Errors: BadRequest with user or context as field when it is no object; FunctionNotFound,
// AppNotFound, UserNotFound. What the function does wrong is in the result.
func (s *Service) DryRun(ctx context.Context, p operator.Principal, in api.DryRun) (api.DryRunResult, error) {
	if _, err := s.may(ctx, p, PipelineDryRun, in.Pool); err != nil {
		return api.DryRunResult{}, err
	}
	if err := s.stored(ctx, &in); err != nil {
		return api.DryRunResult{}, err
	}
	client, err := s.clientOf(ctx, in)
	if err != nil {
		return api.DryRunResult{}, err
	}
	user, err := s.shownUser(ctx, p, in)
	if err != nil {
		return api.DryRunResult{}, err
	}
	given := map[string]any{}
	if err := object("context", in.Context, &given); err != nil {
		return api.DryRunResult{}, err
	}
	r, err := s.d.Pipelines.DryRun(ctx, client, pipeline.Point(in.Point), in.Source, user, given)
	if err != nil {
		return api.DryRunResult{}, err
	}
	return dryRunView(cmp.Or(caller.From(ctx).Lang, i18n.English), r)
}

// stored fills in the point and the source of a stored function where they are not given.
func (s *Service) stored(ctx context.Context, in *api.DryRun) error {
	if in.Pipeline == "" {
		return nil
	}
	f, err := s.d.Pipelines.Get(ctx, in.Pool, in.Pipeline)
	if err != nil {
		return err
	}
	if in.Source == "" {
		in.Source = f.Source
	}
	if in.Point == "" {
		in.Point = string(f.Point)
	}
	return nil
}

// clientOf is the application a dry run is for, of this pool.
func (s *Service) clientOf(ctx context.Context, in api.DryRun) (pool.Client, error) {
	if in.App == "" {
		in.App = in.Pool
	}
	a, err := s.app(ctx, api.AppRef{PoolRef: in.PoolRef, App: in.App})
	if err != nil {
		return pool.Client{}, err
	}
	v, err := s.d.Pools.Get(ctx, in.Pool)
	return pool.Client{Pool: v, App: a}, err
}

// shownUser is whom the function is shown: a person of the pool and what is given on top.
func (s *Service) shownUser(ctx context.Context, p operator.Principal, in api.DryRun) (map[string]any, error) {
	view := map[string]any{}
	if in.Person != "" {
		m, err := s.may(ctx, p, UserGet, in.Pool)
		if err != nil {
			return nil, err
		}
		if view, err = s.personView(ctx, m, in.Person); err != nil {
			return nil, err
		}
	}
	return view, object("user", in.User, &view)
}

func (s *Service) personView(ctx context.Context, m admin.Manager, id string) (map[string]any, error) {
	u, err := s.d.Admin.User(ctx, m, id)
	if err != nil {
		return nil, err
	}
	return pipeline.UserView(u, m.PoolID), nil
}

// object reads a JSON object into the keys of to.
func object(field string, raw json.RawMessage, to *map[string]any) error {
	if len(raw) == 0 {
		return nil
	}
	if err := json.Unmarshal(raw, to); err != nil {
		return errs.New(errs.BadRequest, "field", field).Because(err)
	}
	if *to == nil { // it was null
		return errs.New(errs.BadRequest, "field", field)
	}
	return nil
}

func dryRunView(lang string, r pipeline.Result) (api.DryRunResult, error) {
	out := api.DryRunResult{
		OK: r.Err == nil, Logs: append([]string{}, r.Logs...), Millis: float64(r.Took) / float64(time.Millisecond),
		Effect: api.DryRunEffect{
			User: r.Effect.User, CustomData: r.Effect.CustomData,
			IDToken: claimView(r.Effect.IDToken), AccessToken: claimView(r.Effect.AccessToken),
		},
	}
	if e := errs.From(r.Err); e != nil {
		out.Refusal = i18n.Text(lang, e.Code, e.Params)
		if e.Code == errs.PipelineFailed {
			out.Cause = said(e)
		}
	}
	var err error
	if r.User != nil {
		if out.User, err = json.Marshal(r.User); err != nil {
			return out, err
		}
	}
	if r.Context != nil {
		out.Context, err = json.Marshal(r.Context)
	}
	return out, err
}

func claimView(c pipeline.Claims) *api.ClaimChange {
	if len(c.Set)+len(c.Remove) == 0 {
		return nil
	}
	return &api.ClaimChange{Set: c.Set, Remove: c.Remove}
}
