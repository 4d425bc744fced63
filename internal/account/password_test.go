package account_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/account"
	"github.com/tigertally/tigertally/internal/account/accounttest"
	"github.com/tigertally/tigertally/internal/admin"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/limit"
	"github.com/tigertally/tigertally/internal/signin"
)

func TestSudo(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := accounttest.New(t, d)
		u := alice(t, k)
		k.User(t, admin.NewUser{Username: "bob", Phone: "+8613700000000", Password: password})
		_, p := k.SignIn(t, "alice")
		_, bob := k.SignIn(t, "bob")
		bare := k.User(t, admin.NewUser{Email: "bare@example.com"})
		_, noPassword := byCode(t, k, bare.Email)

		g, err := k.Account.Sudo(t.Context(), p, password, "")
		wantCode(t, err, "")
		if g.Token == "" || g.ExpiresIn != k.Client.Pool.Settings.SudoLife {
			t.Errorf("granted %+v", g)
		}
		_, err = k.Account.Sudo(t.Context(), p, "", k.Verified(t, phone, u.ID, signin.UsageSudo))
		wantCode(t, err, "")
		_, err = k.Account.Sudo(t.Context(), p, "", "")
		wantCode(t, err, errs.FieldMissing)
		_, err = k.Account.Sudo(t.Context(), noPassword, password, "")
		wantCode(t, err, errs.PasswordNotSet)
		_, err = k.Account.Sudo(t.Context(), p, "", k.Verified(t, "+8613700000000", "", ""))
		wantCode(t, err, errs.IdentifierMismatch)
		_, err = k.Account.Sudo(t.Context(), p, "", k.Verified(t, phone, bob.UserID, "")) // TK-06
		wantCode(t, err, errs.IdentifierMismatch)

		// A grant is of one session, one user and its time (TK-03).
		_, second := k.SignIn(t, "alice")
		wantCode(t, k.Account.SetPassword(t.Context(), second, g.Token, "another-password-1"), errs.SudoInvalid)
		wantCode(t, k.Account.SetPassword(t.Context(), bob, g.Token, "another-password-1"), errs.SudoInvalid)
		k.Advance(k.Client.Pool.Settings.SudoLife + time.Second)
		wantCode(t, k.Account.SetPassword(t.Context(), p, g.Token, "another-password-1"), errs.SudoInvalid)

		// AT-01: sudo and sign-in share the lock.
		for range limit.PasswordAccount().Max {
			_, err = k.Account.Sudo(t.Context(), p, "wrong-password", "")
			wantCode(t, err, errs.PasswordWrong)
		}
		_, err = k.Account.Sudo(t.Context(), p, password, "")
		wantCode(t, err, errs.PasswordAttempts)
		wantCode(t, byPassword(t, k, "alice", password), errs.PasswordAttempts)
	})
}

// PW-10: this session goes on, the others end.
func TestSetPassword(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := accounttest.New(t, d)
		alice(t, k)
		mine, p := k.SignIn(t, "alice")
		other, _ := k.SignIn(t, "alice")
		wantCode(t, k.Account.SetPassword(t.Context(), p, "", "another-password-1"), errs.SudoRequired)
		wantCode(t, k.Account.SetPassword(t.Context(), p, "st_wrong", "another-password-1"), errs.SudoInvalid)
		wantCode(t, k.Account.SetPassword(t.Context(), p, sudo(t, k, p), "short"), errs.PasswordTooShort)
		wantCode(t, k.Account.SetPassword(t.Context(), p, sudo(t, k, p), "another-password-1"), "")
		wantCode(t, byPassword(t, k, "alice", password), errs.PasswordWrong)
		wantCode(t, byPassword(t, k, "alice", "another-password-1"), "")
		_, err := k.Sessions.Verify(t.Context(), mine.Access)
		wantCode(t, err, "")
		_, err = k.Sessions.Verify(t.Context(), other.Access)
		wantCode(t, err, errs.SessionInvalid)
		_, err = k.Sessions.Rotate(t.Context(), k.Client.Pool, k.Client.ID, other.Refresh)
		wantCode(t, err, errs.RefreshInvalid)
		if m := k.Message(t, email); m.Code != "" {
			t.Errorf("notice = %+v", m)
		}

		wantCode(t, k.Account.ChangePassword(t.Context(), p, "wrong-password", "another-password-2"), errs.PasswordWrong)
		wantCode(t, k.Account.ChangePassword(t.Context(), p, "another-password-1", "another-password-2"), "")
		wantCode(t, byPassword(t, k, "alice", "another-password-2"), "")

		renew := account.RenewInput{Client: k.Client, Identifier: "alice", Old: "wrong-password", Password: password}
		wantCode(t, k.Account.RenewPassword(t.Context(), renew), errs.PasswordWrong)
		renew.Old = "another-password-2"
		wantCode(t, k.Account.RenewPassword(t.Context(), renew), "")
		_, err = k.Sessions.Verify(t.Context(), mine.Access)
		wantCode(t, err, errs.SessionInvalid)
		wantCode(t, byPassword(t, k, "alice", password), "")
	})
}

// PW-11: without sudo only for people without a password, right after sign-in.
func TestFirstPasswordNeedsAFreshSignIn(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := accounttest.New(t, d)
		k.User(t, admin.NewUser{Email: email})
		_, late := byCode(t, k, email)
		k.Advance(5*time.Minute + time.Second)
		wantCode(t, k.Account.SetPassword(t.Context(), late, "", password), errs.SudoRequired)
		tokens, _ := byCode(t, k, email)
		tokens, err := k.Sessions.Rotate(t.Context(), k.Client.Pool, k.Client.ID, tokens.Refresh)
		wantCode(t, err, "")
		wantCode(t, k.Account.SetPassword(t.Context(), k.Principal(t, tokens), "", password), errs.SudoRequired)
		_, fresh := byCode(t, k, email)
		wantCode(t, k.Account.SetPassword(t.Context(), fresh, "", password), "")
		wantCode(t, k.Account.SetPassword(t.Context(), fresh, "", password+"2"), errs.SudoRequired)
		wantCode(t, byPassword(t, k, email, password), "")
	})
}

// PW-10: of many who show the old password at once one chooses the new one. A thief who
// knows it must not come after the owner's change.
func TestOneOfManyPasswordChangesWins(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := accounttest.New(t, d)
		alice(t, k)
		_, p := k.SignIn(t, "alice")
		won, lost := accounttest.Race(8, func(i int) error {
			return k.Account.ChangePassword(t.Context(), p, password, fmt.Sprintf("another-password-%d", i))
		})
		if won != 1 {
			t.Errorf("%d changes from one password", won)
		}
		for _, err := range lost {
			wantCode(t, err, errs.PasswordWrong)
		}
	})
}

// PW-11: whoever stole a session could let in a device of their own; that proves nobody.
func TestADeviceThatWasLetInIsNoFreshSignIn(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := accounttest.New(t, d)
		k.User(t, admin.NewUser{Email: email})
		_, stolen := byCode(t, k, email)
		k.Advance(5*time.Minute + time.Second)
		g, err := k.Account.StartDevice(t.Context(), k.Client, "")
		wantCode(t, err, "")
		wantCode(t, k.Account.AuthorizeDevice(t.Context(), stolen, g.UserCode), "")
		tokens, err := k.Account.PollDevice(t.Context(), k.Client, g.DeviceCode)
		wantCode(t, err, "")
		device := k.Principal(t, tokens)
		wantCode(t, k.Account.SetPassword(t.Context(), device, "", password), errs.SudoRequired)
		wantCode(t, k.Account.ChangePassword(t.Context(), device, "", password), errs.SudoRequired)
	})
}

// LK-02, LK-04, AT-02: a reset ends sessions, pending tokens and the lock.
func TestResetPassword(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := accounttest.New(t, d)
		u := alice(t, k)
		thief, p := k.SignIn(t, "alice")
		pending := k.Verified(t, "thief@example.com", u.ID, "")
		grant := sudo(t, k, p)
		for range limit.PasswordAccount().Max {
			wantCode(t, byPassword(t, k, "alice", "wrong-password"), errs.PasswordWrong)
		}
		in := account.ResetInput{Client: k.Client, Phone: "13800000000", Password: "another-password-1"}
		wantCode(t, k.Account.ResetPassword(t.Context(), in), errs.FieldMissing)
		in.Token = k.Verified(t, email, "", "")
		wantCode(t, k.Account.ResetPassword(t.Context(), in), errs.IdentifierMismatch)
		in.Token = k.Verified(t, phone, "", signin.UsageReset)
		wantCode(t, k.Account.ResetPassword(t.Context(), in), "")
		wantCode(t, k.Account.ResetPassword(t.Context(), in), errs.VerificationInvalid)
		_, err := k.Sessions.Verify(t.Context(), thief.Access)
		wantCode(t, err, errs.SessionInvalid)
		_, err = k.Sessions.Rotate(t.Context(), k.Client.Pool, k.Client.ID, thief.Refresh)
		wantCode(t, err, errs.RefreshInvalid)
		wantCode(t, byPassword(t, k, "alice", "another-password-1"), "")
		bind := account.BindInput{Email: "thief@example.com", SudoToken: grant, Token: pending}
		wantCode(t, k.Account.BindContact(t.Context(), p, bind), errs.VerificationInvalid)
	})
}

// TK-02: fifty at once, one effect, for every consumer of a verification token.
func TestOneEffectOfFifty(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := accounttest.New(t, d)
		alice(t, k)
		_, p := k.SignIn(t, "alice")
		grants := make([]string, 50)
		for i := range grants {
			grants[i] = sudo(t, k, p)
		}
		token := ""
		for name, use := range map[string]func(i int) error{
			"sudo": func(int) error { _, err := k.Account.Sudo(t.Context(), p, "", token); return err },
			"bind": func(i int) error {
				return k.Account.BindContact(t.Context(), p, account.BindInput{
					Phone: phone, SudoToken: grants[i], Token: token,
				})
			},
		} {
			token = k.Verified(t, phone, "", "")
			won, lost := accounttest.Race(50, use)
			if won != 1 {
				t.Errorf("%s: %d effects", name, won)
			}
			for _, err := range lost {
				if errs.CodeOf(err) != errs.VerificationInvalid {
					t.Errorf("%s lost with %v", name, err)
				}
			}
		}
		token = k.Verified(t, phone, "", "")
		won, lost := accounttest.Race(50, func(int) error {
			return k.Account.ResetPassword(t.Context(), account.ResetInput{
				Client: k.Client, Phone: phone, Token: token, Password: "another-password-1",
			})
		})
		if won != 1 {
			t.Errorf("reset: %d effects: %v", won, lost)
		}
	})
}
