package manage

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"net/url"
	"slices"

	"github.com/tigertally/tigertally/api"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/operator"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/secret"
)

// What can be found out about signing in.
const (
	SignInWays Op = "pool.ways"
	AppTry     Op = "app.try"
)

func tryOperations() []Operation {
	return []Operation{
		{SignInWays, operator.PoolsRead, "List the ways to sign in to a pool, and which of them are on"},
		{AppTry, operator.AppsRead, "Make an address at which the sign-in page of an application opens"},
	}
}

// authorizePath is the authorization endpoint, which finds the pool by the client.
const authorizePath = "/oidc/auth"

// The ways to sign in, and why one is off.
const (
	wayPassword  = "password"
	waySMS       = "code_sms"
	wayEmail     = "code_email"
	wayOneTap    = "onetap"
	wayAnonymous = "anonymous"
	wayTicket    = "ticket"
	wayProvider  = "provider"

	whyDriver   = "no_driver"
	whyKey      = "no_key"
	whySwitched = "switched_off"
)

// SignInWays lists the ways to sign in to a pool, as its settings and the server's have it.
func (s *Service) SignInWays(ctx context.Context, p operator.Principal, in api.PoolRef) (list api.List[api.SignInWay], err error) {
	if _, err := s.may(ctx, p, SignInWays, in.Pool); err != nil {
		return list, err
	}
	v, err := s.d.Pools.Get(ctx, in.Pool)
	if err != nil {
		return list, err
	}
	ready, err := s.d.Numbers.Ready(ctx, in.Pool)
	if err != nil {
		return list, err
	}
	tickets, err := s.d.Pools.TicketKeys(ctx, in.Pool)
	if err != nil {
		return list, err
	}
	hasKey := slices.ContainsFunc(tickets, func(k pool.TicketKeyInfo) bool { return k.RevokedAt.IsZero() })
	list.Items = []api.SignInWay{
		{Name: wayPassword, On: true},
		way(waySMS, ready.SMS != "", whyDriver),
		way(wayEmail, ready.Mail != "", whyDriver),
		way(wayOneTap, ready.OneTap, whyDriver),
		way(wayAnonymous, v.Settings.Anonymous, whySwitched),
		way(wayTicket, hasKey, whyKey),
	}
	all, err := s.d.Providers.Connections.List(ctx, in.Pool)
	for _, c := range all {
		w := way(wayProvider, c.Enabled, whySwitched)
		w.Provider, w.Kind, w.Title = c.ID, c.Kind, c.Name
		list.Items = append(list.Items, w)
	}
	return list, err
}

func way(name string, on bool, why string) api.SignInWay {
	if on {
		why = ""
	}
	return api.SignInWay{Name: name, On: on, Why: why}
}

// TryApp makes an address at which the sign-in page of an application opens, as a page of
// the application would (RFC 6749 section 4.1.1 with RFC 7636).
// Errors: AppNotFound; RedirectRefused when the application has no such address, or none.
func (s *Service) TryApp(ctx context.Context, p operator.Principal, in api.TryLink) (api.TryAddress, error) {
	if _, err := s.may(ctx, p, AppTry, in.Pool); err != nil {
		return api.TryAddress{}, err
	}
	a, err := s.app(ctx, in.AppRef)
	if err != nil {
		return api.TryAddress{}, err
	}
	to := in.RedirectURI
	if to == "" && len(a.Settings.RedirectURIs) > 0 {
		to = a.Settings.RedirectURIs[0]
	}
	if !slices.Contains(a.Settings.RedirectURIs, to) {
		return api.TryAddress{}, errs.New(errs.RedirectRefused)
	}
	verifier := secret.Token("try")
	sum := sha256.Sum256([]byte(verifier))
	query := url.Values{
		"client_id": {in.App}, "redirect_uri": {to}, "response_type": {"code"}, "scope": {"openid profile"},
		"state": {"try"}, "nonce": {secret.ID()}, "prompt": {"login"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
	}
	return api.TryAddress{URL: s.d.PublicURL + authorizePath + "?" + query.Encode(), RedirectURI: to, Verifier: verifier}, nil
}
