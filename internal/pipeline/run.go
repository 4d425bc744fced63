package pipeline

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/pipeline/sandbox"
	"github.com/tigertally/tigertally/internal/secret"
)

// Active says whether a pool has a function to run at a point. It answers from memory;
// when that cannot be filled, Run shall say so.
func (s *Service) Active(ctx context.Context, poolID string, p Point) bool {
	snap, err := s.cache.Get(ctx)
	return err != nil || len(snap.pools[poolID].chains[p]) > 0
}

// Run runs the functions of a point, each with the answer of the one before. Without
// any it does nothing. Call it outside transactions.
//
// Errors: PipelineDenied when a function refuses; PipelineFailed when one breaks before
// the event. After the event that is recorded and passed over.
func (s *Service) Run(ctx context.Context, p Point, in Input) (Effect, error) {
	poolID := in.Client.Pool.ID
	snap, err := s.cache.Get(ctx)
	if err != nil {
		return s.broken(ctx, p, in, nil, fmt.Errorf("read functions: %w", err))
	}
	set := snap.pools[poolID]
	blocking, background := split(set.chains[p])
	if len(blocking)+len(background) == 0 {
		return Effect{}, nil
	}
	job, err := s.job(p, in, set.env)
	if err != nil {
		return s.broken(ctx, p, in, nil, err)
	}
	a := sandbox.Answer{User: job.User, Context: job.Context}
	if len(blocking) > 0 {
		job.Steps = steps(blocking)
		if a, err = s.sandbox.Run(ctx, job); err != nil {
			audit.Note(ctx, audit.StepFunctions, string(p)+": could not run")
			return s.broken(ctx, p, in, nil, err)
		}
		s.logLines(ctx, poolID, p, a.Logs)
		audit.Note(ctx, audit.StepFunctions, verdict(p, blocking, a))
	}
	switch {
	case a.Fault == nil:
	case a.Fault.Kind == sandbox.Denied:
		return Effect{}, denied(a.Fault)
	default:
		return s.broken(ctx, p, in, blocking, a.Fault)
	}
	job.User, job.Context = a.User, a.Context
	s.later(ctx, p, in, job, background)
	in.Carry.keep(a.Context)
	return s.effect(ctx, p, in, a), nil
}

// verdict tells which functions ran at a point, how long they took together, and what
// came of it; never what they said.
func verdict(p Point, chain []step, a sandbox.Answer) string {
	names := make([]string, len(chain))
	for i, f := range chain {
		names[i] = f.name + " v" + strconv.FormatInt(f.version, 10)
	}
	result := "passed"
	if a.Fault != nil {
		result = a.Fault.Name + " " + string(a.Fault.Kind)
	}
	return fmt.Sprintf("%s: %s: %s in %d ms", p, strings.Join(names, ", "), result, a.Took.Milliseconds())
}

// denied is the refusal in the function's own words.
func denied(f *sandbox.Fault) error {
	text := f.Message
	if text == "" {
		text = "denied"
	}
	return errs.New(errs.PipelineDenied, "message", text).Because(f)
}

// job is a chain's input without its steps.
func (s *Service) job(p Point, in Input, env map[string]string) (sandbox.Job, error) {
	reqContext, err := buildContext(p, in)
	if err != nil {
		return sandbox.Job{}, err
	}
	user, err := scrubbed(in.User)
	if err != nil {
		return sandbox.Job{}, fmt.Errorf("show the user: %w", err)
	}
	j := sandbox.Job{Tenant: in.Client.Pool.ID, User: user, Context: reqContext, Env: env, Now: s.now()}
	seed := secret.Bytes(4 * len(j.Seed))
	for i := range j.Seed {
		j.Seed[i] = binary.LittleEndian.Uint32(seed[4*i:])
	}
	return j, nil
}

// broken refuses before the event and passes over after it (JS-05), and records it.
func (s *Service) broken(ctx context.Context, p Point, in Input, chain []step, err error) (Effect, error) {
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return Effect{}, err // the client has gone; nothing is wrong with the function
	}
	refusal := errs.New(errs.PipelineFailed).Because(err)
	if e := errs.From(err); e.Code == errs.FieldTooLong {
		refusal = e // the app's own doing
	}
	s.failure(ctx, p, in, chain, err)
	if p.after() {
		return Effect{}, nil
	}
	return Effect{}, refusal
}

// failure logs and records a function that broke.
func (s *Service) failure(ctx context.Context, p Point, in Input, chain []step, err error) {
	poolID := in.Client.Pool.ID
	detail := map[string]string{"point": string(p)}
	if fault, ok := err.(*sandbox.Fault); ok { //nolint:errorlint // never wrapped.
		detail["kind"] = string(fault.Kind)
		if fault.Step < len(chain) && fault.Name == chain[fault.Step].name {
			detail["function"], detail["version"] = fault.Name, strconv.FormatInt(chain[fault.Step].version, 10)
		}
	}
	s.log.WarnContext(ctx, "function failed", "pool", poolID, "point", string(p), "err", mask(err.Error()))
	userID, _ := in.User["id"].(string)
	e := audit.Event{
		PoolID: poolID, Action: audit.FunctionFailed, Result: string(errs.PipelineFailed),
		UserID: userID, ClientID: in.Client.ID, Detail: detail,
	}
	if err := s.audit.Record(context.WithoutCancel(ctx), e); err != nil { // the client may have gone meanwhile
		s.log.ErrorContext(ctx, "failure not recorded", "err", err)
	}
}

// later hands functions to the background, each with the answer of the chain.
func (s *Service) later(ctx context.Context, p Point, in Input, job sandbox.Job, chain []step) {
	ctx = context.WithoutCancel(ctx) // outlives the request
	for _, f := range chain {
		one := job
		one.Steps = steps([]step{f})
		select {
		case s.background <- func() { s.runLater(ctx, p, in, one, f) }:
		default:
			s.log.WarnContext(ctx, "too many functions in the background, one is left out", "pool", job.Tenant, "function", f.name)
		}
	}
}

func (s *Service) runLater(ctx context.Context, p Point, in Input, job sandbox.Job, f step) {
	a, err := s.sandbox.Run(ctx, job)
	s.logLines(ctx, job.Tenant, p, a.Logs)
	if err == nil && a.Fault != nil {
		err = a.Fault
	}
	if err != nil {
		s.failure(ctx, p, in, []step{f}, err)
	}
}

func (s *Service) logLines(ctx context.Context, poolID string, p Point, lines []sandbox.Line) {
	for _, l := range lines {
		s.log.Log(ctx, s.level, "function says", "pool", poolID, "point", string(p), "function", l.Name, "text", mask(l.Text))
	}
}

// mask hides what looks like a number or address of a person: texts of functions go to
// the server's log, whose readers need not know people.
func mask(text string) string {
	text = addressPattern.ReplaceAllString(text, "***@***")
	return numberPattern.ReplaceAllString(text, "***")
}

var (
	addressPattern = regexp.MustCompile(`[\w.+-]+@[\w-]+(\.[\w-]+)+`)
	numberPattern  = regexp.MustCompile(`\+?\d{7,}`)
)

func split(chain []step) (blocking, background []step) {
	for _, f := range chain {
		if f.background {
			background = append(background, f)
		} else {
			blocking = append(blocking, f)
		}
	}
	return blocking, background
}

func steps(chain []step) []sandbox.Step {
	list := make([]sandbox.Step, len(chain))
	for i, f := range chain {
		list[i] = sandbox.Step{Name: f.name, Source: f.source}
	}
	return list
}
