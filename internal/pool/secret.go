package pool

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/secret"
)

// maxSecret bounds what is hashed as a pool secret.
const maxSecret = 256

// SecretInfo describes a pool secret without showing it.
type SecretInfo struct {
	ID        string
	CreatedAt time.Time
	RevokedAt time.Time // zero while it is good
}

// liveSecret is a secret that is good, as a hash: 256 random bits need no slow one.
type liveSecret struct {
	id   string
	hash []byte
}

// NewSecret makes a secret with which the customer's own server manages a pool. It is
// shown this once.
func (s *Service) NewSecret(ctx context.Context, poolID string) (string, error) {
	text := secret.Token("ps")
	return text, s.AddSecret(ctx, poolID, text)
}

// AddSecret makes text, 256 random bits or more, a secret of a pool. One that is or was a
// secret of it already is left as it is.
func (s *Service) AddSecret(ctx context.Context, poolID, text string) error {
	if _, err := s.Get(ctx, poolID); err != nil {
		return err
	}
	if len(text) > maxSecret {
		return errs.New(errs.BadRequest, "field", "secret")
	}
	err := s.cache.Change(ctx, secret.ID(), func(ctx context.Context) error {
		_, err := s.insertSecret(ctx, secret.ID(), poolID, secret.Hash(text))
		return err
	})
	if err != nil {
		return fmt.Errorf("add pool secret: %w", err)
	}
	return nil
}

// CheckSecret returns the id of the secret that text is, or PoolSecretWrong, also for a
// pool that does not exist. It looks at every secret of the pool, in memory, wherever the
// right one stands.
func (s *Service) CheckSecret(ctx context.Context, poolID, text string) (string, error) {
	if len(text) > maxSecret {
		return "", errs.New(errs.PoolSecretWrong)
	}
	shown, id := secret.Hash(text), ""
	err := s.cache.Find(ctx, func(snap *snapshot) bool {
		for _, v := range snap.secrets[poolID] {
			if secret.Equal(v.hash, shown) {
				id = v.id
			}
		}
		return id != ""
	})
	if err == nil && id == "" {
		err = errs.New(errs.PoolSecretWrong)
	}
	return id, err
}

// HasSecret reports whether the secret called id is still good, from memory.
func (s *Service) HasSecret(ctx context.Context, poolID, id string) (bool, error) {
	found := false
	err := s.cache.Find(ctx, func(snap *snapshot) bool {
		found = slices.ContainsFunc(snap.secrets[poolID], func(v liveSecret) bool { return v.id == id })
		return found
	})
	return found, err
}

// Secrets lists a pool's secrets, newest first.
func (s *Service) Secrets(ctx context.Context, poolID string) ([]SecretInfo, error) {
	list, err := s.secrets(ctx, poolID)
	if err != nil {
		return nil, fmt.Errorf("list pool secrets: %w", err)
	}
	return list, nil
}

// RevokeSecret ends a secret and every management token it bought, at once.
func (s *Service) RevokeSecret(ctx context.Context, poolID, id string) error {
	err := s.cache.Change(ctx, secret.ID(), func(ctx context.Context) error {
		n, err := s.revokeSecret(ctx, poolID, id)
		if err == nil && n == 0 {
			return errs.New(errs.KeyNotFound)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("revoke pool secret: %w", err)
	}
	return nil
}

// RevokeSecrets ends every secret of a pool and says how many that were.
func (s *Service) RevokeSecrets(ctx context.Context, poolID string) (n int64, err error) {
	err = s.cache.Change(ctx, secret.ID(), func(ctx context.Context) error {
		n, err = s.revokeSecrets(ctx, poolID)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("revoke pool secrets: %w", err)
	}
	return n, nil
}
