package pipeline

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/pipeline/sandbox"
	"github.com/tigertally/tigertally/internal/pool"
)

// Result is what a dry run showed.
type Result struct {
	User, Context map[string]any
	Logs          []string
	Effect        Effect
	Err           error // the refusal a real run would end with, with its cause
	Took          time.Duration
}

// DryRun runs source as the only function of a point, on a user and on a context whose
// keys replace those of an ordinary request. Nothing is stored or recorded. Source need
// not be a stored one.
func (s *Service) DryRun(ctx context.Context, c pool.Client, p Point, source string, user, reqContext map[string]any) (Result, error) {
	if !slices.Contains(Points(), p) {
		return Result{}, errs.New(errs.BadRequest, "field", "point")
	}
	env, err := s.Env(ctx, c.Pool.ID)
	if err != nil {
		return Result{}, err
	}
	in := Input{Client: c, User: user, Protocol: "password", IP: "127.0.0.1", AccessTokenTarget: "user"}
	job, err := s.job(p, in, env)
	if err != nil {
		return Result{}, err
	}
	maps.Copy(job.Context, reqContext)
	job.Steps = []sandbox.Step{{Name: "pipe.js", Source: source}}
	a, err := s.sandbox.Run(ctx, job)
	if err != nil {
		return Result{}, fmt.Errorf("run: %w", err)
	}
	r := Result{User: a.User, Context: a.Context, Took: a.Took}
	for _, l := range a.Logs {
		r.Logs = append(r.Logs, l.Text)
	}
	switch {
	case a.Fault == nil:
		r.Effect = s.effect(ctx, p, in, a)
	case a.Fault.Kind == sandbox.Denied:
		r.Err = denied(a.Fault)
	default:
		r.Err = errs.New(errs.PipelineFailed).Because(a.Fault)
	}
	return r, nil
}
