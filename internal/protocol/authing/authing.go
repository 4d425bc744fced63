// Package authing owns the Authing v2 protocol: its paths, bodies, numbers and its
// GraphQL. It translates requests for the flows and their outcomes back, and decides
// nothing about people itself.
package authing

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/tigertally/tigertally/internal/account"
	"github.com/tigertally/tigertally/internal/admin"
	"github.com/tigertally/tigertally/internal/captcha"
	"github.com/tigertally/tigertally/internal/federation"
	"github.com/tigertally/tigertally/internal/field"
	"github.com/tigertally/tigertally/internal/keys"
	"github.com/tigertally/tigertally/internal/media"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/session"
	"github.com/tigertally/tigertally/internal/signin"
	"github.com/tigertally/tigertally/internal/web"
)

// Options are the services the protocol speaks for.
type Options struct {
	Pools    *pool.Service
	Keys     *keys.Service
	Sessions *session.Service
	Captchas *captcha.Service
	Signin   *signin.Service
	Account  *account.Service
	Admin    *admin.Service
	Fields   *field.Service
	Media    *media.Service

	Federation *federation.Service
	// Now is the clock every expiry obeys.
	Now func() time.Time
	// PublicURL is where clients reach this server, without a slash at the end.
	PublicURL string
	// DevHosts makes the configuration of an application name whatever host it was asked
	// at. It is for development, where a phone and a browser use different ones.
	DevHosts bool
}

// Protocol is the Authing edge.
type Protocol struct {
	pools    *pool.Service
	keys     *keys.Service
	sessions *session.Service
	captchas *captcha.Service
	signin   *signin.Service
	account  *account.Service
	admin    *admin.Service
	fields   *field.Service
	media    *media.Service
	vendors  *federation.Service
	now      func() time.Time
	url      string
	host     string // of url, with its port
	devHosts bool
}

// New makes the edge.
func New(o Options) *Protocol {
	p := &Protocol{
		pools: o.Pools, keys: o.Keys, sessions: o.Sessions, captchas: o.Captchas,
		signin: o.Signin, account: o.Account, admin: o.Admin, fields: o.Fields, media: o.Media, vendors: o.Federation, now: o.Now,
		url: strings.TrimSuffix(o.PublicURL, "/"), devHosts: o.DevHosts,
	}
	if u, err := url.Parse(p.url); err == nil {
		p.host = u.Host
	}
	return p
}

// Name is the protocol's name in the log and the audit.
func (p *Protocol) Name() string { return "authing" }

// Owns reports whether a path is one of this protocol's, clean or not.
func Owns(path string) bool {
	first, _, _ := strings.Cut(strings.TrimLeft(path, "/"), "/")
	switch first {
	case "api", "graphql", "connection", "media", "logout", "cas", "login":
		return true
	}
	return false
}

// Handler serves every path of Owns. It expects web.Middleware around it.
func (p *Protocol) Handler() http.Handler {
	router := web.NewRouter(p)
	for _, r := range p.routes() {
		router.Handle(r.method, r.path, r.handler)
	}
	mux := router.Mux()
	cors := web.CORS{Protocol: p, Allowed: p.originAllowed, Credentials: true}
	return p.enter(cors.Handler(web.Exact(p, mux)))
}

// originAllowed asks the application a request names. A preflight names none, and then
// any application's origin will do: no cookie authenticates anybody here, so an unrelated
// page has nothing to ride on.
func (p *Protocol) originAllowed(r *http.Request, origin string) bool {
	ctx := r.Context()
	if id := factsOf(ctx).app; id != "" {
		if c, err := p.pools.AppOf(ctx, id); err == nil {
			return web.OriginIn(c.App.Settings.Origins, origin)
		}
	}
	known, err := p.pools.Origins(ctx)
	return err == nil && web.OriginIn(known, origin)
}
