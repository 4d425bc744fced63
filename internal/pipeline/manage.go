package pipeline

import (
	"context"
	"time"

	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/pool"
)

// Function is one step of a point's chain.
type Function struct {
	ID, PoolID        string
	Point             Point
	Name, Description string
	Position          int64
	Enabled           bool
	Background        bool // fire and forget: nothing waits for it and its answer is dropped
	Version           int64
	Source            string // only where one version is asked for or put
	Author            string // of the version
	CreatedAt         time.Time
	UpdatedAt         time.Time
}

// Result is what a dry run showed.
type Result struct {
	User, Context map[string]any
	Logs          []string
	Effect        Effect
	Err           error // the refusal the caller of a real run would get
	Took          time.Duration
}

// Put stores a function, or a new version of the one of the same name.
func (s *Service) Put(ctx context.Context, poolID string, f Function) (Function, error) {
	return f, errs.New(errs.NotImplemented)
}

// List returns a pool's functions in the order they run.
func (s *Service) List(ctx context.Context, poolID string) ([]Function, error) { return nil, nil }

// Get finds a function by id or name, with the source that runs.
func (s *Service) Get(ctx context.Context, poolID, ref string) (Function, error) {
	return Function{}, errs.New(errs.FunctionNotFound)
}

// History returns every version of a function, newest first, without sources.
func (s *Service) History(ctx context.Context, poolID, ref string) ([]Function, error) {
	return nil, nil
}

// Source returns one version of a function.
func (s *Service) Source(ctx context.Context, poolID, ref string, version int64) (string, error) {
	return "", nil
}

// SetEnabled switches a function on or off.
func (s *Service) SetEnabled(ctx context.Context, poolID, ref string, on bool) error { return nil }

// Move gives a function another place in its chain, counted from 0.
func (s *Service) Move(ctx context.Context, poolID, ref string, position int) error { return nil }

// Remove deletes a function with its versions.
func (s *Service) Remove(ctx context.Context, poolID, ref string) error { return nil }

// Env returns what a pool's functions read as env.
func (s *Service) Env(ctx context.Context, poolID string) (map[string]string, error) {
	return nil, nil
}

// SetEnv gives one name of env its value.
func (s *Service) SetEnv(ctx context.Context, poolID, name, value string) error { return nil }

// RemoveEnv takes a name away.
func (s *Service) RemoveEnv(ctx context.Context, poolID, name string) error { return nil }

// DryRun runs source as the only function of a point. Nothing is stored.
func (s *Service) DryRun(ctx context.Context, c pool.Client, p Point, source string, user, reqContext map[string]any) (Result, error) {
	return Result{}, nil
}
