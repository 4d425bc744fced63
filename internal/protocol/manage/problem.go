package manage

import (
	"encoding/json"
	"mime"
	"net/http"

	"github.com/tigertally/tigertally/api"
	"github.com/tigertally/tigertally/internal/caller"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/i18n"
	"github.com/tigertally/tigertally/internal/web"
)

// problemType is the media type of a refusal (RFC 9457 section 3).
const problemType = "application/problem+json"

// statusOf is the HTTP status of a refusal.
func statusOf(c errs.Code) int {
	switch c { //nolint:exhaustive // the rest go by their kind
	case errs.EditConflict:
		return http.StatusPreconditionFailed
	case errs.MethodRefused:
		return http.StatusMethodNotAllowed
	case errs.BodyTooLarge:
		return http.StatusRequestEntityTooLarge
	}
	switch c.Kind() { //nolint:exhaustive // the rest as everywhere
	case errs.KindPrecondition, errs.KindAborted: // the request was well formed; what is there stands against it
		return http.StatusConflict
	}
	return web.Status(c.Kind())
}

// WriteError answers r with e as a problem, in the caller's language.
func (p *Protocol) WriteError(w http.ResponseWriter, r *http.Request, e *errs.Error) {
	info := caller.From(r.Context())
	status := statusOf(e.Code)
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	body, err := json.Marshal(api.Problem{
		Type: Prefix + "/problems#" + string(e.Code), Title: i18n.Text(info.Lang, e.Code, e.Params),
		Status: status, Code: string(e.Code), Params: e.Params, RequestID: info.RequestID,
	})
	if err != nil {
		status = http.StatusInternalServerError
	}
	w.Header().Set("Content-Type", problemType)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// isJSON reports whether a Content-Type is JSON.
func isJSON(contentType string) bool {
	media, _, err := mime.ParseMediaType(contentType)
	return err == nil && media == "application/json"
}
