package cloudbase

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"
)

// ErrorName is the word the protocol has for a reason to fail. The constants are for
// errors.Is:
//
//	if errors.Is(err, cloudbase.ErrInvalidPassword) { … }
type ErrorName string

// Error makes a name an error to compare with.
func (n ErrorName) Error() string { return "cloudbase: " + string(n) }

// The names of the sign-in page.
const (
	ErrNotFound           ErrorName = "not_found"           // there is no such user
	ErrPasswordNotSet     ErrorName = "password_not_set"    // sign in with a code or a provider
	ErrInvalidPassword    ErrorName = "invalid_password"    // the password is wrong
	ErrUserPending        ErrorName = "user_pending"        // the account is not active yet
	ErrUserBlocked        ErrorName = "user_blocked"        // the account has been stopped
	ErrInvalidStatus      ErrorName = "invalid_status"      // too many wrong passwords; try again later
	ErrInvalidTwoFactor   ErrorName = "invalid_two_factor"  // the second factor is wrong or too old
	ErrFailedPrecondition ErrorName = "failed_precondition" // the address has an account; no profile could be had from a provider
	ErrResourceExhausted  ErrorName = "resource_exhausted"  // too often; see Error.RetryAfter
	ErrInvalidArgument    ErrorName = "invalid_argument"    // the code is wrong or has expired; a parameter is bad
	ErrAborted            ErrorName = "aborted"             // too many tries; start over
	ErrPermissionDenied   ErrorName = "permission_denied"   // what led here has expired; start over
	ErrCaptchaRequired    ErrorName = "captcha_required"    // see Config.Captcha
	ErrCaptchaInvalid     ErrorName = "captcha_invalid"     // the proof was not accepted
	ErrUnreachable        ErrorName = "unreachable"         // no answer, or none that makes sense
)

// Names that the page does not list.
const (
	ErrUnauthenticated   ErrorName = "unauthenticated"     // nobody is signed in, or not any more
	ErrUnimplemented     ErrorName = "unimplemented"       // switched off, or not there
	ErrLoginTypeDisabled ErrorName = "login_type_disabled" // this way to sign in is switched off
	ErrAlreadyExists     ErrorName = "already_exists"
	ErrInvalidGrant      ErrorName = "invalid_grant"
	ErrProvider          ErrorName = "provider_error"
	ErrInternal          ErrorName = "internal"
	ErrUnavailable       ErrorName = "unavailable"
	ErrDeadlineExceeded  ErrorName = "deadline_exceeded"
	ErrCancelled         ErrorName = "cancelled" // the context ended; errors.Is knows its error, too
	ErrLocal             ErrorName = "local"     // never sent: the call makes no sense
	ErrUnknown           ErrorName = "unknown"   // a failure without a name
)

// Error is a refusal of the server or a failure to reach it.
type Error struct {
	Name        ErrorName       // never empty
	Code        int             // the server's number for Name; 0 where there is none
	Description string          // for people, in the language of Config.Lang
	RequestID   string          // the x-request-id that was sent; "" when nothing was
	Path        string          // of the request, such as "/auth/v1/signin"; "" when nothing was sent
	Status      int             // of the answer; 0 when there was none
	RetryAfter  time.Duration   // how long to wait, when the server said so
	Details     json.RawMessage // what else the server said, nil for nothing

	cause error
}

// Error says what happened, without anything secret.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Name.Error())
	if e.Path != "" {
		b.WriteString(" at " + e.Path)
	}
	if e.Description != "" {
		b.WriteString(": " + e.Description)
	}
	if e.cause != nil {
		b.WriteString(": " + e.cause.Error())
	}
	return b.String()
}

// Is reports whether target is the name of e.
func (e *Error) Is(target error) bool {
	n, ok := target.(ErrorName)
	return ok && n == e.Name
}

// Unwrap returns what kept the server from being reached, nil when it answered.
func (e *Error) Unwrap() error { return e.cause }

func local(description string) error { return &Error{Name: ErrLocal, Description: description} }

func unauthenticated(description string) error {
	return &Error{Name: ErrUnauthenticated, Description: description}
}

func nameOf(err error) ErrorName {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Name
	}
	return ""
}

// unreachable is the failure of a request, which is not the server's when ctx has ended.
func unreachable(ctx context.Context, cause error) *Error {
	if ctx.Err() != nil {
		return &Error{Name: ErrCancelled, cause: context.Cause(ctx)}
	}
	return &Error{Name: ErrUnreachable, cause: cause}
}
