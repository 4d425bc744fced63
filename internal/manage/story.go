package manage

import (
	"maps"
	"strings"

	"github.com/tigertally/tigertally/api"
	"github.com/tigertally/tigertally/internal/audit"
)

// The results of decisions that are not codes.
const (
	resultRoom     = "room"
	resultFull     = "full"
	resultAccepted = "accepted"
	resultOpened   = "opened"
	resultNeedless = "not_needed"
	resultPassed   = "passed"
	resultTyped    = "typed"
)

// stepSession is the decision to open a session.
const stepSession = "session"

// stepView takes a decision apart, as the flow that made it wrote it down.
func stepView(r audit.Record, s audit.Step) api.AttemptStep {
	v := api.AttemptStep{At: r.At.UTC(), Step: s.Name, Result: s.Is}
	switch s.Name {
	case audit.StepIdentifier:
		kind, shown := kindAndRest(s.Is)
		v.Result, v.Params = resultTyped, map[string]string{"kind": kind, "identifier": shown}
	case audit.StepLimit:
		v.Result, v.Params = limitStep(s.Is)
	case audit.StepCaptcha:
		v.Result = captchaStep(s.Is)
	case audit.StepProof:
		v.Result, v.Params = strings.TrimPrefix(s.Is, "refused: "), map[string]string{"method": r.Event.Detail["method"]}
	case audit.StepFunctions:
		v.Result, v.Params = functionStep(s.Is)
	case audit.StepAccount:
		v.Result = strings.ReplaceAll(s.Is, " ", "_")
	}
	return v
}

// kindAndRest takes "phone 138****8000" apart.
func kindAndRest(text string) (kind, rest string) {
	kind, rest, _ = strings.Cut(text, " ")
	if strings.HasPrefix(text, "nobody ") {
		return "none", ""
	}
	return kind, rest
}

// limitStep takes "password_ip has room" and "password_ip is full for 240 s" apart.
func limitStep(text string) (result string, params map[string]string) {
	rule, found, _ := strings.Cut(text, " ")
	params = map[string]string{"rule": rule}
	if strings.HasPrefix(found, "has room") {
		return resultRoom, params
	}
	if _, wait, ok := strings.Cut(found, " for "); ok {
		params["seconds"] = strings.TrimSuffix(wait, " s")
	}
	return resultFull, params
}

// captchaStep takes "not needed", "needed: passed" and "needed: captcha_required" apart.
func captchaStep(text string) string {
	if result, needed := strings.CutPrefix(text, "needed: "); needed {
		return result
	}
	return resultNeedless
}

// functionStep takes "PRE_REGISTER: a v1, b v2: b denied in 3 ms" apart, and
// "PRE_REGISTER: could not run".
func functionStep(text string) (result string, params map[string]string) {
	point, rest, _ := strings.Cut(text, ": ")
	params = map[string]string{"point": point}
	i := strings.LastIndex(rest, ": ")
	if i < 0 {
		return "broken", params
	}
	params["functions"] = rest[:i]
	verdict, took, _ := strings.Cut(rest[i+2:], " in ")
	params["ms"] = strings.TrimSuffix(took, " ms")
	if verdict == resultPassed {
		return resultPassed, params
	}
	// The last word is what came of it, what is before it whose verdict it was.
	at := strings.LastIndex(verdict, " ")
	params["function"] = verdict[:max(at, 0)]
	return verdict[at+1:], params
}

// ending is what a record says beyond its decisions: what it is about, and the session
// that was opened with it.
func ending(r audit.Record) []api.AttemptStep {
	e := r.Event
	at := r.At.UTC()
	params := maps.Clone(e.Detail)
	delete(params, "steps")
	session := map[string]string{}
	if e.SessionID != "" {
		session["session"] = e.SessionID
		for _, name := range []string{"scope", "access_seconds", "refresh"} {
			if v := params[name]; v != "" {
				session[name] = v
				delete(params, name)
			}
		}
	}
	steps := []api.AttemptStep{{At: at, Step: e.Action, Result: e.Result, Params: params}}
	if e.SessionID != "" && e.Result == audit.OK && (e.Action == audit.SignIn || e.Action == audit.SignUp) {
		steps = append(steps, api.AttemptStep{At: at, Step: stepSession, Result: resultOpened, Params: session})
	}
	return steps
}
