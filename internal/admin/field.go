package admin

import (
	"context"
	"maps"
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

// customChange is a checked change of custom fields.
type customChange struct {
	set    map[string]any
	remove []string
}

func (c customChange) empty() bool { return len(c.set)+len(c.remove) == 0 }

// names are what the record shows of the change.
func (c customChange) names() string {
	names := append(slices.Collect(maps.Keys(c.set)), c.remove...)
	slices.Sort(names)
	return strings.Join(slices.Compact(names), " ")
}

// customOf checks a change in which nil takes a field away.
func (s *Service) customOf(ctx context.Context, m Manager, values map[string]any) (customChange, error) {
	set, remove := make(map[string]any, len(values)), []string(nil)
	for key, value := range values {
		if value == nil {
			remove = append(remove, key)
			continue
		}
		set[key] = value
	}
	return s.checkCustom(ctx, m, set, remove)
}

func (s *Service) checkCustom(ctx context.Context, m Manager, set map[string]any, remove []string) (c customChange, err error) {
	if c.set, err = s.d.Fields.Check(ctx, m.PoolID, set, false); err != nil {
		return c, err
	}
	for _, key := range remove {
		if _, err := s.d.Fields.Get(ctx, m.PoolID, key); err != nil {
			return c, err
		}
	}
	c.remove = remove
	return c, nil
}

// SetCustom sets and removes the values of custom fields of a person.
//
// Errors: UserNotFound, FieldUndefined, BadRequest, FieldTooLong.
func (s *Service) SetCustom(ctx context.Context, m Manager, id string, set map[string]any, remove ...string) (after user.User, err error) {
	c, err := s.checkCustom(ctx, m, set, remove)
	if err != nil {
		return after, err
	}
	err = s.d.DB.InTx(ctx, func(ctx context.Context) error {
		if after, err = s.d.Users.SetCustom(ctx, m.PoolID, id, c.set, c.remove...); err != nil {
			return err
		}
		return s.done(ctx, m, audit.UserUpdate, id, map[string]string{"custom": c.names()})
	})
	return after, err
}
