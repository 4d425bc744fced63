// Package cloudbase owns the CloudBase auth protocol: its paths, bodies, words and
// numbers. It translates requests for the flows and their outcomes back, and decides
// nothing about people itself.
package cloudbase

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/tigertally/tigertally/internal/account"
	"github.com/tigertally/tigertally/internal/caller"
	"github.com/tigertally/tigertally/internal/captcha"
	"github.com/tigertally/tigertally/internal/federation"
	"github.com/tigertally/tigertally/internal/keys"
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
	// Federation leads to identity providers and back.
	Federation *federation.Service
	// Now is the clock every expiry obeys.
	Now func() time.Time
	// PublicURL is where browsers reach this server, without a slash at the end.
	PublicURL string
}

// Protocol is the CloudBase edge.
type Protocol struct {
	pools    *pool.Service
	keys     *keys.Service
	sessions *session.Service
	captchas *captcha.Service
	signin   *signin.Service
	account  *account.Service
	now      func() time.Time
	url      string

	federation *federation.Service

	replays *web.Replays
}

// A repeated request is answered from memory for as long as a client still repeats
// it. The number bounds the memory, not the traffic.
const (
	replayLife = time.Minute
	maxReplays = 20_000
)

// New makes the edge.
func New(o Options) *Protocol {
	return &Protocol{
		pools: o.Pools, keys: o.Keys, sessions: o.Sessions, captchas: o.Captchas,
		signin: o.Signin, account: o.Account, federation: o.Federation, now: o.Now,
		url:     strings.TrimSuffix(o.PublicURL, "/"),
		replays: web.NewReplays(o.Now, replayLife, maxReplays),
	}
}

// Name is the protocol's name in the log and the audit.
func (p *Protocol) Name() string { return "cloudbase" }

// Handler serves everything below /auth/, and /web. It expects web.Middleware around
// it.
func (p *Protocol) Handler() http.Handler {
	router := web.NewRouter(p)
	for _, r := range p.routes() {
		h := r.handler
		if r.once {
			h = p.replays.Handler(h)
		}
		router.Handle(r.method, r.path, h)
	}
	exact := web.Exact(p, router.Mux())
	api := web.CORS{Protocol: p, Allowed: p.originAllowed}.Handler(web.MethodOverride(exact))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !onJourney(r) {
			api.ServeHTTP(w, r)
			return
		}
		web.HidePath(r.Context()) // it may end in a secret
		exact.ServeHTTP(w, r)
	})
}

// app is how a request names its application: in the query, in the body, or as the
// user of Basic. All are optional. The captcha token travels beside it.
type app struct {
	ClientID      string `query:"client_id" json:"client_id"`
	CaptchaToken  string `query:"captcha_token"`
	CaptchaHeader string `header:"X-Captcha-Token"`
}

func (a app) named() app { return a }

// captcha is the proof that a person is there, "" for none.
func (a app) captcha() string {
	if a.CaptchaToken != "" {
		return a.CaptchaToken
	}
	return a.CaptchaHeader
}

type namer interface{ named() app }

// public makes an endpoint anybody may call.
func public[In namer, Out any](p *Protocol, fn func(context.Context, pool.Client, In) (Out, error)) http.Handler {
	return web.JSON(p, func(ctx context.Context, in In) (Out, error) {
		c, err := p.client(ctx, in.named())
		if err != nil {
			var none Out
			return none, err
		}
		return fn(withClient(ctx, c.ID), c, in)
	})
}

// bearer makes an endpoint for whoever the access token names.
func bearer[In, Out any](p *Protocol, fn func(context.Context, session.Principal, In) (Out, error)) http.Handler {
	return web.JSON(p, func(ctx context.Context, in In) (Out, error) {
		who, err := p.sessions.Verify(ctx, web.Bearer(ctx))
		if err != nil {
			var none Out
			return none, err
		}
		return fn(withClient(ctx, who.ClientID), who, in)
	})
}

// client finds the application of a public request.
func (p *Protocol) client(ctx context.Context, a app) (pool.Client, error) {
	id := a.ClientID
	if id == "" {
		id, _ = web.Basic(ctx)
	}
	return p.pools.Client(ctx, id)
}

// withClient notes the application for limits and the audit.
func withClient(ctx context.Context, id string) context.Context {
	info := caller.From(ctx)
	info.Client = id
	return caller.With(ctx, info)
}

// originAllowed asks the application a request names. A request with an access token
// names none, and its preflight not even that, so any application's origin will do:
// there are no cookies an unrelated page could ride on. So it is for an unknown
// application, whose developer has to be able to read the error.
func (p *Protocol) originAllowed(r *http.Request, origin string) bool {
	ctx := r.Context()
	if id := r.URL.Query().Get("client_id"); id != "" {
		c, err := p.pools.Client(ctx, id)
		if err == nil {
			return web.OriginIn(c.App.Settings.Origins, origin)
		}
	}
	known, err := p.pools.Origins(ctx)
	return err == nil && web.OriginIn(known, origin)
}
