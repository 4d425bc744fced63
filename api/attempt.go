package api

import "time"

// AttemptQuery looks for what people did to get in.
type AttemptQuery struct {
	PoolRef
	Page
	Identifier string `query:"identifier" doc:"the whole phone number, email address or user name that was typed, known or not"`
	User       string `query:"user" doc:"id of a person"`
	Client     string `query:"client" doc:"id of the application"`
	IP         string `query:"ip" doc:"address it came from"`
	Result     string `query:"result" doc:"refused, ok, or the code of a refusal; all when it is not given"`
	Since      string `query:"since" doc:"from when on, RFC 3339 or a date"`
	Until      string `query:"until" doc:"before when, RFC 3339 or a date"`
}

// Attempt is one thing somebody did to get in: a sign-in, a registration, a code asked
// for or typed, a new password.
type Attempt struct {
	RequestID  string    `json:"request_id" doc:"tells the attempt step by step, see attempt.explain"`
	At         time.Time `json:"at" doc:"when it happened"`
	Action     string    `json:"action" doc:"what it was, as in the audit trail"`
	Method     string    `json:"method,omitempty" doc:"sign-in method, or channel of a code"`
	Result     string    `json:"result" doc:"ok, a next step, or the code of the refusal"`
	Outcome    string    `json:"outcome" enum:"ok,step,refused" doc:"the same, in short"`
	Identifier string    `json:"identifier,omitempty" doc:"what was typed, masked"`
	User       string    `json:"user,omitempty" doc:"the person, when it was one"`
	Client     string    `json:"client,omitempty" doc:"application"`
	IP         string    `json:"ip,omitempty" doc:"address it came from"`
}

// AttemptRef names an attempt.
type AttemptRef struct {
	PoolRef
	RequestID string `path:"request_id" doc:"id of the request"`
}

// AttemptStory is everything that was decided in one attempt.
type AttemptStory struct {
	Attempt
	Device    string        `json:"device,omitempty" doc:"what the device calls itself"`
	UserAgent string        `json:"user_agent,omitempty" doc:"browser or app"`
	Session   string        `json:"session,omitempty" doc:"the session that was opened"`
	Steps     []AttemptStep `json:"steps" doc:"the decisions, in their order"`
}

// AttemptStep is one decision.
type AttemptStep struct {
	At     time.Time         `json:"at" doc:"when it was written down"`
	Step   string            `json:"step" doc:"what was looked at: identifier, limit, captcha, proof, account, functions, next, session, or an action of the audit trail"`
	Result string            `json:"result" doc:"what it was found to be"`
	Params map[string]string `json:"params,omitempty" doc:"for its text: rule, seconds, point, functions, ms, method and so on"`
}
