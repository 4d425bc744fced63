package verify_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/tigertally/tigertally/sdk/verify"
)

// whoami answers with the subject of the request.
var whoami = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	if c, ok := verify.FromContext(r.Context()); ok {
		_, _ = w.Write([]byte(c.Subject))
		return
	}
	_, _ = w.Write([]byte("nobody"))
})

func get(h http.Handler, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// Answers are those of RFC 6750 section 3.
func TestMiddlewareAnswersAsTheRFCSays(t *testing.T) {
	f := newForger(t)
	good := f.ec.sign(t, f.ec.head(), f.access())
	bad := f.ec.sign(t, f.ec.head(), with(f.access(), "exp", 1))
	required := f.v.Middleware(whoami)
	scoped := f.v.NewMiddleware(verify.MiddlewareOptions{Scopes: []string{"admin", "user"}, Realm: `the "shop"`})(whoami)
	for _, c := range []struct {
		name, header string
		handler      http.Handler
		status       int
		challenge    string
		body         string
	}{
		{"good", "Bearer " + good, required, 200, "", "user-1"},
		{"scheme in any case", "bearer " + good, required, 200, "", "user-1"},
		{"more spaces", "BEARER   " + good, required, 200, "", "user-1"},
		{"none", "", required, 401, "Bearer", `"unauthorized"`},
		{"another scheme", "Basic dTpw", required, 401, "Bearer", `"unauthorized"`},
		{"no token", "Bearer", required, 401, `Bearer error="invalid_token", error_description="the token is malformed"`, `"invalid_token"`},
		{"two tokens", "Bearer " + good + " " + good, required, 401, `Bearer error="invalid_token", error_description="the token is malformed"`, `"invalid_token"`},
		{"expired", "Bearer " + bad, required, 401, `Bearer error="invalid_token", error_description="the token has expired"`, `"invalid_token"`},
		{
			"scope missing", "Bearer " + good, scoped, 403,
			`Bearer realm="the \"shop\"", error="insufficient_scope", error_description="the token does not reach this far", scope="admin user"`, `"insufficient_scope"`,
		},
		{"none, with a realm", "", scoped, 401, `Bearer realm="the \"shop\"", scope="admin user"`, `"unauthorized"`},
		{"optional without", "", f.v.Optional(whoami), 200, "", "nobody"},
		{"optional with", "Bearer " + good, f.v.Optional(whoami), 200, "", "user-1"},
		{"optional and bad", "Bearer " + bad, f.v.Optional(whoami), 401, `Bearer error="invalid_token", error_description="the token has expired"`, `"invalid_token"`},
		{"scope inside", "Bearer " + good, f.v.Middleware(verify.RequireScope("sso")(whoami)), 200, "", "user-1"},
		{
			"scope missing inside", "Bearer " + good, f.v.Middleware(verify.RequireScope("admin")(whoami)), 403,
			`Bearer error="insufficient_scope", error_description="the token does not reach this far", scope="admin"`, `"insufficient_scope"`,
		},
		{"scope of nobody", "", f.v.Optional(verify.RequireScope("admin")(whoami)), 401, "Bearer", `"unauthorized"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			var header []string
			if c.header != "" {
				header = []string{"Authorization", c.header}
			}
			w := get(c.handler, header...)
			if w.Code != c.status || w.Header().Get("WWW-Authenticate") != c.challenge || !strings.Contains(w.Body.String(), c.body) {
				t.Errorf("%d %q %s", w.Code, w.Header().Get("WWW-Authenticate"), w.Body)
			}
			if w.Code != http.StatusOK && w.Header().Get("Cache-Control") != "no-store" {
				t.Error("a refusal may be cached")
			}
		})
	}
	if w := get(required, "Authorization", "Bearer "+good, "Authorization", "Bearer "+good); w.Code != http.StatusUnauthorized {
		t.Errorf("two headers: %d", w.Code)
	}
}

func TestMiddlewareDuringAnOutage(t *testing.T) {
	f := newForger(t)
	f.instead(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	w := get(f.v.Middleware(whoami), "Authorization", "Bearer "+f.ec.sign(t, f.ec.head(), f.access()))
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || w.Header().Get("WWW-Authenticate") != "" {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	if strings.Contains(w.Body.String(), "502") {
		t.Error("the answer tells strangers what is wrong with the identity server")
	}
}

// A program may find the token elsewhere and answer in its own way.
func TestMiddlewareOptions(t *testing.T) {
	f := newForger(t)
	h := f.v.NewMiddleware(verify.MiddlewareOptions{
		Token: func(r *http.Request) (string, error) {
			cookie, err := r.Cookie("session")
			if err != nil {
				return "", verify.ErrMissing
			}
			return cookie.Value, nil
		},
		Refuse: func(w http.ResponseWriter, r *http.Request, err error) {
			if errors.Is(err, verify.ErrMissing) {
				http.Redirect(w, r, "/signin", http.StatusSeeOther)
				return
			}
			verify.Refuse(w, err)
		},
	})(whoami)
	if w := get(h); w.Code != http.StatusSeeOther {
		t.Errorf("without: %d", w.Code)
	}
	if w := get(h, "Cookie", "session="+f.ec.sign(t, f.ec.head(), f.access())); w.Body.String() != "user-1" {
		t.Errorf("with: %d %s", w.Code, w.Body)
	}
	if w := get(h, "Cookie", "session=x"); w.Code != http.StatusUnauthorized {
		t.Errorf("with a bad one: %d", w.Code)
	}
}
