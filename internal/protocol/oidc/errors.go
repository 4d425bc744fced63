package oidc

import (
	"net/http"
	"strings"

	"github.com/tigertally/tigertally/internal/caller"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/i18n"
	"github.com/tigertally/tigertally/internal/web"
)

// failure is the body of every refusal (RFC 6749 section 5.2).
type failure struct {
	Error       string `json:"error"`
	Description string `json:"error_description,omitempty"`
}

// wire is a refusal in the words of the protocol.
type wire struct {
	status int
	word   string
}

// byCode has the codes with a word of their own.
func byCode(c errs.Code) (wire, bool) {
	w, ok := map[errs.Code]wire{ //nolint:exhaustive // the rest go by their kind
		errs.ClientUnknown:    {http.StatusUnauthorized, "invalid_client"},
		errs.GrantInvalid:     {http.StatusBadRequest, "invalid_grant"},
		errs.GrantUnsupported: {http.StatusBadRequest, "unsupported_grant_type"},
		errs.ScopeInvalid:     {http.StatusBadRequest, "invalid_scope"},
		errs.SessionInvalid:   {http.StatusUnauthorized, "invalid_token"},
		errs.PermissionDenied: {http.StatusForbidden, "insufficient_scope"},
		errs.PipelineDenied:   {http.StatusBadRequest, "access_denied"},
		errs.NotImplemented:   {http.StatusBadRequest, "unsupported_token_type"}, // RFC 7009 section 2.2.1
		errs.RouteNotFound:    {http.StatusNotFound, "invalid_request"},
		errs.PoolNotFound:     {http.StatusNotFound, "invalid_request"},
		errs.MethodRefused:    {http.StatusMethodNotAllowed, "invalid_request"},
		errs.OriginRefused:    {http.StatusForbidden, "invalid_request"},
		errs.BodyTooLarge:     {http.StatusRequestEntityTooLarge, "invalid_request"},
	}[c]
	return w, ok
}

func wireOf(c errs.Code) wire {
	if w, ok := byCode(c); ok {
		return w
	}
	switch c.Kind() {
	case errs.KindUnexpected:
		return wire{http.StatusInternalServerError, "server_error"}
	case errs.KindUnavailable:
		return wire{http.StatusServiceUnavailable, "temporarily_unavailable"}
	case errs.KindExhausted:
		return wire{http.StatusTooManyRequests, "temporarily_unavailable"}
	case errs.KindInvalid, errs.KindUnauthenticated, errs.KindDenied, errs.KindNotFound, errs.KindConflict,
		errs.KindPrecondition, errs.KindAborted, errs.KindUnimplemented:
	}
	return wire{http.StatusBadRequest, "invalid_request"}
}

// WriteError answers r with e. The description is English: the standard allows ASCII
// only, and programmers read it.
func (p *Protocol) WriteError(w http.ResponseWriter, r *http.Request, e *errs.Error) {
	form := wireOf(e.Code)
	scheme, _ := web.Credentials(r.Context())
	switch {
	case form.word == "invalid_client" && scheme == "basic":
		w.Header().Set("WWW-Authenticate", `Basic realm="client"`)
	case form.word == "invalid_token" || form.word == "insufficient_scope":
		w.Header().Set("WWW-Authenticate", `Bearer error="`+form.word+`"`)
	}
	w.Header().Set("Pragma", "no-cache")
	web.WriteJSON(w, form.status, failure{form.word, description(e)})
}

// description is the text of e in the characters RFC 6749 allows. A function of the
// pool may refuse in any language; the word has to do then.
func description(e *errs.Error) string {
	text := i18n.Text(i18n.English, e.Code, e.Params)
	if strings.ContainsFunc(text, func(c rune) bool { return c < ' ' || c > '~' }) {
		return ""
	}
	return strings.NewReplacer(`"`, "'", `\`, "/").Replace(text)
}

// screens words refusals for the person in front of the browser.
type screens struct{ *Protocol }

// WriteError answers with a line of text, which no browser takes for a page.
func (s screens) WriteError(w http.ResponseWriter, r *http.Request, e *errs.Error) {
	status := wireOf(e.Code).status
	if status == http.StatusUnauthorized { // nothing a browser could do about it
		status = http.StatusBadRequest
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(i18n.Text(caller.From(r.Context()).Lang, e.Code, e.Params) + "\n"))
}
