package provider

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"

	"github.com/tigertally/tigertally/internal/contact"
	"github.com/tigertally/tigertally/internal/driver"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/secret"
)

func oidcOptions() []driver.Option {
	return append(clientAuthOptions(),
		driver.Option{Name: "issuer", Doc: "The issuer, exactly as its discovery document and its tokens write it.", Required: true},
		driver.Option{Name: "scope", Doc: "Empty: openid profile email."},
		driver.Option{Name: "userinfo", Doc: "off: believe the ID token alone. Empty: ask the userinfo endpoint too."},
		clientTokensOption(),
		driver.Option{Name: "audiences", Doc: "Other client ids of the same app, separated by spaces, whose ID tokens client_tokens allows."},
	)
}

// clientTokensOption lets clients hand in a vendor's token in place of a code. It is off
// unless asked for, because such a token may have been made for somebody else's app.
func clientTokensOption() driver.Option {
	return driver.Option{Name: "client_tokens", Doc: "on: take tokens that the app itself got from the provider, as mobile libraries hand them out. Empty: codes only."}
}

// oidc signs people in with an OpenID provider.
// https://openid.net/specs/openid-connect-core-1_0.html
type oidc struct {
	issuers      []string // spellings of the issuer in tokens
	auth         clientAuth
	scope        string
	userinfo     bool
	clientTokens bool
	audiences    []string
	extra        []string // name, value pairs for the page
	env          Env
	discovery    *published[metadata]
	keys         *keySet
}

func openOIDC(set map[string]string, env Env) (Driver, error) {
	return newOIDC(set["issuer"], set, env)
}

func newOIDC(issuer string, set map[string]string, env Env) (*oidc, error) {
	if err := driver.CheckURL(issuer); err != nil {
		return nil, fmt.Errorf("the issuer %w", err)
	}
	auth, err := newClientAuth(set, env.Now)
	if err != nil {
		return nil, err
	}
	discovery := newDiscovery(env.HTTP, env.Now, issuer)
	return &oidc{
		issuers: []string{issuer}, auth: auth, env: env, discovery: discovery,
		scope: cmp.Or(set["scope"], "openid profile email"), userinfo: set["userinfo"] != "off",
		clientTokens: set["client_tokens"] == "on", audiences: strings.Fields(set["audiences"]),
		keys: newKeySet(env.HTTP, env.Now, func(ctx context.Context) (string, error) {
			m, err := discovery.get(ctx)
			return m.JWKS, err
		}),
	}, nil
}

// Authorize returns the address of the provider's page.
func (o *oidc) Authorize(ctx context.Context, r AuthorizeRequest) (string, error) {
	m, err := o.discovery.get(ctx)
	if err != nil {
		return "", err
	}
	r.Scope = cmp.Or(r.Scope, o.scope)
	extra := append([]string{"nonce", r.Nonce, "ui_locales", r.Lang, "login_hint", r.LoginHint}, o.extra...)
	return authorizeURL(m.Authorization, o.auth.id, r, extra...)
}

// Exchange redeems a code, or verifies an ID token the app got itself.
func (o *oidc) Exchange(ctx context.Context, c Credential) (Profile, error) {
	found, err := o.identify(ctx, c)
	if err != nil {
		return Profile{}, err
	}
	return found.profile(), nil
}

// identify returns the claims about who is behind c.
func (o *oidc) identify(ctx context.Context, c Credential) (claims, error) {
	m, err := o.discovery.get(ctx)
	if err != nil {
		return nil, err
	}
	if err := o.checkIssuer(m, c); err != nil {
		return nil, err
	}
	if c.direct() {
		return o.direct(ctx, c)
	}
	code, err := callbackCode(c)
	if err != nil {
		return nil, err
	}
	form := codeForm(c, code)
	header, err := o.auth.prove(form, m.Token, m.AuthMethods)
	if err != nil {
		return nil, misconfigured("%w", err)
	}
	t, err := redeem(ctx, o.env.HTTP, m.Token, form, header...)
	if err != nil {
		return nil, err
	}
	if t.IDToken == "" {
		return nil, refuse("no_id_token", "the answer holds no ID token")
	}
	return o.verified(ctx, m, t, c)
}

// checkIssuer refuses an answer that another provider sent, so that its code does not
// reach this one (RFC 9207).
func (o *oidc) checkIssuer(m metadata, c Credential) error {
	iss, named := c.Params["iss"]
	if (named && iss != m.Issuer) || (!named && m.NamesItself && !c.direct()) {
		return refuse("mixup_iss", "the answer came from the issuer %.200q", iss)
	}
	return nil
}

// direct reports that the app itself got an ID token, with no answer of a page.
func (c Credential) direct() bool { return c.Code == "" && c.IDToken != "" }

// direct takes the ID token of a client of the same app.
func (o *oidc) direct(ctx context.Context, c Credential) (claims, error) {
	if !o.clientTokens {
		return nil, noClientTokens()
	}
	if c.Nonce == "" {
		return nil, refuse("no_nonce", "an ID token from a client needs the nonce it asked for")
	}
	want := o.expect(c, c.AccessToken)
	want.clients = append(want.clients, o.audiences...)
	return readIDToken(ctx, o.keys, c.IDToken, want)
}

func (o *oidc) expect(c Credential, accessToken string) expectation {
	return expectation{
		issuers: o.issuers, clients: []string{o.auth.id}, nonce: c.Nonce, accessToken: accessToken,
		subject: c.Subject, now: o.env.Now(),
	}
}

// verified returns the claims of the ID token, and of the userinfo endpoint what the ID
// token does not say.
func (o *oidc) verified(ctx context.Context, m metadata, t tokens, c Credential) (claims, error) {
	found, err := readIDToken(ctx, o.keys, string(t.IDToken), o.expect(c, string(t.AccessToken)))
	if err != nil || !o.userinfo || m.Userinfo == "" {
		return found, err
	}
	a, err := get(ctx, o.env.HTTP, m.Userinfo, nil, "Authorization", "Bearer "+string(t.AccessToken))
	if err != nil {
		return nil, err
	}
	if a.Status != http.StatusOK || len(a.Body) > maxDocument {
		return nil, because(errs.Unavailable, "userinfo_unavailable", "userinfo answered %d with %d bytes", a.Status, len(a.Body))
	}
	var more claims
	if err := decode(a, &more); err != nil {
		return nil, err
	}
	// OpenID Connect Core section 5.3.2: another subject is another person's answer.
	if !secret.Equal([]byte(more.text("sub")), []byte(found.text("sub"))) {
		return nil, refuse("userinfo_sub", "userinfo is about somebody else")
	}
	maps.Copy(more, found)
	return more, nil
}

// profile reads the standard claims (OpenID Connect Core section 5.1).
func (c claims) profile() Profile {
	p := Profile{
		Subject: c.text("sub"), Name: cmp.Or(c.text("name"), c.text("preferred_username"), c.text("nickname")),
		Picture: picture(c.text("picture")), Email: c.text("email"), EmailVerified: c.isTrue("email_verified"),
		Extra: c.extra(),
	}
	if c.isTrue("phone_number_verified") {
		if phone, err := contact.Phone(c.text("phone_number"), ""); err == nil {
			p.Phone = phone
		}
	}
	return p
}

// extra are the claims that say more about a person, and why an address is not vouched
// for when it is not.
func (c claims) extra() map[string]string {
	extra := map[string]string{"issuer": c.text("iss")}
	for _, name := range []string{"preferred_username", "given_name", "family_name", "nickname", "profile", "website", "gender", "birthdate", "zoneinfo", "locale", "hd"} {
		if value := c.text(name); value != "" {
			extra[name] = value
		}
	}
	if c.text("email") != "" && !c.isTrue("email_verified") {
		extra["email_doubt"] = c.emailDoubt()
	}
	return extra
}

func (c claims) emailDoubt() string {
	var vouched *bool
	if json.Unmarshal(c["email_verified"], &vouched) != nil && c["email_verified"] != nil {
		return "email_verified_not_boolean"
	}
	return "email_unverified"
}
