package authing

import (
	"net/http"

	"github.com/tigertally/tigertally/internal/caller"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/i18n"
	"github.com/tigertally/tigertally/internal/web"
)

// envelope is every answer of the REST half. Code is a number and Message never empty:
// some clients take anything else for success, and some crash.
type envelope struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
	Data    any    `json:"data,omitempty"`
}

const (
	codeOK    = 200
	messageOK = "ok"
)

// bare is an answer that goes out without an envelope.
type bare struct{ value any }

// refusal puts e into the words of an endpoint and the language of a caller.
func refusal(lang string, w words, e *errs.Error) envelope {
	form := w.of(e.Code)
	return envelope{Code: form.number, Message: i18n.Text(lang, form.text, e.Params)}
}

// WriteError answers r with e. The status is always 200: any other hides the number from
// the clients.
func (p *Protocol) WriteError(w http.ResponseWriter, r *http.Request, e *errs.Error) {
	voice{p, nil}.WriteError(w, r, e)
}

// voice is the protocol with the numbers of one group of endpoints: the same reason
// has different ones in different places.
type voice struct {
	*Protocol
	words words
}

// WriteError answers r with e in the words of the group.
func (d voice) WriteError(w http.ResponseWriter, r *http.Request, e *errs.Error) {
	web.WriteJSON(w, http.StatusOK, refusal(caller.From(r.Context()).Lang, d.words, e))
}
