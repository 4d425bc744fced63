package verify

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
)

// MiddlewareOptions change how requests are guarded. The zero value asks every request
// for a bearer token.
type MiddlewareOptions struct {
	// Optional lets requests without a token through; FromContext then finds nothing. A bad
	// token is refused all the same, so that a client learns of it.
	Optional bool
	// Scopes must all be in the token.
	Scopes []string
	// Realm is named in WWW-Authenticate; "" leaves it out.
	Realm string
	// Token finds the token of a request, "" for none, in place of the Authorization
	// header: in a cookie, for example. Its errors should match ErrInvalid. Cookies
	// travel with requests that other sites make, so guard those with
	// http.CrossOriginProtection.
	Token func(r *http.Request) (string, error)
	// Refuse answers requests that are not let through, in place of Refuse.
	Refuse func(w http.ResponseWriter, r *http.Request, err error)
}

// Middleware lets only requests with a good bearer token through to next, which finds its
// claims with FromContext.
func (v *Verifier) Middleware(next http.Handler) http.Handler {
	return v.NewMiddleware(MiddlewareOptions{})(next)
}

// Optional is Middleware that lets requests without a token through as well.
func (v *Verifier) Optional(next http.Handler) http.Handler {
	return v.NewMiddleware(MiddlewareOptions{Optional: true})(next)
}

// NewMiddleware makes a middleware of options.
func (v *Verifier) NewMiddleware(o MiddlewareOptions) func(next http.Handler) http.Handler {
	token, refuse := o.Token, o.Refuse
	if token == nil {
		token = BearerToken
	}
	if refuse == nil {
		refuse = func(w http.ResponseWriter, _ *http.Request, err error) { write(w, err, o.Realm, o.Scopes) }
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			claims, err := v.admit(r, token, o.Scopes)
			switch {
			case err == nil:
				r = r.WithContext(NewContext(r.Context(), claims))
			case !o.Optional || !errors.Is(err, ErrMissing):
				refuse(w, r, err)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

func (v *Verifier) admit(r *http.Request, token func(*http.Request) (string, error), scopes []string) (*Claims, error) {
	text, err := token(r)
	if err != nil {
		return nil, err
	}
	if text == "" {
		return nil, ErrMissing
	}
	claims, err := v.Verify(r.Context(), text)
	if err != nil {
		return nil, err
	}
	if !claims.HasScope(scopes...) {
		return nil, ErrScope
	}
	return claims, nil
}

// RequireScope lets only requests through whose token has all scopes. It belongs inside
// Middleware.
func RequireScope(scopes ...string) func(next http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			claims, ok := FromContext(r.Context())
			switch {
			case !ok:
				write(w, ErrMissing, "", nil)
			case !claims.HasScope(scopes...):
				write(w, ErrScope, "", scopes)
			default:
				next.ServeHTTP(w, r)
			}
		})
	}
}

type contextKey struct{}

// NewContext is ctx with claims in it, for tests of handlers and for middleware of others.
func NewContext(ctx context.Context, claims *Claims) context.Context {
	return context.WithValue(ctx, contextKey{}, claims)
}

// FromContext returns the claims of the request that ctx belongs to.
func FromContext(ctx context.Context) (*Claims, bool) {
	claims, ok := ctx.Value(contextKey{}).(*Claims)
	return claims, ok && claims != nil
}

// BearerToken reads the Authorization header of a request (RFC 6750 section 2.1). Its
// errors are ErrMissing and ErrMalformed.
func BearerToken(r *http.Request) (string, error) {
	switch all := r.Header.Values("Authorization"); len(all) {
	case 0:
		return "", ErrMissing
	case 1:
		scheme, token, _ := strings.Cut(all[0], " ")
		if !strings.EqualFold(scheme, "Bearer") {
			return "", ErrMissing
		}
		if token = strings.TrimLeft(token, " "); token == "" || strings.ContainsAny(token, " \t,\"") {
			return "", ErrMalformed
		}
		return token, nil
	default:
		return "", ErrMalformed
	}
}

// Refuse answers a request that err keeps out, as RFC 6750 section 3 says: 401 for a
// missing or bad token, 403 for one without a scope, 503 when the server cannot be asked.
func Refuse(w http.ResponseWriter, err error) { write(w, err, "", nil) }

// problem is an answer to a request that is kept out.
type problem struct {
	status int
	Code   string `json:"error"`
	Text   string `json:"error_description"`
}

func problemOf(err error) problem {
	switch {
	case errors.Is(err, ErrScope):
		return problem{http.StatusForbidden, "insufficient_scope", "the token does not reach this far"}
	case errors.Is(err, ErrMissing):
		return problem{http.StatusUnauthorized, "", "a bearer token is needed"}
	case errors.Is(err, ErrInvalid):
		text := "the token is not valid"
		if r, ok := errors.AsType[Refusal](err); ok {
			text = string(r)
		}
		return problem{http.StatusUnauthorized, "invalid_token", text}
	default:
		return problem{http.StatusServiceUnavailable, "temporarily_unavailable", "the token cannot be checked now"}
	}
}

func write(w http.ResponseWriter, err error, realm string, scopes []string) {
	p := problemOf(err)
	h := w.Header()
	switch p.status {
	case http.StatusServiceUnavailable:
		h.Set("Retry-After", "1")
	default:
		h.Set("WWW-Authenticate", challenge(p, realm, scopes))
	}
	if p.Code == "" {
		p.Code = "unauthorized"
	}
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(p.status)
	_ = json.NewEncoder(w).Encode(p) // the client may be gone
}

// challenge is the WWW-Authenticate of a problem. A request without a token hears of no
// error (RFC 6750 section 3.1).
func challenge(p problem, realm string, scopes []string) string {
	var params []string
	add := func(name, value string) {
		if value != "" {
			params = append(params, name+`="`+strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(value)+`"`)
		}
	}
	add("realm", realm)
	if p.Code != "" {
		add("error", p.Code)
		add("error_description", p.Text)
	}
	add("scope", strings.Join(scopes, " "))
	return strings.TrimSpace("Bearer " + strings.Join(params, ", "))
}
