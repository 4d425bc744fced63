package provider

import (
	"cmp"
	"context"
	"net/http"
	"slices"

	"github.com/tigertally/tigertally/internal/driver"
	"github.com/tigertally/tigertally/internal/errs"
)

const giteeBase = "https://gitee.com"

func giteeOptions() []driver.Option {
	return []driver.Option{
		{Name: "client_id", Doc: "Client id of the third-party application.", Required: true},
		{Name: "client_secret", Doc: "Its client secret.", Required: true, Secret: true},
		{Name: "scope", Doc: "Empty: user_info emails."},
		{Name: "base", Doc: "Address of the site. Empty: " + giteeBase + "."},
	}
}

// gitee is a third-party application of Gitee, which knows no PKCE.
// https://gitee.com/api/v5/oauth_doc
type gitee struct {
	id, secret, scope, base string
	env                     Env
}

func openGitee(set map[string]string, env Env) (Driver, error) {
	site, err := base(set, "base", giteeBase)
	return &gitee{
		id: set["client_id"], secret: set["client_secret"], scope: cmp.Or(set["scope"], "user_info emails"), base: site, env: env,
	}, err
}

// Authorize returns the address of Gitee's page.
func (g *gitee) Authorize(_ context.Context, r AuthorizeRequest) (string, error) {
	r.Scope, r.Challenge = cmp.Or(r.Scope, g.scope), ""
	return authorizeURL(g.base+"/oauth/authorize", g.id, r)
}

// Exchange redeems a code. A token the app got itself is never taken: Gitee does not say
// for whose app one was made.
func (g *gitee) Exchange(ctx context.Context, c Credential) (Profile, error) {
	code, err := callbackCode(c)
	if err != nil {
		return Profile{}, err
	}
	c.Verifier = ""
	form := codeForm(c, code)
	form.Set("client_id", g.id)
	form.Set("client_secret", g.secret)
	t, err := redeem(ctx, g.env.HTTP, g.base+"/oauth/token", form)
	if err != nil {
		return Profile{}, err
	}
	// An account's login may change hands; its id never does.
	var u struct {
		ID        number `json:"id"`
		Login     string `json:"login"`
		Name      string `json:"name"`
		AvatarURL string `json:"avatar_url"`
	}
	if err := g.ask(ctx, "/api/v5/user", string(t.AccessToken), &u); err != nil {
		return Profile{}, err
	}
	if u.ID == 0 {
		return Profile{}, because(errs.Unavailable, "no_subject", "the account has no id")
	}
	p := Profile{
		Subject: decimal(u.ID), Name: cmp.Or(u.Name, u.Login), Picture: picture(u.AvatarURL),
		Extra: map[string]string{"login": u.Login},
	}
	p.Email, p.EmailVerified = g.email(ctx, string(t.AccessToken))
	return p, nil
}

// email returns the primary address when it is confirmed. The one in the profile is what
// its owner shows. An app without the permission learns no address.
func (g *gitee) email(ctx context.Context, token string) (string, bool) {
	var all []struct {
		Email string   `json:"email"`
		State string   `json:"state"`
		Scope []string `json:"scope"`
	}
	if g.ask(ctx, "/api/v5/emails", token, &all) != nil {
		return "", false
	}
	for _, e := range all {
		if e.State == "confirmed" && slices.Contains(e.Scope, "primary") {
			return e.Email, true
		}
	}
	return "", false
}

func (g *gitee) ask(ctx context.Context, path, token string, into any) error {
	a, err := get(ctx, g.env.HTTP, g.base+path, nil, "Authorization", "Bearer "+token)
	switch {
	case err != nil:
		return err
	case a.Status == http.StatusUnauthorized:
		return refuse("token_refused", "Gitee did not take the token")
	case a.Status == http.StatusTooManyRequests:
		return because(errs.TooManyRequests, "vendor_limit", "Gitee limits us")
	case a.Status != http.StatusOK:
		return because(errs.ProviderDenied, "token_denied", "Gitee answered %d", a.Status)
	}
	return decode(a, into)
}
