package audit

import (
	"context"
	"encoding/json"
	"maps"
	"sync"
	"unicode/utf8"
)

// Step is one decision on the way to a record: what was looked at, and what it was found
// to be. Neither is ever a secret, a code or an address in clear.
type Step struct {
	Name string `json:"step"`
	Is   string `json:"is"`
}

// The steps of a sign-in.
const (
	StepIdentifier = "identifier" // masked
	StepLimit      = "limit"
	StepCaptcha    = "captcha"
	StepProof      = "proof"
	StepAccount    = "account"
	StepFunctions  = "functions"
	StepNext       = "next"
)

// detailSteps is where a record keeps its story.
const detailSteps = "steps"

// maxSteps and maxStep bound a story: a record is no log.
const (
	maxSteps = 40
	maxStep  = 300
)

// story collects the decisions of one attempt.
type story struct {
	mu    sync.Mutex
	steps []Step
}

type storyKey struct{}

// Tell returns a context in which Note is heard: records of sign-ins and registrations
// made with it say what led to them.
func Tell(ctx context.Context) context.Context {
	return context.WithValue(ctx, storyKey{}, &story{})
}

// Note adds a decision to the story of ctx, if one is told. Call it outside transactions:
// those may run twice.
func Note(ctx context.Context, name, is string) {
	s, _ := ctx.Value(storyKey{}).(*story)
	if s == nil {
		return
	}
	for len(is) > maxStep || !utf8.ValidString(is) {
		is = is[:min(len(is), maxStep+1)-1]
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.steps) < maxSteps {
		s.steps = append(s.steps, Step{name, is})
	}
}

// told adds the story of ctx to the detail of a record that ends an attempt.
func told(ctx context.Context, e Event) (Event, error) {
	s, _ := ctx.Value(storyKey{}).(*story)
	if s == nil || e.Action != SignIn && e.Action != SignUp && e.Action != FunctionRun {
		return e, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.steps) == 0 {
		return e, nil
	}
	text, err := json.Marshal(s.steps)
	e.Detail = maps.Clone(e.Detail)
	if e.Detail == nil {
		e.Detail = make(map[string]string, 1)
	}
	e.Detail[detailSteps] = string(text)
	return e, err
}

// Steps returns the decisions that led to a record, in their order; none when nobody
// told them.
func (r Record) Steps() []Step {
	var steps []Step
	if json.Unmarshal([]byte(r.Event.Detail[detailSteps]), &steps) != nil {
		return nil
	}
	return steps
}
