package cloudbase

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/tigertally/tigertally/internal/caller"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/web"
)

func (p *Protocol) captchaRoutes() []route {
	return append([]route{
		post("/auth/v1/captcha/data", public(p, p.captchaData)),
		once(http.MethodPost, "/auth/v1/captcha/data/verify", public(p, p.captchaVerify)),
		post("/auth/v1/captcha/init", public(p, p.captchaInit)),
	}, p.captchaPageRoutes()...)
}

type captchaRequest struct {
	app
	State       string `json:"state"`
	RedirectURI string `json:"redirect_uri"`
}

type captchaPicture struct {
	Data      string `json:"data"`
	Type      string `json:"type"`
	Token     string `json:"token"`
	ExpiresIn int64  `json:"expires_in"`
}

// captchaData draws a picture for the dialog of the client library.
func (p *Protocol) captchaData(ctx context.Context, c pool.Client, in captchaRequest) (captchaPicture, error) {
	ch, err := p.captchas.Challenge(ctx, c.Pool, c.ID, in.State)
	if err != nil {
		return captchaPicture{}, err
	}
	return captchaPicture{
		Data: ch.DataURI, Type: "image", Token: ch.Token, ExpiresIn: seconds(ch.ExpiresIn),
	}, nil
}

type captchaAnswer struct {
	app
	Token string `json:"token"`
	Key   text   `json:"key"`
	// Of a vendor's widget, for apps that show one instead of the picture.
	Ticket  string `json:"ticket"`
	Randstr string `json:"randstr"`
}

type captchaToken struct {
	CaptchaToken string `json:"captcha_token"`
	ExpiresIn    int64  `json:"expires_in"`
}

// captchaVerify checks what was typed. A refusal must never be captcha_required or
// captcha_invalid: the client would open a second dialog over the first and hang.
func (p *Protocol) captchaVerify(ctx context.Context, c pool.Client, in captchaAnswer) (captchaToken, error) {
	var token string
	var life time.Duration
	var err error
	if in.Ticket != "" {
		token, life, err = p.captchas.Vouch(ctx, c.Pool, c.ID, in.Ticket, in.Randstr)
	} else {
		token, life, err = p.captchas.Answer(ctx, c.Pool, c.ID, in.Token, string(in.Key))
	}
	if err != nil {
		return captchaToken{}, plainRefusal(err)
	}
	return captchaToken{CaptchaToken: token, ExpiresIn: seconds(life)}, nil
}

// plainRefusal replaces the refusals the client reacts to by the one it shows.
func plainRefusal(err error) error {
	switch errs.CodeOf(err) {
	case errs.CaptchaRequired, errs.CaptchaInvalid, errs.TokenInvalid:
		return errs.New(errs.CaptchaWrong).Because(err)
	default:
		return err
	}
}

type captchaPage struct {
	URL       string `json:"url"`
	ExpiresIn int64  `json:"expires_in"`
}

// captchaInit sends clients without a dialog of their own to our page.
func (p *Protocol) captchaInit(ctx context.Context, c pool.Client, in captchaRequest) (captchaPage, error) {
	if _, err := redirectTarget(c.App, in.RedirectURI); err != nil {
		return captchaPage{}, err
	}
	q := url.Values{
		"client_id": {c.ID}, "redirect_uri": {in.RedirectURI}, "state": {in.State},
		"lang": {caller.From(ctx).Lang},
	}
	return captchaPage{
		URL:       p.url + "/auth/v1/captcha/page?" + q.Encode(),
		ExpiresIn: seconds(c.Pool.Settings.CaptchaLife),
	}, nil
}

// redirectTarget reads a page of the app that we may send the browser back to: only
// web addresses, and only of an origin the app registered.
func redirectTarget(a pool.App, raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	refused := errs.New(errs.RedirectRefused)
	switch {
	case err != nil:
		return nil, refused.Because(err)
	case u.Scheme != "https" && u.Scheme != "http", u.Host == "", u.User != nil, u.Opaque != "",
		len(raw) > maxRedirect:
		return nil, refused
	case !web.OriginIn(a.Settings.Origins, u.Scheme+"://"+u.Host):
		return nil, refused
	}
	return u, nil
}

// maxRedirect bounds the address of an app's page.
const maxRedirect = 2048
