package app

import (
	"context"

	"github.com/tigertally/tigertally/api"
)

// CreateApplication adds an application to a pool. Nobody is sent anywhere by it until
// it has addresses.
func (s *Store) CreateApplication(ctx context.Context, poolID, id, name string) error {
	if name == "" {
		name = id
	}
	_, err := s.operations().CreateApp(ctx, whoever(), api.NewApp{PoolRef: inPool(poolID), ID: id, Name: name})
	return err
}

// SetOrigins replaces the web origins whose pages may use an application.
func (s *Store) SetOrigins(ctx context.Context, id string, origins []string) error {
	return s.changeApplication(ctx, id, api.AppChange{Origins: &origins})
}

// SetRedirects replaces the addresses an application sends people to.
func (s *Store) SetRedirects(ctx context.Context, id string, signedIn, signedOut []string) error {
	return s.changeApplication(ctx, id, api.AppChange{RedirectURIs: &signedIn, LogoutURIs: &signedOut})
}

// NewClientSecret gives an application a secret, which is shown once.
func (s *Store) NewClientSecret(ctx context.Context, id string) (string, error) {
	ref, err := s.application(ctx, id)
	if err != nil {
		return "", err
	}
	made, err := s.operations().NewAppSecret(ctx, whoever(), ref)
	return made.Secret, err
}

func (s *Store) changeApplication(ctx context.Context, id string, in api.AppChange) (err error) {
	if in.AppRef, err = s.application(ctx, id); err != nil {
		return err
	}
	_, err = s.operations().UpdateApp(ctx, whoever(), in)
	return err
}

// application names an application with its pool: commands know only its id.
func (s *Store) application(ctx context.Context, id string) (api.AppRef, error) {
	c, err := s.Pools.AppOf(ctx, id)
	return api.AppRef{PoolRef: inPool(c.Pool.ID), App: id}, err
}
