package app

import (
	"context"

	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/pool"
)

// CreateApplication adds an application to a pool. Nobody is sent anywhere by it until
// it has addresses.
func (s *Store) CreateApplication(ctx context.Context, poolID, id, name string) error {
	if _, err := s.Pools.Get(ctx, poolID); err != nil {
		return err
	}
	if name == "" {
		name = id
	}
	return s.recorded(ctx, poolID, audit.AppCreate, map[string]string{"app": id}, func(ctx context.Context) error {
		return s.Pools.CreateApp(ctx, pool.App{ID: id, PoolID: poolID, Name: name, Settings: pool.AppSettings{FirstParty: true}})
	})
}

// SetRedirects replaces the addresses an application sends people to.
func (s *Store) SetRedirects(ctx context.Context, id string, signedIn, signedOut []string) error {
	return s.changeApplication(ctx, id, "redirects", func(ctx context.Context) error {
		return s.Pools.SetRedirects(ctx, id, signedIn, signedOut)
	})
}

// NewClientSecret gives an application a secret, which is shown once.
func (s *Store) NewClientSecret(ctx context.Context, id string) (text string, err error) {
	err = s.changeApplication(ctx, id, "secret", func(ctx context.Context) error {
		text, err = s.Pools.NewClientSecret(ctx, id)
		return err
	})
	return text, err
}

func (s *Store) changeApplication(ctx context.Context, id, what string, change func(context.Context) error) error {
	c, err := s.Pools.AppOf(ctx, id)
	if err != nil {
		return err
	}
	return s.recorded(ctx, c.Pool.ID, audit.AppChange, map[string]string{"app": id, "what": what}, change)
}
