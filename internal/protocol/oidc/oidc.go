// Package oidc owns the OpenID Connect endpoints below /oidc/: their parameters, bodies
// and words. It translates requests for the oauth flow and its answers back, and
// decides nothing itself. The sign-in page people see in between is package hosted's.
package oidc

import (
	"net/http"
	"strings"

	"github.com/tigertally/tigertally/internal/keys"
	"github.com/tigertally/tigertally/internal/oauth"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/web"
)

// Options are the services the protocol speaks for.
type Options struct {
	Pools *pool.Service
	Keys  *keys.Service
	OAuth *oauth.Service
	// SignIn sends the browser to the page on which somebody answers a request.
	SignIn func(w http.ResponseWriter, r *http.Request, requestID string)
	// Issuer names a pool in its tokens.
	Issuer func(poolID string) string
	// DefaultPool is the pool whose issuer has no name in it.
	DefaultPool string
	// PublicURL is where clients reach this server, without a slash at the end.
	PublicURL string
}

// Protocol is the OpenID Connect edge.
type Protocol struct {
	pools       *pool.Service
	keys        *keys.Service
	oauth       *oauth.Service
	signIn      func(w http.ResponseWriter, r *http.Request, requestID string)
	issuer      func(poolID string) string
	defaultPool string
	url         string
}

// New makes the edge.
func New(o Options) *Protocol {
	return &Protocol{
		pools: o.Pools, keys: o.Keys, oauth: o.OAuth, signIn: o.SignIn, issuer: o.Issuer,
		defaultPool: o.DefaultPool, url: strings.TrimSuffix(o.PublicURL, "/"),
	}
}

// Name is the protocol's name in the log and the audit.
func (p *Protocol) Name() string { return "oidc" }

// route is one endpoint. page marks the ones a browser goes to, whose errors are for
// people; the others are called by programs.
type route struct {
	method, path string
	page         bool
	handler      http.Handler
}

// routes lists every endpoint.
func (p *Protocol) routes() []route {
	return []route{
		{http.MethodGet, "/oidc/.well-known/openid-configuration", false, p.endpoint(p.discovery)},
		{http.MethodGet, "/oidc/.well-known/jwks.json", false, p.endpoint(p.jwks)},
		{http.MethodGet, "/oidc/{pool}/.well-known/openid-configuration", false, p.endpoint(p.discovery)},
		{http.MethodGet, "/oidc/{pool}/.well-known/jwks.json", false, p.endpoint(p.jwks)},
		{http.MethodGet, "/oidc/auth", true, p.screen(p.authorize)},
		{http.MethodPost, "/oidc/auth", true, p.screen(p.authorize)},
		{http.MethodPost, "/oidc/token", false, p.endpoint(p.token)},
		{http.MethodGet, "/oidc/me", false, p.endpoint(p.me)},
		{http.MethodPost, "/oidc/me", false, p.endpoint(p.me)},
		{http.MethodPost, "/oidc/token/introspection", false, p.endpoint(p.introspect)},
		{http.MethodPost, "/oidc/token/revocation", false, p.endpoint(p.revoke)},
		{http.MethodGet, "/oidc/session/end", true, p.screen(p.endSession)},
		{http.MethodPost, "/oidc/session/end", true, p.screen(p.endSession)},
	}
}

// endpoint and screen make handlers whose errors are words for programs and texts for
// people.
func (p *Protocol) endpoint(fn func(http.ResponseWriter, *http.Request) error) http.Handler {
	return web.Handle(p, fn)
}

func (p *Protocol) screen(fn func(http.ResponseWriter, *http.Request) error) http.Handler {
	return web.Handle(screens{p}, fn)
}

// Handler serves everything below /oidc/. It expects web.Middleware around it. Pages are
// apart, for no script of another origin has anything to read there.
func (p *Protocol) Handler() http.Handler {
	api, pages := web.NewRouter(p), web.NewRouter(p)
	shown := make(map[string]bool)
	for _, r := range p.routes() {
		if r.page {
			pages.Handle(r.method, r.path, r.handler)
			shown[r.path] = true
		} else {
			api.Handle(r.method, r.path, r.handler)
		}
	}
	mux, pageMux := http.NewServeMux(), pages.Mux()
	for path := range shown {
		mux.Handle(path, pageMux)
	}
	cors := web.CORS{Protocol: p, Allowed: p.originAllowed, Credentials: true}
	mux.Handle("/", cors.Handler(api.Mux()))
	return web.Exact(p, mux)
}

// originAllowed takes the origins of every application. A preflight does not say whose
// page it is for, and no cookie is worth anything here.
func (p *Protocol) originAllowed(r *http.Request, origin string) bool {
	known, err := p.pools.Origins(r.Context())
	return err == nil && web.OriginIn(known, origin)
}
