package admin

import (
	"context"
	"slices"
	"strings"

	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/field"
	"github.com/tigertally/tigertally/internal/user"
)

// Fields returns the fields the pool defines.
func (s *Service) Fields(ctx context.Context, m Manager) ([]field.Field, error) {
	return s.d.Fields.List(ctx, m.PoolID)
}

// DefineField makes a field or changes it.
func (s *Service) DefineField(ctx context.Context, m Manager, f field.Field) (field.Field, error) {
	var made field.Field
	err := s.d.DB.InTx(ctx, func(ctx context.Context) error {
		var err error
		if made, err = s.d.Fields.Define(ctx, m.PoolID, f); err != nil {
			return err
		}
		return s.done(ctx, m, audit.FieldDefine, "", map[string]string{"key": made.Key, "type": made.DataType})
	})
	return made, err
}

// RemoveField ends a field, or says FieldUndefined.
func (s *Service) RemoveField(ctx context.Context, m Manager, key string) error {
	return s.d.DB.InTx(ctx, func(ctx context.Context) error {
		if err := s.d.Fields.Remove(ctx, m.PoolID, key); err != nil {
			return err
		}
		return s.done(ctx, m, audit.FieldRemove, "", map[string]string{"key": key})
	})
}

// SetCustom sets and removes the values of custom fields of a person.
//
// Errors: UserNotFound, FieldUndefined, BadRequest, FieldTooLong.
func (s *Service) SetCustom(ctx context.Context, m Manager, id string, set map[string]any, remove ...string) (user.User, error) {
	values, err := s.d.Fields.Check(ctx, m.PoolID, set, false)
	if err != nil {
		return user.User{}, err
	}
	for _, key := range remove {
		if _, err := s.d.Fields.Get(ctx, m.PoolID, key); err != nil {
			return user.User{}, err
		}
	}
	names := slices.Clone(remove)
	for key := range values {
		names = append(names, key)
	}
	slices.Sort(names)
	var after user.User
	err = s.d.DB.InTx(ctx, func(ctx context.Context) error {
		var err error
		if after, err = s.d.Users.SetCustom(ctx, m.PoolID, id, values, remove...); err != nil {
			return err
		}
		return s.done(ctx, m, audit.UserUpdate, id, map[string]string{"custom": strings.Join(slices.Compact(names), " ")})
	})
	return after, err
}
