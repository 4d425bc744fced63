package signin

import (
	"context"
	"maps"

	"github.com/tigertally/tigertally/internal/caller"
	"github.com/tigertally/tigertally/internal/contact"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/pipeline"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/user"
)

// How functions are told somebody came, in the words they know.
const (
	protocolPassword = "password"
	protocolSMS      = "sms"
	protocolSocial   = "social"
)

// functions are the pool's own, as one request meets them. The zero value has none.
type functions struct {
	run *pipeline.Service
	in  pipeline.Input
}

// functions prepares what the pool's functions are shown of a request. It shows them what
// was claimed and never what proved it: no password, code or token.
func (s *Service) functions(ctx context.Context, c pool.Client, p proof, connection string, requestContext any) functions {
	if p.protocol == "" {
		return functions{}
	}
	return functions{run: s.Pipelines, in: pipeline.Input{
		Client: c, Protocol: p.protocol, Connection: connection, IP: caller.From(ctx).IP(),
		Body: p.body, RequestContext: requestContext, Carry: &pipeline.Carry{},
	}}
}

// active says whether there is anything to run at a point.
func (f functions) active(ctx context.Context, p pipeline.Point) bool {
	return f.run != nil && f.run.Active(ctx, f.in.Client.Pool.ID, p)
}

// change is what functions want to be different about a person.
type change struct {
	profile user.Profile
	custom  map[string]any
}

func (c change) empty() bool { return c.profile.Empty() && len(c.custom) == 0 }

// ask runs the functions of a point on u, outside any transaction, and returns what they
// want changed, within what the pool and a profile allow.
func (s *Service) ask(ctx context.Context, r request, p pipeline.Point, u user.User) (change, error) {
	f := r.functions
	if !f.active(ctx, p) {
		return change{}, nil
	}
	f.in.User = pipeline.UserView(u, u.PoolID)
	effect, err := f.run.Run(ctx, p, f.in)
	if err != nil {
		return change{}, at(p, err)
	}
	c, err := s.vet(ctx, r.client.Pool.ID, effect)
	if err != nil {
		return change{}, at(p, errs.New(errs.PipelineFailed).Because(err))
	}
	return c, nil
}

// follow runs the functions of a point after its event and stores what they want changed.
// They may still refuse; but what cannot be done is passed over, as a function that breaks
// is (JS-05).
func (s *Service) follow(ctx context.Context, r request, p pipeline.Point, u user.User) (user.User, error) {
	c, err := s.ask(ctx, r, p, u)
	if errs.CodeOf(err) == errs.PipelineDenied {
		return u, err
	}
	after := u
	if err == nil && !c.empty() {
		err = s.DB.InTx(ctx, func(ctx context.Context) error {
			after, err = s.write(ctx, u, c)
			return err
		})
	}
	if err != nil {
		s.Logger.ErrorContext(ctx, "effect of functions not stored", "pool", u.PoolID, "point", string(p), "err", err)
		after = u
	}
	return after, nil
}

// vet takes of an effect what may be stored.
func (s *Service) vet(ctx context.Context, poolID string, effect pipeline.Effect) (change, error) {
	profile, err := CheckProfile(effect.Profile())
	if err != nil {
		return change{}, err
	}
	custom, err := s.custom(ctx, poolID, effect.CustomData)
	return change{profile: profile, custom: custom}, err
}

// custom returns those of values that the pool defines.
func (s *Service) custom(ctx context.Context, poolID string, values map[string]any) (map[string]any, error) {
	if len(values) == 0 {
		return nil, nil
	}
	return s.Fields.Check(ctx, poolID, values, true)
}

// paramPoint names the point at which functions refused.
const paramPoint = "point"

// at adds the point to a refusal by functions, for the record.
func at(p pipeline.Point, err error) error {
	e := *errs.From(err)
	e.Params = maps.Clone(e.Params)
	if e.Params == nil {
		e.Params = make(map[string]string, 1)
	}
	e.Params[paramPoint] = string(p)
	return &e
}

// write stores a change in ctx's transaction and returns u with it.
func (s *Service) write(ctx context.Context, u user.User, c change) (user.User, error) {
	if !c.profile.Empty() {
		if _, err := s.Users.UpdateProfile(ctx, u.PoolID, u.ID, c.profile); err != nil {
			return u, err
		}
		c.profile.Apply(&u)
	}
	if len(c.custom) > 0 {
		after, err := s.Users.SetCustom(ctx, u.PoolID, u.ID, c.custom)
		if err != nil {
			return u, err
		}
		u.Custom = after.Custom
	}
	return u, nil
}

// claim is an identifier as functions see it in the body of a request.
func claim(kind contact.Kind, value string) map[string]any {
	if kind == contact.KindPhone {
		country, local := contact.SplitPhone(value)
		return map[string]any{"phone": local, "phoneCountryCode": country}
	}
	return map[string]any{string(kind): value}
}
