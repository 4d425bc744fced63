package audit

import (
	"maps"
	"strconv"

	"github.com/tigertally/tigertally/internal/errs"
)

// Refused completes an event about something that err refused: its code is the result, and
// the reason a driver gave and how long to wait are kept, so that support can tell why it
// failed.
func Refused(err error, e Event) Event {
	refusal := errs.From(err)
	e.Result = string(refusal.Code)
	reason, wait := refusal.Params[DetailReason], refusal.RetryAfter
	if reason == "" && wait <= 0 {
		return e
	}
	e.Detail = maps.Clone(e.Detail)
	if e.Detail == nil {
		e.Detail = make(map[string]string, 2)
	}
	if reason != "" {
		e.Detail[DetailReason] = reason
	}
	if wait > 0 {
		e.Detail[DetailSeconds] = strconv.Itoa(int(wait.Seconds()))
	}
	return e
}
