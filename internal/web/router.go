package web

import (
	"net/http"

	"github.com/tigertally/tigertally/internal/errs"
)

// Router is a mux whose refusals are worded by a protocol, and which tells a wrong method
// on a known path from an unknown path.
type Router struct {
	protocol Protocol
	paths    map[string]map[string]http.Handler
}

// NewRouter makes an empty Router.
func NewRouter(p Protocol) *Router {
	return &Router{protocol: p, paths: make(map[string]map[string]http.Handler)}
}

// Handle serves a method of a path, written as http.ServeMux takes it.
func (t *Router) Handle(method, path string, h http.Handler) {
	if t.paths[path] == nil {
		t.paths[path] = make(map[string]http.Handler)
	}
	t.paths[path][method] = h
}

// Mux returns a mux of what was handed to Handle. It answers every request.
func (t *Router) Mux() *http.ServeMux {
	mux := http.NewServeMux()
	for path, methods := range t.paths {
		mux.Handle(path, t.choose(methods))
	}
	mux.Handle("/", Handle(t.protocol, func(http.ResponseWriter, *http.Request) error {
		return errs.New(errs.RouteNotFound)
	}))
	return mux
}

func (t *Router) choose(methods map[string]http.Handler) http.Handler {
	refuse := Handle(t.protocol, func(w http.ResponseWriter, _ *http.Request) error {
		for m := range methods {
			w.Header().Add("Allow", m)
		}
		return errs.New(errs.MethodRefused)
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if h, ok := methods[r.Method]; ok {
			h.ServeHTTP(w, r)
			return
		}
		refuse.ServeHTTP(w, r)
	})
}
