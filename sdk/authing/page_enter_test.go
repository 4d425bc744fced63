package authing_test

import (
	"context"
	"errors"
	"strings"

	"github.com/tigertally/tigertally/sdk/authing"
	"github.com/tigertally/tigertally/sdk/tigertallytest"
)

func registrations() []method {
	return []method{
		{page: "registerByEmail", name: "RegisterByEmail", works: func(w *world) {
			email := w.email()
			u := w.user(w.client().RegisterByEmail(w.Context(), strings.ToUpper(email), password, &authing.RegisterOptions{
				Context: `{"from":"go"}`, Profile: &authing.Profile{Nickname: "Ann"},
			}))
			if u.Email != email || u.EmailVerified || u.LoginsCount != 1 || u.Nickname != "Ann" {
				w.Errorf("got %+v", u)
			}
		}, refuses: refusals{
			authing.ErrEmailInvalid: func(w *world) error {
				_, err := w.client().RegisterByEmail(w.Context(), "nope", password, nil)
				return err
			},
			authing.ErrAlreadyRegistered: func(w *world) error {
				_, known := w.byEmail()
				_, err := w.client().RegisterByEmail(w.Context(), known.Email, password, nil)
				return err
			},
		}},
		{page: "registerByEmailCode", name: "RegisterByEmailCode", works: func(w *world) {
			if _, u := w.byEmail(); !u.EmailVerified || u.Email == "" {
				w.Errorf("got %+v", u)
			}
		}, refuses: refusals{
			authing.ErrEmailInvalid: func(w *world) error {
				_, err := w.client().RegisterByEmailCode(w.Context(), "nope", "123456", nil)
				return err
			},
			authing.ErrAlreadyRegistered: func(w *world) error {
				_, known := w.byEmail()
				_, err := w.client().RegisterByEmailCode(w.Context(), known.Email, w.mailCode(known.Email, authing.SceneVerifyCode), nil)
				return err
			},
			authing.ErrCodeWrong: func(w *world) error {
				email := w.email()
				_, err := w.client().RegisterByEmailCode(w.Context(), email, wrong(w.mailCode(email, authing.SceneVerifyCode)), nil)
				return err
			},
		}},
		{page: "registerByUserName", name: "RegisterByUserName", works: func(w *world) {
			if _, u := w.byName(); u.Username == "" || u.Email != "" || u.Phone != "" {
				w.Errorf("got %+v", u)
			}
		}, refuses: refusals{authing.ErrAlreadyRegistered: func(w *world) error {
			_, known := w.byName()
			_, err := w.client().RegisterByUserName(w.Context(), known.Username, password, nil)
			return err
		}}},
		{page: "registerByPhoneCode", name: "RegisterByPhoneCode", works: func(w *world) {
			phone, c := w.phone(), w.client()
			u := w.user(c.RegisterByPhoneCode(w.Context(), phone, w.smsCode(phone), password, &authing.RegisterOptions{CountryCode: "+86"}))
			if u.Phone != phone || u.PhoneCountryCode != "+86" || !u.PhoneVerified {
				w.Errorf("got %+v", u)
			}
			w.user(w.client().LoginByAccount(w.Context(), phone, password, nil))
		}, refuses: refusals{
			authing.ErrCodeWrong: func(w *world) error {
				phone := w.phone()
				_, err := w.client().RegisterByPhoneCode(w.Context(), phone, wrong(w.smsCode(phone)), password, nil)
				return err
			},
			authing.ErrAlreadyRegistered: func(w *world) error {
				_, known := w.byPhone()
				_, err := w.client().RegisterByPhoneCode(w.Context(), known.Phone, w.smsCode(known.Phone), password, nil)
				return err
			},
		}},
	}
}

func logins() []method {
	return []method{
		{page: "loginByEmail", name: "LoginByEmail", works: func(w *world) {
			_, known := w.byEmail()
			u := w.user(w.client().LoginByEmail(w.Context(), known.Email, w.mailCode(known.Email, authing.SceneVerifyCode), nil))
			if u.ID != known.ID || u.LoginsCount != 2 {
				w.Errorf("got %+v", u)
			}
			email := w.email()
			u = w.user(w.client().LoginByEmail(w.Context(), email, w.mailCode(email, authing.SceneLoginVerifyCode), newToo()))
			if u.Email != email || !u.EmailVerified {
				w.Errorf("somebody new: %+v", u)
			}
		}, refuses: refusals{
			authing.ErrCodeWrong: func(w *world) error {
				_, known := w.byEmail()
				_, err := w.client().LoginByEmail(w.Context(), known.Email, wrong(w.mailCode(known.Email, authing.SceneVerifyCode)), nil)
				return err
			},
			authing.ErrUserNotFound: func(w *world) error {
				email := w.email()
				_, err := w.client().LoginByEmail(w.Context(), email, w.mailCode(email, authing.SceneVerifyCode), nil)
				return err
			},
		}},
		{page: "loginByAccount", name: "LoginByAccount", works: func(w *world) {
			_, known := w.byName()
			if u := w.user(w.client().LoginByAccount(w.Context(), known.Username, password, nil)); u.ID != known.ID {
				w.Errorf("got %+v", u)
			}
			name := w.name()
			if u := w.user(w.client().LoginByAccount(w.Context(), name, password, newToo())); u.Username != name {
				w.Errorf("somebody new: %+v", u)
			}
		}, refuses: refusals{
			authing.ErrPasswordWrong: func(w *world) error {
				_, known := w.byName()
				_, err := w.client().LoginByAccount(w.Context(), known.Username, "not it", nil)
				return err
			},
			authing.ErrUserLocked: func(w *world) error {
				name := w.name()
				w.srv.CreateUser(w, tigertallytest.User{Username: name, Password: password, Status: "blocked"})
				_, err := w.client().LoginByAccount(w.Context(), name, password, nil)
				return err
			},
			authing.ErrFirstLogin: func(w *world) error {
				_, err := w.client().LoginByAccount(w.Context(), w.newcomer(), password, nil)
				return err
			},
			authing.ErrCaptchaRequired: func(w *world) error {
				w = suspicious(w.T)
				_, err := w.client().LoginByAccount(w.Context(), "ann", password, nil)
				return err
			},
		}},
		{page: "loginByPhoneCode", name: "LoginByPhoneCode", works: func(w *world) {
			_, known := w.byPhone()
			if u := w.user(w.client().LoginByPhoneCode(w.Context(), known.Phone, w.smsCode(known.Phone), nil)); u.ID != known.ID {
				w.Errorf("got %+v", u)
			}
			c := w.client()
			w.ok(c.SendSms(w.Context(), "7880000637", &authing.SmsOptions{CountryCode: "+44", Scene: authing.SmsSceneLogin}))
			u := w.user(c.LoginByPhoneCode(w.Context(), "7880000637", w.srv.Code(w, "+447880000637"), &authing.LoginOptions{
				AutoRegister: true, CountryCode: "+44",
			}))
			if u.PhoneCountryCode != "+44" || u.Phone != "7880000637" {
				w.Errorf("somebody new: %+v", u)
			}
		}, refuses: refusals{
			authing.ErrCodeWrong: func(w *world) error {
				_, known := w.byPhone()
				_, err := w.client().LoginByPhoneCode(w.Context(), known.Phone, wrong(w.smsCode(known.Phone)), nil)
				return err
			},
			authing.ErrUserNotFound: func(w *world) error {
				phone := w.phone()
				_, err := w.client().LoginByPhoneCode(w.Context(), phone, w.smsCode(phone), nil)
				return err
			},
		}},
		{page: "loginByOneAuth", name: "LoginByOneAuth", works: func(w *world) {
			u := w.user(w.client().LoginByOneAuth(w.Context(), "good-token", "access", &authing.OneAuthOptions{Network: 1}))
			if u.Phone == "" || !u.PhoneVerified {
				w.Errorf("got %+v", u)
			}
		}, refuses: refusals{authing.ErrPasswordWrong: func(w *world) error {
			_, err := w.client().LoginByOneAuth(w.Context(), "bad", "access", nil)
			return err
		}}},
	}
}

// newToo are options that make an account for somebody new.
func newToo() *authing.LoginOptions { return &authing.LoginOptions{AutoRegister: true} }

// newcomer is the name of somebody who has to choose a password at the first sign-in.
func (w *world) newcomer() string {
	w.Helper()
	name := w.name()
	w.srv.CreateUser(w, tigertallytest.User{Username: name, Password: password, ResetPasswordOnFirstLogin: true})
	return name
}

func sessions() []method {
	return []method{
		{page: "getCurrentUser", name: "GetCurrentUser", works: func(w *world) {
			c, known := w.byName()
			if u := w.user(c.GetCurrentUser(w.Context())); u.ID != known.ID || u.Token != known.Token {
				w.Errorf("got %+v", u)
			}
		}, refuses: nobody(func(c *authing.AuthClient, ctx context.Context) error {
			_, err := c.GetCurrentUser(ctx)
			return err
		})},
		{page: "logout", name: "Logout", works: func(w *world) {
			c, known := w.byName()
			other := w.client()
			w.user(other.LoginByAccount(w.Context(), known.Username, password, nil))
			w.ok(c.Logout(w.Context(), &authing.LogoutOptions{OnlySelf: true}))
			if _, err := c.Token(w.Context()); !errors.Is(err, authing.ErrNotLoggedIn) {
				w.Errorf("still has a token: %v", err)
			}
			w.user(other.GetCurrentUser(w.Context()))
			w.ok(other.Logout(w.Context(), nil))
			w.ok(other.SetToken(w.Context(), known.Token))
			_, err := other.GetCurrentUser(w.Context())
			w.refused(err, authing.ErrNotLoggedIn)
			w.ok(w.client().Logout(w.Context(), nil)) // nobody is signed in
		}, refuses: refusals{authing.ErrTokenInvalid: func(w *world) error {
			c := w.client()
			w.ok(c.SetToken(w.Context(), "a.bad.token"))
			err := c.Logout(w.Context(), nil)
			if _, err := c.Token(w.Context()); !errors.Is(err, authing.ErrNotLoggedIn) {
				w.Errorf("the bad token is still there: %v", err)
			}
			return err
		}}},
	}
}
