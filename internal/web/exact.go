package web

import (
	"net/http"
	"path"
	"strings"

	"github.com/tigertally/tigertally/internal/errs"
)

// Exact refuses a path that is not written the one clean way. A mux would redirect it
// with a page of HTML, which API clients take for a broken connection.
func Exact(p Protocol, next http.Handler) http.Handler {
	refuse := Handle(p, func(http.ResponseWriter, *http.Request) error {
		return errs.New(errs.RouteNotFound)
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if at := r.URL.Path; at != "/" && path.Clean(at) != strings.TrimSuffix(at, "/") {
			refuse.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}
