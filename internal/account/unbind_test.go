package account_test

import (
	"testing"

	"github.com/tigertally/tigertally/internal/account"
	"github.com/tigertally/tigertally/internal/account/accounttest"
	"github.com/tigertally/tigertally/internal/admin"
	"github.com/tigertally/tigertally/internal/code"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/signin"
	"github.com/tigertally/tigertally/internal/user"
)

// A contact goes when another way in is left, its owner hears of it, and sessions go on.
func TestUnbindContact(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := accounttest.New(t, d)
		alice(t, k)
		elsewhere, _ := k.SignIn(t, "alice")
		_, p := k.SignIn(t, "alice")
		pending := k.Verified(t, "next@example.com", p.UserID, "")
		after, err := k.Account.UnbindContact(t.Context(), p, code.SMS)
		wantCode(t, err, "")
		if after.Phone != "" || after.PhoneVerified || after.Email != email {
			t.Errorf("left with %+v", after)
		}
		if m := k.Message(t, phone); m.Code != "" {
			t.Errorf("the old owner is told %+v", m)
		}
		k.Principal(t, elsewhere)
		wantCode(t, k.Account.BindContact(t.Context(), p, account.BindInput{ // LK-04
			Email: "next@example.com", Token: pending, Assurance: account.BySession,
		}), errs.VerificationInvalid)
		_, err = k.Account.UnbindContact(t.Context(), p, code.SMS)
		wantCode(t, err, errs.ContactUnset)
		_, err = k.Account.UnbindContact(t.Context(), p, code.Email)
		wantCode(t, err, errs.LastMethod)
		me, err := k.Account.Me(t.Context(), p)
		wantCode(t, err, "")
		if me.Email != email {
			t.Error("the last contact is gone")
		}
	})
}

// DL-04: of two contacts removed at once one stays.
func TestDL04UnbindingBothLeavesOne(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := accounttest.New(t, d)
		for range 5 {
			u := alice(t, k)
			_, p := k.SignIn(t, "alice")
			won, lost := accounttest.Race(2, func(i int) error {
				_, err := k.Account.UnbindContact(t.Context(), p, []string{code.SMS, code.Email}[i])
				return err
			})
			if won != 1 || errs.CodeOf(lost[0]) != errs.LastMethod {
				t.Errorf("%d won, others %v", won, lost)
			}
			wantCode(t, k.Users.Delete(t.Context(), "p", u.ID), "")
		}
	})
}

// A protocol without a second proof binds by the session and the code alone.
func TestBindContactBySession(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := accounttest.New(t, d)
		k.User(t, admin.NewUser{Username: "alice", Password: password})
		k.User(t, admin.NewUser{Username: "bob", Email: "bob@example.com"})
		_, p := k.SignIn(t, "alice")
		bind := func(target, digits string, by account.Assurance) error {
			return k.Account.BindContact(t.Context(), p, account.BindInput{Email: target, Token: digits, Assurance: by})
		}
		_, digits := k.Code(t, email, "", signin.UsageContact)
		wantCode(t, bind(email, digits, account.BySudo), errs.SudoRequired)
		wantCode(t, bind(email, "000000", account.BySession), errs.CodeWrong)
		wantCode(t, bind("next@example.com", digits, account.BySession), errs.CodeWrong)
		wantCode(t, bind(email, digits, account.BySession), "")
		_, digits = k.Code(t, "bob@example.com", "", signin.UsageEnter)
		wantCode(t, bind("bob@example.com", digits, account.BySession), errs.IdentifierTaken)
		_, digits = k.Code(t, "next@example.com", "", signin.UsageReset)
		wantCode(t, bind("next@example.com", digits, account.BySession), errs.CodeWrong) // VC-05
		me, err := k.Account.Me(t.Context(), p)
		wantCode(t, err, "")
		if me.Email != email || !me.EmailVerified {
			t.Errorf("me = %+v", me)
		}
	})
}

func TestUpdateContactProvesOldAndNew(t *testing.T) {
	const next = "+8613900000000"
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := accounttest.New(t, d)
		alice(t, k)
		_, p := k.SignIn(t, "alice")
		digits := func(target string) string {
			_, digits := k.Code(t, target, "", signin.UsageContact)
			return digits
		}
		update := func(in account.UpdateInput) error { return k.Account.UpdateContact(t.Context(), p, in) }
		wantCode(t, update(account.UpdateInput{Phone: next, Token: digits(next)}), errs.FieldMissing)
		wantCode(t, update(account.UpdateInput{
			Phone: next, Token: digits(next), OldPhone: "+8613700000000", OldToken: digits("+8613700000000"),
		}), errs.IdentifierMismatch)
		wantCode(t, update(account.UpdateInput{
			Phone: next, Token: digits(next), OldPhone: phone, OldToken: "000000",
		}), errs.CodeWrong)
		wantCode(t, update(account.UpdateInput{
			Phone: next, Token: "000000", OldPhone: phone, OldToken: digits(phone),
		}), errs.CodeWrong)
		wantCode(t, update(account.UpdateInput{
			Phone: next, Token: digits(next), OldPhone: phone, OldToken: digits(phone),
		}), "")
		me, err := k.Account.Me(t.Context(), p)
		wantCode(t, err, "")
		if me.Phone != next || !me.PhoneVerified {
			t.Errorf("me = %+v", me)
		}
		_, err = k.Account.UnbindContact(t.Context(), p, code.Email)
		wantCode(t, err, "")
		wantCode(t, update(account.UpdateInput{Email: "new@example.com", Token: digits("new@example.com")}), "")
	})
}

func TestDeleteMeBySession(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := accounttest.New(t, d)
		alice(t, k)
		_, p := k.SignIn(t, "alice")
		_, err := k.Account.DeleteMe(t.Context(), p, "")
		wantCode(t, err, errs.SudoRequired)
		_, err = k.Account.DeleteMe(t.Context(), p, "", account.BySession)
		wantCode(t, err, "")
		wantCode(t, byPassword(t, k, "alice", password), errs.UserNotFound)
	})
}

// An address that was only claimed hears nothing and counts for nothing.
func TestAClaimIsNoContact(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := accounttest.New(t, d)
		out, err := k.Signin.Register(t.Context(), signin.RegisterInput{
			Client: k.Client, Email: email, Password: password, Unproved: true, Profile: user.Profile{Username: new("alice")},
		})
		wantCode(t, err, "")
		p := k.Principal(t, *out.Session)
		wantCode(t, k.Account.ChangePassword(t.Context(), p, password, "a-new-horse-battery"), "")
		k.Principal(t, *out.Session) // this session goes on
		_, err = k.Account.Sudo(t.Context(), p, "", k.Verified(t, email, out.User.ID, signin.UsageSudo))
		wantCode(t, err, errs.IdentifierMismatch)
		_, err = k.Account.UnbindContact(t.Context(), p, code.Email)
		wantCode(t, err, errs.LastMethod)
		var n int
		if err := d.QueryRow(t.Context(), `SELECT COUNT(*) FROM jobs`).Scan(&n); err != nil || n != 0 {
			t.Errorf("%d messages are queued, %v", n, err)
		}
	})
}
