package app

import (
	"context"
	"net/http"
	"time"

	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/connection"
	"github.com/tigertally/tigertally/internal/federation"
	"github.com/tigertally/tigertally/internal/provider"
)

// vendor fits a driver to what the flow wants of it.
type vendor struct {
	driver provider.Driver
	kind   string
}

// openVendor makes a driver. All share one client; each has the tokens of its connection.
type openVendor func(connection.Connection, map[string]string) (federation.Vendor, error)

func vendors(list *connection.Service, client *http.Client, now func() time.Time) openVendor {
	return func(c connection.Connection, settings map[string]string) (federation.Vendor, error) {
		d, err := provider.Open(c.Kind, settings, provider.Env{Now: now, HTTP: client, Tokens: list.Tokens(c)})
		if err != nil {
			return nil, err
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

// PutProvider makes or replaces an identity provider of a pool, if its driver takes the
// settings.
func (s *Store) PutProvider(ctx context.Context, c connection.Connection, settings map[string]string) error {
	if _, err := s.Pools.Get(ctx, c.PoolID); err != nil {
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

// RemoveProvider ends an identity provider of a pool. The identities people have there
// stay, and work again if it comes back.
func (s *Store) RemoveProvider(ctx context.Context, poolID, id string) error {
	return s.recorded(ctx, poolID, audit.ProviderRemove, map[string]string{"provider": id}, func(ctx context.Context) error {
		return s.Connections.Remove(ctx, poolID, id)
	})
}
