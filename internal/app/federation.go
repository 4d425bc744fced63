package app

import (
	"context"
	"net/http"
	"time"

	"github.com/tigertally/tigertally/api"
	"github.com/tigertally/tigertally/internal/admin"
	"github.com/tigertally/tigertally/internal/connection"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/federation"
	"github.com/tigertally/tigertally/internal/manage"
	"github.com/tigertally/tigertally/internal/provider"
)

// vendor fits a driver to what the flow wants of it.
type vendor struct {
	driver provider.Driver
	kind   string
}

// revocable is one that wants to hear who has left.
type revocable struct {
	vendor
	provider.Revoker
}

// openVendor makes a driver. All share one client; each has the tokens of its connection.
type openVendor func(connection.Connection, map[string]string) (federation.Vendor, error)

func vendors(list *connection.Service, client *http.Client, now func() time.Time) openVendor {
	return func(c connection.Connection, settings map[string]string) (federation.Vendor, error) {
		d, err := provider.Open(c.Kind, settings, provider.Env{Now: now, HTTP: client, Tokens: list.Tokens(c)})
		if err != nil {
			return nil, err
		}
		if r, ok := d.(provider.Revoker); ok {
			return revocable{vendor{d, c.Kind}, r}, nil
		}
		return vendor{d, c.Kind}, nil
	}
}

// Relayed is also true of vendors without a page: their codes come from the app's own
// library.
func (v vendor) Relayed() bool { return provider.Relayed(v.kind) || provider.Pageless(v.kind) }

func (v vendor) Authorize(ctx context.Context, r federation.AuthorizeRequest) (string, error) {
	return v.driver.Authorize(ctx, provider.AuthorizeRequest(r))
}

func (v vendor) Exchange(ctx context.Context, c federation.Credential) (federation.Profile, error) {
	p, err := v.driver.Exchange(ctx, provider.Credential(c))
	return federation.Profile(p), err
}

// providers makes the rules of identity providers.
func (s *Store) providers() *manage.Providers {
	return &manage.Providers{
		Vendors: manage.Vendors{Kinds: ProviderKinds(), Check: s.checkProvider, Ask: s.askProvider},
		DB:      s.db, Pools: s.Pools, Connections: s.Connections, Audit: s.audit, PublicURL: s.baseURL,
	}
}

// ProviderKinds lists the kinds of identity providers and what they are configured with.
func ProviderKinds() []api.ProviderKind {
	kinds := provider.Kinds()
	all := make([]api.ProviderKind, len(kinds))
	for i, k := range kinds {
		all[i] = api.ProviderKind{Kind: k.Name, Doc: k.Doc, Callback: callbackOf(k.Name)}
		for _, o := range k.Options {
			all[i].Settings = append(all[i].Settings, api.ProviderSetting(o))
		}
	}
	return all
}

func callbackOf(kind string) string {
	switch {
	case provider.Pageless(kind):
		return api.CallbackNone
	case provider.Relayed(kind):
		return api.CallbackApp
	}
	return api.CallbackServer
}

// checkProvider refuses settings that are of development, or that the driver does not take.
func (s *Store) checkProvider(c connection.Connection, settings map[string]string) error {
	if err := s.earnestly(c.PoolID, settings); err != nil {
		return err
	}
	_, err := s.open(c, settings)
	return err
}

// askProvider finds out whether the vendor of a provider answers.
func (s *Store) askProvider(ctx context.Context, c connection.Connection, settings map[string]string) (proven bool, err error) {
	d, err := provider.Open(c.Kind, federation.DriverSettings(settings), provider.Env{
		Now: s.now, HTTP: s.client, Tokens: s.Connections.Tokens(c),
	})
	if err != nil {
		return false, errs.New(errs.ProviderMisconfigured, "reason", "bad_settings").Because(err)
	}
	return provider.Test(ctx, d, s.baseURL+federation.CallbackPath+c.ID)
}

// PutProvider makes or replaces an identity provider of a pool, if its driver takes the
// settings.
func (s *Store) PutProvider(ctx context.Context, c connection.Connection, settings map[string]string) error {
	return s.providers().Put(ctx, admin.Operator(c.PoolID, byCommand), c, settings)
}

// ChangeProvider changes an identity provider, or makes a new one that is enabled and
// takes people nobody knows. Of settings an empty one is taken away; others stay.
func (s *Store) ChangeProvider(ctx context.Context, poolID, id string, settings map[string]string, edit func(*connection.Connection)) error {
	return s.providers().Change(ctx, admin.Operator(poolID, byCommand), id, settings, func(c *connection.Connection) error {
		edit(c)
		return nil
	})
}

// Provider returns an identity provider; of its secrets only that they are set.
func (s *Store) Provider(ctx context.Context, poolID, id string) (api.Provider, error) {
	c, err := s.Connections.Get(ctx, poolID, id)
	if err != nil {
		return api.Provider{}, err
	}
	return s.providers().Show(c)
}

// RemoveProvider ends an identity provider of a pool. The identities people have there
// stay, and work again if it comes back.
func (s *Store) RemoveProvider(ctx context.Context, poolID, id string) error {
	return s.providers().Remove(ctx, admin.Operator(poolID, byCommand), id)
}
