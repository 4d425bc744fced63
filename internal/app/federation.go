package app

import (
	"context"
	"maps"
	"net/http"
	"time"

	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/connection"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/federation"
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

// ProviderKinds lists the kinds of identity providers and what they are configured with.
func ProviderKinds() []provider.Kind { return provider.Kinds() }

// PutProvider makes or replaces an identity provider of a pool, if its driver takes the
// settings.
func (s *Store) PutProvider(ctx context.Context, c connection.Connection, settings map[string]string) error {
	if _, err := s.Pools.Get(ctx, c.PoolID); err != nil {
		return err
	}
	if err := s.earnestly(c.PoolID, settings); err != nil {
		return err
	}
	if _, err := s.open(c, federation.DriverSettings(settings)); err != nil {
		return err
	}
	return s.recorded(ctx, c.PoolID, audit.ProviderPut, map[string]string{"provider": c.ID, "kind": c.Kind}, func(ctx context.Context) error {
		_, err := s.Connections.Put(ctx, c, settings)
		return err
	})
}

// ChangeProvider changes an identity provider, or makes a new one that is enabled and
// takes people nobody knows. Of settings an empty one is taken away; others stay.
func (s *Store) ChangeProvider(ctx context.Context, poolID, id string, settings map[string]string, edit func(*connection.Connection)) error {
	c := connection.Connection{PoolID: poolID, ID: id, Enabled: true, SignUp: true}
	all := map[string]string{}
	old, err := s.Connections.Get(ctx, poolID, id)
	switch {
	case err == nil:
		if all, err = s.Connections.Settings(old); err != nil {
			return err
		}
		c = old
	case errs.CodeOf(err) != errs.ProviderUnknown:
		return err
	}
	edit(&c)
	maps.Copy(all, settings)
	maps.DeleteFunc(all, func(_, value string) bool { return value == "" })
	return s.PutProvider(ctx, c, all)
}

// ShownProvider is a provider, and the address its vendor's console must name.
type ShownProvider struct {
	connection.Connection

	Callback string
}

// Provider returns an identity provider and its settings, without those that are secret.
func (s *Store) Provider(ctx context.Context, poolID, id string) (ShownProvider, map[string]string, error) {
	c, err := s.Connections.Get(ctx, poolID, id)
	if err != nil {
		return ShownProvider{}, nil, err
	}
	settings, err := s.Connections.Settings(c)
	if err != nil {
		return ShownProvider{}, nil, err
	}
	public := map[string]bool{federation.SettingCallback: true}
	for _, k := range provider.Kinds() {
		if k.Name != c.Kind {
			continue
		}
		for _, o := range k.Options {
			public[o.Name] = !o.Secret
		}
	}
	for name := range settings {
		if !public[name] {
			settings[name] = "(set)"
		}
	}
	shown := ShownProvider{Connection: c}
	v := vendor{kind: c.Kind}
	if !v.Relayed() || settings[federation.SettingCallback] == "server" {
		shown.Callback = s.baseURL + federation.CallbackPath + id
	}
	return shown, settings, nil
}

// RemoveProvider ends an identity provider of a pool. The identities people have there
// stay, and work again if it comes back.
func (s *Store) RemoveProvider(ctx context.Context, poolID, id string) error {
	return s.recorded(ctx, poolID, audit.ProviderRemove, map[string]string{"provider": id}, func(ctx context.Context) error {
		return s.Connections.Remove(ctx, poolID, id)
	})
}
