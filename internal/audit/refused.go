package audit

import (
	"maps"

	"github.com/tigertally/tigertally/internal/errs"
)

// Refused completes an event about something that err refused: its code is the result, and
// the reason a driver gave is kept, so that support can tell why it failed.
func Refused(err error, e Event) Event {
	refusal := errs.From(err)
	e.Result = string(refusal.Code)
	if reason := refusal.Params[DetailReason]; reason != "" {
		e.Detail = maps.Clone(e.Detail)
		if e.Detail == nil {
			e.Detail = make(map[string]string, 1)
		}
		e.Detail[DetailReason] = reason
	}
	return e
}
