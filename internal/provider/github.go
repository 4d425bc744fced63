package provider

import (
	"cmp"
	"context"
	"net/http"
	"net/url"

	"github.com/tigertally/tigertally/internal/driver"
	"github.com/tigertally/tigertally/internal/errs"
)

const (
	githubBase    = "https://github.com"
	githubAPIBase = "https://api.github.com"
)

func githubOptions() []driver.Option {
	return []driver.Option{
		{Name: "client_id", Doc: "Client id of the OAuth app.", Required: true},
		{Name: "client_secret", Doc: "Client secret of the OAuth app.", Required: true, Secret: true},
		{Name: "scope", Doc: "Empty: read:user user:email."},
		{Name: "base", Doc: "Address of the site. Empty: " + githubBase + "."},
		{Name: "api_base", Doc: "Address of the API. Empty: " + githubAPIBase + "."},
		clientTokensOption(),
	}
}

// github is an OAuth app of GitHub, which answers errors with 200 and HTTP with care for
// who asks.
// https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps
type github struct {
	id, secret, scope, base, api string
	clientTokens                 bool
	env                          Env
}

func openGitHub(set map[string]string, env Env) (Driver, error) {
	site, err := base(set, "base", githubBase)
	if err != nil {
		return nil, err
	}
	api, err := base(set, "api_base", githubAPIBase)
	return &github{
		id: set["client_id"], secret: set["client_secret"], scope: cmp.Or(set["scope"], "read:user user:email"),
		base: site, api: api, clientTokens: set["client_tokens"] == "on", env: env,
	}, err
}

// Authorize returns the address of GitHub's page.
func (g *github) Authorize(_ context.Context, r AuthorizeRequest) (string, error) {
	r.Scope = cmp.Or(r.Scope, g.scope)
	return authorizeURL(g.base+"/login/oauth/authorize", g.id, r, "login", r.LoginHint)
}

// githubUser is an account. Its login may change hands; its id never does.
type githubUser struct {
	ID        number `json:"id"`
	Login     string `json:"login"`
	Name      string `json:"name"`
	AvatarURL string `json:"avatar_url"`
}

// Exchange redeems a code, or checks a token the app got itself.
func (g *github) Exchange(ctx context.Context, c Credential) (Profile, error) {
	token, err := g.token(ctx, c)
	if err != nil {
		return Profile{}, err
	}
	var u githubUser
	if err := g.ask(ctx, "/user", token, &u); err != nil {
		return Profile{}, err
	}
	if u.ID == 0 {
		return Profile{}, because(errs.Unavailable, "no_subject", "the account has no id")
	}
	p := Profile{
		Subject: decimal(u.ID), Name: cmp.Or(u.Name, u.Login), Picture: picture(u.AvatarURL),
		Extra: map[string]string{"login": u.Login},
	}
	p.Email, p.EmailVerified = g.email(ctx, token)
	return p, nil
}

func (g *github) token(ctx context.Context, c Credential) (string, error) {
	if c.Code == "" && c.AccessToken != "" {
		return c.AccessToken, g.checkToken(ctx, c.AccessToken)
	}
	code, err := callbackCode(c)
	if err != nil {
		return "", err
	}
	form := codeForm(c, code)
	form.Set("client_id", g.id)
	form.Set("client_secret", g.secret)
	t, err := redeem(ctx, g.env.HTTP, g.base+"/login/oauth/access_token", form)
	return string(t.AccessToken), err
}

// checkToken asks whether the token was made for this app: with another app's anybody
// could sign in whose token that app holds.
// https://docs.github.com/en/rest/apps/oauth-applications#check-a-token
func (g *github) checkToken(ctx context.Context, token string) error {
	if !g.clientTokens {
		return noClientTokens()
	}
	a, err := postJSON(ctx, g.env.HTTP, g.api+"/applications/"+url.PathEscape(g.id)+"/token",
		map[string]string{"access_token": token}, "Authorization", basic(g.id, g.secret))
	if err != nil {
		return err
	}
	switch a.Status {
	case http.StatusOK:
	case http.StatusUnauthorized, http.StatusForbidden:
		return misconfigured("GitHub answered %d to the app's secret", a.Status)
	default:
		return refuse("foreign_token", "the token is not of this app: GitHub answered %d", a.Status)
	}
	var check struct {
		App struct {
			ClientID string `json:"client_id"`
		} `json:"app"`
	}
	if err := decode(a, &check); err != nil {
		return err
	}
	if check.App.ClientID != g.id {
		return refuse("foreign_token", "the token is of another app")
	}
	return nil
}

// email returns the primary address when it is verified. The one in the profile is what
// its owner shows, verified or not. An app without the permission learns no address.
func (g *github) email(ctx context.Context, token string) (string, bool) {
	var all []struct {
		Email    string `json:"email"`
		Primary  bool   `json:"primary"`
		Verified bool   `json:"verified"`
	}
	if g.ask(ctx, "/user/emails", token, &all) != nil {
		return "", false
	}
	for _, e := range all {
		if e.Primary && e.Verified {
			return e.Email, true
		}
	}
	return "", false
}

func (g *github) ask(ctx context.Context, path, token string, into any) error {
	a, err := get(ctx, g.env.HTTP, g.api+path, nil, "Authorization", "Bearer "+token,
		"Accept", "application/vnd.github+json", "X-GitHub-Api-Version", "2022-11-28")
	switch {
	case err != nil:
		return err
	case a.Status == http.StatusUnauthorized:
		return refuse("token_refused", "GitHub did not take the token")
	case a.Status == http.StatusTooManyRequests, a.Header.Get("X-Ratelimit-Remaining") == "0":
		return because(errs.TooManyRequests, "vendor_limit", "GitHub limits us")
	case a.Status != http.StatusOK:
		return because(errs.ProviderDenied, "token_denied", "GitHub answered %d", a.Status)
	}
	return decode(a, into)
}
