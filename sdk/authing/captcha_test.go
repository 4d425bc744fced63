package authing_test

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/tigertally/tigertally/sdk/authing"
	"github.com/tigertally/tigertally/sdk/tigertallytest"
)

// suspicious is a server with an account "ann" that has seen so many wrong passwords that
// it wants a picture read.
func suspicious(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.user(w.client().RegisterByUserName(w.Context(), "ann", password, nil))
	w.srv.Settings(w, tigertallytest.Settings{Captcha: new("always"), Limits: new(true)})
	for range 20 {
		_, err := w.client().LoginByAccount(w.Context(), w.name(), "not it", nil)
		w.refused(err, authing.ErrPasswordWrong)
	}
	return w
}

// answer is what the picture shown last says.
func (w *world) answer() string {
	w.Helper()
	for _, m := range w.srv.Messages(w, "") {
		if m.Channel == "captcha" {
			return m.Code
		}
	}
	w.Fatal("no picture was shown")
	return ""
}

func TestAPictureIsReadBeforeSignIn(t *testing.T) {
	w := suspicious(t)

	w.run("by the application", func(w *world) {
		c := w.client()
		_, err := c.LoginByAccount(w.Context(), "ann", password, nil)
		w.refused(err, authing.ErrCaptchaRequired)
		picture, err := c.Captcha(w.Context())
		w.ok(err)
		if picture.ContentType != "image/png" || !bytes.HasPrefix(picture.Image, []byte("\x89PNG")) {
			w.Fatalf("%s of %d bytes", picture.ContentType, len(picture.Image))
		}
		_, err = c.LoginByAccount(w.Context(), "ann", password, &authing.LoginOptions{Captcha: picture, CaptchaCode: "nope"})
		w.refused(err, authing.ErrCaptchaRequired)
		w.user(c.LoginByAccount(w.Context(), "ann", password, &authing.LoginOptions{Captcha: picture, CaptchaCode: w.answer()}))
	})

	w.run("by SolveCaptcha", func(w *world) {
		asked := 0
		c := w.client(func(config *authing.Config) {
			config.SolveCaptcha = func(_ context.Context, picture *authing.Captcha) (string, error) {
				asked++
				if len(picture.Image) == 0 {
					w.Error("an empty picture")
				}
				return w.answer(), nil
			}
		})
		w.user(c.LoginByAccount(w.Context(), "ann", password, nil))
		w.user(c.RegisterByUserName(w.Context(), "bob", password, nil))
		if asked != 2 {
			w.Errorf("asked %d times", asked)
		}
	})

	w.run("wrongly, once", func(w *world) {
		asked := 0
		c := w.client(func(config *authing.Config) {
			config.SolveCaptcha = func(context.Context, *authing.Captcha) (string, error) {
				asked++
				return "nope", nil
			}
		})
		_, err := c.LoginByAccount(w.Context(), "ann", password, nil)
		w.refused(err, authing.ErrCaptchaRequired)
		if asked != 1 {
			w.Errorf("asked %d times", asked)
		}
	})

	w.run("by nobody", func(w *world) {
		gone := errors.New("closed the window")
		c := w.client(func(config *authing.Config) {
			config.SolveCaptcha = func(context.Context, *authing.Captcha) (string, error) { return "", gone }
		})
		if _, err := c.LoginByAccount(w.Context(), "ann", password, nil); !errors.Is(err, gone) {
			w.Errorf("got %v", err)
		}
	})
}
