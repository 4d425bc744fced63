package provider

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/tigertally/tigertally/internal/driver"
	"github.com/tigertally/tigertally/internal/errs"
)

const (
	appleBase = "https://appleid.apple.com"
	// appleSecretLife is how long a client secret is good, which is made for each call;
	// Apple allows six months.
	appleSecretLife = 5 * time.Minute
	maxAppleName    = 64 // letters of each half
)

func appleOptions() []driver.Option {
	return []driver.Option{
		{Name: "client_id", Doc: "Services ID, or the bundle ID of a native app.", Required: true},
		{Name: "team_id", Doc: "Id of the developer team.", Required: true},
		{Name: "key_id", Doc: "Id of the key.", Required: true},
		{Name: "private_key", Doc: "The key, as the .p8 file has it.", Required: true, Secret: true},
		{Name: "scope", Doc: "Empty: name email."},
		{Name: "issuer", Doc: "What Apple's tokens call it, " + appleBase + " unless set."},
		{Name: "base", Doc: "Address of the service, " + appleBase + " unless set."},
		clientTokensOption(),
		{Name: "audiences", Doc: "Bundle IDs of the same team's apps, separated by spaces, whose ID tokens client_tokens allows."},
	}
}

// apple is Sign in with Apple: OpenID Connect whose client secret is a signed token, whose
// answer is a form that Apple's page posts, and which tells the name once.
// https://developer.apple.com/documentation/signinwithapplerestapi
type apple struct {
	clientID, team, scope, issuer, base string

	clientTokens bool
	audiences    []string
	signer       jose.Signer
	env          Env
	keys         *keySet
}

func newApple(set map[string]string, env Env) (Driver, error) {
	address, err := base(set, "base", appleBase)
	if err != nil {
		return nil, err
	}
	key, err := newSigner(set["private_key"], set["key_id"])
	if err != nil {
		return nil, err
	}
	return &apple{
		clientID: set["client_id"], team: set["team_id"], base: address,
		issuer: cmp.Or(set["issuer"], appleBase), scope: cmp.Or(set["scope"], "name email"),
		clientTokens: set["client_tokens"] == "on", audiences: strings.Fields(set["audiences"]),
		signer: key, env: env,
		keys: newKeySet(env.HTTP, env.Now, func(context.Context) (string, error) { return address + "/auth/keys", nil }),
	}, nil
}

// Authorize returns Apple's page. Apple insists on a form when it may be asked for the name
// or the address.
func (a *apple) Authorize(_ context.Context, r AuthorizeRequest) (string, error) {
	r.Scope = cmp.Or(r.Scope, a.scope)
	// Apple knows no PKCE; the nonce binds the ID token to the browser.
	r.Challenge = ""
	page, err := authorizeURL(a.base+"/auth/authorize", a.clientID, r, "nonce", r.Nonce, "response_mode", "form_post")
	return strings.ReplaceAll(page, "+", "%20"), err
}

// Exchange redeems a code, or verifies an ID token that a native app got itself.
func (a *apple) Exchange(ctx context.Context, c Credential) (Profile, error) {
	want := expectation{issuers: []string{a.issuer}, clients: []string{a.clientID}, nonce: c.Nonce, now: a.env.Now()}
	if c.Code == "" && c.IDToken != "" {
		if !a.clientTokens || c.Nonce == "" {
			return Profile{}, refuse("client_token", "an ID token without a code, which is not allowed or has no nonce")
		}
		want.clients = append(want.clients, a.audiences...)
		found, err := readIDToken(ctx, a.keys, c.IDToken, want)
		if err != nil {
			return Profile{}, err
		}
		return appleProfile(found, c), nil
	}
	// Apple's own word for a person who said no.
	if c.Params["error"] == "user_cancelled_authorize" {
		return Profile{}, because(errs.ProviderDenied, "declined", "the person cancelled")
	}
	code, err := callbackCode(c)
	if err != nil {
		return Profile{}, err
	}
	t, err := a.redeem(ctx, c, code)
	if err != nil {
		return Profile{}, err
	}
	found, err := readIDToken(ctx, a.keys, t.IDToken, want)
	if err != nil {
		return Profile{}, err
	}
	p := appleProfile(found, c)
	p.Revocable = t.RefreshToken
	return p, nil
}

type appleGrant struct {
	IDToken      string `json:"id_token"`
	RefreshToken string `json:"refresh_token"`
	Error        string `json:"error"`
}

func (a *apple) redeem(ctx context.Context, c Credential, code string) (appleGrant, error) {
	form := codeForm(Credential{RedirectURI: c.RedirectURI}, code)
	var t appleGrant
	if err := a.post(ctx, "/auth/token", form, &t); err != nil {
		return t, err
	}
	if t.IDToken == "" {
		return t, incomplete("id_token")
	}
	return t, nil
}

// Revoke tells Apple that the person's account is gone, as the App Store demands.
func (a *apple) Revoke(ctx context.Context, revocable string) error {
	form := url.Values{"token": {revocable}, "token_type_hint": {"refresh_token"}}
	return a.post(ctx, "/auth/revoke", form, nil)
}

// post sends form with the proof of who asks, and reads a 200 into out.
func (a *apple) post(ctx context.Context, path string, form url.Values, out any) error {
	proof, err := a.clientSecret()
	if err != nil {
		return misconfigured("%w", err)
	}
	form.Set("client_id", a.clientID)
	form.Set("client_secret", proof)
	answer, err := postForm(ctx, a.env.HTTP, a.base+path, form)
	if err != nil {
		return err
	}
	if answer.Status != http.StatusOK {
		var fault appleGrant
		if err := decode(answer, &fault); err != nil {
			return err
		}
		return oauthFault(fault.Error)
	}
	if out == nil { // no body comes back
		return nil
	}
	return decode(answer, out)
}

// clientSecret says in a signed token which team and which app ask.
func (a *apple) clientSecret() (string, error) {
	now := a.env.Now()
	payload, err := json.Marshal(map[string]any{
		"iss": a.team, "sub": a.clientID, "aud": a.issuer, "iat": now.Unix(), "exp": now.Add(appleSecretLife).Unix(),
	})
	if err != nil {
		return "", err
	}
	signed, err := a.signer.Sign(payload)
	if err != nil {
		return "", fmt.Errorf("signing the client secret: %w", err)
	}
	return signed.CompactSerialize()
}

// appleProfile reads the claims, of which some may be booleans or words, and the name,
// which comes beside them the first time only and which nobody signs.
func appleProfile(c claims, from Credential) Profile {
	said := func(name string) bool { return c.isTrue(name) || c.text(name) == "true" }
	p := Profile{Subject: c.text("sub"), Email: c.text("email"), EmailVerified: said("email_verified"), Name: appleName(from.Params["user"])}
	if said("is_private_email") {
		p.Extra = map[string]string{"is_private_email": "true"}
	}
	return p
}

func appleName(user string) string {
	var u struct {
		Name struct {
			First string `json:"firstName"`
			Last  string `json:"lastName"`
		} `json:"name"`
	}
	if json.Unmarshal([]byte(user), &u) != nil {
		return ""
	}
	short := func(s string) string {
		letters := []rune(strings.TrimSpace(s))
		return string(letters[:min(len(letters), maxAppleName)])
	}
	return strings.TrimSpace(short(u.Name.First) + " " + short(u.Name.Last))
}
