package web

import (
	"net/http"

	"github.com/tigertally/tigertally/internal/errs"
)

// Status is the HTTP status of a kind of refusal, for edges whose protocol has no word of
// its own. The refusals that abort are locks after too many tries.
func Status(k errs.Kind) int {
	switch k {
	case errs.KindInvalid, errs.KindPrecondition:
		return http.StatusBadRequest
	case errs.KindUnauthenticated:
		return http.StatusUnauthorized
	case errs.KindDenied:
		return http.StatusForbidden
	case errs.KindNotFound:
		return http.StatusNotFound
	case errs.KindConflict:
		return http.StatusConflict
	case errs.KindExhausted, errs.KindAborted:
		return http.StatusTooManyRequests
	case errs.KindUnimplemented:
		return http.StatusNotImplemented
	case errs.KindUnavailable:
		return http.StatusServiceUnavailable
	case errs.KindUnexpected:
	}
	return http.StatusInternalServerError
}
