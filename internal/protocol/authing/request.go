package authing

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/tigertally/tigertally/internal/admin"
	"github.com/tigertally/tigertally/internal/caller"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/i18n"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/session"
	"github.com/tigertally/tigertally/internal/web"
)

// facts are what a request says about itself in headers or the query.
type facts struct {
	app, pool string
	host      string // as asked
	captcha   string // the picture shown before, from a cookie
}

type factsKey struct{}

func factsOf(ctx context.Context) facts {
	f, _ := ctx.Value(factsKey{}).(facts)
	return f
}

// maxClaim is the longest value kept of what a client claims about itself.
const maxClaim = 128

// enter reads the headers Authing clients send instead of the usual ones.
func (p *Protocol) enter(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		info := caller.From(ctx)
		info.Protocol = p.Name()
		info.Lang = language(r.Header.Get("X-Authing-Lang"), info.Lang)
		if v := r.Header.Get("X-Authing-Request-From"); v != "" {
			info.SDK = short(v)
		}
		if v := r.Header.Get("X-Authing-Sdk-Version"); v != "" && info.SDK == "sdk" {
			info.SDK = short(v)
		}
		if v := r.Header.Get("X-Authing-Device-Id"); v != "" {
			info.DeviceID = short(v)
		}
		f := factsIn(r)
		info.Client = f.app
		ctx = context.WithValue(caller.With(ctx, info), factsKey{}, f)
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

func factsIn(r *http.Request) facts {
	f := facts{
		app: short(r.Header.Get("X-Authing-App-Id")), pool: short(r.Header.Get("X-Authing-Userpool-Id")),
		host: r.Host,
	}
	if f.app == "" && r.URL.RawQuery != "" {
		query, err := url.ParseQuery(r.URL.RawQuery)
		if err == nil {
			f.app = short(query.Get("app_id"))
			if f.app == "" {
				f.app = short(query.Get("appId"))
			}
		}
	}
	if c, err := r.Cookie(captchaCookie); err == nil {
		f.captcha = c.Value
	}
	return f
}

// language matches the header of the SDKs, which write zh-CN, zh-TW, en-US or ja-JP.
// There are no other texts than Chinese and English ones.
func language(header, otherwise string) string {
	switch {
	case header == "":
		return otherwise
	case strings.HasPrefix(strings.ToLower(header), "zh"):
		return i18n.Chinese
	}
	return i18n.English
}

// short makes a claim of the client fit for storage.
func short(s string) string {
	if len(s) > maxClaim {
		s = s[:maxClaim]
	}
	return strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "")
}

// app is the application of a request: the one it names, else its pool's own, else the
// default pool's own.
func (p *Protocol) app(ctx context.Context) (pool.Client, error) {
	f := factsOf(ctx)
	if f.app != "" {
		return p.pools.AppOf(ctx, f.app)
	}
	if f.pool != "" {
		return p.pools.AppOf(ctx, f.pool) // a pool's own application has the pool's name
	}
	return p.pools.Client(ctx, "")
}

// caller is whom the Bearer of a request speaks for: a login token, or an access or id
// token of OIDC.
func (p *Protocol) caller(ctx context.Context) (session.Principal, error) {
	return p.sessions.VerifyAny(ctx, web.Bearer(ctx))
}

// manager is who the management token of a request speaks for.
func (p *Protocol) manager(ctx context.Context) (admin.Manager, error) {
	return p.admin.Verify(ctx, web.Bearer(ctx))
}

// withClient notes the application for limits and the audit.
func withClient(ctx context.Context, id string) context.Context {
	info := caller.From(ctx)
	info.Client = id
	return caller.With(ctx, info)
}

// public makes an endpoint anybody may call. An Authorization header is not looked at:
// clients send stale ones everywhere.
func public[In any](p *Protocol, w words, fn func(context.Context, pool.Client, In) (any, error)) http.Handler {
	return web.JSON(voice{p, w}, func(ctx context.Context, in In) (any, error) {
		c, err := p.app(ctx)
		if err != nil {
			return nil, err
		}
		return wrapped(fn(withClient(ctx, c.ID), c, in))
	})
}

// bearer makes an endpoint for whoever the token names.
func bearer[In any](p *Protocol, w words, fn func(context.Context, session.Principal, In) (any, error)) http.Handler {
	return web.JSON(voice{p, w}, func(ctx context.Context, in In) (any, error) {
		who, err := p.caller(ctx)
		if err != nil {
			return nil, err
		}
		return wrapped(fn(withClient(ctx, who.ClientID), who, in))
	})
}

// wrapped puts an answer into the envelope, unless it is one or goes bare.
func wrapped(out any, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	switch v := out.(type) {
	case envelope:
		return v, nil
	case bare:
		return v.value, nil
	}
	return envelope{Code: codeOK, Message: messageOK, Data: out}, nil
}

// nothing is the input of endpoints that read none.
type nothing struct{}

// missing says which member of a body has to be there.
func missing(field string) error { return errs.New(errs.FieldMissing, "field", field) }
