package provider

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"net/url"

	"github.com/tigertally/tigertally/internal/driver"
	"github.com/tigertally/tigertally/internal/errs"
)

const qqBase = "https://graph.qq.com"

func qqOptions() []driver.Option {
	return []driver.Option{
		{Name: "client_id", Doc: "APP ID of QQ Connect.", Required: true},
		{Name: "client_secret", Doc: "APP Key of QQ Connect.", Required: true, Secret: true},
		{Name: "scope", Doc: "Empty: get_user_info."},
		{Name: "base", Doc: "Address of the service. Empty: " + qqBase + "."},
		clientTokensOption(),
	}
}

// qq is QQ Connect, whose answers are JSON, a form or a JavaScript call by turns.
// https://wiki.connect.qq.com
type qq struct {
	id, secret, scope, base string
	clientTokens            bool
	env                     Env
}

func openQQ(set map[string]string, env Env) (Driver, error) {
	address, err := base(set, "base", qqBase)
	return &qq{
		id: set["client_id"], secret: set["client_secret"], scope: cmp.Or(set["scope"], "get_user_info"),
		base: address, clientTokens: set["client_tokens"] == "on", env: env,
	}, err
}

// Authorize returns the address of QQ's page.
func (q *qq) Authorize(_ context.Context, r AuthorizeRequest) (string, error) {
	r.Scope, r.Challenge = cmp.Or(r.Scope, q.scope), ""
	return authorizeURL(q.base+"/oauth2.0/authorize", q.id, r)
}

// Exchange redeems a code, or checks a token the app got itself.
func (q *qq) Exchange(ctx context.Context, c Credential) (Profile, error) {
	token, err := q.token(ctx, c)
	if err != nil {
		return Profile{}, err
	}
	me, err := q.me(ctx, token)
	if err != nil {
		return Profile{}, err
	}
	var info struct {
		Ret      number `json:"ret"`
		Nickname string `json:"nickname"`
		Large    string `json:"figureurl_qq_2"`
		Small    string `json:"figureurl_qq_1"`
	}
	if err := q.ask(ctx, "/user/get_user_info", url.Values{
		"access_token": {token}, "oauth_consumer_key": {q.id}, "openid": {string(me.OpenID)},
	}, &info); err != nil {
		return Profile{}, err
	}
	if info.Ret != 0 {
		return Profile{}, qqFault(info.Ret)
	}
	return Profile{
		Subject: string(me.OpenID), UnionID: string(me.UnionID), AppID: q.id, Name: info.Nickname,
		Picture: picture(cmp.Or(info.Large, info.Small)),
	}, nil
}

func (q *qq) token(ctx context.Context, c Credential) (string, error) {
	if c.Code == "" && c.AccessToken != "" {
		if !q.clientTokens {
			return "", noClientTokens()
		}
		return c.AccessToken, nil // me tells whose it is
	}
	code, err := callbackCode(c)
	if err != nil {
		return "", err
	}
	c.Verifier = ""
	form := codeForm(c, code)
	form.Set("client_id", q.id)
	form.Set("client_secret", q.secret)
	form.Set("fmt", "json")
	var t struct {
		AccessToken text `json:"access_token"`
	}
	if err := q.ask(ctx, "/oauth2.0/token", form, &t); err != nil {
		return "", err
	}
	if t.AccessToken == "" {
		return "", because(errs.Unavailable, "no_token", "QQ's answer holds no access token")
	}
	return string(t.AccessToken), nil
}

// qqSelf says whom a token is of and, which matters more, to whom it was given.
type qqSelf struct {
	ClientID text `json:"client_id"`
	OpenID   text `json:"openid"`
	UnionID  text `json:"unionid"`
}

// me reads the owner of the token. A token that was given to another app is refused:
// whoever runs that app could sign in as its users.
func (q *qq) me(ctx context.Context, token string) (qqSelf, error) {
	var me qqSelf
	err := q.ask(ctx, "/oauth2.0/me", url.Values{"access_token": {token}, "unionid": {"1"}, "fmt": {"json"}}, &me)
	switch {
	case err != nil:
		return me, err
	case me.ClientID != "" && string(me.ClientID) != q.id:
		return me, refuse("foreign_token", "the token is of another app")
	case me.ClientID == "" || me.OpenID == "":
		return me, because(errs.Unavailable, "no_subject", "QQ named nobody")
	}
	return me, nil
}

// ask does one call and turns an error in any of its forms into ours.
func (q *qq) ask(ctx context.Context, path string, query url.Values, into any) error {
	a, err := get(ctx, q.env.HTTP, q.base+path, query)
	if err != nil {
		return err
	}
	a.Body = qqJSON(a.Body)
	var fault struct {
		Error number `json:"error"`
		Code  number `json:"code"`
	}
	if err := decode(a, &fault); err != nil {
		return err
	}
	if code := cmp.Or(fault.Error, fault.Code); code != 0 {
		return qqFault(code)
	}
	if a.Status != http.StatusOK {
		return refuse("vendor_status", "QQ answered %d", a.Status)
	}
	return decode(a, into)
}

// qqJSON finds the JSON in an answer: callback( {…} ); has it as an argument, and a form
// becomes an object of strings.
func qqJSON(body []byte) []byte {
	body = bytes.TrimSpace(body)
	if call, ok := bytes.CutPrefix(body, []byte("callback(")); ok {
		return bytes.TrimSpace(bytes.TrimSuffix(bytes.TrimSuffix(bytes.TrimSpace(call), []byte(";")), []byte(")")))
	}
	if bytes.HasPrefix(body, []byte("{")) {
		return body
	}
	form, err := url.ParseQuery(string(body))
	if err != nil || !form.Has("access_token") {
		return body
	}
	flat := map[string]string{}
	for name := range form {
		flat[name] = form.Get(name)
	}
	found, err := json.Marshal(flat)
	if err != nil {
		return body
	}
	return found
}

// qqFault sorts QQ's codes.
// https://wiki.connect.qq.com/%E5%85%AC%E5%85%B1%E8%BF%94%E5%9B%9E%E7%A0%81%E8%AF%B4%E6%98%8E
func qqFault(n number) error {
	code := errs.ProviderRefused
	switch n {
	case 100001, 100008, 100009, 100010, 100031:
		code = errs.ProviderMisconfigured // id, key or callback address
	case 100030:
		code = errs.ProviderDenied // the person did not allow it
	case -1, -2, -3, -70, -71, -72:
		code = errs.Unavailable
	}
	return because(code, "vendor_"+decimal(n), "QQ answered %d", n)
}
