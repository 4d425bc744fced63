package provider

import (
	"context"
	"net/url"
	"time"

	"github.com/tigertally/tigertally/internal/contact"
	"github.com/tigertally/tigertally/internal/driver"
	"github.com/tigertally/tigertally/internal/errs"
)

// maxMarkAge is how old what WeChat signed off may be; its codes live half as long.
const maxMarkAge = 10 * time.Minute

// What a mini-program may ask its code to prove.
const (
	codeTypeUnion = "union_id"
	codeTypePhone = "phone"
)

// wechatMini signs people in inside a mini-program.
type wechatMini struct {
	wechatApp

	token appToken
}

func wechatMiniOptions() []driver.Option { return wechatOptions() }

func newWeChatMini(set map[string]string, env Env) (Driver, error) {
	app, err := newWeChatApp(set, env)
	if err != nil {
		return nil, err
	}
	token, err := newAppToken(env.Tokens, "wechat", app.id, app.base, app.secret, app.stableToken)
	if err != nil {
		return nil, err
	}
	return &wechatMini{app, token}, nil
}

// Authorize refuses: a mini-program asks WeChat itself.
func (m *wechatMini) Authorize(context.Context, AuthorizeRequest) (string, error) {
	return "", errs.New(errs.GrantUnsupported)
}

// Exchange finds out who is behind a wx.login code, and the phone number behind a second
// code when there is one. With a Subject and no Code it reads the number of who was found
// before.
func (m *wechatMini) Exchange(ctx context.Context, c Credential) (Profile, error) {
	if err := checkMini(c); err != nil {
		return Profile{}, err
	}
	p, err := m.identify(ctx, c)
	if err == nil && c.PhoneCode != "" {
		p.Phone, err = m.phone(ctx, p.Subject, c.PhoneCode)
	}
	if err != nil {
		return Profile{}, err
	}
	return p, nil
}

func checkMini(c Credential) error {
	known := c.Subject != "" && c.PhoneCode != ""
	switch {
	case c.Code == "" && !known:
		return errs.New(errs.FieldMissing, "field", "provider_code")
	case c.CodeType == codeTypePhone && c.PhoneCode == "" && c.EncryptedData == "":
		return errs.New(errs.FieldMissing, "field", "provider_params.code")
	}
	return nil
}

func (m *wechatMini) identify(ctx context.Context, c Credential) (Profile, error) {
	if c.Code == "" {
		return Profile{Subject: c.Subject, AppID: m.id}, nil
	}
	s, err := m.session(ctx, c.Code)
	switch {
	case err != nil:
		return Profile{}, err
	case c.Subject != "" && c.Subject != s.OpenID:
		return Profile{}, refuse("bad_subject", "the code is somebody else's")
	case c.CodeType == codeTypeUnion && s.UnionID == "":
		return Profile{}, because(errs.ProviderMisconfigured, "no_unionid", "the mini-program is not bound to an Open Platform account")
	}
	p := Profile{Subject: s.OpenID, UnionID: s.UnionID, AppID: m.id}
	if c.EncryptedData != "" || c.Params["signature"] != "" {
		err = m.unseal(c, s, &p)
	}
	return p, err
}

// wechatSession is what a wx.login code opens. The key stays here.
type wechatSession struct {
	wechatAnswer

	OpenID     string `json:"openid"`
	UnionID    string `json:"unionid"`
	SessionKey string `json:"session_key"`
}

func (m *wechatMini) session(ctx context.Context, code string) (wechatSession, error) {
	var s wechatSession
	err := m.get(ctx, "/sns/jscode2session", url.Values{
		"appid": {m.id}, "secret": {m.secret}, "js_code": {code}, "grant_type": {"authorization_code"},
	}, &s)
	if err == nil && s.OpenID == "" {
		err = incomplete("openid")
	}
	return s, err
}

// wechatMark says which app the data is for, and when it was made.
type wechatMark struct {
	Timestamp number `json:"timestamp"`
	AppID     string `json:"appid"`
}

// wechatPhone is a number as WeChat writes it; some answers have the country as a number.
type wechatPhone struct {
	PurePhoneNumber text       `json:"purePhoneNumber"`
	CountryCode     text       `json:"countryCode"`
	Watermark       wechatMark `json:"watermark"`
}

// phone asks for the number behind a phone code. Naming the openid makes WeChat refuse the
// code of somebody else.
func (m *wechatMini) phone(ctx context.Context, subject, code string) (string, error) {
	var out struct {
		wechatAnswer

		Info wechatPhone `json:"phone_info"`
	}
	err := m.token.use(ctx, func(ctx context.Context, token string) error {
		address := m.base + "/wxa/business/getuserphonenumber?access_token=" + url.QueryEscape(token)
		a, err := postJSON(ctx, m.env.HTTP, address, map[string]string{"code": code, "openid": subject})
		if err != nil {
			return err
		}
		out.wechatAnswer = wechatAnswer{} // of an earlier try
		if err := decode(a, &out); err != nil {
			return err
		}
		if wechatStale(out.Errcode) {
			return errStale
		}
		return out.failure()
	})
	if err != nil {
		return "", err
	}
	return m.e164(out.Info)
}

// e164 checks what WeChat said of a number and writes it as E.164.
func (m *wechatMini) e164(info wechatPhone) (string, error) {
	if info.PurePhoneNumber == "" || info.CountryCode == "" {
		return "", incomplete("phone number")
	}
	if !info.Watermark.of(m.id) || !info.Watermark.fresh(m.env.Now()) {
		return "", refuse("bad_watermark", "the phone number is for another app or old")
	}
	e164, err := contact.Phone("+"+string(info.CountryCode)+string(info.PurePhoneNumber), "")
	if err != nil {
		return "", because(errs.Unavailable, "bad_phone", "the vendor's number is not one")
	}
	return e164, nil
}

func (w wechatMark) of(appID string) bool { return w.AppID == appID }

func (w wechatMark) fresh(now time.Time) bool {
	return now.Sub(time.Unix(int64(w.Timestamp), 0)).Abs() <= maxMarkAge
}
