package provider

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"time"

	"github.com/tigertally/tigertally/internal/errs"
)

const (
	// Old and new token are both good while one replaces the other.
	tokenOverlap = 5 * time.Minute
	tokenMinimum = time.Minute
)

// appToken calls a vendor with the token of an application, which all nodes share.
type appToken struct {
	name  string
	cache TokenCache
	fetch func(ctx context.Context) (string, time.Duration, error)
}

// newAppToken keeps the token under a name that only who has the secret can have, so that
// an app of the same id in another pool gets none.
func newAppToken(cache TokenCache, vendor, id, base, secret string, fetch func(context.Context) (string, time.Duration, error)) (appToken, error) {
	if cache == nil {
		return appToken{}, errors.New("needs a token cache")
	}
	sum := sha256.Sum256([]byte(strings.Join([]string{vendor, id, base, secret}, "\x00")))
	return appToken{vendor + ":" + id + ":" + hex.EncodeToString(sum[:16]), cache, fetch}, nil
}

// errStale says that the vendor did nothing because it no longer knows the token.
var errStale = errors.New("the app token is no longer good")

// use runs call with the token, and once more with a new one when the call says errStale.
func (t appToken) use(ctx context.Context, call func(ctx context.Context, token string) error) error {
	for range 2 {
		token, err := t.cache.Get(ctx, t.name, t.fetch)
		if err != nil {
			return err
		}
		err = call(ctx, token)
		if !errors.Is(err, errStale) {
			return err
		}
		if err := t.cache.Drop(ctx, t.name, token); err != nil {
			return err
		}
	}
	return because(errs.Unavailable, "app_token_refused", "a new app token: %w", errStale)
}

// appGrant is the answer of a token endpoint.
type appGrant struct {
	wechatAnswer

	AccessToken string `json:"access_token"`
	ExpiresIn   number `json:"expires_in"`
}

// fetchOnce asks for a token, and again when the vendor was busy: nothing is used up here.
func fetchOnce(ctx context.Context, ask func(ctx context.Context, out *appGrant) error) (string, time.Duration, error) {
	var g appGrant
	err := ask(ctx, &g)
	if errs.CodeOf(err) == errs.Unavailable && ctx.Err() == nil {
		g = appGrant{}
		err = ask(ctx, &g)
	}
	switch {
	case err != nil:
		return "", 0, err
	case g.AccessToken == "":
		return "", 0, incomplete("access_token")
	}
	return g.AccessToken, max(tokenMinimum, time.Duration(min(g.ExpiresIn, 86400))*time.Second-tokenOverlap), nil
}

// stableToken reads the token of a mini-program. force_refresh would kill the one that is
// in use elsewhere.
func (w wechatApp) stableToken(ctx context.Context) (string, time.Duration, error) {
	return fetchOnce(ctx, func(ctx context.Context, out *appGrant) error {
		a, err := postJSON(ctx, w.env.HTTP, w.base+"/cgi-bin/stable_token", map[string]any{
			"grant_type": "client_credential", "appid": w.id, "secret": w.secret, "force_refresh": false,
		})
		if err != nil {
			return err
		}
		return readWeChat(a, out)
	})
}
