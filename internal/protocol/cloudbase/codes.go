package cloudbase

import (
	"net/http"

	"github.com/tigertally/tigertally/internal/errs"
)

// wire is how one reason looks to a CloudBase client: the word apps compare, the
// number the client library sorts by, and the status only its adapters look at.
type wire struct {
	name   string
	number int
	status int
}

// Words and numbers of the CloudBase protocol. A number outranks its word in the
// client library, so none of these may ever stand for anything else.
var (
	invalidArgument    = wire{"invalid_argument", 3, http.StatusBadRequest}
	notFound           = wire{"not_found", 5, http.StatusNotFound}
	alreadyExists      = wire{"already_exists", 6, http.StatusConflict}
	permissionDenied   = wire{"permission_denied", 7, http.StatusForbidden}
	resourceExhausted  = wire{"resource_exhausted", 8, http.StatusTooManyRequests}
	failedPrecondition = wire{"failed_precondition", 9, http.StatusBadRequest}
	aborted            = wire{"aborted", 10, http.StatusConflict}
	unimplemented      = wire{"unimplemented", 12, http.StatusNotImplemented}
	internal           = wire{"internal", 13, http.StatusInternalServerError}
	unavailable        = wire{"unavailable", 14, http.StatusServiceUnavailable}
	// unauthenticated makes every client delete its session, so only an unusable
	// access token may answer it.
	unauthenticated = wire{"unauthenticated", 16, http.StatusUnauthorized}
)

// byCode holds the reasons with a word of their own. 4101 to 4199 are numbers of
// ours, for words whose vendor number nobody outside the vendor knows. byKind
// answers for the reasons left out.
//
//exhaustive:ignore
var byCode = map[errs.Code]wire{
	errs.BodyTooLarge:  {"invalid_argument", 3, http.StatusRequestEntityTooLarge},
	errs.MethodRefused: {"invalid_argument", 3, http.StatusMethodNotAllowed},

	errs.ClientUnknown:    {"unauthorized_client", 4022, http.StatusUnauthorized},
	errs.MethodDisabled:   {"login_type_disabled", 4045, http.StatusForbidden},
	errs.GrantUnsupported: {"unsupported_grant_type", 4110, http.StatusBadRequest},

	errs.UserBlocked: {"user_blocked", 4103, http.StatusForbidden},
	errs.UserPending: {"user_pending", 4104, http.StatusForbidden},

	errs.PasswordWrong:     {"invalid_password", 4101, http.StatusBadRequest},
	errs.PasswordNotSet:    {"password_not_set", 4102, http.StatusBadRequest},
	errs.PasswordAttempts:  {"invalid_status", 4105, http.StatusBadRequest},
	errs.SecondFactorWrong: {"invalid_two_factor", 4106, http.StatusBadRequest},

	errs.SessionInvalid: unauthenticated,
	errs.RefreshInvalid: {"invalid_grant", 4107, http.StatusBadRequest},

	errs.CaptchaRequired: {"captcha_required", 4001, http.StatusBadRequest},
	errs.CaptchaInvalid:  {"captcha_invalid", 4002, http.StatusBadRequest},

	// RFC 8628 section 3.5.
	errs.AuthorizationPending: {"authorization_pending", 4108, http.StatusBadRequest},
	errs.SlowDown:             {"slow_down", 4109, http.StatusBadRequest},
	errs.DeviceCodeInvalid:    {"expired_token", 4111, http.StatusBadRequest},
	errs.DeviceDenied:         {"access_denied", 4112, http.StatusBadRequest},
}

// byKind answers for every other reason. A kind the core calls unauthenticated is
// still only a denial here; see unauthenticated.
var byKind = map[errs.Kind]wire{
	errs.KindUnexpected:      internal,
	errs.KindInvalid:         invalidArgument,
	errs.KindUnauthenticated: permissionDenied,
	errs.KindDenied:          permissionDenied,
	errs.KindNotFound:        notFound,
	errs.KindConflict:        alreadyExists,
	errs.KindPrecondition:    failedPrecondition,
	errs.KindExhausted:       resourceExhausted,
	errs.KindAborted:         aborted,
	errs.KindUnimplemented:   unimplemented,
	errs.KindUnavailable:     unavailable,
}

// wireOf returns the wire form of a reason.
func wireOf(code errs.Code) wire {
	if w, ok := byCode[code]; ok {
		return w
	}
	return byKind[code.Kind()]
}
