package pipeline

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/pipeline/sandbox"
	"github.com/tigertally/tigertally/internal/secret"
)

// The bounds of what a pool may keep.
const (
	maxFunctions   = 20 // at one point
	maxSource      = 32 << 10
	maxDescription = 256
)

var namePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// Function is one step of a point's chain.
type Function struct {
	ID, PoolID        string
	Point             Point
	Name, Description string // Name is unique in a pool
	Position          int64
	Enabled           bool
	Background        bool // fire and forget: nothing waits for it and its answer is dropped
	Version           int64
	Source            string // only where one version is asked for or put
	Author            string // of the version
	CreatedAt         time.Time
	UpdatedAt         time.Time

	created, updated int64
}

// SHA256 identifies a source in the record.
func (f Function) SHA256() string {
	sum := sha256.Sum256([]byte(f.Source))
	return hex.EncodeToString(sum[:])
}

// Put stores a function at the end of its chain, or a new version of the one of the same
// name, which keeps its place and stays on or off. Older versions are kept (JS-06).
//
// What is given as before runs first in the transaction, and may refuse.
//
// Errors: PipelineInvalid when the source does not compile or has no pipe.
func (s *Service) Put(ctx context.Context, poolID string, f Function, before ...func(context.Context) error) (Function, error) {
	if err := f.check(); err != nil {
		return Function{}, err
	}
	if err := s.compiles(ctx, poolID, f); err != nil {
		return Function{}, err
	}
	f.PoolID, f.UpdatedAt = poolID, s.now()
	var put Function
	err := s.change(ctx, func(ctx context.Context) (err error) {
		for _, check := range before {
			if err := check(ctx); err != nil {
				return err
			}
		}
		if put, err = s.put(ctx, f); err != nil {
			return err
		}
		return s.record(ctx, audit.FunctionPut, put, f.Author, "version", strconv.FormatInt(put.Version, 10),
			"sha256", put.SHA256(), "point", string(put.Point))
	})
	if err != nil {
		return Function{}, fmt.Errorf("put function: %w", err)
	}
	s.sandbox.Warm()
	return s.find(ctx, poolID, put.ID)
}

func (f Function) check() error {
	switch {
	case !slices.Contains(Points(), f.Point):
		return errs.New(errs.BadRequest, "field", "point")
	case !namePattern.MatchString(f.Name):
		return errs.New(errs.BadRequest, "field", "name")
	case len(f.Description) > maxDescription:
		return errs.New(errs.FieldTooLong, "field", "description", "max", strconv.Itoa(maxDescription))
	case len(f.Source) > maxSource:
		return errs.New(errs.FieldTooLong, "field", "source", "max", strconv.Itoa(maxSource))
	case !utf8.ValidString(f.Source):
		return errs.New(errs.BadRequest, "field", "source")
	}
	return nil
}

func (s *Service) compiles(ctx context.Context, poolID string, f Function) error {
	env, err := s.Env(ctx, poolID)
	if err != nil {
		return err
	}
	fault, err := s.sandbox.Check(ctx, poolID, sandbox.Step{Name: f.Name, Source: f.Source}, env, s.now())
	if err != nil {
		return fmt.Errorf("compile: %w", err)
	}
	if fault != nil {
		return errs.New(errs.PipelineInvalid, "reason", fault.Message).Because(fault)
	}
	return nil
}

func (s *Service) put(ctx context.Context, f Function) (Function, error) {
	old, err := s.find(ctx, f.PoolID, f.Name)
	if errs.CodeOf(err) == errs.FunctionNotFound {
		return s.create(ctx, f)
	}
	if err != nil {
		return Function{}, err
	}
	if old.Point != f.Point {
		return Function{}, errs.New(errs.BadRequest, "field", "point")
	}
	f.ID = old.ID
	if f.Version, err = s.advance(ctx, f); err != nil {
		return Function{}, err
	}
	return f, s.insertVersion(ctx, f)
}

func (s *Service) create(ctx context.Context, f Function) (Function, error) {
	list, err := s.list(ctx, f.PoolID)
	if err != nil {
		return Function{}, err
	}
	if len(slices.DeleteFunc(list, func(o Function) bool { return o.Point != f.Point })) >= maxFunctions {
		return Function{}, errs.New(errs.FieldTooLong, "field", "functions", "max", strconv.Itoa(maxFunctions))
	}
	f.ID, f.Version = secret.ID(), 1
	free, err := s.insert(ctx, f)
	if err != nil {
		return Function{}, err
	}
	if !free { // somebody made it a moment ago
		return Function{}, errs.New(errs.Unavailable)
	}
	return f, s.insertVersion(ctx, f)
}

// List returns a pool's functions in the order of points and chains.
func (s *Service) List(ctx context.Context, poolID string) ([]Function, error) {
	list, err := s.list(ctx, poolID)
	if err != nil {
		return nil, fmt.Errorf("list functions: %w", err)
	}
	slices.SortStableFunc(list, func(a, b Function) int {
		return cmp.Compare(slices.Index(Points(), a.Point), slices.Index(Points(), b.Point))
	})
	return list, nil
}

// Get finds a function by id or name, with the source that runs; or FunctionNotFound.
func (s *Service) Get(ctx context.Context, poolID, ref string) (Function, error) {
	return s.find(ctx, poolID, ref)
}

// History returns every version of a function with its source, newest first.
func (s *Service) History(ctx context.Context, poolID, ref string) ([]Function, error) {
	f, err := s.find(ctx, poolID, ref)
	if err != nil {
		return nil, err
	}
	return s.versions(ctx, f)
}

// Source returns one version of a function, or FunctionNotFound.
func (s *Service) Source(ctx context.Context, poolID, ref string, version int64) (string, error) {
	list, err := s.History(ctx, poolID, ref)
	if err != nil {
		return "", err
	}
	i := slices.IndexFunc(list, func(f Function) bool { return f.Version == version })
	if i < 0 {
		return "", errs.New(errs.FunctionNotFound)
	}
	return list[i].Source, nil
}

// SetEnabled switches a function on or off; by is recorded.
func (s *Service) SetEnabled(ctx context.Context, poolID, ref string, on bool, by string) error {
	return s.edit(ctx, poolID, ref, func(ctx context.Context, f Function) error {
		if err := s.setEnabled(ctx, f, on); err != nil {
			return err
		}
		return s.record(ctx, audit.FunctionSwitch, f, by, "enabled", strconv.FormatBool(on),
			"version", strconv.FormatInt(f.Version, 10), "sha256", f.SHA256())
	})
}

// Move gives a function another place in its chain, counted from 0; by is recorded.
func (s *Service) Move(ctx context.Context, poolID, ref string, position int, by string) error {
	return s.edit(ctx, poolID, ref, func(ctx context.Context, f Function) error {
		list, err := s.list(ctx, poolID)
		if err != nil {
			return err
		}
		list = slices.DeleteFunc(list, func(o Function) bool { return o.Point != f.Point || o.ID == f.ID })
		position = min(max(position, 0), len(list))
		for i, o := range slices.Insert(list, position, f) {
			if err := s.setPosition(ctx, o, i); err != nil {
				return err
			}
		}
		return s.record(ctx, audit.FunctionMove, f, by, "position", strconv.Itoa(position))
	})
}

// Remove deletes a function with its versions; by is recorded, with the hash of what ran.
func (s *Service) Remove(ctx context.Context, poolID, ref, by string) error {
	return s.edit(ctx, poolID, ref, func(ctx context.Context, f Function) error {
		if err := s.remove(ctx, f); err != nil {
			return err
		}
		return s.record(ctx, audit.FunctionRemove, f, by, "version", strconv.FormatInt(f.Version, 10), "sha256", f.SHA256())
	})
}

// edit changes one function.
func (s *Service) edit(ctx context.Context, poolID, ref string, write func(ctx context.Context, f Function) error) error {
	return s.change(ctx, func(ctx context.Context) error {
		f, err := s.find(ctx, poolID, ref)
		if err != nil {
			return err
		}
		return write(ctx, f)
	})
}

func (s *Service) change(ctx context.Context, write func(ctx context.Context) error) error {
	return s.cache.Change(ctx, secret.ID(), write)
}

func (s *Service) record(ctx context.Context, action string, f Function, by string, detail ...string) error {
	e := audit.Event{PoolID: f.PoolID, Action: action, Actor: by, Detail: map[string]string{}}
	if f.ID != "" {
		e.Detail["function"], e.Detail["name"] = f.ID, f.Name
	}
	for i := 0; i+1 < len(detail); i += 2 {
		e.Detail[detail[i]] = detail[i+1]
	}
	return s.audit.Record(ctx, e)
}
