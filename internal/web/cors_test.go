package web_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/web"
)

func anyOrigin(*http.Request, string) bool { return true }

func guarded(next http.Handler) http.Handler {
	list := []string{"https://app.example.com", "http://localhost:3000"}
	return web.CORS{
		Protocol: plain{},
		Allowed:  func(_ *http.Request, origin string) bool { return web.OriginIn(list, origin) },
	}.Handler(next)
}

// WB-02: exact origins only, and the answer names them.
func TestCORSOrigins(t *testing.T) {
	tests := map[string]bool{
		"https://app.example.com":           true,
		"http://localhost:3000":             true,
		"http://app.example.com":            false,
		"https://app.example.com:443":       false,
		"https://app.example.com:8443":      false,
		"https://app.example.com/":          false,
		"https://app.example.com.":          false,
		"https://APP.example.com":           false,
		"https://app.example.com.evil.test": false,
		"https://evil-app.example.com":      false,
		"https://x.app.example.com":         false,
		"https://example.com":               false,
		"https://appxexample.com":           false,
		"https://app.example.com@evil.test": false,
		"https://evil.test#app.example.com": false,
		"https://app.example.com%00.evil":   false,
		"https://app.example.com\tx":        false,
		" https://app.example.com":          false,
		"https://app.example.com, null":     false,
		"null":                              false,
		"*":                                 false,
		"file://":                           false,
		"https://":                          false,
		"http://localhost:3001":             false,
		"http://127.0.0.1:3000":             false,
		"chrome-extension://abcdef":         false,
	}
	for origin, allowed := range tests {
		for _, method := range []string{http.MethodOptions, http.MethodPost} {
			w := do(guarded(echo[struct{}]()), request(t, method, "http://auth.example.org/", "", "Origin", origin))
			got := w.Header().Get("Access-Control-Allow-Origin")
			switch {
			case allowed && (got != origin || w.Code >= 300):
				t.Errorf("%s of %q: refused: %d, %q", method, origin, w.Code, got)
			case !allowed && (got != "" || w.Code != http.StatusForbidden):
				t.Errorf("%s of %q: allowed: %d, %q", method, origin, w.Code, got)
			case !allowed && errorOf(t, w).Error != string(errs.OriginRefused):
				t.Errorf("%s of %q: answered %s", method, origin, w.Body)
			}
			if w.Header().Get("Vary") == "" {
				t.Errorf("%s of %q: no Vary", method, origin)
			}
			if w.Header().Get("Access-Control-Allow-Credentials") != "" {
				t.Errorf("%s of %q: credentials are allowed", method, origin)
			}
		}
	}
}

func TestCORSPreflight(t *testing.T) {
	tests := []struct{ name, asked, want string }{
		{"an SDK's headers", "authorization,x-device-id,x-request-id,x-sdk-version", "authorization,x-device-id,x-request-id,x-sdk-version"},
		{"the literal header undefined", "undefined,x-device-id", "undefined,x-device-id"},
		{"no headers", "", ""},
		{"no header names", "a\"b<c>", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			called := false
			h := guarded(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { called = true }))
			w := do(h, request(t, http.MethodOptions, "/auth/v1/signin", "", "Origin", "https://app.example.com",
				"Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", tt.asked))
			if w.Code != http.StatusNoContent || called {
				t.Errorf("answered %d, endpoint called: %v", w.Code, called)
			}
			for name, want := range map[string]string{
				"Access-Control-Allow-Headers": tt.want,
				"Access-Control-Allow-Methods": "GET, POST, PUT, PATCH, DELETE, OPTIONS",
				"Access-Control-Max-Age":       "600",
				"Vary":                         "Origin, Access-Control-Request-Method, Access-Control-Request-Headers",
			} {
				if got := w.Header().Get(name); got != want {
					t.Errorf("%s: %q, want %q", name, got, want)
				}
			}
		})
	}
}

func TestCORSHeadersStandOnErrors(t *testing.T) {
	mux := http.NewServeMux()
	mux.Handle("/", web.NotFound(plain{}, mux))
	for name, h := range map[string]http.Handler{
		"not found": mux,
		"a panic":   http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("x") }),
	} {
		w := do(guarded(h), request(t, http.MethodGet, "/", "", "Origin", "https://app.example.com"))
		if w.Code < 400 || w.Header().Get("Access-Control-Allow-Origin") != "https://app.example.com" {
			t.Errorf("%s: %d, %v", name, w.Code, w.Header())
		}
	}
}

func TestCORSLeavesOtherRequestsAlone(t *testing.T) {
	for name, origin := range map[string]string{"no origin": "", "our own pages": "http://example.com"} {
		r := request(t, http.MethodPost, "http://example.com/", "{}")
		if origin != "" {
			r.Header.Set("Origin", origin)
		}
		w := do(guarded(echo[struct{}]()), r)
		if w.Code != http.StatusOK || w.Header().Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: %d, %v", name, w.Code, w.Header())
		}
	}
}

func TestOriginInStar(t *testing.T) {
	if !web.OriginIn([]string{"*"}, "null") || web.OriginIn([]string{"null"}, "null") {
		t.Error("only * allows null")
	}
}

func TestCORSWithoutMiddleware(t *testing.T) {
	w := httptest.NewRecorder()
	guarded(echo[struct{}]()).ServeHTTP(w, request(t, http.MethodGet, "/", "", "Origin", "https://evil.test"))
	if w.Code != http.StatusForbidden {
		t.Errorf("answered %d", w.Code)
	}
}
