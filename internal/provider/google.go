package provider

import (
	"context"
	"slices"
	"strings"

	"github.com/tigertally/tigertally/internal/driver"
	"github.com/tigertally/tigertally/internal/errs"
)

const googleBase = "https://accounts.google.com"

func googleOptions() []driver.Option {
	return []driver.Option{
		{Name: "client_id", Doc: "OAuth client id.", Required: true},
		{Name: "client_secret", Doc: "OAuth client secret.", Required: true, Secret: true},
		{Name: "hosted_domain", Doc: "Google Workspace domains whose people may sign in, separated by spaces. Empty: everybody."},
		{Name: "scope", Doc: "Empty: openid profile email."},
		{Name: "base", Doc: "The issuer. Empty: " + googleBase + "."},
		clientTokensOption(),
		{Name: "audiences", Doc: "Client ids of the same project's mobile apps, separated by spaces, whose ID tokens client_tokens allows."},
	}
}

// google is the OpenID provider of Google, which has two spellings of its issuer and says
// in hd whose Workspace an account belongs to.
// https://developers.google.com/identity/openid-connect/openid-connect
type google struct {
	*oidc

	domains []string
}

func openGoogle(set map[string]string, env Env) (Driver, error) {
	issuer, err := base(set, "base", googleBase)
	if err != nil {
		return nil, err
	}
	o, err := newOIDC(issuer, set, env)
	if err != nil {
		return nil, err
	}
	_, bare, _ := strings.Cut(issuer, "://")
	o.issuers = append(o.issuers, bare)
	// The ID token has all there is.
	o.userinfo = false
	g := &google{o, strings.Fields(strings.ToLower(set["hosted_domain"]))}
	switch len(g.domains) {
	case 0:
	case 1: // a hint to the page, which proves nothing
		o.extra = []string{"hd", g.domains[0]}
	default:
		o.extra = []string{"hd", "*"}
	}
	return g, nil
}

// Exchange adds the check of the domain, which only the signed claim can tell: an
// address may end in a domain whose Workspace the account is not part of.
func (g *google) Exchange(ctx context.Context, c Credential) (Profile, error) {
	found, err := g.identify(ctx, c)
	if err != nil {
		return Profile{}, err
	}
	if len(g.domains) > 0 && !slices.Contains(g.domains, strings.ToLower(found.text("hd"))) {
		return Profile{}, because(errs.ProviderDenied, "hosted_domain", "the account is not of an allowed domain")
	}
	return found.profile(), nil
}
