package cloudbase

import (
	"math"
	"net/http"
	"time"

	"github.com/tigertally/tigertally/internal/caller"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/i18n"
	"github.com/tigertally/tigertally/internal/web"
)

// failure is the body of every refusal. The web client reads only error, the
// adapters only error_code, so both are always there.
type failure struct {
	Error       string   `json:"error"`
	ErrorCode   int      `json:"error_code"`
	Description string   `json:"error_description"`
	Details     []string `json:"details"`
	RetryAfter  int64    `json:"retry_after,omitempty"`
	RequestID   string   `json:"request_id,omitempty"`
}

// done is the body of a success with nothing to say: the client takes an empty body
// for a broken connection and sends the request again.
type done struct{}

// WriteError answers r with e in the words of the protocol and the language of the
// caller.
func (p *Protocol) WriteError(w http.ResponseWriter, r *http.Request, e *errs.Error) {
	who := caller.From(r.Context())
	form := wireOf(e.Code)
	web.WriteJSON(w, form.status, failure{
		Error:       form.name,
		ErrorCode:   form.number,
		Description: i18n.Text(who.Lang, e.Code, e.Params),
		Details:     []string{},
		RetryAfter:  seconds(e.RetryAfter),
		RequestID:   who.RequestID,
	})
}

// seconds rounds up, so that a client that waits as told is never early.
func seconds(d time.Duration) int64 {
	return int64(math.Ceil(d.Seconds()))
}
