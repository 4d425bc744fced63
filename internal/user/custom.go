package user

import (
	"context"
	"maps"
	"strconv"

	"github.com/tigertally/tigertally/internal/errs"
)

// The bounds of what a pool may keep about one person in fields of its own.
const (
	maxCustomFields = 64
	maxCustomBytes  = 16 << 10
)

// SetCustom sets and removes fields the pool defines; the others stay, and nil removes
// too. Package field says which there are and what they hold.
func (s *Service) SetCustom(ctx context.Context, poolID, id string, set map[string]any, remove ...string) (User, error) {
	var after User
	err := s.db.InTx(ctx, func(ctx context.Context) error {
		// Writing the row first makes two changes of one person take turns.
		if err := found(s.stamp(ctx, poolID, id, s.now())); err != nil {
			return err
		}
		u, err := s.ByID(ctx, poolID, id)
		if err != nil {
			return err
		}
		custom := maps.Clone(u.Custom)
		if custom == nil {
			custom = make(map[string]any, len(set))
		}
		maps.Copy(custom, set)
		for _, key := range remove {
			delete(custom, key)
		}
		maps.DeleteFunc(custom, func(_ string, v any) bool { return v == nil })
		text, err := customText(custom)
		if err != nil {
			return err
		}
		after = u
		after.Custom = custom
		return found(s.setCustom(ctx, poolID, id, text))
	})
	return after, err
}

// customText encodes custom fields within their bounds.
func customText(custom map[string]any) (string, error) {
	if len(custom) > maxCustomFields {
		return "", errs.New(errs.FieldTooLong, "field", "custom", "max", strconv.Itoa(maxCustomFields))
	}
	text, err := object(custom)
	if err == nil && len(text) > maxCustomBytes {
		return "", errs.New(errs.FieldTooLong, "field", "custom", "max", strconv.Itoa(maxCustomBytes))
	}
	return text, err
}
