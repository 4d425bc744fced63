package cloudbase_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/tigertally/tigertally/sdk/cloudbase"
	"github.com/tigertally/tigertally/sdk/tigertallytest"
)

// settled checks who is signed in.
func (w *world) settled(s *cloudbase.LoginState, err error) cloudbase.UserInfo {
	w.Helper()
	w.ok(err)
	info := s.User().Info()
	if info.UID == "" || info.UID != info.Sub {
		w.Errorf("signed in as %+v", info)
	}
	if _, ok := w.auth.HasLoginState(w.Context()); !ok {
		w.Error("nobody is signed in")
	}
	return info
}

// status is somebody whose account is not active.
func status(s string) func(w *world) error {
	return func(w *world) error {
		w.srv.CreateUser(w, tigertallytest.User{Username: w.newUsername, Password: password, Status: s})
		_, err := w.auth.SignIn(w.Context(), cloudbase.SignInRequest{Username: w.newUsername, Password: password})
		return err
	}
}

// badMiniCode is a mini-program's code that WeChat does not know.
const badMiniCode = "nonsense"

var signInMethods = []seedMethod{
	{Page: "App.auth", Go: "App.Auth", Run: func(w *world) {
		w.signIn()
		if s, ok := w.app.Auth().HasLoginState(w.Context()); !ok || s.User().Info().UID != w.id {
			w.Error("an App has two sessions")
		}
	}},
	{
		Page: "Auth.signUp", Go: "Auth.SignUp",
		Run: func(w *world) {
			sent, code := w.code(w.auth, cloudbase.GetVerificationRequest{PhoneNumber: w.newPhone})
			v, err := w.auth.Verify(w.Context(), cloudbase.VerifyRequest{VerificationID: sent.VerificationID, VerificationCode: code})
			w.ok(err)
			info := w.settled(w.auth.SignUp(w.Context(), cloudbase.SignUpRequest{
				PhoneNumber: w.newPhone, VerificationCode: code, VerificationToken: v.VerificationToken,
				Name: "手机用户", Password: password, Username: w.newUsername,
			}))
			if info.Name != "手机用户" || info.Username != w.newUsername || info.PhoneNumber != w.newPhone || !info.HasPassword {
				w.Errorf("the account is %+v", info)
			}
		},
		Refused: refusals{
			cloudbase.ErrFailedPrecondition: func(w *world) error {
				_, err := w.auth.SignUp(w.Context(), cloudbase.SignUpRequest{
					PhoneNumber: w.phone, VerificationToken: w.proof(w.auth, cloudbase.GetVerificationRequest{PhoneNumber: w.phone}),
				})
				return err
			},
			cloudbase.ErrInvalidArgument: func(w *world) error {
				_, err := w.auth.SignUp(w.Context(), cloudbase.SignUpRequest{PhoneNumber: w.newPhone, VerificationToken: "made up"})
				return err
			},
		},
		Bare: func(ctx context.Context, a *cloudbase.Auth) error {
			_, err := a.SignUp(ctx, cloudbase.SignUpRequest{Email: "a@example.com", VerificationToken: "t"})
			return err
		},
	},
	{
		Page: "Auth.signIn", Go: "Auth.SignIn",
		Run: func(w *world) {
			for _, r := range []cloudbase.SignInRequest{
				{Username: w.username, Password: password},
				{Username: w.phone, Password: password},
				{Username: w.email, Password: password},
				{Username: w.email, VerificationToken: w.proof(w.auth, cloudbase.GetVerificationRequest{Email: w.email})},
				{Username: w.username, Password: password, Encrypt: true},
				{Username: w.username, Password: password, Version: cloudbase.V2},
				{Username: w.username, Password: password, Version: cloudbase.V2, Encrypt: true},
			} {
				if info := w.settled(w.auth.SignIn(w.Context(), r)); info.UID != w.id {
					w.Errorf("signed in as %s, want %s", info.UID, w.id)
				}
			}
		},
		Refused: refusals{
			cloudbase.ErrNotFound: func(w *world) error {
				_, err := w.auth.SignIn(w.Context(), cloudbase.SignInRequest{Username: w.newUsername, Password: password})
				return err
			},
			cloudbase.ErrPasswordNotSet: func(w *world) error {
				w.srv.CreateUser(w, tigertallytest.User{Phone: w.newPhone})
				_, err := w.auth.SignIn(w.Context(), cloudbase.SignInRequest{Username: w.newPhone, Password: password})
				return err
			},
			cloudbase.ErrInvalidPassword: func(w *world) error {
				_, err := w.auth.SignIn(w.Context(), cloudbase.SignInRequest{Username: w.username, Password: "wrong password"})
				return err
			},
			cloudbase.ErrUserPending: status("pending"),
			cloudbase.ErrUserBlocked: status("blocked"),
			cloudbase.ErrInvalidStatus: func(w *world) error {
				var err error
				for range 30 {
					_, err = w.auth.SignIn(w.Context(), cloudbase.SignInRequest{Username: w.username, Password: "wrong password"})
					if !errors.Is(err, cloudbase.ErrInvalidPassword) {
						break
					}
				}
				return err
			},
			// No account of this server has a second factor; the answer is its form of one.
			cloudbase.ErrInvalidTwoFactor: func(w *world) error {
				w.wire.suffer(func(*http.Request) fault { return refusal(cloudbase.ErrInvalidTwoFactor, 4106) })
				_, err := w.auth.SignIn(w.Context(), cloudbase.SignInRequest{Username: w.username, Password: password})
				return err
			},
		},
		Bare: func(ctx context.Context, a *cloudbase.Auth) error {
			_, err := a.SignIn(ctx, cloudbase.SignInRequest{Username: "u", Password: password})
			return err
		},
	},
	{
		Page: "Auth.signOut", Go: "Auth.SignOut",
		Run: func(w *world) {
			w.signIn()
			token, err := w.auth.GetAccessToken(w.Context())
			w.ok(err)
			w.ok(w.auth.SignOut(w.Context()))
			if _, ok := w.auth.HasLoginState(w.Context()); ok {
				w.Error("somebody is signed in still")
			}
			if got := w.introspect(token.AccessToken); got != http.StatusUnauthorized {
				w.Errorf("the old token is answered %d", got)
			}
			w.ok(w.auth.SignOut(w.Context()))
		},
		Bare: func(ctx context.Context, a *cloudbase.Auth) error { return a.SignOut(ctx) },
	},
	{
		Page: "Auth.signInAnonymously", Go: "Auth.SignInAnonymously",
		Run: func(w *world) {
			first := w.settled(w.auth.SignInAnonymously(w.Context()))
			scope, err := w.auth.LoginScope(w.Context())
			if err != nil || scope != "anonymous" {
				w.Errorf("scope %q, %v", scope, err)
			}
			w.ok(w.auth.SignOut(w.Context()))
			if again := w.settled(w.auth.SignInAnonymously(w.Context())); again.UID != first.UID {
				w.Error("the device has another nobody")
			}
			token, err := w.auth.GetAccessToken(w.Context())
			w.ok(err)
			proof := w.proof(w.auth, cloudbase.GetVerificationRequest{Email: w.newEmail})
			upgraded := w.settled(w.auth.SignUp(w.Context(), cloudbase.SignUpRequest{
				Email: w.newEmail, VerificationToken: proof, AnonymousToken: token.AccessToken,
			}))
			if upgraded.UID != first.UID || upgraded.Email != w.newEmail {
				w.Errorf("%s became %+v", first.UID, upgraded)
			}
		},
		Bare: func(ctx context.Context, a *cloudbase.Auth) error {
			_, err := a.SignInAnonymously(ctx)
			return err
		},
	},
	{Page: "Auth.setCustomSignFunc", Go: "Auth.SetCustomSignFunc", Run: func(w *world) {
		asked := 0
		w.auth.SetCustomSignFunc(func(context.Context) (string, error) {
			asked++
			return "", context.Canceled
		})
		if _, err := w.auth.SignInWithCustomTicket(w.Context()); err == nil || asked != 1 || len(w.wire.all()) != 0 {
			w.Errorf("asked %d times: %v", asked, err)
		}
	}},
	{
		Page: "Auth.signInWithCustomTicket", Go: "Auth.SignInWithCustomTicket",
		Run: func(w *world) {
			w.custom(cloudbase.TicketOptions{})
			first := w.settled(w.auth.SignInWithCustomTicket(w.Context()))
			if again := w.settled(w.auth.SignInWithCustomTicket(w.Context())); again.UID != first.UID {
				w.Error("the same uid is somebody else")
			}
		},
		Refused: refusals{
			cloudbase.ErrFailedPrecondition: func(w *world) error {
				_, err := w.auth.SignInWithCustomTicket(w.Context())
				return err
			},
			cloudbase.ErrInvalidArgument: func(w *world) error {
				w.custom(cloudbase.TicketOptions{IssuedAt: w.srv.Now(w).Add(-time.Hour)})
				_, err := w.auth.SignInWithCustomTicket(w.Context())
				return err
			},
		},
		Bare: func(ctx context.Context, a *cloudbase.Auth) error {
			a.SetCustomSignFunc(func(context.Context) (string, error) { return "t", nil })
			_, err := a.SignInWithCustomTicket(ctx)
			return err
		},
	},
	{
		Page: "Auth.signInWithOpenId", Go: "Auth.SignInWithOpenID",
		Run: func(w *world) {
			who := w.person()
			enter := func() cloudbase.UserInfo {
				return w.settled(w.auth.SignInWithOpenID(w.Context(), cloudbase.SignInWithOpenIDRequest{AppID: miniProgram, Code: w.once("WX", who)}))
			}
			if first, again := enter(), enter(); first.UID != again.UID {
				w.Error("the same person is two")
			}
		},
		Refused: refusals{cloudbase.ErrFailedPrecondition: func(w *world) error {
			_, err := w.auth.SignInWithOpenID(w.Context(), cloudbase.SignInWithOpenIDRequest{AppID: miniProgram, Code: badMiniCode})
			return err
		}},
		Bare: func(ctx context.Context, a *cloudbase.Auth) error {
			_, err := a.SignInWithOpenID(ctx, cloudbase.SignInWithOpenIDRequest{AppID: miniProgram, Code: "c"})
			return err
		},
	},
	{
		Page: "Auth.signInWithUnionId", Go: "Auth.SignInWithUnionID",
		Run: func(w *world) {
			who := w.person()
			known := w.settled(w.auth.SignInWithOpenID(w.Context(), cloudbase.SignInWithOpenIDRequest{AppID: miniProgram, Code: w.once("WX", who)}))
			got := w.settled(w.auth.SignInWithUnionID(w.Context(), cloudbase.SignInWithUnionIDRequest{AppID: miniProgram, Code: w.once("WX", who)}))
			if got.UID != known.UID {
				w.Error("the same person is two")
			}
		},
		Refused: refusals{cloudbase.ErrFailedPrecondition: func(w *world) error {
			_, err := w.auth.SignInWithUnionID(w.Context(), cloudbase.SignInWithUnionIDRequest{AppID: miniProgram, Code: badMiniCode})
			return err
		}},
		Bare: func(ctx context.Context, a *cloudbase.Auth) error {
			_, err := a.SignInWithUnionID(ctx, cloudbase.SignInWithUnionIDRequest{AppID: miniProgram, Code: "c"})
			return err
		},
	},
	{
		Page: "Auth.signInWithPhoneAuth", Go: "Auth.SignInWithPhoneAuth",
		Run: func(w *world) {
			number := w.newPhone[len("+86 "):]
			info := w.settled(w.auth.SignInWithPhoneAuth(w.Context(), cloudbase.SignInWithPhoneAuthRequest{
				AppID: miniProgram, Code: w.once("WX", number), PhoneCode: w.once("WP", number),
			}))
			if info.PhoneNumber != w.newPhone {
				w.Errorf("signed in as %+v", info)
			}
		},
		Refused: refusals{cloudbase.ErrFailedPrecondition: func(w *world) error {
			_, err := w.auth.SignInWithPhoneAuth(w.Context(), cloudbase.SignInWithPhoneAuthRequest{
				AppID: miniProgram, Code: w.once("WX", w.person()), PhoneCode: badMiniCode,
			})
			return err
		}},
		Bare: func(ctx context.Context, a *cloudbase.Auth) error {
			_, err := a.SignInWithPhoneAuth(ctx, cloudbase.SignInWithPhoneAuthRequest{AppID: miniProgram, Code: "c", PhoneCode: "p"})
			return err
		},
	},
	{
		Page: "Auth.signInWithSms", Go: "Auth.SignInWithSms",
		Run: func(w *world) {
			for _, number := range []string{w.newPhone, w.newPhone, w.phone} {
				info, code := w.code(w.auth, cloudbase.GetVerificationRequest{PhoneNumber: number})
				got := w.settled(w.auth.SignInWithSms(w.Context(), cloudbase.SignInWithSmsRequest{
					VerificationInfo: *info, VerificationCode: code, PhoneNum: number,
				}))
				if got.PhoneNumber != number {
					w.Errorf("signed in as %+v", got)
				}
				w.ok(w.auth.SignOut(w.Context()))
			}
		},
		Refused: refusals{
			cloudbase.ErrInvalidArgument: func(w *world) error { return w.wrongSms(1) },
			cloudbase.ErrAborted:         func(w *world) error { return w.wrongSms(20) },
		},
		Bare: func(ctx context.Context, a *cloudbase.Auth) error {
			_, err := a.SignInWithSms(ctx, cloudbase.SignInWithSmsRequest{VerificationCode: "000000", PhoneNum: "13800000000"})
			return err
		},
	},
}

// custom lets the world sign in with tickets of a key of the server.
func (w *world) custom(o cloudbase.TicketOptions) {
	w.Helper()
	key, err := cloudbase.ParseTicketKey(w.srv.TicketKey(w))
	w.ok(err)
	if o.IssuedAt.IsZero() {
		o.IssuedAt = w.srv.Now(w)
	}
	w.auth.SetCustomSignFunc(func(context.Context) (string, error) { return key.CreateTicket("user_"+w.id[:8], o) })
}

// wrongSms answers a code wrongly, so many times or until something else is the matter.
func (w *world) wrongSms(times int) error {
	w.Helper()
	info, code := w.code(w.auth, cloudbase.GetVerificationRequest{PhoneNumber: w.phone})
	var err error
	for range times {
		_, err = w.auth.SignInWithSms(w.Context(), cloudbase.SignInWithSmsRequest{
			VerificationInfo: *info, VerificationCode: other(code), PhoneNum: w.phone,
		})
		if !errors.Is(err, cloudbase.ErrInvalidArgument) {
			break
		}
	}
	return err
}

// other returns a code that code is not.
func other(code string) string {
	if code == "000000" {
		return "111111"
	}
	return "000000"
}

// introspect returns how the server answers somebody with this token.
func (w *world) introspect(token string) int {
	w.Helper()
	req, err := http.NewRequestWithContext(w.Context(), http.MethodGet, w.srv.URL+"/auth/v1/user/me", http.NoBody)
	w.ok(err)
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := http.DefaultTransport.RoundTrip(req)
	w.ok(err)
	w.ok(res.Body.Close())
	return res.StatusCode
}

// An anonymous person is refused where the environment wants none.
func TestAnonymousPeopleMayBeUnwanted(t *testing.T) {
	c := newCity(t, tigertallytest.WithSettings(tigertallytest.Settings{Anonymous: new(false)}))
	w := c.world(t)
	_, err := w.auth.SignInAnonymously(t.Context())
	w.refused(err, cloudbase.ErrLoginTypeDisabled)
}
