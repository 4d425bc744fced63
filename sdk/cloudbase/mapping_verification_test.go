package cloudbase_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/tigertally/tigertally/sdk/cloudbase"
	"github.com/tigertally/tigertally/sdk/tigertallytest"
)

// wrongCode answers a code wrongly, so many times or until something else is the matter.
func wrongCode(times int) func(w *world) error {
	return func(w *world) error {
		sent, code := w.code(w.auth, cloudbase.GetVerificationRequest{Email: w.email})
		var err error
		for range times {
			_, err = w.auth.Verify(w.Context(), cloudbase.VerifyRequest{VerificationID: sent.VerificationID, VerificationCode: other(code)})
			if !errors.Is(err, cloudbase.ErrInvalidArgument) {
				break
			}
		}
		return err
	}
}

// suspicious is a world whose server wants a captcha for every code.
func (w *world) suspicious() *world {
	return newCity(w.T, tigertallytest.WithSettings(tigertallytest.Settings{Captcha: new("always")})).world(w.T)
}

var verificationMethods = []seedMethod{
	{
		Page: "Auth.verify", Go: "Auth.Verify",
		Run: func(w *world) {
			sent, code := w.code(w.auth, cloudbase.GetVerificationRequest{PhoneNumber: w.phone})
			got, err := w.auth.Verify(w.Context(), cloudbase.VerifyRequest{VerificationID: sent.VerificationID, VerificationCode: code})
			w.ok(err)
			if got.VerificationToken == "" || got.ExpiresIn <= 0 {
				w.Errorf("got %+v", got)
			}
		},
		Refused: refusals{
			cloudbase.ErrInvalidArgument: wrongCode(1),
			cloudbase.ErrAborted:         wrongCode(20),
		},
		Bare: func(ctx context.Context, a *cloudbase.Auth) error {
			_, err := a.Verify(ctx, cloudbase.VerifyRequest{VerificationID: "v", VerificationCode: "000000"})
			return err
		},
	},
	{
		Page: "Auth.getVerification", Go: "Auth.GetVerification",
		Run: func(w *world) {
			for _, c := range []struct {
				request cloudbase.GetVerificationRequest
				isUser  bool
			}{
				{cloudbase.GetVerificationRequest{PhoneNumber: w.phone}, true},
				{cloudbase.GetVerificationRequest{PhoneNumber: w.phone[len("+86 "):]}, true},
				{cloudbase.GetVerificationRequest{PhoneNumber: w.newPhone, Usage: "REGISTER"}, false},
				{cloudbase.GetVerificationRequest{Email: w.email, Target: cloudbase.TargetUser}, true},
				{cloudbase.GetVerificationRequest{Email: w.newEmail, Target: cloudbase.TargetNotUser}, false},
			} {
				got, err := w.auth.GetVerification(w.Context(), c.request)
				w.ok(err)
				if got.VerificationID == "" || got.ExpiresIn <= 0 || got.IsUser != c.isUser {
					w.Errorf("%+v: got %+v", c.request, got)
				}
			}
			w.signIn()
			_, err := w.auth.GetVerification(w.Context(), cloudbase.GetVerificationRequest{Email: w.email, Target: cloudbase.TargetCurrentUser})
			w.ok(err)
		},
		Refused: refusals{
			cloudbase.ErrResourceExhausted: func(w *world) error {
				strict := newCity(w.T, tigertallytest.WithLimits()).world(w.T)
				_, err := strict.auth.GetVerification(w.Context(), cloudbase.GetVerificationRequest{PhoneNumber: strict.phone})
				w.ok(err)
				_, err = strict.auth.GetVerification(w.Context(), cloudbase.GetVerificationRequest{PhoneNumber: strict.phone})
				if e, ok := errors.AsType[*cloudbase.Error](err); !ok || e.RetryAfter <= 0 || e.RetryAfter > time.Hour {
					w.Errorf("when to try again is not said: %#v", err)
				}
				return err
			},
			cloudbase.ErrCaptchaRequired: func(w *world) error {
				w = w.suspicious()
				_, err := w.auth.GetVerification(w.Context(), cloudbase.GetVerificationRequest{Email: w.email})
				return err
			},
			cloudbase.ErrCaptchaInvalid: func(w *world) error {
				w = w.suspicious()
				w.app = w.open(func(c *cloudbase.Config) {
					c.Captcha = func(context.Context, cloudbase.Captcha) (string, error) { return "", errors.New("nobody looks") }
				})
				w.ok(w.storage.Set(w.Context(), "captcha_"+w.srv.Env, `{"captcha_token":"made up","expires_at":"2999-01-01T00:00:00Z"}`))
				_, err := w.app.Auth().GetVerification(w.Context(), cloudbase.GetVerificationRequest{Email: w.email})
				return err
			},
			cloudbase.ErrNotFound: func(w *world) error {
				_, err := w.auth.GetVerification(w.Context(), cloudbase.GetVerificationRequest{Email: w.newEmail, Target: cloudbase.TargetUser})
				return err
			},
			cloudbase.ErrFailedPrecondition: func(w *world) error {
				_, err := w.auth.GetVerification(w.Context(), cloudbase.GetVerificationRequest{Email: w.email, Target: cloudbase.TargetNotUser})
				return err
			},
		},
		Bare: func(ctx context.Context, a *cloudbase.Auth) error {
			_, err := a.GetVerification(ctx, cloudbase.GetVerificationRequest{Email: "a@example.com"})
			return err
		},
	},
	{
		Page: "Auth.sudo", Go: "Auth.Sudo",
		Run: func(w *world) {
			w.signIn()
			proof := w.proof(w.auth, cloudbase.GetVerificationRequest{Email: w.email})
			for _, r := range []cloudbase.SudoRequest{{Password: password}, {VerificationToken: proof}} {
				got, err := w.auth.Sudo(w.Context(), r)
				w.ok(err)
				if got.SudoToken == "" || got.ExpiresIn <= 0 {
					w.Errorf("got %+v", got)
				}
			}
		},
		Refused: refusals{
			cloudbase.ErrInvalidPassword: func(w *world) error {
				_, err := w.signIn().auth.Sudo(w.Context(), cloudbase.SudoRequest{Password: "wrong password"})
				return err
			},
			cloudbase.ErrInvalidArgument: func(w *world) error {
				_, err := w.signIn().auth.Sudo(w.Context(), cloudbase.SudoRequest{VerificationToken: "made up"})
				return err
			},
		},
		Bare: func(ctx context.Context, a *cloudbase.Auth) error {
			_, err := a.Sudo(ctx, cloudbase.SudoRequest{Password: password})
			return err
		},
	},
	{
		Page: "Auth.getAccessToken", Go: "Auth.GetAccessToken",
		Run: func(w *world) {
			w.signIn().wire.forget()
			first, err := w.auth.GetAccessToken(w.Context())
			w.ok(err)
			again, err := w.auth.GetAccessToken(w.Context())
			w.ok(err)
			if *first != *again || first.Env != w.srv.Env || len(w.wire.all()) != 0 || w.introspect(first.AccessToken) != 200 {
				w.Errorf("got %+v and %+v with %d requests", first, again, len(w.wire.all()))
			}
		},
		Refused: refusals{cloudbase.ErrUnauthenticated: func(w *world) error {
			_, err := w.auth.GetAccessToken(w.Context())
			return err
		}},
	},
}

// A person who types what the picture shows gets their code; the proof is used again.
func TestCaptcha(t *testing.T) {
	w := newCity(t, tigertallytest.WithSettings(tigertallytest.Settings{Captcha: new("always")})).world(t)
	var asked []cloudbase.Captcha
	a := w.open(func(c *cloudbase.Config) {
		c.Captcha = func(_ context.Context, p cloudbase.Captcha) (string, error) {
			asked = append(asked, p)
			if len(asked) == 1 {
				return "wrong", nil
			}
			return w.srv.Messages(t, "")[0].Code, nil
		}
	}).Auth()
	for range 2 {
		_, err := a.GetVerification(t.Context(), cloudbase.GetVerificationRequest{Email: w.email})
		w.ok(err)
	}
	if len(asked) != 2 || asked[0].Previous != nil || !errors.Is(asked[1].Previous, cloudbase.ErrInvalidArgument) {
		t.Fatalf("asked %d times", len(asked))
	}
	for _, p := range asked {
		if p.MIME != "image/png" || len(p.Image) < 100 {
			t.Errorf("a picture of %s with %d bytes", p.MIME, len(p.Image))
		}
	}
	// The server may call a proof invalid; then the person is asked again.
	w.ok(w.storage.Set(t.Context(), "captcha_"+w.srv.Env, `{"captcha_token":"made up","expires_at":"2999-01-01T00:00:00Z"}`))
	_, err := a.GetVerification(t.Context(), cloudbase.GetVerificationRequest{Email: w.email, WithCaptcha: true})
	w.ok(err)
	if len(asked) != 3 {
		t.Errorf("asked %d times", len(asked))
	}
}
