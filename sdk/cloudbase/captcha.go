package cloudbase

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"time"
)

const (
	captchaMargin = 10 * time.Second
	mostPictures  = 5 // shown for one call
)

// Captcha is a picture whose characters a person has to type.
type Captcha struct {
	Image []byte // as an image file
	MIME  string // such as "image/png"
	// Previous is why the answer before was not accepted, nil for the first picture.
	Previous error
}

// CaptchaFunc shows a picture to a person and returns what they typed. An error gives
// the call up and is what the call returns.
type CaptchaFunc func(ctx context.Context, c Captcha) (answer string, err error)

type captcha struct {
	solve CaptchaFunc
	turn  chan struct{} // holds one thing while a person is asked
}

// captchaProof is a stored proof; the server takes it again until it expires.
type captchaProof struct {
	Token     string    `json:"captcha_token"`
	ExpiresIn integer   `json:"expires_in"`
	ExpiresAt time.Time `json:"expires_at"`
}

type captchaPicture struct {
	Data  string `json:"data"`
	Token string `json:"token"`
}

// captchaToken returns a proof that a person is there: the stored one unless fresh is
// set, or else one for a new picture. People are asked one thing at a time.
func (a *App) captchaToken(ctx context.Context, state string, fresh bool) (string, error) {
	key := "captcha_" + a.clientID
	select {
	case a.captcha.turn <- struct{}{}:
		defer func() { <-a.captcha.turn }()
	case <-ctx.Done():
		return "", unreachable(ctx, nil)
	}
	if !fresh {
		var p captchaProof
		ok, err := a.storage.read(ctx, key, &p)
		if err != nil || ok && p.Token != "" && a.now().Before(p.ExpiresAt) {
			return p.Token, err
		}
	}
	p, err := a.ask(ctx, state)
	if err != nil {
		return "", err
	}
	p.ExpiresAt = a.now().Add(time.Duration(p.ExpiresIn)*time.Second - captchaMargin).UTC()
	return p.Token, a.storage.write(ctx, key, p)
}

// ask shows pictures until one is answered.
func (a *App) ask(ctx context.Context, state string) (captchaProof, error) {
	var p captchaProof
	body, wrong := map[string]string{"state": state, "redirect_uri": ""}, error(nil)
	for range mostPictures {
		var picture captchaPicture
		if err := a.attempt(ctx, call{
			id: newID(), method: http.MethodPost, path: "/v1/captcha/data", body: body,
		}, &picture); err != nil {
			return p, err
		}
		c := Captcha{Previous: wrong}
		if err := c.decode(picture.Data); err != nil {
			return p, err
		}
		answer, err := a.captcha.solve(ctx, c)
		if err != nil {
			return p, err
		}
		wrong = a.attempt(ctx, call{
			id: newID(), method: http.MethodPost, path: "/v1/captcha/data/verify",
			body: map[string]string{"token": picture.Token, "key": answer},
		}, &p)
		if nameOf(wrong) != ErrInvalidArgument {
			return p, wrong
		}
		body = map[string]string{"state": state}
	}
	return p, wrong
}

// decode reads "data:image/png;base64,…".
func (c *Captcha) decode(uri string) error {
	head, data, _ := strings.Cut(uri, ",")
	kind, isData := strings.CutPrefix(head, "data:")
	mime, isBase64 := strings.CutSuffix(kind, ";base64")
	image, err := base64.StdEncoding.DecodeString(data)
	if err == nil && (!isData || !isBase64) {
		err = errors.New("no data address")
	}
	if err != nil {
		return &Error{Name: ErrUnknown, Description: "the picture cannot be read", cause: err}
	}
	c.Image, c.MIME = image, mime
	return nil
}
