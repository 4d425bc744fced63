package authing_test

import (
	"context"
	"maps"
	"strings"

	"github.com/tigertally/tigertally/sdk/authing"
	"github.com/tigertally/tigertally/sdk/tigertallytest"
)

func messages() []method {
	limited := func(w *world) func() {
		w.srv.Settings(w, tigertallytest.Settings{Limits: new(true)})
		return func() { w.srv.Settings(w, tigertallytest.Settings{Limits: new(false)}) }
	}
	return []method{
		{page: "sendSms", name: "SendSms", works: func(w *world) {
			phone := w.phone()
			w.ok(w.client().SendSms(w.Context(), phone, nil))
			if got := w.srv.Messages(w, "+86"+phone); len(got) != 1 {
				w.Errorf("%d messages", len(got))
			}
		}, refuses: refusals{
			authing.ErrPhoneInvalid: func(w *world) error { return w.client().SendSms(w.Context(), "123", nil) },
			authing.ErrTooFrequent: func(w *world) error {
				defer limited(w)()
				phone := w.phone()
				w.ok(w.client().SendSms(w.Context(), phone, nil))
				return w.client().SendSms(w.Context(), phone, nil)
			},
		}},
		{page: "sendEmail", name: "SendEmail", works: func(w *world) {
			scenes := []authing.EmailScene{
				authing.SceneResetPassword, authing.SceneChangeEmail, authing.SceneMFAVerify, authing.SceneVerifyCode,
				authing.SceneRegisterVerifyCode, authing.SceneLoginVerifyCode,
				authing.SceneResetPasswordVerifyCode, authing.SceneEmailBindVerifyCode, authing.SceneEmailUnbindVerifyCode,
				authing.SceneMFAVerifyCode,
			}
			for _, scene := range scenes {
				email := w.email()
				if code := w.mailCode(email, scene); code == "" {
					w.Errorf("%s sends no code", scene)
				}
			}
			c, email := w.client(), w.email()
			w.user(c.RegisterByEmail(w.Context(), email, password, nil))
			w.ok(c.SendEmail(w.Context(), email, authing.SceneVerifyEmail))
			if m := w.srv.Messages(w, email); len(m) == 0 || !strings.Contains(m[0].Text, "/oidc/confirm/") {
				w.Errorf("%s sends no link: %+v", authing.SceneVerifyEmail, m)
			}
		}, refuses: refusals{
			authing.ErrRecipientInvalid: func(w *world) error {
				return w.client().SendEmail(w.Context(), "nope", authing.SceneVerifyCode)
			},
			authing.ErrTooFrequent: func(w *world) error {
				defer limited(w)()
				email := w.email()
				w.ok(w.client().SendEmail(w.Context(), email, authing.SceneVerifyCode))
				return w.client().SendEmail(w.Context(), email, authing.SceneVerifyCode)
			},
		}},
	}
}

func passwords() []method {
	const chosen = "an0ther-password"
	return []method{
		{page: "resetPasswordByPhone", name: "ResetPasswordByPhone", works: func(w *world) {
			_, known := w.byPhone()
			w.ok(w.client().ResetPasswordByPhone(w.Context(), known.Phone, w.smsCode(known.Phone), chosen, &authing.PhoneOptions{CountryCode: "+86"}))
			w.user(w.client().LoginByAccount(w.Context(), known.Phone, chosen, nil))
		}, refuses: refusals{
			authing.ErrUserNotFound: func(w *world) error {
				return w.client().ResetPasswordByPhone(w.Context(), w.phone(), "123456", chosen, nil)
			},
			authing.ErrCodeWrong: func(w *world) error {
				_, known := w.byPhone()
				return w.client().ResetPasswordByPhone(w.Context(), known.Phone, wrong(w.smsCode(known.Phone)), chosen, nil)
			},
		}},
		{page: "resetPasswordByFirstTimeLoginToken", name: "ResetPasswordByFirstTimeLoginToken", works: func(w *world) {
			c, name := w.client(), w.newcomer()
			_, err := c.LoginByAccount(w.Context(), name, password, nil)
			token := authing.FirstTimeLoginToken(err)
			w.ok(c.ResetPasswordByFirstTimeLoginToken(w.Context(), token, chosen))
			w.user(c.LoginByAccount(w.Context(), name, chosen, nil))
			w.refused(c.ResetPasswordByFirstTimeLoginToken(w.Context(), token, chosen), authing.ErrLoginTokenInvalid)
		}, refuses: refusals{authing.ErrLoginTokenInvalid: func(w *world) error {
			return w.client().ResetPasswordByFirstTimeLoginToken(w.Context(), "none", chosen)
		}}},
		{page: "resetPasswordByEmail", name: "ResetPasswordByEmail", works: func(w *world) {
			_, known := w.byEmail()
			w.ok(w.client().ResetPasswordByEmail(w.Context(), known.Email, w.mailCode(known.Email, authing.SceneResetPassword), chosen))
			w.user(w.client().LoginByAccount(w.Context(), known.Email, chosen, nil))
		}, refuses: refusals{
			authing.ErrUserNotFound: func(w *world) error {
				return w.client().ResetPasswordByEmail(w.Context(), w.email(), "123456", chosen)
			},
			authing.ErrCodeWrong: func(w *world) error {
				_, known := w.byEmail()
				return w.client().ResetPasswordByEmail(w.Context(), known.Email, wrong(w.mailCode(known.Email, authing.SceneResetPassword)), chosen)
			},
		}},
		{page: "updatePassword", name: "UpdatePassword", works: func(w *world) {
			c, known := w.byName()
			w.user(c.UpdatePassword(w.Context(), chosen, password))
			w.user(c.GetCurrentUser(w.Context())) // this session goes on
			w.user(w.client().LoginByAccount(w.Context(), known.Username, chosen, nil))
			c, known = w.byPhone() // has no password yet
			w.user(c.UpdatePassword(w.Context(), chosen, ""))
			w.user(w.client().LoginByAccount(w.Context(), known.Phone, chosen, nil))
		}, refuses: and(nobody(func(c *authing.AuthClient, ctx context.Context) error {
			_, err := c.UpdatePassword(ctx, chosen, password)
			return err
		}), authing.ErrOldPasswordWrong, func(w *world) error {
			c, _ := w.byName()
			_, err := c.UpdatePassword(w.Context(), chosen, "not it")
			return err
		})},
	}
}

func bindings() []method {
	bindPhone := nobody(func(c *authing.AuthClient, ctx context.Context) error {
		_, err := c.BindPhone(ctx, "18800009999", "123456", nil)
		return err
	})
	bindEmail := nobody(func(c *authing.AuthClient, ctx context.Context) error {
		_, err := c.BindEmail(ctx, "nobody@example.com", "123456")
		return err
	})
	return []method{
		{page: "bindPhone", name: "BindPhone", works: func(w *world) {
			c, _ := w.byName()
			phone := w.phone()
			if u := w.user(c.BindPhone(w.Context(), phone, w.smsCode(phone), &authing.PhoneOptions{CountryCode: "+86"})); u.Phone != phone || !u.PhoneVerified {
				w.Errorf("got %+v", u)
			}
		}, refuses: and(and(bindPhone, authing.ErrCodeWrong, func(w *world) error {
			c, _ := w.byName()
			phone := w.phone()
			_, err := c.BindPhone(w.Context(), phone, wrong(w.smsCode(phone)), nil)
			return err
		}), authing.ErrPhoneTaken, func(w *world) error {
			c, _ := w.byName()
			_, known := w.byPhone()
			_, err := c.BindPhone(w.Context(), known.Phone, w.smsCode(known.Phone), nil)
			return err
		})},
		{page: "unbindPhone", name: "UnbindPhone", works: func(w *world) {
			c, _ := w.byEmail()
			phone := w.phone()
			w.user(c.BindPhone(w.Context(), phone, w.smsCode(phone), nil))
			if u := w.user(c.UnbindPhone(w.Context())); u.Phone != "" || u.PhoneVerified {
				w.Errorf("got %+v", u)
			}
		}, refuses: and(nobody(func(c *authing.AuthClient, ctx context.Context) error {
			_, err := c.UnbindPhone(ctx)
			return err
		}), authing.ErrLastLoginMethod, func(w *world) error {
			c, _ := w.byPhone()
			_, err := c.UnbindPhone(w.Context())
			return err
		})},
		{page: "bindEmail", name: "BindEmail", works: func(w *world) {
			c, _ := w.byName()
			for _, scene := range []authing.EmailScene{authing.SceneChangeEmail, authing.SceneVerifyCode} {
				email := w.email()
				if u := w.user(c.BindEmail(w.Context(), email, w.mailCode(email, scene))); u.Email != email || !u.EmailVerified {
					w.Errorf("got %+v", u)
				}
			}
		}, refuses: and(and(bindEmail, authing.ErrCodeWrong, func(w *world) error {
			c, _ := w.byName()
			email := w.email()
			_, err := c.BindEmail(w.Context(), email, wrong(w.mailCode(email, authing.SceneChangeEmail)))
			return err
		}), authing.ErrEmailTaken, func(w *world) error {
			c, _ := w.byName()
			_, known := w.byEmail()
			_, err := c.BindEmail(w.Context(), known.Email, w.mailCode(known.Email, authing.SceneChangeEmail))
			return err
		})},
		{page: "unbindEmail", name: "UnbindEmail", works: func(w *world) {
			c, _ := w.byPhone()
			email := w.email()
			w.user(c.BindEmail(w.Context(), email, w.mailCode(email, authing.SceneChangeEmail)))
			if u := w.user(c.UnbindEmail(w.Context())); u.Email != "" || u.EmailVerified {
				w.Errorf("got %+v", u)
			}
		}, refuses: and(nobody(func(c *authing.AuthClient, ctx context.Context) error {
			_, err := c.UnbindEmail(ctx)
			return err
		}), authing.ErrLastLoginMethod, func(w *world) error {
			c, _ := w.byEmail()
			_, err := c.UnbindEmail(w.Context())
			return err
		})},
	}
}

// nobody is the refusal of a call that needs a session, when there is none.
func nobody(call func(c *authing.AuthClient, ctx context.Context) error) refusals {
	return refusals{authing.ErrNotLoggedIn: func(w *world) error { return call(w.client(), w.Context()) }}
}

// and adds one refusal.
func and(all refusals, code authing.Code, run func(w *world) error) refusals {
	all = maps.Clone(all)
	all[code] = run
	return all
}
