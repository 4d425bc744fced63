package web_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tigertally/tigertally/internal/caller"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/web"
)

// callerOf returns the caller the middleware makes of r.
func callerOf(r *http.Request) caller.Info {
	var info caller.Info
	do(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { info = caller.From(r.Context()) }), r)
	return info
}

func TestMiddlewareSaysWhoCalls(t *testing.T) {
	r := request(t, http.MethodGet, "/", "",
		"X-Request-Id", "0123abc-_.", "X-Device-Id", "device", "User-Agent", "agent",
		"X-SDK-Version", "@cloudbase/js-sdk/3.7.0", "Accept-Language", "en-US")
	want := caller.Info{
		RequestID: "0123abc-_.", Addr: netip.MustParseAddr("192.0.2.1"), DeviceID: "device",
		UserAgent: "agent", SDK: "@cloudbase/js-sdk/3.7.0", Lang: "en", Protocol: "plain",
		Peer: netip.MustParseAddr("192.0.2.1"), Host: "example.com",
	}
	if diff := cmp.Diff(want, callerOf(r), cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
		t.Errorf("caller differs (-want +got):\n%s", diff)
	}
}

// ED-08: what a client claims about itself is bounded and is text.
func TestMiddlewareBoundsClaims(t *testing.T) {
	long := strings.Repeat("x", 5000)
	info := callerOf(request(t, http.MethodGet, "/", "",
		"X-Device-Id", long, "User-Agent", long, "X-SDK-Version", "a\xffb", "X-Request-Id", long))
	if len(info.DeviceID) != 128 || len(info.UserAgent) != 256 || info.SDK != "ab" || len(info.RequestID) > 64 {
		t.Errorf("kept device %d, agent %d, sdk %q, request id %d",
			len(info.DeviceID), len(info.UserAgent), info.SDK, len(info.RequestID))
	}
}

func TestMiddlewareMakesRequestIDs(t *testing.T) {
	for _, sent := range []string{"", "a b", "a\"b", "<x>", strings.Repeat("x", 65)} {
		r := request(t, http.MethodGet, "/", "")
		if sent != "" {
			r.Header.Set("X-Request-Id", sent)
		}
		w := do(http.NotFoundHandler(), r)
		if got := w.Header().Get("X-Request-Id"); !regexp.MustCompile(`^[a-z0-9]{26}$`).MatchString(got) {
			t.Errorf("for %q the id is %q", sent, got)
		}
	}
}

func TestCredentials(t *testing.T) {
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte("app:se:cret"))
	tests := []struct {
		name                   string
		headers                []string
		scheme, bearer, id, pw string
	}{
		{"none", nil, "", "", "", ""},
		{"bearer", []string{"Bearer abc"}, "bearer", "abc", "", ""},
		{"bearer in lower case", []string{"bearer abc"}, "bearer", "abc", "", ""},
		{"basic", []string{basic}, "basic", "", "app", "se:cret"},
		{"broken basic", []string{"Basic !"}, "basic", "", "", ""},
		{"two headers are none", []string{"Bearer a", "Bearer b"}, "", "", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := request(t, http.MethodGet, "/", "")
			r.Header["Authorization"] = tt.headers
			do(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				scheme, _ := web.Credentials(r.Context())
				bearer := web.Bearer(r.Context())
				id, pw := web.Basic(r.Context())
				if scheme != tt.scheme || bearer != tt.bearer || id != tt.id || pw != tt.pw {
					t.Errorf("got %q, %q, %q, %q", scheme, bearer, id, pw)
				}
			}), r)
		})
	}
	if scheme, token := web.Credentials(t.Context()); scheme != "" || token != "" {
		t.Error("a context without a request has credentials")
	}
}

// ED-01: the client address is the peer's, unless the peer is a trusted proxy; then it
// is the right-most address that is not one.
func TestClientAddress(t *testing.T) {
	tests := []struct {
		name, peer string
		headers    []string
		want       string
	}{
		{"no proxy", "203.0.113.9:1", nil, "203.0.113.9"},
		{"an untrusted peer is not believed", "203.0.113.9:1", []string{"X-Forwarded-For", "1.1.1.1"}, "203.0.113.9"},
		{"nor with other headers", "203.0.113.9:1", []string{
			"X-Real-Ip", "1.1.1.1", "Forwarded", "for=1.1.1.1", "Cf-Connecting-Ip", "1.1.1.1", "True-Client-Ip", "1.1.1.1",
		}, "203.0.113.9"},
		{"a trusted peer without a header", "10.0.0.1:1", nil, "10.0.0.1"},
		{"a trusted peer and other headers", "10.0.0.1:1", []string{
			"X-Real-Ip", "1.1.1.1", "Forwarded", "for=1.1.1.1", "X_forwarded_for", "1.1.1.1",
		}, "10.0.0.1"},
		{"one hop", "10.0.0.1:1", []string{"X-Forwarded-For", "198.51.100.7"}, "198.51.100.7"},
		{"a forged left-most value", "10.0.0.1:1", []string{"X-Forwarded-For", "1.1.1.1, 198.51.100.7"}, "198.51.100.7"},
		{"a forged trusted value", "10.0.0.1:1", []string{"X-Forwarded-For", "10.9.9.9, 198.51.100.7"}, "198.51.100.7"},
		{"two proxies", "10.0.0.1:1", []string{"X-Forwarded-For", "1.1.1.1, 198.51.100.7, 10.0.0.2"}, "198.51.100.7"},
		{"two lines", "10.0.0.1:1", []string{"X-Forwarded-For", "1.1.1.1", "X-Forwarded-For", "198.51.100.7,10.0.0.2"}, "198.51.100.7"},
		{"only proxies", "10.0.0.1:1", []string{"X-Forwarded-For", "10.0.0.3,10.0.0.2"}, "10.0.0.3"},
		{"rubbish right-most", "10.0.0.1:1", []string{"X-Forwarded-For", "1.1.1.1, unknown"}, "10.0.0.1"},
		{"rubbish behind a proxy", "10.0.0.1:1", []string{"X-Forwarded-For", "1.1.1.1,,10.0.0.2"}, "10.0.0.2"},
		{"a port", "10.0.0.1:1", []string{"X-Forwarded-For", "198.51.100.7:4711"}, "198.51.100.7"},
		{"IPv6", "[fd00::1]:1", []string{"X-Forwarded-For", "2001:db8::7"}, "2001:db8::7"},
		{"IPv6 in brackets", "[fd00::1]:1", []string{"X-Forwarded-For", "[2001:db8::7]"}, "2001:db8::7"},
		{"IPv6 with a port", "[fd00::1]:1", []string{"X-Forwarded-For", "[2001:db8::7]:80"}, "2001:db8::7"},
		{"IPv4 in IPv6", "[::ffff:10.0.0.1]:1", []string{"X-Forwarded-For", "::ffff:198.51.100.7"}, "198.51.100.7"},
		{"a zone", "[fe80::1%eth0]:1", nil, "fe80::1"},
		{"no address at all", "@", []string{"X-Forwarded-For", "1.1.1.1"}, "invalid IP"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := request(t, http.MethodGet, "/", "", tt.headers...)
			r.RemoteAddr = tt.peer
			if got := callerOf(r).Addr.String(); got != tt.want {
				t.Errorf("address %s, want %s", got, tt.want)
			}
		})
	}
}

// FuzzClientAddress: what stands to the left of the client's own address changes
// nothing, whatever it is.
func FuzzClientAddress(f *testing.F) {
	for _, s := range []string{"", "1.1.1.1", "10.0.0.1,", "[::1", "::ffff:10.0.0.1", "unknown, _x", ",,,", "\"1.1.1.1\""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, forged string) {
		r := request(t, http.MethodGet, "/", "", "X-Forwarded-For", forged+",198.51.100.7, 10.0.0.2")
		r.RemoteAddr = "10.0.0.1:1"
		if got := callerOf(r).Addr.String(); got != "198.51.100.7" {
			t.Errorf("address %s", got)
		}
		r = request(t, http.MethodGet, "/", "", "X-Forwarded-For", forged)
		r.RemoteAddr = "203.0.113.9:1"
		if got := callerOf(r).Addr.String(); got != "203.0.113.9" {
			t.Errorf("an untrusted peer was believed: %s", got)
		}
	})
}

// ED-04: after a panic the client gets a request id and the log the stack.
func TestMiddlewareSurvivesPanics(t *testing.T) {
	boom := func(context.Context, struct{}) (struct{}, error) { panic("secret detail") }
	tests := map[string]http.Handler{
		"in an endpoint":  web.JSON(plain{}, boom),
		"outside of one":  http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("secret detail") }),
		"with CORS in it": web.CORS{Protocol: plain{}, Allowed: anyOrigin}.Handler(web.JSON(plain{}, boom)),
	}
	for name, h := range tests {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			w := httptest.NewRecorder()
			web.Middleware(options(&log), h).ServeHTTP(w, request(t, http.MethodGet, "/", "", "Origin", "https://a.example"))
			if w.Code != http.StatusInternalServerError || errorOf(t, w).Error != string(errs.Unexpected) {
				t.Errorf("answered %d %s", w.Code, w.Body)
			}
			if strings.Contains(w.Body.String(), "secret") {
				t.Errorf("the answer shows the cause: %s", w.Body)
			}
			line := logged(t, &log)
			if line["req"] != w.Header().Get("X-Request-Id") || line["level"] != "ERROR" {
				t.Errorf("logged %v", line)
			}
			if cause, _ := line["err"].(string); !strings.Contains(cause, "panic") || !strings.Contains(cause, "middleware_test.go") {
				t.Errorf("the log has no stack: %v", line["err"])
			}
		})
	}
	t.Run("an aborted answer stays aborted", func(t *testing.T) {
		defer func() {
			if v := recover(); v != http.ErrAbortHandler { //nolint:errorlint // the value itself
				t.Errorf("recovered %v", v)
			}
		}()
		do(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }), request(t, http.MethodGet, "/", ""))
	})
	t.Run("an answer that has begun is left alone", func(t *testing.T) {
		w := do(web.Handle(plain{}, func(w http.ResponseWriter, _ *http.Request) error {
			fmt.Fprint(w, "begun")
			return errors.New("broken")
		}), request(t, http.MethodGet, "/", ""))
		if w.Body.String() != "begun" {
			t.Errorf("answered %q", w.Body)
		}
	})
}

// ED-04: methods nobody serves are answered 405 before anything else.
func TestMiddlewareRefusesMethods(t *testing.T) {
	for _, m := range []string{http.MethodTrace, http.MethodConnect, "FOO", "get"} {
		w := do(echo[struct{}](), request(t, m, "/", ""))
		if w.Code != http.StatusMethodNotAllowed || errorOf(t, w).Error != string(errs.MethodRefused) {
			t.Errorf("%s: answered %d %s", m, w.Code, w.Body)
		}
	}
}

func TestMiddlewareSetsSecurityHeaders(t *testing.T) {
	o := options(nil)
	o.HSTS = true
	w := httptest.NewRecorder()
	web.Middleware(o, http.NotFoundHandler()).ServeHTTP(w, request(t, http.MethodGet, "/", ""))
	for name, want := range map[string]string{
		"X-Content-Type-Options":       "nosniff",
		"Referrer-Policy":              "no-referrer",
		"Content-Security-Policy":      "default-src 'none'; frame-ancestors 'none'",
		"Cross-Origin-Resource-Policy": "same-origin",
		"Strict-Transport-Security":    "max-age=31536000; includeSubDomains",
	} {
		if got := w.Header().Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// AU-04: one request is one line, without the query and without control characters.
func TestAccessLog(t *testing.T) {
	const canary = "c4n4ry"
	var log bytes.Buffer
	mux := http.NewServeMux()
	mux.Handle("POST /auth/{rest...}", web.JSON(plain{}, func(context.Context, struct {
		Captcha  string `json:"-" query:"captcha_token"`
		Password string `json:"password"`
	},
	) (struct{}, error) {
		return struct{}{}, errs.New(errs.PasswordWrong).Because(errors.New("hash\ndiffers"))
	}))
	w := httptest.NewRecorder()
	r := request(t, http.MethodPost, "/auth/a%0Ab%1b%22?captcha_token="+canary+"&sudo_token="+canary, `{"password":"`+canary+`"}`,
		"Authorization", "Bearer "+canary, "X-Request-Id", "r-1", "User-Agent", "x\tlevel=ERROR")
	web.Middleware(options(&log), mux).ServeHTTP(w, r)
	if strings.Contains(log.String(), canary) {
		t.Errorf("the log has a secret: %s", &log)
	}
	if n := strings.Count(log.String(), "\n"); n != 1 || strings.ContainsAny(log.String(), "\x1b\r") {
		t.Errorf("the log has %d lines, or control characters: %q", n, &log)
	}
	line := logged(t, &log)
	delete(line, "time")
	delete(line, "ms")
	want := map[string]any{
		"level": "INFO", "msg": "request", "req": "r-1", "method": "POST", "path": "/auth/a\nb\x1b\"",
		"route": "POST /auth/{rest...}", "status": 400.0, "bytes": float64(w.Body.Len()),
		"addr": "192.0.2.1", "code": "password_wrong", "err": "hash\ndiffers",
	}
	if diff := cmp.Diff(want, line); diff != "" {
		t.Errorf("the line differs (-want +got):\n%s", diff)
	}
}

func TestAccessLogShortensPaths(t *testing.T) {
	var log bytes.Buffer
	r := request(t, http.MethodGet, "/"+strings.Repeat("x", 9000), "")
	web.Middleware(options(&log), http.NotFoundHandler()).ServeHTTP(httptest.NewRecorder(), r)
	if log.Len() > 600 {
		t.Errorf("the line has %d bytes", log.Len())
	}
}

func TestAccessLogHidesPathsThatAreSecrets(t *testing.T) {
	var log bytes.Buffer
	mux := http.NewServeMux()
	mux.Handle("GET /start/{opaque}", web.Handle(plain{}, func(_ http.ResponseWriter, r *http.Request) error {
		web.HidePath(r.Context())
		return errs.New(errs.TokenInvalid)
	}))
	web.Middleware(options(&log), mux).ServeHTTP(httptest.NewRecorder(), request(t, http.MethodGet, "/start/c4n4ry", ""))
	if line := logged(t, &log); line["path"] != "GET /start/{opaque}" || strings.Contains(log.String(), "c4n4ry") {
		t.Errorf("the line is %v", line)
	}
}

func TestMethodOverride(t *testing.T) {
	for _, tt := range []struct{ method, override, want string }{
		{"POST", "PATCH", "PATCH"},
		{"POST", "DELETE", "DELETE"},
		{"POST", "PUT", "PUT"},
		{"POST", "", "POST"},
		{"POST", "GET", "POST"},
		{"POST", "TRACE", "POST"},
		{"POST", "patch", "POST"},
		{"GET", "DELETE", "GET"},
	} {
		r := request(t, tt.method, "/", "", "X-HTTP-Method-Override", tt.override)
		do(web.MethodOverride(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			if r.Method != tt.want {
				t.Errorf("%s with %q is served as %s, want %s", tt.method, tt.override, r.Method, tt.want)
			}
		})), r)
	}
}
