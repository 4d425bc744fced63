// Package web owns what every HTTP edge shares: typed handlers over strict JSON,
// request facts, trusted proxies, CORS, the access log, limits and the guard against
// panics. It knows no endpoint; each protocol brings its own error bodies.
package web

import (
	"context"
	"fmt"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/tigertally/tigertally/internal/caller"
	"github.com/tigertally/tigertally/internal/errs"
)

// Protocol is what differs between the wire protocols: the shape of an error.
type Protocol interface {
	// Name is the protocol of caller.Info.
	Name() string
	// WriteError answers a request with e, status and body included.
	WriteError(w http.ResponseWriter, r *http.Request, e *errs.Error)
}

// JSON makes an endpoint of fn. It decodes the request strictly into In, calls
// Validate when In has one, runs fn and answers 200 with Out as JSON, or the error
// through p.
//
// Fields of In are members of the body's JSON object by their json tag, or come from
// `query:"name"`, `query:"name,brackets"` (a map of name[key]), `path:"name"` and
// `header:"Name"`; `body:"raw"` marks a json.RawMessage for the whole body. The body is
// JSON whatever its content type says, and an empty one is an empty object.
func JSON[In, Out any](p Protocol, fn func(ctx context.Context, in In) (Out, error)) http.Handler {
	return Endpoint(p, fn, func(w http.ResponseWriter, _ *http.Request, out Out) error {
		return writeJSON(w, http.StatusOK, out)
	})
}

// Endpoint is JSON for protocols that answer otherwise: write sends what fn returned.
func Endpoint[In, Out any](p Protocol, fn func(ctx context.Context, in In) (Out, error),
	write func(w http.ResponseWriter, r *http.Request, out Out) error,
) http.Handler {
	plan, bad := planFor[In]()
	return Handle(p, func(w http.ResponseWriter, r *http.Request) error {
		if bad != nil {
			return bad
		}
		in := new(In)
		if err := plan.fill(in, r); err != nil {
			return err
		}
		out, err := fn(r.Context(), *in)
		if err != nil {
			return err
		}
		return write(w, r, out)
	})
}

// Handle makes an endpoint of fn, which writes its own answer unless it fails. An
// error, or a panic, is answered through p.
func Handle(p Protocol, fn func(w http.ResponseWriter, r *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r = enter(p, r)
		defer func() {
			if v := recover(); v != nil {
				Fail(p, w, r, recovered(v))
			}
		}()
		if err := fn(w, r); err != nil {
			Fail(p, w, r, err)
		}
	})
}

// Fail answers r with err through p and leaves err for the access log. It answers
// nothing when an answer has begun.
func Fail(p Protocol, w http.ResponseWriter, r *http.Request, err error) {
	SetLogError(r.Context(), err)
	if s := stateOf(r.Context()); s != nil && s.status != 0 {
		return
	}
	e := errs.From(err)
	if e.RetryAfter > 0 {
		w.Header().Set("Retry-After", seconds(e.RetryAfter))
	}
	p.WriteError(w, r, e)
}

// NotFound answers what mux has no endpoint for. It is registered as mux's pattern for
// everything under a prefix, and tells a wrong method from a wrong path.
func NotFound(p Protocol, mux *http.ServeMux) http.Handler {
	methods := []string{
		http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
	}
	return Handle(p, func(w http.ResponseWriter, r *http.Request) error {
		var allowed []string
		for _, m := range methods {
			probe := *r
			probe.Method = m
			if _, pattern := mux.Handler(&probe); pattern != "" && pattern != r.Pattern {
				allowed = append(allowed, m)
			}
		}
		if allowed == nil {
			return errs.New(errs.RouteNotFound)
		}
		w.Header()["Allow"] = []string{strings.Join(allowed, ", ")}
		return errs.New(errs.MethodRefused)
	})
}

// enter notes the endpoint that answers: its pattern for the log and its protocol for
// everybody below.
func enter(p Protocol, r *http.Request) *http.Request {
	ctx := r.Context()
	if s := stateOf(ctx); s != nil {
		s.pattern = r.Pattern
	}
	info := caller.From(ctx)
	if info.Protocol == p.Name() {
		return r
	}
	info.Protocol = p.Name()
	return r.WithContext(caller.With(ctx, info))
}

// recovered turns a panic into an error that carries the stack for the log. The
// server's own way to abort an answer goes on.
func recovered(v any) error {
	if v == http.ErrAbortHandler { //nolint:errorlint // net/http compares it like this too.
		panic(v) //nolint:forbidigo // it is how net/http is told to drop the connection
	}
	return errs.New(errs.Unexpected).Because(fmt.Errorf("panic: %v\n%s", v, debug.Stack()))
}

// seconds rounds up, so that a caller who waits as told is not early.
func seconds(d time.Duration) string {
	return strconv.FormatInt(int64((d+time.Second-1)/time.Second), 10)
}
