// Package sandbox owns where a pool's functions run: worker processes with limits of
// their own, in each an interpreter compiled to WebAssembly that can reach nothing. It
// knows texts and JSON, not people, and holds no rule about what an answer may change.
package sandbox

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"
)

// How long things may take.
const (
	StepTime = time.Second             // one function
	CallTime = 1150 * time.Millisecond // a whole chain and its turn; whoever asked knows within 1.2 s

	startTime  = 20 * time.Second      // a worker until it is ready; less than one, unless the machine is busy
	killMargin = 30 * time.Millisecond // the process ends so long before CallTime is up,
	stopMargin = 80 * time.Millisecond // the script that can be stopped a little earlier
	idleTime   = 10 * time.Minute      // a worker nobody needs
	blameTime  = time.Minute           // a tenant that used its time up gets half the workers
)

// Kind is why a chain did not come to its end.
type Kind string

// The kinds of faults.
const (
	Denied  Kind = "denied"  // a function refused, in its own words
	Crashed Kind = "crashed" // an exception, or the interpreter broke
	Silent  Kind = "silent"  // callback was not called
	Slow    Kind = "slow"    // the time was up
	Invalid Kind = "invalid" // the answer is too large or no JSON
	Syntax  Kind = "syntax"  // the source does not compile
	Busy    Kind = "busy"    // too many were waiting
)

// Fault says which function ended a chain, and why.
type Fault struct {
	Kind    Kind   `json:"kind"`
	Step    int    `json:"step"`
	Name    string `json:"name"`
	Message string `json:"message"`
}

// Error is for logs.
func (f *Fault) Error() string { return fmt.Sprintf("function %q: %s: %s", f.Name, f.Kind, f.Message) }

// Step is one function of a chain.
type Step struct {
	Name   string `json:"name"`
	Source string `json:"source"`
}

// Job is a chain with what it is given.
type Job struct {
	Tenant        string // whose turn it takes
	Steps         []Step
	User, Context map[string]any
	Env           map[string]string
	Now           time.Time // what scripts see as the time
	Seed          [4]uint32 // of their random numbers
}

// Change is a call of user.addCustomData and its like.
type Change struct {
	Kind  string          `json:"kind"`
	Key   string          `json:"key"`
	Value json.RawMessage `json:"value"`
}

// Line is what a function logged.
type Line struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

// Answer is what a chain returned. With a Fault it is that of the last good function.
type Answer struct {
	User, Context map[string]any
	Changes       []Change
	Logs          []Line
	Fault         *Fault
	Took          time.Duration // running, without waiting
}

// Options configure a Sandbox.
type Options struct {
	// Command starts a worker: a program that calls Worker, and its arguments.
	Command []string
	Workers int // 2 by default
	// Dir is where workers find the compiled interpreter, which costs a third of a second
	// to make anew. It must be an absolute path and the server's alone.
	Dir    string
	Clock  func() time.Time
	Logger *slog.Logger
}

// Sandbox runs jobs in a bounded number of worker processes, fairly between tenants. It
// starts them when there is something to do.
type Sandbox struct {
	o     Options
	queue *queue
}

// New makes a Sandbox. Nothing is started yet.
func New(o Options) *Sandbox {
	if o.Workers <= 0 {
		o.Workers = 2
	}
	return &Sandbox{o: o, queue: newQueue(o)}
}

// Warm starts a worker unless there is one.
func (s *Sandbox) Warm() { s.queue.warm() }

// Close ends the workers and refuses what waits.
func (s *Sandbox) Close() error { return s.queue.close() }

// Run runs a job. It ends after CallTime at the latest, unless a first worker has to be
// started. An error means that it could not run at all; what went wrong in it is a Fault.
func (s *Sandbox) Run(ctx context.Context, j Job) (Answer, error) {
	r := request{Steps: j.Steps, Env: j.Env, Now: j.Now, Seed: j.Seed}
	var err error
	if r.User, err = object(j.User); err != nil {
		return Answer{}, err
	}
	if r.Context, err = object(j.Context); err != nil {
		return Answer{}, err
	}
	if len(r.User)+len(r.Context) > maxAnswer {
		return Answer{Fault: &Fault{Kind: Invalid, Message: "user and context are too large to be shown"}}, nil
	}
	res, err := s.do(ctx, j.Tenant, r)
	if err != nil {
		return Answer{}, err
	}
	a := Answer{Changes: res.Changes, Logs: res.Logs, Fault: res.Fault, Took: res.Took, User: j.User, Context: j.Context}
	if a.Fault != nil {
		return a, nil //nolint:nilerr // a fault is an answer.
	}
	a.User, a.Context = nil, nil
	if err := json.Unmarshal(res.User, &a.User); err != nil {
		return Answer{}, fmt.Errorf("read user: %w", err)
	}
	if err := json.Unmarshal(res.Context, &a.Context); err != nil {
		return Answer{}, fmt.Errorf("read context: %w", err)
	}
	return a, nil
}

// Check reads a source without calling its pipe. A Fault says why it could not run.
func (s *Sandbox) Check(ctx context.Context, tenant string, step Step, env map[string]string, now time.Time) (*Fault, error) {
	nothing := json.RawMessage("{}")
	r := request{Check: true, Steps: []Step{step}, User: nothing, Context: nothing, Env: env, Now: now}
	res, err := s.do(ctx, tenant, r)
	return res.Fault, err
}

// do has a worker answer r. A worker that does not is ended, and its call with it.
func (s *Sandbox) do(ctx context.Context, tenant string, r request) (response, error) {
	w, deadline, err := s.queue.take(ctx, tenant)
	if fault, ok := err.(*Fault); ok { //nolint:errorlint // never wrapped.
		return response{Fault: fault}, nil
	}
	if err != nil {
		return response{}, err
	}
	left := deadline.Sub(s.o.Clock())
	r.Budget = left - stopMargin
	res, fault := w.call(r, left-killMargin)
	// A worker that died counts as slow: it may have been the script's doing.
	slow := fault != nil || (res.Fault != nil && res.Fault.Kind == Slow)
	s.queue.give(w, tenant, fault == nil && !res.Retire, slow)
	if fault != nil {
		return response{Fault: fault}, nil //nolint:nilerr // a fault is an answer.
	}
	return res, nil
}

func object(m map[string]any) (json.RawMessage, error) {
	if m == nil {
		return json.RawMessage("{}"), nil
	}
	return json.Marshal(m)
}
