package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/tigertally/tigertally/internal/errs"
)

// CORS lets pages of registered origins call an API from the browser.
type CORS struct {
	// Protocol words the refusal.
	Protocol Protocol
	// Allowed reports whether a page of origin may send r. See OriginIn.
	Allowed func(r *http.Request, origin string) bool
	// Credentials allows requests that carry cookies, which some SDKs insist on. It is
	// only for APIs where no cookie says who somebody is.
	Credentials bool
}

// Header values that never change; net/http only reads them.
var (
	varyOrigin    = []string{"Origin"}
	varyPreflight = []string{"Origin, Access-Control-Request-Method, Access-Control-Request-Headers"}
	allMethods    = []string{"GET, POST, PUT, PATCH, DELETE, OPTIONS"}
	tenMinutes    = []string{"600"}
	exposed       = []string{"X-Request-Id, Retry-After"}
	yes           = []string{"true"}
)

// maxReflected bounds the list of requested headers that is sent back.
const maxReflected = 2048

// Handler answers preflights and refuses pages of other origins. The headers are set
// before next runs, so that they stand on its errors and panics too: without them the
// page could not read the error.
func (c CORS) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		preflight := r.Method == http.MethodOptions
		if preflight {
			h["Vary"] = varyPreflight
		} else {
			h["Vary"] = varyOrigin
		}
		origin := first(r.Header, "Origin")
		if origin != "" && !ownOrigin(r, origin) {
			if len(r.Header["Origin"]) != 1 || !c.Allowed(r, origin) {
				Fail(c.Protocol, w, r, errs.New(errs.OriginRefused))
				return
			}
			h["Access-Control-Allow-Origin"] = []string{origin}
			h["Access-Control-Expose-Headers"] = exposed
			if c.Credentials {
				h["Access-Control-Allow-Credentials"] = yes
			}
		}
		if !preflight {
			next.ServeHTTP(w, r)
			return
		}
		h["Access-Control-Allow-Methods"] = allMethods
		h["Access-Control-Max-Age"] = tenMinutes
		if names := requested(r.Header); names != "" {
			h["Access-Control-Allow-Headers"] = []string{names}
		}
		w.WriteHeader(http.StatusNoContent)
	})
}

// OriginIn reports whether origin is exactly one of list, or list has "*", which is
// for development.
func OriginIn(list []string, origin string) bool {
	return slices.Contains(list, "*") || (origin != "null" && slices.Contains(list, origin))
}

// ownOrigin reports whether the page came from this server itself, which needs no
// permission.
func ownOrigin(r *http.Request, origin string) bool {
	u, err := url.Parse(origin)
	return err == nil && u.Host != "" && u.Host == r.Host &&
		(u.Scheme == "https" || u.Scheme == "http")
}

// requested is the list of headers a preflight asks for, "" when it is not a list of
// names. Reflecting it lets the literal header "undefined" of some SDKs through.
func requested(h http.Header) string {
	names := strings.Join(h["Access-Control-Request-Headers"], ", ")
	if len(names) > maxReflected {
		return ""
	}
	for i := range len(names) {
		c := names[i]
		switch {
		case digit(c), 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z':
		case strings.IndexByte("-_.!#$%&'*+^`|~, ", c) >= 0:
		default:
			return ""
		}
	}
	return names
}
