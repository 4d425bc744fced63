package app

import (
	"context"
	"encoding/json"
	"time"

	"github.com/tigertally/tigertally/api"
	"github.com/tigertally/tigertally/internal/admin"
	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/field"
	"github.com/tigertally/tigertally/internal/manage"
	"github.com/tigertally/tigertally/internal/operator"
)

// byCommand is how the record names whoever runs the command line.
const byCommand = "cli"

// whoever is who runs a command on the server's own files.
func whoever() operator.Principal { return operator.Local(byCommand) }

// operations are what administrators do, as far as that needs no running server: what a
// command changes here goes by the same rules, and into the same record, as by the API.
func (s *Store) operations() *manage.Service {
	return manage.New(manage.Deps{
		DB: s.db, Ring: s.ring, Pools: s.Pools, Keys: s.Keys, Audit: s.audit, Now: s.now,
		Admin:    admin.New(admin.Deps{DB: s.db, Pools: s.Pools, Fields: s.Fields, Audit: s.audit, Now: s.now}),
		Messages: manage.Messages{Codes: s.Codes},
	})
}

func inPool(id string) api.PoolRef { return api.PoolRef{Pool: id} }

// CreatePool makes a pool with production settings, whose application pages of origins
// may use. An empty name means the id.
func (s *Store) CreatePool(ctx context.Context, id, name string, origins []string) (api.Pool, error) {
	return s.operations().CreatePool(ctx, whoever(), api.NewPool{ID: id, Name: name, Origins: origins})
}

// ChangePoolSettings changes the named settings of a pool, all of them or none. A value is
// JSON, or a bare word for a text.
func (s *Store) ChangePoolSettings(ctx context.Context, id string, values map[string]string) error {
	in := api.PoolSettingsChange{PoolRef: inPool(id), Settings: make(map[string]json.RawMessage, len(values))}
	for name, value := range values {
		in.Settings[name] = json.RawMessage(value)
	}
	_, err := s.operations().SetPoolSettings(ctx, whoever(), in)
	return err
}

// NewPoolSecret makes a secret a customer's own server manages a pool with.
func (s *Store) NewPoolSecret(ctx context.Context, poolID string) (string, error) {
	made, err := s.operations().CreateSecret(ctx, whoever(), inPool(poolID))
	return made.Secret, err
}

// RevokePoolSecret ends a secret and the management tokens it bought.
func (s *Store) RevokePoolSecret(ctx context.Context, poolID, id string) error {
	_, err := s.operations().RevokeSecret(ctx, whoever(), api.PoolSecretRef{PoolRef: inPool(poolID), ID: id})
	return err
}

// NewTicketKey makes a key a pool's own server signs custom sign-in tickets with.
func (s *Store) NewTicketKey(ctx context.Context, poolID string) (api.TicketKeyFile, error) {
	return s.operations().CreateTicketKey(ctx, whoever(), inPool(poolID))
}

// RevokeTicketKey refuses tickets signed with a key from now on.
func (s *Store) RevokeTicketKey(ctx context.Context, poolID, id string) error {
	_, err := s.operations().RevokeTicketKey(ctx, whoever(), api.PoolSecretRef{PoolRef: inPool(poolID), ID: id})
	return err
}

// RotateKeys makes the next signing keys of a pool, which sign after a day or at once.
func (s *Store) RotateKeys(ctx context.Context, poolID string, now bool) error {
	_, err := s.operations().RotateKeys(ctx, whoever(), api.RotateKeys{PoolRef: inPool(poolID), Now: now})
	return err
}

// DefineField makes or changes a custom field of a pool.
func (s *Store) DefineField(ctx context.Context, poolID string, f field.Field) error {
	_, err := s.operations().PutField(ctx, whoever(), api.CustomFieldPut{
		CustomFieldRef: api.CustomFieldRef{PoolRef: inPool(poolID), Key: f.Key},
		DataType:       f.DataType, Label: f.Label, Options: json.RawMessage(f.Options),
	})
	return err
}

// RemoveField ends a custom field of a pool.
func (s *Store) RemoveField(ctx context.Context, poolID, key string) error {
	_, err := s.operations().RemoveField(ctx, whoever(), api.CustomFieldRef{PoolRef: inPool(poolID), Key: key})
	return err
}

// SetTestTarget gives a phone number or mail address a fixed code until a time.
func (s *Store) SetTestTarget(ctx context.Context, poolID, address, digits string, until time.Time) error {
	_, err := s.operations().PutTestNumber(ctx, whoever(), api.TestNumberPut{
		TestNumberRef: api.TestNumberRef{PoolRef: inPool(poolID), Number: address},
		Code:          digits, Until: until.UTC().Format(time.RFC3339Nano),
	})
	return err
}

// RemoveTestTarget ends the fixed code of an address.
func (s *Store) RemoveTestTarget(ctx context.Context, poolID, address string) error {
	_, err := s.operations().RemoveTestNumber(ctx, whoever(), api.TestNumberRef{PoolRef: inPool(poolID), Number: address})
	return err
}

// recorded runs a change of the installation and records it in the same transaction.
func (s *Store) recorded(ctx context.Context, action string, detail map[string]string, change func(context.Context) error) error {
	return s.db.InTx(ctx, func(ctx context.Context) error {
		if err := change(ctx); err != nil {
			return err
		}
		return s.audit.Record(ctx, audit.Event{Action: action, Actor: byCommand, Detail: detail})
	})
}
