package signin_test

import (
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/account"
	"github.com/tigertally/tigertally/internal/account/accounttest"
	"github.com/tigertally/tigertally/internal/admin"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/signin"
	"github.com/tigertally/tigertally/internal/user"
)

const fresh = "the-owners-own-words"

// newbie is somebody who has to choose a password, and the token to do it with.
func newbie(t *testing.T, k *accounttest.Kit) (user.User, string) {
	t.Helper()
	u := k.User(t, admin.NewUser{Username: "newbie", Email: email, Password: password, MustReset: true})
	return u, firstLogin(t, k)
}

func firstLogin(t *testing.T, k *accounttest.Kit) string {
	t.Helper()
	out, err := k.Signin.SignIn(t.Context(), signin.Input{
		Client: k.Client, Method: signin.MethodPassword, Identifier: "newbie", Password: password,
	})
	wantCode(t, err, "")
	if out.Session != nil || out.Next == nil || out.Next.Kind != signin.StepResetPassword || out.Next.Token == "" {
		t.Fatalf("outcome %+v", out)
	}
	return out.Next.Token
}

func TestFirstLoginTokenChangesThePasswordOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := accounttest.New(t, d)
		u, token := newbie(t, k)
		if _, err := k.Sessions.VerifyAny(t.Context(), token); errs.CodeOf(err) != errs.SessionInvalid {
			t.Errorf("the token is a session: %v", err)
		}
		reset := func(password string) error {
			return k.Account.ResetByFirstLogin(t.Context(), k.Client, token, password)
		}
		wantCode(t, reset("short"), errs.PasswordTooShort)
		won, lost := accounttest.Race(20, func(int) error { return reset(fresh) })
		for _, err := range lost {
			if c := errs.CodeOf(err); c != errs.TokenInvalid && c != errs.Unavailable {
				t.Errorf("lost with %v", err)
			}
		}
		if won != 1 {
			t.Errorf("%d won", won)
		}
		wantCode(t, reset(fresh), errs.TokenInvalid)
		wantCode(t, byPassword(t, k, "newbie", password), errs.PasswordWrong)
		wantCode(t, byPassword(t, k, "newbie", fresh), "")
		after, err := k.Users.ByID(t.Context(), "p", u.ID)
		wantCode(t, err, "")
		if after.MustReset || after.SignIns != 1 {
			t.Errorf("afterwards %+v", after)
		}
	})
}

func TestFirstLoginTokenEnds(t *testing.T) {
	for name, test := range map[string]struct {
		end  func(t *testing.T, k *accounttest.Kit, u user.User)
		want errs.Code
	}{
		"after ten minutes": {func(_ *testing.T, k *accounttest.Kit, _ user.User) {
			k.Advance(10*time.Minute + time.Second)
		}, errs.TokenInvalid},
		"by a reset": {func(t *testing.T, k *accounttest.Kit, _ user.User) {
			t.Helper()
			wantCode(t, k.Account.ResetPassword(t.Context(), account.ResetInput{
				Client: k.Client, Email: email, Token: k.Verified(t, email, "", ""), Password: password,
			}), "")
		}, errs.TokenInvalid},
		"by an operator's new password": {func(t *testing.T, k *accounttest.Kit, u user.User) {
			t.Helper()
			time.Sleep(2 * time.Millisecond)
			wantCode(t, k.Users.SetPasswordHash(t.Context(), "p", u.ID, u.PasswordHash), "")
		}, errs.TokenInvalid},
		"by a newer one": {func(t *testing.T, k *accounttest.Kit, _ user.User) {
			t.Helper()
			firstLogin(t, k)
		}, errs.TokenInvalid},
		"with a block": {func(t *testing.T, k *accounttest.Kit, u user.User) {
			t.Helper()
			wantCode(t, k.Users.SetStatus(t.Context(), "p", u.ID, user.StatusBlocked), "")
		}, errs.UserBlocked},
		"with the account": {func(t *testing.T, k *accounttest.Kit, u user.User) {
			t.Helper()
			wantCode(t, k.Users.Delete(t.Context(), "p", u.ID), "")
		}, errs.TokenInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, d *db.DB) {
				k := accounttest.New(t, d)
				u, token := newbie(t, k)
				test.end(t, k, u)
				wantCode(t, k.Account.ResetByFirstLogin(t.Context(), k.Client, token, fresh), test.want)
			})
		})
	}
}

// TK-01: the token is bound to its application.
func TestTK01FirstLoginTokenIsBound(t *testing.T) {
	k := accounttest.New(t, dbtest.Open(t, dbtest.SQLite))
	_, token := newbie(t, k)
	foreign := k.Client
	foreign.ID = "other"
	wantCode(t, k.Account.ResetByFirstLogin(t.Context(), foreign, token, fresh), errs.TokenInvalid)
	foreign = k.Client
	foreign.Pool.ID = "other"
	wantCode(t, k.Account.ResetByFirstLogin(t.Context(), foreign, token, fresh), errs.TokenInvalid)
	wantCode(t, k.Account.ResetByFirstLogin(t.Context(), k.Client, k.Verified(t, email, "", ""), fresh), errs.TokenInvalid)
}
