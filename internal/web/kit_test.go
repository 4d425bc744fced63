package web_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/web"
)

// plain is a protocol whose errors are their codes.
type plain struct{}

func (plain) Name() string { return "plain" }

func (plain) WriteError(w http.ResponseWriter, _ *http.Request, e *errs.Error) {
	status := http.StatusBadRequest
	switch e.Code {
	case errs.Unexpected:
		status = http.StatusInternalServerError
	case errs.OriginRefused:
		status = http.StatusForbidden
	case errs.MethodRefused:
		status = http.StatusMethodNotAllowed
	case errs.RouteNotFound:
		status = http.StatusNotFound
	case errs.BodyTooLarge:
		status = http.StatusRequestEntityTooLarge
	default:
	}
	web.WriteJSON(w, status, answer{Error: string(e.Code), Field: e.Params["field"]})
}

type answer struct {
	Error string `json:"error"`
	Field string `json:"field,omitempty"`
}

func options(log io.Writer) web.Options {
	o := web.Options{
		Now:      time.Now,
		Protocol: func(*http.Request) web.Protocol { return plain{} },
		TrustedProxies: []netip.Prefix{
			netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8"),
		},
	}
	if log != nil {
		o.Logger = slog.New(slog.NewJSONHandler(log, nil))
	}
	return o
}

// do serves one request with the middleware around h.
func do(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	web.Middleware(options(nil), h).ServeHTTP(w, r)
	return w
}

func request(t *testing.T, method, target, body string, headers ...string) *http.Request {
	t.Helper()
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	r := httptest.NewRequestWithContext(t.Context(), method, target, reader)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return r
}

// body reads the error answer of w.
func errorOf(t *testing.T, w *httptest.ResponseRecorder) answer {
	t.Helper()
	var a answer
	if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil {
		t.Fatalf("the answer is no JSON: %v: %s", err, w.Body)
	}
	return a
}

// logged returns the last line of log.
func logged(t *testing.T, log *bytes.Buffer) map[string]any {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	var line map[string]any
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &line); err != nil {
		t.Fatalf("the log line is no JSON: %v: %s", err, log)
	}
	return line
}

// echo is an endpoint that answers what it read.
func echo[In any]() http.Handler {
	return web.JSON(plain{}, func(_ context.Context, in In) (In, error) { return in, nil })
}
