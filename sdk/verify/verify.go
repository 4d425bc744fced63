// Package verify checks access, login and id tokens of Tigertally in the programs that
// receive them, without a request for each: signatures against the server's published
// keys, which are cached and followed as they rotate, then issuer, audience, pool, kind
// and time.
//
//	v, err := verify.New(verify.Config{
//		Issuer:   "https://id.example.com/oidc",
//		Audience: []string{"shop"}, // your CloudBase client or Authing app id
//	})
//	…
//	mux.Handle("/api/", v.Middleware(api)) // verify.FromContext inside
//
// A token that was checked offline stays good until it expires, even when its owner signs
// out; Config.Introspection asks the server about that. The package owns no sessions and
// signs nobody in: see sdk/cloudbase and sdk/authing for that.
package verify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

const (
	defaultLeeway = time.Minute
	mostLeeway    = 10 * time.Minute
)

// Config says which tokens a Verifier accepts. Issuer and Audience are required.
type Config struct {
	// Issuer is the claim iss, exactly: "https://id.example.com/oidc" for the default pool
	// of a server, "https://id.example.com/oidc/<pool>" for another.
	Issuer string
	// Audience lists the applications whose tokens are accepted: CloudBase client ids and
	// Authing app ids. One match is enough.
	Audience []string
	// AnyAudience accepts every application of the issuer, and needs Audience to be empty.
	AnyAudience bool
	// Pool is the user pool, or CloudBase env, that tokens must name. The issuer names it
	// too, so it may be empty.
	Pool string
	// Kinds are the sorts of token that are accepted: Access and Login by default. An ID
	// token says who somebody is and is no key to an API, so ID must be asked for.
	Kinds []Kind
	// Leeway is how far the two clocks may differ, a minute by default, at most ten.
	// Negative is none.
	Leeway time.Duration

	// KeysURL is where the keys are, if the issuer is reached by another address from
	// here. The default is Issuer + "/.well-known/jwks.json".
	KeysURL string
	// PlainHTTP allows keys to come over http from another machine. Whoever can change
	// what passes between the two can then sign in as anybody.
	PlainHTTP bool
	// Introspection also asks the server whether a token's session lives; nil does not.
	Introspection *Introspection

	HTTPClient *http.Client     // default: one that follows no redirect
	Logger     *slog.Logger     // default: none. Never sees a token
	Now        func() time.Time // default: time.Now
}

// Verifier checks tokens. It is safe for concurrent use; make one and keep it.
type Verifier struct {
	issuers map[string]*issuer
	log     *slog.Logger
}

// issuer is what one Config accepts.
type issuer struct {
	conf  Config
	keys  *keySet
	alive *introspector // nil without introspection
}

// New makes a Verifier, or says what is wrong with conf. It asks the server nothing yet:
// the first token does, or Ready.
func New(conf Config) (*Verifier, error) {
	conf, err := conf.complete()
	if err != nil {
		return nil, fmt.Errorf("verify: %w", err)
	}
	is := &issuer{conf: conf, keys: newKeySet(conf)}
	if conf.Introspection != nil {
		if is.alive, err = newIntrospector(conf); err != nil {
			return nil, fmt.Errorf("verify: %w", err)
		}
	}
	return &Verifier{issuers: map[string]*issuer{conf.Issuer: is}, log: conf.Logger}, nil
}

// Any makes a Verifier of several, which accepts what one of them accepts. Each must be
// for another issuer.
func Any(verifiers ...*Verifier) (*Verifier, error) {
	all := &Verifier{issuers: map[string]*issuer{}, log: slog.New(slog.DiscardHandler)}
	for _, v := range verifiers {
		all.log = v.log
		for name, is := range v.issuers {
			if all.issuers[name] != nil {
				return nil, fmt.Errorf("verify: two verifiers for the issuer %s", name)
			}
			all.issuers[name] = is
		}
	}
	return all, nil
}

// Ready fetches the keys unless they are there, for a program that wants to know at its
// start whether it can reach the server. Its errors are ErrUnavailable.
func (v *Verifier) Ready(ctx context.Context) error {
	for _, is := range v.issuers {
		if err := is.keys.ready(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Verify returns what a token says once all of it is proven. Its errors match ErrInvalid
// and one of the sentinels beside it if the token is no good, and ErrUnavailable if that
// could not be found out.
func (v *Verifier) Verify(ctx context.Context, token string) (*Claims, error) {
	claims, err := v.verify(ctx, token)
	if err != nil {
		level := slog.LevelDebug
		if errors.Is(err, ErrUnavailable) {
			level = slog.LevelWarn
		}
		v.log.LogAttrs(ctx, level, "token refused", slog.Any("err", err))
		return nil, err
	}
	return claims, nil
}

func (v *Verifier) verify(ctx context.Context, token string) (*Claims, error) {
	t, err := split(token)
	if err != nil {
		return nil, err
	}
	is := v.issuers[t.claims.Issuer] // only to know whose keys to try; the signature proves it
	if is == nil {
		return nil, ErrIssuer
	}
	key, err := is.keys.find(ctx, t.header.KeyID)
	if err != nil {
		return nil, err
	}
	if err := key.verify(t); err != nil {
		return nil, err
	}
	claims, err := t.typed()
	if err != nil {
		return nil, err
	}
	if err := is.conf.accepts(claims); err != nil {
		return nil, err
	}
	if is.alive != nil {
		if err := is.alive.check(ctx, claims, token); err != nil {
			return nil, err
		}
	}
	return claims, nil
}

// accepts compares proven claims with what is asked for.
func (c *Config) accepts(claims *Claims) error {
	now := c.Now()
	switch {
	case !slices.Contains(c.Kinds, claims.Kind):
		return ErrKind
	case !c.AnyAudience && !slices.ContainsFunc(claims.Audience, c.forUs):
		return ErrAudience
	case c.Pool != "" && claims.Pool != c.Pool && (claims.Pool != "" || claims.Kind.ofPerson()):
		return ErrPool
	case now.After(claims.ExpiresAt.Add(c.Leeway)):
		return ErrExpired
	case claims.NotBefore.After(now.Add(c.Leeway)), claims.IssuedAt.After(now.Add(c.Leeway)):
		return ErrNotYet
	}
	return nil
}

func (c *Config) forUs(audience string) bool { return slices.Contains(c.Audience, audience) }

// complete checks c and fills in what was left out.
func (c Config) complete() (Config, error) {
	if c.Issuer == "" {
		return c, errors.New("Config.Issuer is empty")
	}
	if len(c.Audience) == 0 && !c.AnyAudience {
		return c, errors.New("Config.Audience is empty: list your application, or set AnyAudience")
	}
	if len(c.Audience) > 0 && c.AnyAudience {
		return c, errors.New("Config.Audience and Config.AnyAudience are both set")
	}
	if slices.Contains(c.Audience, "") {
		return c, errors.New("Config.Audience has an empty entry")
	}
	if c.KeysURL == "" {
		c.KeysURL = c.Issuer + "/.well-known/jwks.json"
	}
	if err := c.safe(c.KeysURL); err != nil {
		return c, err
	}
	if len(c.Kinds) == 0 {
		c.Kinds = []Kind{Access, Login}
	}
	c.Audience, c.Kinds = slices.Clone(c.Audience), slices.Clone(c.Kinds)
	switch {
	case c.Leeway == 0:
		c.Leeway = defaultLeeway
	case c.Leeway < 0:
		c.Leeway = 0
	case c.Leeway > mostLeeway:
		return c, fmt.Errorf("Config.Leeway is more than %v", mostLeeway)
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.HTTPClient == nil {
		c.HTTPClient = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	}
	return c, nil
}

// safe refuses addresses that somebody on the way could answer for.
func (c *Config) safe(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return fmt.Errorf("%q is not an address", address)
	}
	switch u.Scheme {
	case "https":
		return nil
	case "http":
		ip := net.ParseIP(u.Hostname())
		if c.PlainHTTP || ip.IsLoopback() || u.Hostname() == "localhost" || strings.HasSuffix(u.Hostname(), ".localhost") {
			return nil
		}
		return fmt.Errorf("%s is not https; see Config.PlainHTTP", address)
	default:
		return fmt.Errorf("%s is neither https nor http", address)
	}
}
