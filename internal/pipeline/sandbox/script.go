package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/tetratelabs/wazero/sys"
)

const (
	maxAnswer  = 64 << 10        // of one function, JS-04
	maxOutcome = 3*maxAnswer + 1 // with changes and log lines
	maxText    = 500             // of an error
)

// The function is wrapped so that two of one chain never share a name. Nothing stands
// on a line of its own, so that line numbers are the author's.
const wrapHead, wrapTail = "(function(){", "\n;return typeof pipe==='function'?pipe:undefined})"

// settled is what the prelude's finish returns.
type settled struct {
	Answer struct {
		Kind    string          `json:"kind"`
		Message string          `json:"message"`
		User    json.RawMessage `json:"user"`
		Context json.RawMessage `json:"context"`
	} `json:"answer"`
	Ops  []Change `json:"ops"`
	Logs []string `json:"logs"`
}

// script runs requests, one at a time.
type script struct {
	engine *engine
	now    func() time.Time
	used   *vm // to be put back when the answer is out
}

// run runs the functions of a request one after another, each in a fresh instance.
func (s *script) run(ctx context.Context, r request) (res response) {
	begin := s.now()
	end := begin.Add(r.Budget)
	res.User, res.Context = r.User, r.Context
	for i, step := range r.Steps {
		if fault := s.step(ctx, r, i, earlier(s.now().Add(StepTime), end), &res); fault != nil {
			fault.Step, fault.Name = i, step.Name
			res.Fault = fault
			break
		}
	}
	res.Took = s.now().Sub(begin)
	return res
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// step runs one function on what the one before returned.
func (s *script) step(ctx context.Context, r request, i int, deadline time.Time, res *response) *Fault {
	v, err := s.begin(ctx, r, deadline)
	if err != nil {
		return &Fault{Kind: Crashed, Message: err.Error()}
	}
	pipe, fault := s.compile(v, r.Steps[i])
	if fault != nil {
		return fault
	}
	entry := s.engine.start
	if r.Check {
		entry = s.engine.inspect
	}
	input, err := json.Marshal(struct {
		User    json.RawMessage   `json:"user"`
		Context json.RawMessage   `json:"context"`
		Env     map[string]string `json:"env"`
	}{res.User, res.Context, r.Env})
	if err != nil {
		return &Fault{Kind: Invalid, Message: err.Error()}
	}
	seed, _ := json.Marshal(r.Seed) // numbers always encode
	thrown, bad := v.exception(v.invoke(entry, pipe, v.newString(string(input)), v.newString(string(seed))))
	for !bad && v.call("qjs_is_job_pending") != 0 {
		if s.engine.host.interrupt() != 0 {
			break
		}
		// A job's own exception is nobody's: what matters is what settled.
		v.call("qjs_execute_pending_job")
	}
	return s.settle(v, r.Steps[i], thrown, bad, res)
}

// begin takes a fresh instance whose time is up at deadline.
func (s *script) begin(ctx context.Context, r request, deadline time.Time) (*vm, error) {
	s.tidy()
	v, err := s.engine.take(ctx)
	if err != nil {
		return nil, err
	}
	s.used = v
	s.engine.host.begin(r.Now, func() bool { return s.now().After(deadline) })
	return v, nil
}

// tidy makes the instance of the last function ready for the next.
func (s *script) tidy() {
	if s.used != nil {
		s.engine.put(s.used)
		s.used = nil
	}
}

// ready prepares for the next request while the server reads the answer to the last.
func (s *script) ready(ctx context.Context) (err error) {
	big := s.used != nil && s.used.module.Memory().Size() > bigInstance
	s.tidy()
	if s.engine.spare == nil {
		s.engine.spare, err = s.engine.take(ctx)
	}
	if big {
		debug.FreeOSMemory()
	}
	return err
}

// compile reads the source as it stands, then inside its wrapping: text that only
// compiles wrapped would close the wrapping.
func (s *script) compile(v *vm, step Step) (uint64, *Fault) {
	size := v.bytes(make([]byte, 4))
	if v.call("qjs_compile", v.text(step.Source), uint64(len(step.Source)), v.text(step.Name), 0, 0, size) == 0 {
		return 0, s.broken(v, Syntax, misread(v))
	}
	pipe := v.eval(wrapHead+step.Source+wrapTail, step.Name)
	if text, bad := v.exception(pipe); bad {
		return 0, s.broken(v, Syntax, text)
	}
	return pipe, nil
}

// misread is the text of an error of the compiler, with the line it is about. Nothing of
// the source has run then, so that what the error says of itself is the interpreter's.
func misread(v *vm) string {
	fault := v.call("qjs_get_exception")
	text, _ := v.getString(fault, maxFrame)
	where := v.eval(`(e => { const m = /:(\d+):\d+/.exec(e.stack); return m ? ' (line ' + m[1] + ')' : '' })`, "line.js")
	line, _ := v.getString(v.invoke(where, fault), maxText)
	return text + line
}

// broken explains what stopped the interpreter itself.
func (s *script) broken(v *vm, kind Kind, text string) *Fault {
	if s.engine.host.stopped {
		return &Fault{Kind: Slow, Message: "the time is up"}
	}
	if v.err != nil {
		return &Fault{Kind: Crashed, Message: trapText(v.err)}
	}
	if text == "" {
		text, _ = v.getString(v.call("qjs_get_exception"), maxFrame)
	}
	return &Fault{Kind: kind, Message: cut(text)}
}

// trapText leaves out the stack of the compiled interpreter.
func trapText(err error) string {
	if _, ok := errors.AsType[*sys.ExitError](err); ok {
		return "the interpreter ended"
	}
	text, _, _ := strings.Cut(err.Error(), "\n")
	return cut(text)
}

func cut(text string) string {
	if len(text) > maxText {
		text = strings.ToValidUTF8(text[:maxText], "")
	}
	return text
}

// settle asks the prelude what the function answered.
func (s *script) settle(v *vm, step Step, thrown string, bad bool, res *response) *Fault {
	slow := s.engine.host.stopped
	s.engine.host.begin(s.engine.host.now, func() bool { return false })
	out, ok := v.getString(v.invoke(s.engine.finish), maxOutcome)
	var got settled
	if ok {
		if err := json.Unmarshal([]byte(out), &got); err != nil {
			ok, thrown = false, "the answer is no JSON"
		}
	}
	for _, text := range got.Logs {
		res.Logs = append(res.Logs, Line{Name: step.Name, Text: cut(text)})
	}
	switch {
	case slow:
		return &Fault{Kind: Slow, Message: "the time is up"}
	case bad && v.err != nil:
		return &Fault{Kind: Crashed, Message: trapText(v.err)}
	case bad:
		return &Fault{Kind: Crashed, Message: cut(thrown)}
	case !ok:
		return &Fault{Kind: Invalid, Message: "the answer cannot be read, or is larger than " + strconv.Itoa(maxAnswer>>10) + " KB"}
	}
	return got.into(res)
}

// into takes over an answer that is well formed.
func (g settled) into(res *response) *Fault {
	a := g.Answer
	switch a.Kind {
	case "denied":
		return &Fault{Kind: Denied, Message: cut(a.Message)}
	case "done":
	case "silent":
		return &Fault{Kind: Silent, Message: "callback was not called"}
	case "invalid":
		return &Fault{Kind: Invalid, Message: cut(a.Message)}
	default:
		return &Fault{Kind: Crashed, Message: cut(a.Message)}
	}
	if !isObject(a.User) || !isObject(a.Context) {
		return &Fault{Kind: Invalid, Message: "user and context must be objects"}
	}
	size := len(a.User) + len(a.Context)
	for _, c := range g.Ops {
		size += len(c.Key) + len(c.Value)
	}
	if size > maxAnswer {
		return &Fault{Kind: Invalid, Message: "the answer is larger than " + strconv.Itoa(maxAnswer>>10) + " KB"}
	}
	res.User, res.Context = a.User, a.Context
	res.Changes = append(res.Changes, g.Ops...)
	return nil
}

func isObject(raw json.RawMessage) bool { return len(raw) > 1 && raw[0] == '{' }
