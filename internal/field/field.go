// Package field owns the fields a pool defines for its people beyond the profile: their
// keys, types and labels, and whether a value fits. The values are kept with the people,
// by package user.
package field

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/secret"
)

// The types of a field.
const (
	String   = "STRING"
	Number   = "NUMBER"
	Datetime = "DATETIME"
	Boolean  = "BOOLEAN"
	Object   = "OBJECT" // an object or a list
	Select   = "SELECT" // one of Options
)

// The bounds of what a pool may define.
const (
	maxFields  = 64
	maxLabel   = 128
	maxOptions = 4 << 10
)

// Field is one field of a pool.
type Field struct {
	Key      string
	DataType string
	Label    string // the key when empty
	// Options are what a Select may hold, as JSON text: a list of texts, or of objects
	// whose "value" or "key" counts. Anything goes when there are none.
	Options string
}

// Service keeps the fields of all pools. They are answered from memory.
type Service struct {
	db    *db.DB
	now   func() time.Time
	cache *db.Cached[snapshot]
}

// snapshot has the fields by pool, oldest first.
type snapshot struct{ pools map[string][]Field }

// metaGeneration is the row of meta this package owns.
const metaGeneration = "field_generation"

// New makes the service.
func New(d *db.DB, now func() time.Time) *Service {
	s := &Service{db: d, now: now}
	s.cache = db.NewCached(d, now, metaGeneration, func(ctx context.Context, _ *snapshot) (*snapshot, error) {
		pools, err := s.all(ctx)
		return &snapshot{pools}, err
	})
	return s
}

// List returns the fields of a pool, in the order they were defined; do not write to it.
func (s *Service) List(ctx context.Context, poolID string) ([]Field, error) {
	snap, err := s.cache.Get(ctx)
	if err != nil {
		return nil, fmt.Errorf("list fields: %w", err)
	}
	return snap.pools[poolID], nil
}

// Get returns one field, or FieldUndefined.
func (s *Service) Get(ctx context.Context, poolID, key string) (Field, error) {
	at, list := -1, []Field(nil)
	err := s.cache.Find(ctx, func(snap *snapshot) bool {
		list = snap.pools[poolID]
		at = slices.IndexFunc(list, func(f Field) bool { return f.Key == key })
		return at >= 0
	})
	if err != nil {
		return Field{}, fmt.Errorf("find field: %w", err)
	}
	if at < 0 {
		return Field{}, errs.New(errs.FieldUndefined, "field", key)
	}
	return list[at], nil
}

// Define makes a field or changes it. Values people have already stay as they are, also
// when they do not fit the new type. The zero Label is the key.
func (s *Service) Define(ctx context.Context, poolID string, f Field) (Field, error) {
	if f.Label == "" {
		f.Label = f.Key
	}
	if err := f.check(); err != nil {
		return Field{}, err
	}
	err := s.cache.Change(ctx, secret.ID(), func(ctx context.Context) error {
		if err := s.upsert(ctx, poolID, f); err != nil {
			return err
		}
		n, err := s.count(ctx, poolID)
		if err == nil && n > maxFields {
			return errs.New(errs.FieldTooLong, "field", "fields", "max", strconv.Itoa(maxFields))
		}
		return err
	})
	if err != nil {
		return Field{}, fmt.Errorf("define field: %w", err)
	}
	return f, nil
}

// Remove ends a field, or says FieldUndefined. The values people have are kept, unseen:
// they come back if the field does.
func (s *Service) Remove(ctx context.Context, poolID, key string) error {
	err := s.cache.Change(ctx, secret.ID(), func(ctx context.Context) error {
		n, err := s.remove(ctx, poolID, key)
		if err == nil && n == 0 {
			return errs.New(errs.FieldUndefined, "field", key)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("remove field: %w", err)
	}
	return nil
}

// keys leaves no room for names that mean something to JavaScript objects.
var keys = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.-]{0,63}$`)

func (f Field) check() error {
	switch f.DataType {
	case String, Number, Datetime, Boolean, Object, Select:
	default:
		return errs.New(errs.BadRequest, "field", "dataType")
	}
	switch {
	case !keys.MatchString(f.Key) || f.Key == "constructor" || f.Key == "prototype":
		return errs.New(errs.BadRequest, "field", "key")
	case len(f.Label) > maxLabel:
		return errs.New(errs.FieldTooLong, "field", "label", "max", strconv.Itoa(maxLabel))
	case len(f.Options) > maxOptions:
		return errs.New(errs.FieldTooLong, "field", "options", "max", strconv.Itoa(maxOptions))
	}
	if _, err := f.choices(); err != nil {
		return errs.New(errs.BadRequest, "field", "options").Because(err)
	}
	return nil
}
