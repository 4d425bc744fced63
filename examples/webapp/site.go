package main

import (
	"cmp"
	"embed"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/tigertally/tigertally/sdk/cloudbase"
	"github.com/tigertally/tigertally/sdk/verify"
)

//go:embed page
var pages embed.FS

// siteOptions say whose people sign in.
type siteOptions struct {
	Server, Env, Client, Issuer string
	Secure                      bool // cookies are for https alone
	Logger                      *slog.Logger
	Now                         func() time.Time
}

// site is the web application.
type site struct {
	o        siteOptions
	http     *http.Client // one for all visitors, so that connections are reused
	verifier *verify.Verifier
	visitors *visitors
}

func newSite(o siteOptions) (*site, error) {
	o.Server = strings.TrimSuffix(o.Server, "/")
	o.Client, o.Issuer = cmp.Or(o.Client, o.Env), cmp.Or(o.Issuer, o.Server+"/oidc")
	v, err := verify.New(verify.Config{
		Issuer: o.Issuer, Audience: []string{o.Client}, Pool: o.Env, Logger: o.Logger, Now: o.Now,
		Introspection: &verify.Introspection{URL: o.Server}, // somebody who is blocked is out at once
		PlainHTTP:     strings.HasPrefix(o.Server, "http://"),
	})
	if err != nil {
		return nil, err
	}
	return &site{o: o, http: &http.Client{Timeout: 10 * time.Second}, verifier: v, visitors: newVisitors(o.Now)}, nil
}

func (s *site) close() {
	s.visitors.close()
	s.http.CloseIdleConnections()
}

// handler serves the page and what it asks for. Everything below /api/private/ is for
// people who are signed in.
func (s *site) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/code", s.sendCode)
	mux.HandleFunc("POST /api/signin", s.signIn)
	mux.HandleFunc("POST /api/signout", s.signOut)
	private := s.verifier.NewMiddleware(verify.MiddlewareOptions{Token: s.token, Refuse: s.refuse})
	mux.Handle("GET /api/private/me", private(http.HandlerFunc(me)))
	if files, err := fs.Sub(pages, "page"); err == nil { // the name is valid
		mux.Handle("GET /", http.FileServerFS(files))
	}
	return http.NewCrossOriginProtection().Handler(secured(mux))
}

// secured adds what keeps a page of ours from running anything but our script.
func secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		if strings.HasPrefix(r.URL.Path, "/api/") {
			h.Set("Cache-Control", "no-store")
		}
		next.ServeHTTP(w, r)
	})
}

// sendCode sends a code to {"phone"} and remembers where, in a cookie's name.
func (s *site) sendCode(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Phone string `json:"phone"`
	}
	if !read(w, r, &in) {
		return
	}
	app, err := cloudbase.New(cloudbase.Config{
		Env: s.o.Env, ClientID: s.o.Client, Endpoint: s.o.Server, HTTPClient: s.http, Logger: s.o.Logger, Now: s.o.Now,
		Lang: language(r), Header: forwarded(r),
	})
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	in.Phone = international(in.Phone)
	sent, err := app.Auth().GetVerification(r.Context(), cloudbase.GetVerificationRequest{PhoneNumber: in.Phone})
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	s.greet(w, s.visitors.add(&visitor{app: app, phone: in.Phone, sent: *sent}))
	answer(w, http.StatusOK, map[string]string{"phone": in.Phone})
}

// signIn takes {"code"}. Who signs in gets a new cookie, so that one somebody else may
// have planted is worth nothing.
func (s *site) signIn(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Code string `json:"code"`
	}
	if !read(w, r, &in) {
		return
	}
	id := cookie(r)
	v := s.visitors.get(id)
	if v == nil || v.signedIn {
		s.refuse(w, r, verify.ErrMissing)
		return
	}
	if _, err := v.app.Auth().SignInWithSms(r.Context(), cloudbase.SignInWithSmsRequest{
		VerificationInfo: v.sent, VerificationCode: strings.TrimSpace(in.Code), PhoneNum: v.phone,
	}); err != nil {
		s.refuse(w, r, err)
		return
	}
	s.visitors.remove(id)
	s.greet(w, s.visitors.add(&visitor{app: v.app, phone: v.phone, signedIn: true}))
	answer(w, http.StatusOK, struct{}{})
}

// signOut ends the session here and at the identity server.
func (s *site) signOut(w http.ResponseWriter, r *http.Request) {
	id := cookie(r)
	if v := s.visitors.get(id); v != nil && v.signedIn {
		if err := v.app.Auth().SignOut(r.Context()); err != nil {
			s.refuse(w, r, err)
			return
		}
	}
	s.visitors.remove(id)
	s.greet(w, "")
	answer(w, http.StatusOK, struct{}{})
}

// token is the access token of whoever has the cookie. It is replaced when it has
// expired, once for all requests that come at the same time.
func (s *site) token(r *http.Request) (string, error) {
	v := s.visitors.get(cookie(r))
	if v == nil || !v.signedIn {
		return "", verify.ErrMissing
	}
	access, err := v.app.Auth().GetAccessToken(r.Context())
	if errors.Is(err, cloudbase.ErrUnauthenticated) {
		return "", verify.ErrMissing // the session has ended
	}
	if err != nil {
		return "", err
	}
	return access.AccessToken, nil
}

// me tells the page who is signed in.
func me(w http.ResponseWriter, r *http.Request) {
	claims, _ := verify.FromContext(r.Context())
	answer(w, http.StatusOK, map[string]any{"id": claims.Subject, "since": claims.AuthTime, "until": claims.ExpiresAt})
}

// refuse answers with a code the page has words for, or the server's own text.
func (s *site) refuse(w http.ResponseWriter, r *http.Request, err error) {
	status, body := http.StatusServiceUnavailable, map[string]any{"error": "unavailable"}
	if e, ok := errors.AsType[*cloudbase.Error](err); ok && e.Status != 0 && e.Status < http.StatusInternalServerError {
		status, body = e.Status, map[string]any{"error": e.Name, "text": e.Description}
	} else if errors.Is(err, verify.ErrInvalid) {
		status, body = http.StatusUnauthorized, map[string]any{"error": "signed_out"}
	} else {
		s.o.Logger.ErrorContext(r.Context(), "the identity server failed", "path", r.URL.Path, "err", err)
	}
	answer(w, status, body)
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the browser may be gone
}

// read takes a small JSON body apart, and answers if it is none.
func read(w http.ResponseWriter, r *http.Request, in any) bool {
	const most = 4 << 10
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, most)).Decode(in); err != nil {
		answer(w, http.StatusBadRequest, map[string]any{"error": "bad_request"})
		return false
	}
	return true
}

// language is the one the person reads, for the texts of the identity server.
func language(r *http.Request) string {
	if strings.HasPrefix(r.Header.Get("Accept-Language"), "zh") {
		return cloudbase.Chinese
	}
	return cloudbase.English
}

// forwarded says for whom the site asks, so that the limits of the identity server count
// people and not the site. It believes servers it lists in trusted_proxies.
func forwarded(r *http.Request) http.Header {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return nil
	}
	return http.Header{"X-Forwarded-For": {host}}
}

// international writes a number the way the protocol does: "+86 13800000000".
func international(phone string) string {
	phone = strings.NewReplacer("-", "", "(", "", ")", "").Replace(strings.TrimSpace(phone))
	if country, rest, found := strings.Cut(phone, " "); found && strings.HasPrefix(country, "+") {
		return country + " " + strings.ReplaceAll(rest, " ", "")
	}
	if strings.HasPrefix(phone, "+") {
		return phone
	}
	return "+86 " + strings.ReplaceAll(phone, " ", "")
}
