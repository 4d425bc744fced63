package manage

import (
	"context"
	"time"

	"github.com/tigertally/tigertally/api"
	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/operator"
)

// What can be done with keys and secrets.
const (
	KeyList         Op = "key.list"
	KeyRotate       Op = "key.rotate"
	KeyRevoke       Op = "key.revoke"
	SecretList      Op = "pool-secret.list"
	SecretCreate    Op = "pool-secret.create"
	SecretRevoke    Op = "pool-secret.revoke"
	TicketKeyList   Op = "ticket-key.list"
	TicketKeyCreate Op = "ticket-key.create"
	TicketKeyRevoke Op = "ticket-key.revoke"
)

// keyOperations are what can be done with keys and secrets.
func keyOperations() []Operation {
	return []Operation{
		{KeyList, operator.KeysRead, "List the keys that sign the tokens of a pool"},
		{KeyRotate, operator.KeysWrite, "Make the next signing keys of a pool"},
		{KeyRevoke, operator.KeysWrite, "End a signing key and every token it signed"},
		{SecretList, operator.KeysRead, "List the secrets with which servers of yours manage a pool"},
		{SecretCreate, operator.KeysWrite, "Make a pool secret"},
		{SecretRevoke, operator.KeysWrite, "End a pool secret and every token it bought"},
		{TicketKeyList, operator.KeysRead, "List the keys that sign custom sign-in tickets"},
		{TicketKeyCreate, operator.KeysWrite, "Make a key for custom sign-in tickets"},
		{TicketKeyRevoke, operator.KeysWrite, "End a key for custom sign-in tickets"},
	}
}

// SigningKeys lists the signing keys of a pool. There are few: they are not paged.
func (s *Service) SigningKeys(ctx context.Context, p operator.Principal, in api.PoolRef) (list api.List[api.SigningKey], err error) {
	if _, err := s.may(ctx, p, KeyList, in.Pool); err != nil {
		return list, err
	}
	all, err := s.d.Keys.List(ctx, in.Pool)
	list.Items = make([]api.SigningKey, len(all))
	for i, k := range all {
		list.Items[i] = api.SigningKey{
			ID: k.ID, Algorithm: k.Algorithm, Active: k.Active, ActivatesAt: k.ActivatesAt.UTC(), RetiresAt: moment(k.RetiresAt),
		}
	}
	return list, err
}

// RotateKeys makes the next signing keys of a pool and returns all.
func (s *Service) RotateKeys(ctx context.Context, p operator.Principal, in api.RotateKeys) (api.List[api.SigningKey], error) {
	m, err := s.may(ctx, p, KeyRotate, in.Pool)
	if err != nil {
		return api.List[api.SigningKey]{}, err
	}
	err = s.d.Keys.Rotate(ctx, in.Pool, in.Now, func(ctx context.Context) error {
		return s.record(ctx, m, audit.KeyRotate, "", nil)
	})
	if err != nil {
		return api.List[api.SigningKey]{}, err
	}
	return s.SigningKeys(ctx, p, in.PoolRef)
}

// RevokeKey ends a signing key and every token it signed. Errors: KeyNotFound.
func (s *Service) RevokeKey(ctx context.Context, p operator.Principal, in api.SigningKeyRef) (api.None, error) {
	m, err := s.may(ctx, p, KeyRevoke, in.Pool)
	if err != nil {
		return api.None{}, err
	}
	return api.None{}, s.changed(ctx, m, audit.KeyRevoke, map[string]string{"key": in.Key}, func(ctx context.Context) error {
		return s.d.Keys.Revoke(ctx, in.Pool, in.Key)
	})
}

// Secrets lists the secrets of a pool by their ids. There are few: they are not paged.
func (s *Service) Secrets(ctx context.Context, p operator.Principal, in api.PoolRef) (list api.List[api.PoolSecret], err error) {
	if _, err := s.may(ctx, p, SecretList, in.Pool); err != nil {
		return list, err
	}
	all, err := s.d.Pools.Secrets(ctx, in.Pool)
	list.Items = make([]api.PoolSecret, len(all))
	for i, v := range all {
		list.Items[i] = api.PoolSecret{ID: v.ID, CreatedAt: v.CreatedAt.UTC(), RevokedAt: moment(v.RevokedAt)}
	}
	return list, err
}

// CreateSecret makes a secret with which a server manages the pool.
func (s *Service) CreateSecret(ctx context.Context, p operator.Principal, in api.PoolRef) (out api.Secret, err error) {
	m, err := s.may(ctx, p, SecretCreate, in.Pool)
	if err != nil {
		return out, err
	}
	err = s.changed(ctx, m, audit.SecretCreate, nil, func(ctx context.Context) error {
		out.Secret, err = s.d.Pools.NewSecret(ctx, in.Pool)
		return err
	})
	return out, err
}

// RevokeSecret ends a pool secret and every token it bought. Errors: KeyNotFound.
func (s *Service) RevokeSecret(ctx context.Context, p operator.Principal, in api.PoolSecretRef) (api.None, error) {
	m, err := s.may(ctx, p, SecretRevoke, in.Pool)
	if err != nil {
		return api.None{}, err
	}
	return api.None{}, s.changed(ctx, m, audit.SecretRevoke, map[string]string{"secret": in.ID}, func(ctx context.Context) error {
		return s.d.Pools.RevokeSecret(ctx, in.Pool, in.ID)
	})
}

// TicketKeys lists the keys for custom sign-in tickets. There are few: they are not paged.
func (s *Service) TicketKeys(ctx context.Context, p operator.Principal, in api.PoolRef) (list api.List[api.PoolSecret], err error) {
	if _, err := s.may(ctx, p, TicketKeyList, in.Pool); err != nil {
		return list, err
	}
	all, err := s.d.Pools.TicketKeys(ctx, in.Pool)
	list.Items = make([]api.PoolSecret, len(all))
	for i, v := range all {
		list.Items[i] = api.PoolSecret{ID: v.ID, CreatedAt: v.CreatedAt.UTC(), RevokedAt: moment(v.RevokedAt)}
	}
	return list, err
}

// CreateTicketKey makes a key for custom sign-in tickets.
func (s *Service) CreateTicketKey(ctx context.Context, p operator.Principal, in api.PoolRef) (out api.TicketKeyFile, err error) {
	m, err := s.may(ctx, p, TicketKeyCreate, in.Pool)
	if err != nil {
		return out, err
	}
	err = s.changed(ctx, m, audit.TicketKeyCreate, nil, func(ctx context.Context) error {
		file, err := s.d.Pools.NewTicketKey(ctx, in.Pool)
		out = api.TicketKeyFile(file)
		return err
	})
	return out, err
}

// RevokeTicketKey ends a key for custom sign-in tickets. Errors: KeyNotFound.
func (s *Service) RevokeTicketKey(ctx context.Context, p operator.Principal, in api.PoolSecretRef) (api.None, error) {
	m, err := s.may(ctx, p, TicketKeyRevoke, in.Pool)
	if err != nil {
		return api.None{}, err
	}
	return api.None{}, s.changed(ctx, m, audit.TicketKeyRevoke, map[string]string{"key": in.ID}, func(ctx context.Context) error {
		return s.d.Pools.RevokeTicketKey(ctx, in.Pool, in.ID)
	})
}

// moment is t for an answer in which it may be absent.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
