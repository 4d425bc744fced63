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
	feishuBase      = "https://open.feishu.cn"
	feishuLoginBase = "https://accounts.feishu.cn"
)

func feishuOptions() []driver.Option {
	return []driver.Option{
		{Name: "client_id", Doc: "App ID, as cli_….", Required: true},
		{Name: "client_secret", Doc: "App Secret.", Required: true, Secret: true},
		{Name: "tenant", Doc: "Tenant key of the only company whose people may sign in. Empty: every company that installed the app."},
		{Name: "scope", Doc: "Empty: what the app has anyway."},
		{Name: "base", Doc: "Address of the API. Empty: " + feishuBase + "; for Lark https://open.larksuite.com."},
		{Name: "login_base", Doc: "Address of the sign-in page and the token endpoint. Empty: " + feishuLoginBase + "; for Lark https://accounts.larksuite.com."},
		{Name: "token_url", Doc: "Token endpoint. Empty: /oauth/v3/token below login_base."},
	}
}

// feishu is Feishu or Lark by its third token endpoint, the first to hold clients to PKCE.
// https://open.feishu.cn/document/uAjLw4CM/ukTMukTMukTM/authentication-management/access-token/get-user-access-token-v3
type feishu struct {
	id, secret, tenant, scope string
	base, login, endpoint     string
	env                       Env
}

func openFeishu(set map[string]string, env Env) (Driver, error) {
	api, err := base(set, "base", feishuBase)
	if err != nil {
		return nil, err
	}
	login, err := base(set, "login_base", feishuLoginBase)
	if err != nil {
		return nil, err
	}
	endpoint, err := base(set, "token_url", login+"/oauth/v3/token")
	return &feishu{
		id: set["client_id"], secret: set["client_secret"], tenant: set["tenant"], scope: set["scope"],
		base: api, login: login, endpoint: endpoint, env: env,
	}, err
}

// Authorize returns the address of Feishu's page.
func (f *feishu) Authorize(_ context.Context, r AuthorizeRequest) (string, error) {
	r.Scope = cmp.Or(r.Scope, f.scope)
	return authorizeURL(f.login+"/open-apis/authen/v1/authorize", f.id, r)
}

// feishuUser has a name in the app, open_id, and one for all apps of a developer,
// union_id. Its addresses and its number are what the company wrote down.
type feishuUser struct {
	OpenID  string `json:"open_id"`
	UnionID string `json:"union_id"`
	Tenant  string `json:"tenant_key"`
	Name    string `json:"name"`
	Avatar  string `json:"avatar_url"`
	Email   string `json:"email"`
}

// Exchange redeems a code.
func (f *feishu) Exchange(ctx context.Context, c Credential) (Profile, error) {
	token, err := f.token(ctx, c)
	if err != nil {
		return Profile{}, err
	}
	a, err := get(ctx, f.env.HTTP, f.base+"/open-apis/authen/v1/user_info", nil, "Authorization", "Bearer "+token)
	if err != nil {
		return Profile{}, err
	}
	var answer struct {
		Code number     `json:"code"`
		Data feishuUser `json:"data"`
	}
	if err := decode(a, &answer); err != nil {
		return Profile{}, err
	}
	u := answer.Data
	switch {
	case answer.Code != 0 || a.Status != http.StatusOK:
		return Profile{}, feishuFault(answer.Code)
	case u.OpenID == "":
		return Profile{}, because(errs.Unavailable, "no_subject", "Feishu named nobody")
	case f.tenant != "" && u.Tenant != f.tenant:
		return Profile{}, because(errs.ProviderDenied, "foreign_tenant", "the account is of another company")
	}
	return Profile{
		Subject: u.OpenID, UnionID: u.UnionID, AppID: f.id, Name: u.Name, Picture: picture(u.Avatar), Email: u.Email,
		Extra: map[string]string{"tenant_key": u.Tenant},
	}, nil
}

// token sends the grant as JSON, the one form that all versions of the endpoint take.
func (f *feishu) token(ctx context.Context, c Credential) (string, error) {
	code, err := callbackCode(c)
	if err != nil {
		return "", err
	}
	body := flat(codeForm(c, code))
	body["client_id"], body["client_secret"] = f.id, f.secret
	a, err := postJSON(ctx, f.env.HTTP, f.endpoint, body)
	if err != nil {
		return "", err
	}
	var fault struct {
		Code number `json:"code"`
	}
	if err := decode(a, &fault); err != nil {
		return "", err
	}
	if fault.Code != 0 {
		return "", feishuFault(fault.Code)
	}
	t, err := readTokens(a)
	return string(t.AccessToken), err
}

func flat(form url.Values) map[string]string {
	m := make(map[string]string, len(form))
	for name := range form {
		m[name] = form.Get(name)
	}
	return m
}

// feishuFault sorts the codes of the token endpoint's documentation.
func feishuFault(n number) error {
	code := errs.ProviderRefused
	switch n {
	case 20008, 20009, 20010, 20066:
		code = errs.ProviderDenied // no such person, not theirs to use, or suspended
	case 20001, 20002, 20036, 20048, 20063, 20067, 20068, 20069, 20070, 20071:
		code = errs.ProviderMisconfigured // the request, the secret, the app or its address
	case 20050:
		code = errs.Unavailable
	case 99991400:
		code = errs.TooManyRequests
	}
	return because(code, "vendor_"+decimal(n), "Feishu answered %d", n)
}
