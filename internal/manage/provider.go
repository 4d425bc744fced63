package manage

import (
	"context"
	"time"

	"github.com/tigertally/tigertally/api"
	"github.com/tigertally/tigertally/internal/connection"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/operator"
)

// What can be done with identity providers.
const (
	ProviderKinds   Op = "provider.kinds"
	ProviderList    Op = "provider.list"
	ProviderGet     Op = "provider.get"
	ProviderPut     Op = "provider.put"
	ProviderEnable  Op = "provider.enable"
	ProviderDisable Op = "provider.disable"
	ProviderTest    Op = "provider.test"
	ProviderRemove  Op = "provider.remove"
)

// providerOperations are what can be done with identity providers.
func providerOperations() []Operation {
	return append([]Operation{
		{ProviderKinds, operator.ProvidersRead, "List the vendors people can sign in with, and what their drivers are told"},
		{ProviderList, operator.ProvidersRead, "List the identity providers of a pool"},
		{ProviderGet, operator.ProvidersRead, "Show an identity provider; of a secret only that it is set"},
		{ProviderPut, operator.ProvidersWrite, "Make an identity provider, or change what is given; an empty setting is taken away"},
		{ProviderEnable, operator.ProvidersWrite, "Let people sign in with an identity provider"},
		{ProviderDisable, operator.ProvidersWrite, "Let nobody sign in with an identity provider; its settings stay"},
		{ProviderTest, operator.ProvidersWrite, "Ask the vendor of an identity provider whether it answers; nothing is used up"},
		{ProviderRemove, operator.ProvidersWrite, "End an identity provider; what links people to it is kept and works again if it comes back"},
	}, tryOperations()...)
}

// mostCounted is where counting people ends.
const mostCounted = 1000

// Kinds lists the vendors people can sign in with.
func (s *Service) Kinds(ctx context.Context, p operator.Principal, in api.PoolRef) (list api.List[api.ProviderKind], err error) {
	if _, err := s.may(ctx, p, ProviderKinds, in.Pool); err != nil {
		return list, err
	}
	list.Items = s.d.Providers.Kinds
	return list, nil
}

// Providers lists the identity providers of a pool, in the order they were made. There are
// few: they are not paged.
func (s *Service) Providers(ctx context.Context, p operator.Principal, in api.PoolRef) (list api.List[api.ListedProvider], err error) {
	if _, err := s.may(ctx, p, ProviderList, in.Pool); err != nil {
		return list, err
	}
	all, err := s.d.Providers.Connections.List(ctx, in.Pool)
	if err != nil {
		return list, err
	}
	people, err := s.d.Users.CountProvided(ctx, in.Pool, mostCounted)
	if err != nil {
		return list, err
	}
	list.Items = make([]api.ListedProvider, len(all))
	for i, c := range all {
		v, err := s.d.Providers.Show(c)
		if err != nil {
			return list, err
		}
		list.Items[i] = api.ListedProvider{Provider: v, People: people[c.ID]}
	}
	return list, nil
}

// Provider returns an identity provider. Errors: ProviderUnknown.
func (s *Service) Provider(ctx context.Context, p operator.Principal, in api.ProviderRef) (api.Provider, error) {
	if _, err := s.may(ctx, p, ProviderGet, in.Pool); err != nil {
		return api.Provider{}, err
	}
	return s.provider(ctx, in)
}

func (s *Service) provider(ctx context.Context, in api.ProviderRef) (api.Provider, error) {
	c, err := s.d.Providers.Connections.Get(ctx, in.Pool, in.Provider)
	if err != nil {
		return api.Provider{}, err
	}
	return s.d.Providers.Show(c)
}

// PutProvider makes an identity provider or changes it. Errors: EditConflict, BadRequest
// with kind as field, and those of Providers.Change.
func (s *Service) PutProvider(ctx context.Context, p operator.Principal, in api.ProviderPut) (api.Provider, error) {
	m, err := s.may(ctx, p, ProviderPut, in.Pool)
	if err != nil {
		return api.Provider{}, err
	}
	err = s.d.Providers.Change(ctx, m, in.Provider, in.Settings, func(c *connection.Connection) error {
		if err := s.matchProvider(in, *c); err != nil {
			return err
		}
		if in.Kind != nil && c.Kind != "" && *in.Kind != c.Kind {
			return errs.New(errs.BadRequest, "field", "kind") // its identities would be somebody else's
		}
		set(&c.Kind, in.Kind)
		set(&c.Name, in.Name)
		set(&c.Enabled, in.Enabled)
		set(&c.SignUp, in.SignUp)
		set(&c.TrustEmail, in.TrustEmail)
		set(&c.LinkPhone, in.LinkPhone)
		set(&c.UnionGroup, in.UnionGroup)
		if _, known := s.d.Providers.kind(c.Kind); !known {
			return errs.New(errs.BadRequest, "field", "kind")
		}
		return nil
	})
	if err != nil {
		return api.Provider{}, err
	}
	return s.provider(ctx, in.ProviderRef)
}

// matchProvider refuses a change that was based on another state than c.
func (s *Service) matchProvider(in api.ProviderPut, c connection.Connection) error {
	if in.IfMatch == "" || in.IfMatch == "*" {
		return nil
	}
	if c.Kind == "" { // there is none yet
		return errs.New(errs.EditConflict)
	}
	v, err := s.d.Providers.Show(c)
	if err != nil {
		return err
	}
	return match(in.Guarded, v)
}

func set[T any](to *T, given *T) {
	if given != nil {
		*to = *given
	}
}

// EnableProvider lets people sign in with an identity provider. Errors: ProviderUnknown.
func (s *Service) EnableProvider(ctx context.Context, p operator.Principal, in api.ProviderRef) (api.Provider, error) {
	return s.switchProvider(ctx, p, ProviderEnable, in, true)
}

// DisableProvider lets nobody sign in with an identity provider. Errors: ProviderUnknown.
func (s *Service) DisableProvider(ctx context.Context, p operator.Principal, in api.ProviderRef) (api.Provider, error) {
	return s.switchProvider(ctx, p, ProviderDisable, in, false)
}

func (s *Service) switchProvider(ctx context.Context, p operator.Principal, op Op, in api.ProviderRef, on bool) (api.Provider, error) {
	m, err := s.may(ctx, p, op, in.Pool)
	if err != nil {
		return api.Provider{}, err
	}
	err = s.d.Providers.Change(ctx, m, in.Provider, nil, func(c *connection.Connection) error {
		if c.Kind == "" {
			return errs.New(errs.ProviderUnknown)
		}
		c.Enabled = on
		return nil
	})
	if err != nil {
		return api.Provider{}, err
	}
	return s.provider(ctx, in)
}

// RemoveProvider ends an identity provider. Errors: ProviderUnknown.
func (s *Service) RemoveProvider(ctx context.Context, p operator.Principal, in api.ProviderRef) (api.None, error) {
	m, err := s.may(ctx, p, ProviderRemove, in.Pool)
	if err != nil {
		return api.None{}, err
	}
	return api.None{}, s.d.Providers.Remove(ctx, m, in.Provider)
}

// testPatience is how long a vendor may take to answer a test.
const testPatience = 2800 * time.Millisecond

// TestProvider asks the vendor whether it answers, without using anything up, and puts
// what came of it into words. Errors: ProviderUnknown.
func (s *Service) TestProvider(ctx context.Context, p operator.Principal, in api.ProviderRef) (api.ProviderTest, error) {
	if _, err := s.may(ctx, p, ProviderTest, in.Pool); err != nil {
		return api.ProviderTest{}, err
	}
	c, err := s.d.Providers.Connections.Get(ctx, in.Pool, in.Provider)
	if err != nil {
		return api.ProviderTest{}, err
	}
	settings, err := s.d.Providers.Connections.Settings(c)
	if err != nil {
		return api.ProviderTest{}, err
	}
	limited, cancel := context.WithTimeout(ctx, testPatience)
	defer cancel()
	began := s.d.Now()
	proven, err := s.d.Providers.Ask(limited, c, settings)
	if ctx.Err() != nil {
		return api.ProviderTest{}, ctx.Err()
	}
	out := tested(proven, err)
	if limited.Err() != nil {
		out = api.ProviderTest{Result: api.TestUnavailable, Reason: "too_slow"}
	}
	out.Millis = s.d.Now().Sub(began).Milliseconds()
	return out, nil
}

// tested puts what a driver said into the words of a test.
func tested(proven bool, err error) api.ProviderTest {
	e := errs.From(err)
	switch {
	case e == nil && proven:
		return api.ProviderTest{Result: api.TestGood}
	case e == nil:
		return api.ProviderTest{Result: api.TestAnswers}
	}
	out := api.ProviderTest{Result: api.TestUnavailable, Reason: e.Params["reason"], Detail: said(e)}
	switch e.Code.Kind() {
	case errs.KindPrecondition, errs.KindDenied, errs.KindInvalid:
		out.Result = api.TestRefused
	default:
	}
	return out
}
