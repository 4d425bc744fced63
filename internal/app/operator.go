package app

import (
	"context"

	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/field"
)

// byCommand is how the record names whoever runs the command line.
const byCommand = "cli"

// NewPoolSecret makes a secret a customer's own server manages a pool with.
func (s *Store) NewPoolSecret(ctx context.Context, poolID string) (text string, err error) {
	err = s.recorded(ctx, poolID, audit.SecretCreate, nil, func(ctx context.Context) error {
		text, err = s.Pools.NewSecret(ctx, poolID)
		return err
	})
	return text, err
}

// RevokePoolSecret ends a secret and the management tokens it bought.
func (s *Store) RevokePoolSecret(ctx context.Context, poolID, id string) error {
	detail := map[string]string{"secret": id}
	return s.recorded(ctx, poolID, audit.SecretRevoke, detail, func(ctx context.Context) error {
		return s.Pools.RevokeSecret(ctx, poolID, id)
	})
}

// DefineField makes or changes a custom field of a pool.
func (s *Store) DefineField(ctx context.Context, poolID string, f field.Field) error {
	if _, err := s.Pools.Get(ctx, poolID); err != nil {
		return err
	}
	detail := map[string]string{"key": f.Key, "type": f.DataType}
	return s.recorded(ctx, poolID, audit.FieldDefine, detail, func(ctx context.Context) error {
		_, err := s.Fields.Define(ctx, poolID, f)
		return err
	})
}

// RemoveField ends a custom field of a pool.
func (s *Store) RemoveField(ctx context.Context, poolID, key string) error {
	detail := map[string]string{"key": key}
	return s.recorded(ctx, poolID, audit.FieldRemove, detail, func(ctx context.Context) error {
		return s.Fields.Remove(ctx, poolID, key)
	})
}

// recorded runs a change and records it in the same transaction.
func (s *Store) recorded(ctx context.Context, poolID, action string, detail map[string]string, change func(context.Context) error) error {
	return s.db.InTx(ctx, func(ctx context.Context) error {
		if err := change(ctx); err != nil {
			return err
		}
		return s.audit.Record(ctx, audit.Event{PoolID: poolID, Action: action, Actor: byCommand, Detail: detail})
	})
}
