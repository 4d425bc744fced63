package provider

import (
	"context"

	"github.com/go-jose/go-jose/v4"

	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/secret"
)

// Tester is a driver that can tell without a person's code whether its vendor knows the
// app, or at least answers.
type Tester interface {
	// Test uses nothing up. proven says that the vendor accepted the app's secret.
	Test(ctx context.Context) (proven bool, err error)
}

// madeUp is a code that no vendor has given out.
const madeUp = "tigertally-test"

// Test finds out whether the vendor of d answers. One that cannot be asked anything else
// is shown a made-up code, which it has to refuse. Errors are those of Driver.
func Test(ctx context.Context, d Driver, redirectURI string) (proven bool, err error) {
	if t, ok := d.(Tester); ok {
		return t.Test(ctx)
	}
	_, err = d.Exchange(ctx, Credential{Code: madeUp, RedirectURI: redirectURI, Verifier: secret.Token("test")})
	switch errs.CodeOf(err) {
	case errs.ProviderRefused, errs.ProviderDenied:
		return false, nil
	default:
		return false, err
	}
}

// Test reads what the provider publishes: the discovery document and the keys.
func (o *oidc) Test(ctx context.Context) (proven bool, err error) {
	m, err := o.discovery.read(ctx)
	if err != nil {
		return false, err
	}
	body, err := document(ctx, o.env.HTTP, "jwks", m.JWKS)
	if err != nil {
		return false, err
	}
	return false, anyKey(parseKeys(body))
}

// Test reads Apple's keys.
func (a *apple) Test(ctx context.Context) (proven bool, err error) {
	return false, anyKey(a.keys.keys.read(ctx))
}

// anyKey refuses a set without a key that could verify anything.
func anyKey(keys []jose.JSONWebKey, err error) error {
	if err == nil && len(keys) == 0 {
		err = because(errs.Unavailable, "jwks_malformed", "there is no key in the set")
	}
	return err
}

// Test asks for the token of the app, which is not kept: the present one stays good.
func (m *wechatMini) Test(ctx context.Context) (proven bool, err error) {
	_, _, err = m.stableToken(ctx)
	return err == nil, err
}

// Test asks for the token of the app, which WeCom gives out again until it ends.
func (w *wecom) Test(ctx context.Context) (proven bool, err error) {
	_, _, err = w.corpToken(ctx)
	return err == nil, err
}
