package provider

import (
	"cmp"
	"context"
	"net/url"
	"strings"

	"github.com/tigertally/tigertally/internal/driver"
	"github.com/tigertally/tigertally/internal/errs"
)

// What a person agrees to. With the base scope WeChat asks nothing and tells the openid.
const (
	scopeLogin    = "snsapi_login"
	scopeBase     = "snsapi_base"
	scopeUserInfo = "snsapi_userinfo"
)

// wechatWeb signs people in on web pages: with a QR code that WeChat on the phone scans, or
// as an official account, inside WeChat's own browser.
type wechatWeb struct {
	wechatApp

	page   string // of WeChat, where the person agrees
	scopes []string
}

func wechatOpenOptions() []driver.Option {
	return wechatOptions(driver.Option{Name: "open_base", Doc: "Address of the sign-in page, " + wechatOpen + " unless set."})
}

func newWeChatOpen(set map[string]string, env Env) (Driver, error) {
	return newWeChatWeb(set, env, "/connect/qrconnect", scopeLogin)
}

func wechatMPOptions() []driver.Option {
	return append(wechatOpenOptions(), driver.Option{
		Name: "scope", Doc: "What to ask for when the app does not say: snsapi_userinfo (default) or snsapi_base.",
	})
}

func newWeChatMP(set map[string]string, env Env) (Driver, error) {
	switch set["scope"] {
	case "", scopeUserInfo:
		return newWeChatWeb(set, env, "/connect/oauth2/authorize", scopeUserInfo, scopeBase)
	case scopeBase:
		return newWeChatWeb(set, env, "/connect/oauth2/authorize", scopeBase, scopeUserInfo)
	}
	return nil, because(errs.ProviderMisconfigured, "bad_scope", "the option %q is neither of the two", "scope")
}

// newWeChatWeb makes the driver of one kind of app; the first scope is the default.
func newWeChatWeb(set map[string]string, env Env, path string, scopes ...string) (Driver, error) {
	app, err := newWeChatApp(set, env)
	if err != nil {
		return nil, err
	}
	open, err := base(set, "open_base", wechatOpen)
	if err != nil {
		return nil, err
	}
	return &wechatWeb{app, open + path, scopes}, nil
}

// Authorize returns WeChat's page. It wants the parameters in this order and the fragment.
func (w *wechatWeb) Authorize(_ context.Context, r AuthorizeRequest) (string, error) {
	scope := w.scopes[0]
	for _, s := range w.scopes {
		if r.Scope == s {
			scope = s
		}
	}
	return wechatPage(w.page, w.id, r.RedirectURI, scope, r.State, ""), nil
}

func wechatPage(page, appID, redirect, scope, state, more string) string {
	return page + "?appid=" + url.QueryEscape(appID) + "&redirect_uri=" + url.QueryEscape(redirect) +
		"&response_type=code&scope=" + scope + "&state=" + url.QueryEscape(state) + more + "#wechat_redirect"
}

type wechatGrant struct {
	wechatAnswer

	AccessToken string `json:"access_token"`
	OpenID      string `json:"openid"`
	UnionID     string `json:"unionid"`
	Scope       string `json:"scope"`
	Snapshot    number `json:"is_snapshotuser"`
}

// Exchange finds out who is behind a code.
func (w *wechatWeb) Exchange(ctx context.Context, c Credential) (Profile, error) {
	code, err := callbackCode(c)
	if err != nil {
		return Profile{}, err
	}
	var g wechatGrant
	err = w.get(ctx, "/sns/oauth2/access_token", url.Values{
		"appid": {w.id}, "secret": {w.secret}, "code": {code}, "grant_type": {"authorization_code"},
	}, &g)
	switch {
	case err != nil:
		return Profile{}, err
	case g.OpenID == "":
		return Profile{}, incomplete("openid")
	}
	p := Profile{Subject: g.OpenID, UnionID: g.UnionID, AppID: w.id, Snapshot: g.Snapshot != 0}
	if p.Snapshot || !asksUserInfo(g.Scope) {
		return p, nil
	}
	if g.AccessToken == "" {
		return Profile{}, incomplete("access_token")
	}
	return w.describe(ctx, g.AccessToken, p)
}

// asksUserInfo reports whether a token of scope may read the profile.
func asksUserInfo(scope string) bool {
	return strings.Contains(scope, scopeUserInfo) || strings.Contains(scope, scopeLogin)
}

type wechatUser struct {
	wechatAnswer

	OpenID     string `json:"openid"`
	UnionID    string `json:"unionid"`
	Nickname   string `json:"nickname"`
	HeadImgURL string `json:"headimgurl"`
	Snapshot   number `json:"is_snapshotuser"`
}

// describe adds the profile, and the unionid that some answers have only here.
func (w *wechatWeb) describe(ctx context.Context, token string, p Profile) (Profile, error) {
	var u wechatUser
	err := w.get(ctx, "/sns/userinfo", url.Values{
		"access_token": {token}, "openid": {p.Subject}, "lang": {"zh_CN"},
	}, &u)
	switch {
	case err != nil:
		return Profile{}, err
	case u.OpenID == "":
		return Profile{}, incomplete("openid")
	case u.OpenID != p.Subject, p.UnionID != "" && u.UnionID != "" && u.UnionID != p.UnionID:
		return Profile{}, refuse("bad_openid", "the profile is somebody else's")
	}
	p.UnionID = cmp.Or(p.UnionID, u.UnionID)
	p.Snapshot = u.Snapshot != 0
	p.Name, p.Picture = u.Nickname, picture(u.HeadImgURL)
	return p, nil
}
