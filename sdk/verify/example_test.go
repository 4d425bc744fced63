package verify_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/tigertally/tigertally/sdk/verify"
)

func Example() {
	v, err := verify.New(verify.Config{
		Issuer:   "https://id.example.com/oidc",
		Audience: []string{"shop"}, // your CloudBase client or Authing app id
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux()
	mux.Handle("GET /orders", v.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		claims, _ := verify.FromContext(r.Context())
		fmt.Fprintln(w, "the orders of", claims.Subject)
	})))

	answer := httptest.NewRecorder()
	mux.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/orders", nil))
	fmt.Println(answer.Code, answer.Header().Get("WWW-Authenticate"))
	// Output: 401 Bearer
}

func ExampleVerifier_Verify() {
	v, err := verify.New(verify.Config{Issuer: "https://id.example.com/oidc", Audience: []string{"shop"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = v.Verify(context.Background(), "not a token")
	switch {
	case err == nil:
		fmt.Println("let them in")
	case errors.Is(err, verify.ErrExpired):
		fmt.Println("ask the client to refresh")
	case errors.Is(err, verify.ErrInvalid):
		fmt.Println("answer 401:", err)
	default: // verify.ErrUnavailable
		fmt.Println("answer 503")
	}
	// Output: answer 401: verify: the token is malformed
}

func ExampleVerifier_NewMiddleware() {
	v, err := verify.New(verify.Config{Issuer: "https://id.example.com/oidc", Audience: []string{"shop"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	page := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "hello") })
	guarded := v.NewMiddleware(verify.MiddlewareOptions{
		Token: func(r *http.Request) (string, error) { // a cookie instead of the header
			cookie, err := r.Cookie("__Host-session")
			if err != nil {
				return "", verify.ErrMissing
			}
			return cookie.Value, nil
		},
		Refuse: func(w http.ResponseWriter, r *http.Request, err error) {
			if errors.Is(err, verify.ErrInvalid) {
				http.Redirect(w, r, "/signin", http.StatusSeeOther)
				return
			}
			verify.Refuse(w, err)
		},
	})(page)

	answer := httptest.NewRecorder()
	guarded.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/", nil))
	fmt.Println(answer.Code, answer.Header().Get("Location"))
	// Output: 303 /signin
}

func ExampleRequireScope() {
	page := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") })
	admin := verify.RequireScope("admin")(page) // inside v.Middleware

	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r = r.WithContext(verify.NewContext(r.Context(), &verify.Claims{Subject: "somebody", Scopes: []string{"user"}})) // as the middleware does
	answer := httptest.NewRecorder()
	admin.ServeHTTP(answer, r)
	fmt.Println(answer.Code)
	// Output: 403
}

func ExampleClaims_Decode() {
	claims := &verify.Claims{Raw: []byte(`{"sub":"somebody","email":"lion@example.com","vip":true}`)}
	var mine struct {
		Email string `json:"email"`
		VIP   bool   `json:"vip"` // a claim that a function of the pool adds
	}
	if err := claims.Decode(&mine); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(mine.Email, mine.VIP)
	// Output: lion@example.com true
}

func ExampleFromContext() {
	handler := func(w http.ResponseWriter, r *http.Request) {
		claims, ok := verify.FromContext(r.Context())
		if !ok { // inside Optional only
			fmt.Fprint(w, "hello, stranger")
			return
		}
		fmt.Fprint(w, "hello, ", claims.Subject)
	}

	r := httptest.NewRequest(http.MethodGet, "/", nil)
	answer := httptest.NewRecorder()
	handler(answer, r.WithContext(verify.NewContext(r.Context(), &verify.Claims{Subject: "lion"})))
	fmt.Println(answer.Body)
	// Output: hello, lion
}

func ExampleAny() {
	shop, err := verify.New(verify.Config{Issuer: "https://id.example.com/oidc", Audience: []string{"shop"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	staff, err := verify.New(verify.Config{Issuer: "https://id.example.com/oidc/staff", Audience: []string{"desk"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	either, err := verify.Any(shop, staff)
	fmt.Println(either != nil, err)
	// Output: true <nil>
}

func ExampleBearerToken() {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Authorization", "Bearer eyJ…")
	fmt.Println(verify.BearerToken(r))
	// Output: eyJ… <nil>
}

func ExampleConfig_introspection() {
	v, err := verify.New(verify.Config{
		Issuer: "https://id.example.com/oidc", Audience: []string{"shop"},
		Introspection: &verify.Introspection{}, // a sign-out counts within five seconds
	})
	fmt.Println(v != nil, err)
	// Output: true <nil>
}
