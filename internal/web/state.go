package web

import (
	"context"
	"encoding/base64"
	"net/http"
	"strings"
)

// state is what the middleware keeps about one request. It is also the recorder of the
// answer, so that a request costs one allocation for both.
type state struct {
	http.ResponseWriter

	scheme, token string
	pattern       string
	hidden        bool // the path is a secret
	err           error
	status        int
	bytes         int64
	maxBody       int64 // how much of the body may be read
}

type stateKey struct{}

func stateOf(ctx context.Context) *state {
	s, _ := ctx.Value(stateKey{}).(*state)
	return s
}

// WriteHeader notes the status; informational ones pass through.
func (s *state) WriteHeader(status int) {
	if s.status == 0 && status >= http.StatusOK {
		s.status = status
	}
	s.ResponseWriter.WriteHeader(status)
}

// Write counts the bytes of the answer.
func (s *state) Write(p []byte) (int, error) {
	if s.status == 0 {
		s.status = http.StatusOK
	}
	n, err := s.ResponseWriter.Write(p)
	s.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach deadlines and flushing.
func (s *state) Unwrap() http.ResponseWriter { return s.ResponseWriter }

// Flush is for the handlers that stream.
func (s *state) Flush() {
	if f, ok := s.ResponseWriter.(http.Flusher); ok {
		f.Flush()
	}
}

// Credentials returns the Authorization header of the request ctx belongs to: its
// scheme in lower case and what follows. Both are empty when there is none, or more
// than one.
func Credentials(ctx context.Context) (scheme, token string) {
	if s := stateOf(ctx); s != nil {
		return s.scheme, s.token
	}
	return "", ""
}

// Bearer returns the bearer token of the request, "" when it has none.
func Bearer(ctx context.Context) string {
	if scheme, token := Credentials(ctx); scheme == "bearer" {
		return token
	}
	return ""
}

// Basic returns the user name and password of the request, "" when it has none.
func Basic(ctx context.Context) (name, password string) {
	scheme, token := Credentials(ctx)
	if scheme != "basic" {
		return "", ""
	}
	plain, err := base64.StdEncoding.DecodeString(token)
	if err != nil {
		return "", ""
	}
	name, password, _ = strings.Cut(string(plain), ":")
	return name, password
}

// HidePath keeps the path of the request ctx belongs to out of the access log, because it
// has a secret in it.
func HidePath(ctx context.Context) {
	if s := stateOf(ctx); s != nil {
		s.hidden = true
	}
}

// SetLogError leaves err for the access log line of the request ctx belongs to.
func SetLogError(ctx context.Context, err error) {
	if s := stateOf(ctx); s != nil {
		s.err = err
	}
}

// credentials splits an Authorization header.
func credentials(h http.Header) (scheme, token string) {
	v := h["Authorization"]
	if len(v) != 1 {
		return "", ""
	}
	scheme, token, _ = strings.Cut(v[0], " ")
	switch scheme {
	case "Bearer":
		scheme = "bearer" // the usual case costs no allocation
	case "Basic":
		scheme = "basic"
	default:
		scheme = strings.ToLower(scheme)
	}
	return scheme, strings.TrimSpace(token)
}
