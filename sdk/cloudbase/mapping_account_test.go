package cloudbase_test

import (
	"context"
	"strconv"

	"github.com/tigertally/tigertally/sdk/cloudbase"
)

// me is what the server says of who is signed in.
func (w *world) me() *cloudbase.UserInfo {
	w.Helper()
	info, err := w.auth.GetUserInfo(w.Context())
	w.ok(err)
	return info
}

// signedInStill checks that a refusal did not end the session.
func (w *world) signedInStill(err error) error {
	w.Helper()
	w.me()
	return err
}

var accountMethods = []seedMethod{
	{
		Page: "Auth.bindPhoneNumber", Go: "Auth.BindPhoneNumber",
		Run: func(w *world) {
			w.signIn()
			proof := w.proof(w.auth, cloudbase.GetVerificationRequest{PhoneNumber: w.newPhone})
			w.ok(w.auth.BindPhoneNumber(w.Context(), cloudbase.BindPhoneRequest{PhoneNumber: w.newPhone, SudoToken: w.sudo(), VerificationToken: proof}))
			if got := w.me().PhoneNumber; got != w.newPhone {
				w.Errorf("the number is %s", got)
			}
		},
		Refused: refusals{
			cloudbase.ErrPermissionDenied: func(w *world) error {
				w.signIn()
				proof := w.proof(w.auth, cloudbase.GetVerificationRequest{PhoneNumber: w.newPhone})
				return w.signedInStill(w.auth.BindPhoneNumber(w.Context(), cloudbase.BindPhoneRequest{
					PhoneNumber: w.newPhone, SudoToken: "made up", VerificationToken: proof,
				}))
			},
			cloudbase.ErrFailedPrecondition: func(w *world) error {
				taken := w.world(w.T).phone
				w.signIn()
				proof := w.proof(w.auth, cloudbase.GetVerificationRequest{PhoneNumber: taken})
				return w.auth.BindPhoneNumber(w.Context(), cloudbase.BindPhoneRequest{PhoneNumber: taken, SudoToken: w.sudo(), VerificationToken: proof})
			},
		},
		Bare: func(ctx context.Context, a *cloudbase.Auth) error {
			return a.BindPhoneNumber(ctx, cloudbase.BindPhoneRequest{})
		},
	},
	{
		Page: "Auth.bindEmail", Go: "Auth.BindEmail",
		Run: func(w *world) {
			w.signIn()
			proof := w.proof(w.auth, cloudbase.GetVerificationRequest{Email: w.newEmail})
			w.ok(w.auth.BindEmail(w.Context(), cloudbase.BindEmailRequest{Email: w.newEmail, SudoToken: w.sudo(), VerificationToken: proof}))
			if got := w.me(); got.Email != w.newEmail || !got.EmailVerified {
				w.Errorf("the address is %s", got.Email)
			}
		},
		Refused: refusals{
			cloudbase.ErrPermissionDenied: func(w *world) error {
				w.signIn()
				proof := w.proof(w.auth, cloudbase.GetVerificationRequest{Email: w.newEmail})
				return w.signedInStill(w.auth.BindEmail(w.Context(), cloudbase.BindEmailRequest{
					Email: w.newEmail, SudoToken: "made up", VerificationToken: proof,
				}))
			},
			cloudbase.ErrFailedPrecondition: func(w *world) error {
				taken := w.world(w.T).email
				w.signIn()
				proof := w.proof(w.auth, cloudbase.GetVerificationRequest{Email: taken})
				return w.auth.BindEmail(w.Context(), cloudbase.BindEmailRequest{Email: taken, SudoToken: w.sudo(), VerificationToken: proof})
			},
		},
		Bare: func(ctx context.Context, a *cloudbase.Auth) error {
			return a.BindEmail(ctx, cloudbase.BindEmailRequest{})
		},
	},
	{
		Page: "Auth.setPassword", Go: "Auth.SetPassword",
		Run: func(w *world) {
			w.signIn()
			w.ok(w.auth.SetPassword(w.Context(), cloudbase.SetPasswordRequest{NewPassword: newPassword, SudoToken: w.sudo()}))
			w.me()
			_, err := w.stranger().SignIn(w.Context(), cloudbase.SignInRequest{Username: w.username, Password: newPassword})
			w.ok(err)
			_, err = w.stranger().SignIn(w.Context(), cloudbase.SignInRequest{Username: w.username, Password: password})
			w.refused(err, cloudbase.ErrInvalidPassword)
		},
		Refused: refusals{cloudbase.ErrPermissionDenied: func(w *world) error {
			return w.signIn().signedInStill(w.auth.SetPassword(w.Context(), cloudbase.SetPasswordRequest{NewPassword: newPassword, SudoToken: "made up"}))
		}},
		Bare: func(ctx context.Context, a *cloudbase.Auth) error {
			return a.SetPassword(ctx, cloudbase.SetPasswordRequest{NewPassword: newPassword})
		},
	},
	{
		Page: "Auth.queryUser", Go: "Auth.QueryUser",
		Run: func(w *world) {
			w.signIn()
			for _, r := range []cloudbase.QueryUserRequest{
				{ID: []string{w.id, "nobody"}}, {Username: w.username}, {Email: w.email}, {PhoneNumber: w.phone},
			} {
				got, err := w.auth.QueryUser(w.Context(), r)
				w.ok(err)
				if got.Total != 1 || len(got.Data) != 1 || got.Data[0].Sub != w.id {
					w.Errorf("%+v found %+v", r, got)
				}
			}
		},
		Refused: refusals{
			cloudbase.ErrPermissionDenied: func(w *world) error {
				w.settled(w.auth.SignInAnonymously(w.Context()))
				_, err := w.auth.QueryUser(w.Context(), cloudbase.QueryUserRequest{Username: w.username})
				return w.signedInStill(err)
			},
			cloudbase.ErrInvalidArgument: func(w *world) error {
				var ids []string
				for n := range 51 {
					ids = append(ids, strconv.Itoa(n))
				}
				_, err := w.signIn().auth.QueryUser(w.Context(), cloudbase.QueryUserRequest{ID: ids})
				return err
			},
		},
		Bare: func(ctx context.Context, a *cloudbase.Auth) error {
			_, err := a.QueryUser(ctx, cloudbase.QueryUserRequest{Username: "u"})
			return err
		},
	},
	{
		Page: "Auth.resetPassword", Go: "Auth.ResetPassword",
		Run: func(w *world) {
			proof := w.proof(w.auth, cloudbase.GetVerificationRequest{PhoneNumber: w.phone})
			w.ok(w.auth.ResetPassword(w.Context(), cloudbase.ResetPasswordRequest{PhoneNumber: w.phone, NewPassword: newPassword, VerificationToken: proof}))
			_, err := w.auth.SignIn(w.Context(), cloudbase.SignInRequest{Username: w.username, Password: newPassword})
			w.ok(err)
			proof = w.proof(w.stranger(), cloudbase.GetVerificationRequest{Email: w.email})
			w.ok(w.stranger().ResetPassword(w.Context(), cloudbase.ResetPasswordRequest{Email: w.email, NewPassword: password, VerificationToken: proof}))
			_, err = w.auth.GetUserInfo(w.Context())
			w.refused(err, cloudbase.ErrUnauthenticated) // it ended all sessions
		},
		Refused: refusals{
			cloudbase.ErrInvalidArgument: func(w *world) error {
				return w.auth.ResetPassword(w.Context(), cloudbase.ResetPasswordRequest{PhoneNumber: w.phone, NewPassword: newPassword})
			},
			cloudbase.ErrNotFound: func(w *world) error {
				proof := w.proof(w.auth, cloudbase.GetVerificationRequest{Email: w.newEmail})
				return w.auth.ResetPassword(w.Context(), cloudbase.ResetPasswordRequest{Email: w.newEmail, NewPassword: newPassword, VerificationToken: proof})
			},
		},
		Bare: func(ctx context.Context, a *cloudbase.Auth) error {
			return a.ResetPassword(ctx, cloudbase.ResetPasswordRequest{Email: "a@example.com", NewPassword: newPassword})
		},
	},
	{
		Page: "Auth.isUsernameRegistered", Go: "Auth.IsUsernameRegistered",
		Run: func(w *world) {
			for name, want := range map[string]bool{w.username: true, w.newUsername: false} {
				if got, err := w.auth.IsUsernameRegistered(w.Context(), name); err != nil || got != want {
					w.Errorf("%s: %v, %v", name, got, err)
				}
			}
		},
		Bare: func(ctx context.Context, a *cloudbase.Auth) error {
			_, err := a.IsUsernameRegistered(ctx, "u")
			return err
		},
	},
	{
		Page: "Auth.deleteMe", Go: "Auth.DeleteMe",
		Run: func(w *world) {
			w.signIn()
			deleted, err := w.auth.DeleteMe(w.Context(), cloudbase.WithSudoRequest{SudoToken: w.sudo()})
			w.ok(err)
			if deleted.UID != w.id || deleted.Username != w.username {
				w.Errorf("deleted %+v", deleted)
			}
			w.ok(w.auth.SignOut(w.Context()))
			_, err = w.auth.SignIn(w.Context(), cloudbase.SignInRequest{Username: w.username, Password: password})
			w.refused(err, cloudbase.ErrNotFound)
		},
		Refused: refusals{cloudbase.ErrPermissionDenied: func(w *world) error {
			_, err := w.signIn().auth.DeleteMe(w.Context(), cloudbase.WithSudoRequest{SudoToken: "made up"})
			return w.signedInStill(err)
		}},
		Bare: func(ctx context.Context, a *cloudbase.Auth) error {
			_, err := a.DeleteMe(ctx, cloudbase.WithSudoRequest{SudoToken: "s"})
			return err
		},
	},
}

func nobody(call func(w *world) error) refusals {
	return refusals{cloudbase.ErrUnauthenticated: call}
}

var stateMethods = []seedMethod{
	{
		Page: "Auth.getCurrentUser", Go: "Auth.GetCurrentUser",
		Run: func(w *world) {
			u, err := w.signIn().auth.GetCurrentUser(w.Context())
			w.ok(err)
			if info := u.Info(); info.UID != w.id || info.Username != w.username {
				w.Errorf("got %+v", info)
			}
		},
		Refused: nobody(func(w *world) error {
			_, err := w.auth.GetCurrentUser(w.Context())
			return err
		}),
		Bare: func(ctx context.Context, a *cloudbase.Auth) error {
			_, err := a.GetCurrentUser(ctx)
			return err
		},
	},
	{
		Page: "Auth.getUserInfo", Go: "Auth.GetUserInfo",
		Run: func(w *world) {
			got := w.signIn().me()
			if got.UID != w.id || got.Sub != w.id || got.Username != w.username || got.PhoneNumber != w.phone || got.Email != w.email ||
				!got.EmailVerified || !got.HasPassword || got.CreatedAt.IsZero() {
				w.Errorf("got %+v", got)
			}
		},
		Refused: nobody(func(w *world) error {
			_, err := w.auth.GetUserInfo(w.Context())
			return err
		}),
		Bare: func(ctx context.Context, a *cloudbase.Auth) error {
			_, err := a.GetUserInfo(ctx)
			return err
		},
	},
	{
		Page: "Auth.loginScope", Go: "Auth.LoginScope",
		Run: func(w *world) {
			scope, err := w.signIn().auth.LoginScope(w.Context())
			if err != nil || scope == "" || scope == "anonymous" {
				w.Errorf("scope %q, %v", scope, err)
			}
		},
		Refused: nobody(func(w *world) error {
			_, err := w.auth.LoginScope(w.Context())
			return err
		}),
	},
	{Page: "Auth.hasLoginState", Go: "Auth.HasLoginState", Run: func(w *world) {
		if _, ok := w.auth.HasLoginState(w.Context()); ok {
			w.Error("somebody is signed in")
		}
		w.signIn().wire.forget()
		s, ok := w.auth.HasLoginState(w.Context())
		if !ok || s.User().Info().UID != w.id || len(w.wire.all()) != 0 {
			w.Errorf("%v, %d requests", ok, len(w.wire.all()))
		}
	}},
	{
		Page: "Auth.getLoginState", Go: "Auth.GetLoginState",
		Run: func(w *world) {
			s, err := w.signIn().auth.GetLoginState(w.Context())
			w.ok(err)
			if s.User().Info().UID != w.id {
				w.Errorf("got %+v", s.User().Info())
			}
		},
		Refused: nobody(func(w *world) error {
			_, err := w.auth.GetLoginState(w.Context())
			return err
		}),
	},
	{Page: "LoginState.user", Go: "LoginState.User", Run: func(w *world) {
		s, err := w.auth.SignIn(w.Context(), cloudbase.SignInRequest{Username: w.email, Password: password})
		w.ok(err)
		if info := s.User().Info(); info.UID != w.id || info.Email != w.email {
			w.Errorf("got %+v", info)
		}
	}},
	{
		Page: "User.update", Go: "User.Update",
		Run: func(w *world) {
			u, err := w.signIn().auth.GetCurrentUser(w.Context())
			w.ok(err)
			w.ok(u.Update(w.Context(), cloudbase.UserUpdate{Gender: new("MALE"), Name: new("张三")}))
			if got := u.Info(); got.UID != w.id || got.Gender != "MALE" || got.Name != "张三" {
				w.Errorf("now %+v", got)
			}
		},
		Refused: refusals{cloudbase.ErrInvalidArgument: func(w *world) error {
			u, err := w.signIn().auth.GetCurrentUser(w.Context())
			w.ok(err)
			return u.Update(w.Context(), cloudbase.UserUpdate{Gender: new("BOTH")})
		}},
		Bare: func(ctx context.Context, a *cloudbase.Auth) error {
			s, _ := a.HasLoginState(ctx)
			return s.User().Update(ctx, cloudbase.UserUpdate{Name: new("n")})
		},
	},
	{
		Page: "User.refresh", Go: "User.Refresh",
		Run: func(w *world) {
			s, err := w.signIn().auth.GetLoginState(w.Context())
			w.ok(err)
			elsewhere, err := w.stranger().SignIn(w.Context(), cloudbase.SignInRequest{Username: w.username, Password: password})
			w.ok(err)
			w.ok(elsewhere.User().Update(w.Context(), cloudbase.UserUpdate{Name: new("elsewhere")}))
			got, err := s.User().Refresh(w.Context())
			w.ok(err)
			if got.Name != "elsewhere" || s.User().Info().Name != "elsewhere" {
				w.Errorf("got %+v", got)
			}
		},
		Bare: func(ctx context.Context, a *cloudbase.Auth) error {
			s, _ := a.HasLoginState(ctx)
			_, err := s.User().Refresh(ctx)
			return err
		},
	},
}
