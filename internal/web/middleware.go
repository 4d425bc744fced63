package web

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tigertally/tigertally/internal/caller"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/i18n"
	"github.com/tigertally/tigertally/internal/secret"
)

// Options are what Middleware needs to know.
type Options struct {
	// Logger gets one line per request; nil logs nothing.
	Logger *slog.Logger
	// Now measures durations, so it is the real clock and not an emulated one.
	Now func() time.Time
	// Protocol picks who words the answers Middleware gives itself, by the request's
	// path: to a method nobody serves, and after a panic outside an endpoint.
	Protocol func(r *http.Request) Protocol
	// TrustedProxies may say whom they speak for in X-Forwarded-For.
	TrustedProxies []netip.Prefix
	// Metrics counts requests; nil counts nothing.
	Metrics *Metrics
	// MaxBody is how much of a request's body may be read; nil means MaxBody for all.
	MaxBody func(r *http.Request) int64
	// HSTS tells browsers to come back by TLS only.
	HSTS bool
}

// Header values that never change; net/http only reads them.
var (
	nosniff    = []string{"nosniff"}
	noReferrer = []string{"no-referrer"}
	sameOrigin = []string{"same-origin"}
	inertCSP   = []string{"default-src 'none'; frame-ancestors 'none'"}
	oneYear    = []string{"max-age=31536000; includeSubDomains"}
)

// The longest values kept of what a client claims about itself.
const (
	maxClaim = 128
	maxAgent = 256
	maxPath  = 256
)

// Middleware surrounds everything the server answers: it finds out who calls, keeps
// the request's state, sets the security headers, guards against panics, and logs and
// counts the answer.
func Middleware(o Options, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := o.Now()
		p := o.Protocol(r)
		info := callerOf(r, o.TrustedProxies)
		info.Protocol = p.Name()
		s := &state{ResponseWriter: w, maxBody: o.maxBody(r)}
		s.scheme, s.token = credentials(r.Header)
		r = r.WithContext(context.WithValue(caller.With(r.Context(), info), stateKey{}, s))
		if r.Body != nil && r.Body != http.NoBody {
			r.Body = http.MaxBytesReader(w, r.Body, s.maxBody)
		}
		o.headers(w.Header(), info.RequestID)
		defer o.finish(p, s, r, info, start)
		if !served(r.Method) {
			Fail(p, s, r, errs.New(errs.MethodRefused))
			return
		}
		next.ServeHTTP(s, r)
	})
}

func (o *Options) maxBody(r *http.Request) int64 {
	if o.MaxBody == nil {
		return MaxBody
	}
	return o.MaxBody(r)
}

// headers sets what every answer carries. Pages replace the policy by their own.
func (o *Options) headers(h http.Header, requestID string) {
	h["X-Request-Id"] = []string{requestID}
	h["X-Content-Type-Options"] = nosniff
	h["Referrer-Policy"] = noReferrer
	h["Content-Security-Policy"] = inertCSP
	h["Cross-Origin-Resource-Policy"] = sameOrigin
	if o.HSTS {
		h["Strict-Transport-Security"] = oneYear
	}
}

// finish answers a panic, and logs and counts the request. It is deferred itself, so
// that recover works.
func (o *Options) finish(p Protocol, s *state, r *http.Request, info caller.Info, start time.Time) {
	v := recover()
	if v == http.ErrAbortHandler { //nolint:errorlint // net/http compares it like this too.
		panic(v) //nolint:forbidigo // it is how net/http is told to drop the connection
	}
	if v != nil {
		Fail(p, s, r, recovered(v))
	}
	if s.status == 0 { // net/http answers an empty 200
		s.status = http.StatusOK
	}
	if s.pattern == "" {
		s.pattern = r.Pattern
	}
	took := o.Now().Sub(start)
	o.Metrics.observe(s.pattern, s.status, took)
	o.log(s, r, info, took)
}

// log writes the access line. It has the path but never the query, which may hold
// tokens.
func (o *Options) log(s *state, r *http.Request, info caller.Info, took time.Duration) {
	if o.Logger == nil {
		return
	}
	level := slog.LevelInfo
	// Some protocols answer 200 whatever happens.
	if s.status >= http.StatusInternalServerError && s.status != http.StatusNotImplemented ||
		errs.CodeOf(s.err) == errs.Unexpected {
		level = slog.LevelError
	}
	if !o.Logger.Enabled(r.Context(), level) {
		return
	}
	path := cut(r.URL.Path, maxPath)
	if s.hidden {
		path = s.pattern
	}
	var room [12]slog.Attr
	attrs := append(room[:0],
		slog.String("req", info.RequestID),
		slog.String("method", r.Method),
		slog.String("path", path),
		slog.String("route", s.pattern),
		slog.Int("status", s.status),
		slog.Int64("bytes", s.bytes),
		slog.Float64("ms", float64(took.Microseconds())/1000),
		slog.String("addr", info.Addr.String()),
	)
	if s.err != nil {
		e := errs.From(s.err)
		attrs = append(attrs, slog.String("code", string(e.Code)))
		if cause := e.Unwrap(); cause != nil {
			attrs = append(attrs, slog.String("err", cause.Error()))
		}
	}
	o.Logger.LogAttrs(r.Context(), level, "request", attrs...)
}

// callerOf collects what the request says about its sender.
func callerOf(r *http.Request, trusted []netip.Prefix) caller.Info {
	return caller.Info{
		RequestID: requestID(first(r.Header, "X-Request-Id")),
		Addr:      clientAddr(r, trusted),
		DeviceID:  cut(first(r.Header, "X-Device-Id"), maxClaim),
		UserAgent: cut(first(r.Header, "User-Agent"), maxAgent),
		SDK:       cut(first(r.Header, "X-Sdk-Version"), maxClaim),
		Lang:      i18n.Match(first(r.Header, "Accept-Language")),
		Peer:      peerAddr(r.RemoteAddr),
		Host:      cut(r.Host, maxAgent),
		Forwarded: cut(first(r.Header, "X-Forwarded-For"), maxAgent),
	}
}

// requestID keeps the client's id when it is harmless in a log and a header.
func requestID(id string) string {
	if safeID(id) {
		return id
	}
	return secret.ID()
}

func safeID(id string) bool {
	if id == "" || len(id) > 64 {
		return false
	}
	for i := range len(id) {
		c := id[i]
		switch {
		case digit(c), 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z':
		case c == '-', c == '_', c == '.':
		default:
			return false
		}
	}
	return true
}

// first is Header.Get for a name that is canonical already.
func first(h http.Header, name string) string {
	if v := h[name]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// cut shortens s to n bytes and makes it text the databases store.
func cut(s string, n int) string {
	if len(s) > n {
		s = s[:n]
	}
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "")
	}
	return s
}

func served(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut,
		http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return true
	}
	return false
}
