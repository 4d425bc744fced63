package provider

import (
	"cmp"
	"context"
	"net/url"
	"strings"
	"time"

	"github.com/tigertally/tigertally/internal/driver"
	"github.com/tigertally/tigertally/internal/errs"
)

const (
	wecomAPI   = "https://qyapi.weixin.qq.com"
	wecomLogin = "https://login.work.weixin.qq.com"
	// scopePrivate asks inside the app for the picture and the address.
	scopePrivate = "snsapi_privateinfo"
)

func wecomOptions() []driver.Option {
	return []driver.Option{
		{Name: "corpid", Doc: "Id of the company.", Required: true},
		{Name: "agentid", Doc: "Id of its app.", Required: true},
		{Name: "secret", Doc: "Secret of the app.", Required: true, Secret: true},
		{Name: "base", Doc: "Address of the API, " + wecomAPI + " unless set."},
		{Name: "login_base", Doc: "Address of the QR code's page, " + wecomLogin + " unless set."},
		{Name: "open_base", Doc: "Address of the page inside the app, " + wechatOpen + " unless set."},
	}
}

// wecom signs in the members of one company. WeCom gives no token of the person: the app's
// own asks who a code is about.
type wecom struct {
	corp, agent, secret string
	api, login, open    string
	env                 Env
	token               appToken
}

func newWeCom(set map[string]string, env Env) (Driver, error) {
	w := &wecom{corp: set["corpid"], agent: set["agentid"], secret: set["secret"], env: env}
	var err error
	for _, b := range []struct {
		to               *string
		name, production string
	}{{&w.api, "base", wecomAPI}, {&w.login, "login_base", wecomLogin}, {&w.open, "open_base", wechatOpen}} {
		if *b.to, err = base(set, b.name, b.production); err != nil {
			return nil, err
		}
	}
	w.token, err = newAppToken(env.Tokens, "wecom", w.corp, w.api, w.secret, w.corpToken)
	if err != nil {
		return nil, err
	}
	return w, nil
}

// Authorize returns the page with the QR code, or with one of the two scopes the page for
// WeCom's own browser.
func (w *wecom) Authorize(_ context.Context, r AuthorizeRequest) (string, error) {
	if r.Scope == scopeBase || r.Scope == scopePrivate {
		return wechatPage(w.open+"/connect/oauth2/authorize", w.corp, r.RedirectURI, r.Scope, r.State,
			"&agentid="+url.QueryEscape(w.agent)), nil
	}
	return w.login + "/wwlogin/sso/login?login_type=CorpApp&appid=" + url.QueryEscape(w.corp) + "&agentid=" +
		url.QueryEscape(w.agent) + "&redirect_uri=" + url.QueryEscape(r.RedirectURI) + "&state=" + url.QueryEscape(r.State), nil
}

// wecomMember fits both spellings of the fields, for encoding/json does not mind their case.
type wecomMember struct {
	wechatAnswer

	UserID     string `json:"userid"`
	OpenID     string `json:"openid"`
	OpenUserID string `json:"open_userid"`
	Ticket     string `json:"user_ticket"`
}

// Exchange finds out which member is behind a code.
func (w *wecom) Exchange(ctx context.Context, c Credential) (Profile, error) {
	code, err := callbackCode(c)
	if err != nil {
		return Profile{}, err
	}
	var m wecomMember
	if err := w.get(ctx, "/cgi-bin/auth/getuserinfo", url.Values{"code": {code}}, &m, &m.wechatAnswer); err != nil {
		return Profile{}, err
	}
	switch {
	case m.UserID == "" && m.OpenID != "":
		return Profile{}, because(errs.ProviderDenied, "not_a_member", "the person is not a member of the company")
	case m.UserID == "":
		return Profile{}, incomplete("userid")
	}
	// The case of a userid means nothing, and an administrator can change it.
	p := Profile{
		Subject: strings.ToLower(m.UserID), AppID: w.corp,
		Extra: map[string]string{"userid": m.UserID},
	}
	if m.OpenUserID != "" {
		p.Extra["open_userid"] = m.OpenUserID
	}
	if m.Ticket == "" {
		return p, nil
	}
	return w.describe(ctx, m.Ticket, p)
}

type wecomDetail struct {
	wechatAnswer

	UserID  string `json:"userid"`
	Name    string `json:"name"`
	Avatar  string `json:"avatar"`
	Email   string `json:"email"`
	BizMail string `json:"biz_mail"`
}

// describe adds what the person agreed to tell. An administrator may have written the
// addresses and the number, so they are not vouched for.
func (w *wecom) describe(ctx context.Context, ticket string, p Profile) (Profile, error) {
	var d wecomDetail
	err := w.post(ctx, "/cgi-bin/auth/getuserdetail", map[string]string{"user_ticket": ticket}, &d, &d.wechatAnswer)
	if err != nil {
		return Profile{}, err
	}
	if !strings.EqualFold(d.UserID, p.Subject) {
		return Profile{}, refuse("bad_userid", "the profile is somebody else's")
	}
	p.Name, p.Picture, p.Email = d.Name, picture(d.Avatar), cmp.Or(d.BizMail, d.Email)
	return p, nil
}

// get calls path with the app's token and reads the answer into out, whose errcode is in
// answer.
func (w *wecom) get(ctx context.Context, path string, query url.Values, out any, answer *wechatAnswer) error {
	return w.token.use(ctx, func(ctx context.Context, token string) error {
		query.Set("access_token", token)
		a, err := get(ctx, w.env.HTTP, w.api+path, query)
		if err != nil {
			return err
		}
		return readWeCom(a, out, answer)
	})
}

// post is get with a body.
func (w *wecom) post(ctx context.Context, path string, body, out any, answer *wechatAnswer) error {
	return w.token.use(ctx, func(ctx context.Context, token string) error {
		a, err := postJSON(ctx, w.env.HTTP, w.api+path+"?access_token="+url.QueryEscape(token), body)
		if err != nil {
			return err
		}
		return readWeCom(a, out, answer)
	})
}

func readWeCom(a driver.Answer, out any, answer *wechatAnswer) error {
	*answer = wechatAnswer{} // of an earlier try
	if err := decode(a, out); err != nil {
		return err
	}
	if wechatStale(answer.Errcode) {
		return errStale
	}
	return answer.failure()
}

func (w *wecom) corpToken(ctx context.Context) (string, time.Duration, error) {
	return fetchOnce(ctx, func(ctx context.Context, out *appGrant) error {
		a, err := get(ctx, w.env.HTTP, w.api+"/cgi-bin/gettoken", url.Values{"corpid": {w.corp}, "corpsecret": {w.secret}})
		if err != nil {
			return err
		}
		return readWeChat(a, out)
	})
}
