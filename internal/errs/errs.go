// Package errs owns every reason the server can give for refusing a request. It
// knows no protocol and no language: the edges turn a Code into their own wire form
// and i18n turns it into words.
package errs

import (
	"errors"
	"fmt"
	"maps"
	"time"
)

// Error is a refusal the caller may see. Its cause is for the log only.
type Error struct {
	Code Code
	// Params fill the placeholders of the code's text, for example {"min": "8"}.
	Params map[string]string
	// RetryAfter says when a throttled caller may try again; zero says nothing.
	RetryAfter time.Duration

	cause error
}

// New makes a refusal. Params are name, value pairs for its text.
func New(code Code, params ...string) *Error {
	e := &Error{Code: code}
	for i := 0; i+1 < len(params); i += 2 {
		if e.Params == nil {
			e.Params = make(map[string]string, len(params)/2)
		}
		e.Params[params[i]] = params[i+1]
	}
	return e
}

// Because returns a copy of e that carries cause for the log.
func (e *Error) Because(cause error) *Error {
	c := *e
	c.Params = maps.Clone(e.Params)
	c.cause = cause
	return &c
}

// After returns a copy of e that tells the caller to wait d.
func (e *Error) After(d time.Duration) *Error {
	c := *e
	c.RetryAfter = d
	return &c
}

// Error is for logs and tests; clients get the text of the code.
func (e *Error) Error() string {
	if e.cause != nil {
		return fmt.Sprintf("%s: %v", e.Code, e.cause)
	}
	return string(e.Code)
}

// Unwrap returns the private cause.
func (e *Error) Unwrap() error { return e.cause }

// Is reports whether target is an Error of the same code, so that
// errors.Is(err, errs.New(errs.PasswordWrong)) works.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// From finds the refusal in err. Any other error becomes Unexpected, which shows
// the caller nothing; nil stays nil.
func From(err error) *Error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return New(Unexpected).Because(err)
}

// CodeOf returns the code of err, "" for nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	return From(err).Code
}
