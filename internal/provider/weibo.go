package provider

import (
	"cmp"
	"context"
	"net/http"
	"net/url"

	"github.com/tigertally/tigertally/internal/driver"
	"github.com/tigertally/tigertally/internal/errs"
)

const weiboBase = "https://api.weibo.com"

func weiboOptions() []driver.Option {
	return []driver.Option{
		{Name: "client_id", Doc: "App Key.", Required: true},
		{Name: "client_secret", Doc: "App Secret.", Required: true, Secret: true},
		{Name: "scope", Doc: "Empty: the basic profile."},
		{Name: "base", Doc: "Address of the service. Empty: " + weiboBase + "."},
		clientTokensOption(),
	}
}

// weibo is Sina Weibo, where the token endpoint already says who it is.
// https://open.weibo.com/wiki/Oauth2/access_token
type weibo struct {
	id, secret, scope, base string
	clientTokens            bool
	env                     Env
}

func openWeibo(set map[string]string, env Env) (Driver, error) {
	address, err := base(set, "base", weiboBase)
	return &weibo{
		id: set["client_id"], secret: set["client_secret"], scope: set["scope"],
		base: address, clientTokens: set["client_tokens"] == "on", env: env,
	}, err
}

// Authorize returns the address of Weibo's page.
func (w *weibo) Authorize(_ context.Context, r AuthorizeRequest) (string, error) {
	r.Scope, r.Challenge = cmp.Or(r.Scope, w.scope), ""
	return authorizeURL(w.base+"/oauth2/authorize", w.id, r)
}

// Exchange redeems a code, or checks a token the app got itself.
func (w *weibo) Exchange(ctx context.Context, c Credential) (Profile, error) {
	token, uid, err := w.owner(ctx, c)
	if err != nil {
		return Profile{}, err
	}
	if uid == "" || token == "" {
		return Profile{}, because(errs.Unavailable, "no_subject", "Weibo named nobody")
	}
	a, err := get(ctx, w.env.HTTP, w.base+"/2/users/show.json", url.Values{"uid": {uid}, "access_token": {token}})
	if err != nil {
		return Profile{}, err
	}
	var u struct {
		ID    text   `json:"idstr"`
		Name  string `json:"screen_name"`
		Large string `json:"avatar_hd"`
		Small string `json:"avatar_large"`
	}
	if err := w.read(a, &u); err != nil {
		return Profile{}, err
	}
	if string(u.ID) != uid {
		return Profile{}, refuse("userinfo_sub", "the profile is somebody else's")
	}
	return Profile{Subject: uid, AppID: w.id, Name: u.Name, Picture: picture(cmp.Or(u.Large, u.Small))}, nil
}

// owner returns an access token that was made for this app, and whose it is.
func (w *weibo) owner(ctx context.Context, c Credential) (token, uid string, err error) {
	if c.Code == "" && c.AccessToken != "" {
		uid, err := w.checkToken(ctx, c.AccessToken)
		return c.AccessToken, uid, err
	}
	code, err := callbackCode(c)
	if err != nil {
		return "", "", err
	}
	c.Verifier = ""
	form := codeForm(c, code)
	form.Set("client_id", w.id)
	form.Set("client_secret", w.secret)
	a, err := postForm(ctx, w.env.HTTP, w.base+"/oauth2/access_token", form)
	if err != nil {
		return "", "", err
	}
	var t struct {
		AccessToken text `json:"access_token"`
		UID         text `json:"uid"`
	}
	err = w.read(a, &t)
	return string(t.AccessToken), string(t.UID), err
}

// checkToken asks for whom and to which app the token was given: with another app's
// anybody could sign in whose token that app holds.
// https://open.weibo.com/wiki/Oauth2/get_token_info
func (w *weibo) checkToken(ctx context.Context, token string) (string, error) {
	if !w.clientTokens {
		return "", noClientTokens()
	}
	a, err := postForm(ctx, w.env.HTTP, w.base+"/oauth2/get_token_info", url.Values{"access_token": {token}})
	if err != nil {
		return "", err
	}
	var info struct {
		UID      text   `json:"uid"`
		AppKey   text   `json:"appkey"`
		ExpireIn number `json:"expire_in"`
	}
	if err := w.read(a, &info); err != nil {
		return "", err
	}
	if info.AppKey == "" {
		return "", because(errs.Unavailable, "no_subject", "Weibo's answer names no app")
	}
	if string(info.AppKey) != w.id {
		return "", refuse("foreign_token", "the token is of another app")
	}
	if info.ExpireIn <= 0 {
		return "", refuse("expired", "the token has expired")
	}
	return string(info.UID), nil
}

// The codes that say something about Weibo rather than about the request.
// https://open.weibo.com/wiki/Error_code
const (
	weiboSystem    = 10001
	weiboDown      = 10002
	weiboBusy      = 10009
	weiboTimeout   = 10010
	weiboIPLimit   = 10022
	weiboUserLimit = 10023
	weiboAppLimit  = 10024
)

func (w *weibo) read(a driver.Answer, into any) error {
	var fault struct {
		Error text   `json:"error"`
		Code  number `json:"error_code"`
	}
	if err := decode(a, &fault); err != nil {
		return err
	}
	reason := "vendor_" + decimal(fault.Code)
	switch fault.Code {
	case weiboIPLimit, weiboUserLimit, weiboAppLimit:
		return because(errs.TooManyRequests, reason, "Weibo answered %d", fault.Code)
	case weiboSystem, weiboDown, weiboBusy, weiboTimeout:
		return because(errs.Unavailable, reason, "Weibo answered %d", fault.Code)
	}
	switch {
	case fault.Error != "":
		return oauthFault(string(fault.Error))
	case fault.Code != 0:
		return refuse(reason, "Weibo answered %d", fault.Code)
	case a.Status != http.StatusOK:
		return refuse("vendor_status", "Weibo answered %d", a.Status)
	}
	return decode(a, into)
}
