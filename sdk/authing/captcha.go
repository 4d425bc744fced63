package authing

import (
	"context"
	"errors"
	"maps"
	"net/http"
)

// Captcha is a picture with text that a person has to read, to be shown as it is.
type Captcha struct {
	Image       []byte
	ContentType string // "image/png" or "image/svg+xml"

	cookies []*http.Cookie // by which the server knows the picture again
}

// reading is what somebody read in a picture.
type reading struct {
	picture *Captcha
	text    string
}

// Captcha fetches a picture to read, after [ErrCaptchaRequired]. The picture and what was
// read go into the options of the next try; [Config.SolveCaptcha] does so by itself.
func (c *AuthClient) Captcha(ctx context.Context) (*Captcha, error) {
	s, err := c.vault.get(ctx)
	if err != nil {
		return nil, err
	}
	r := request{method: http.MethodGet, path: "/api/v2/security/captcha", bearer: s.Token, repeatable: true}
	a, err := c.exchange(ctx, r)
	if err != nil {
		return nil, err
	}
	if a.status != http.StatusOK || a.code() != 0 {
		if _, err = a.open(r); err == nil {
			err = errors.New("authing: " + r.endpoint() + ": no picture")
		}
		return nil, err
	}
	res := http.Response{Header: a.header}
	return &Captcha{Image: a.raw, ContentType: a.header.Get("Content-Type"), cookies: res.Cookies()}, nil
}

// read returns r with what was read in a picture.
func (r request) read(in reading) request {
	if in.text == "" {
		return r
	}
	body, _ := r.body.(members)
	with := maps.Clone(body)
	with["captchaCode"] = in.text
	r.body = with
	if in.picture != nil {
		r.cookies = in.picture.cookies
	}
	return r
}

// solved asks for the text of a new picture.
func (c *AuthClient) solved(ctx context.Context) (reading, error) {
	picture, err := c.Captcha(ctx)
	if err != nil {
		return reading{}, err
	}
	text, err := c.solve(ctx, picture)
	return reading{picture, text}, err
}
