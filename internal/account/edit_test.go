package account_test

import (
	"testing"

	"github.com/tigertally/tigertally/internal/account"
	"github.com/tigertally/tigertally/internal/account/accounttest"
	"github.com/tigertally/tigertally/internal/admin"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/user"
)

// What cannot be done as a whole is not done in part, and costs no verified code.
func TestEditBasicIsAllOrNothing(t *testing.T) {
	for name, test := range map[string]struct {
		in   account.EditInput
		want errs.Code
	}{
		"wrong old password": {account.EditInput{
			Email: "next@example.com", Old: "another-horse-battery", New: "a-new-horse-battery", Profile: user.Profile{Name: new("B")},
		}, errs.PasswordWrong},
		"weak new password": {account.EditInput{Email: "next@example.com", Old: password, New: "short"}, errs.PasswordTooShort},
		"unverified phone": {account.EditInput{
			Email: "next@example.com", Phone: "+8613900000000", Old: password, New: "a-new-horse-battery",
		}, errs.VerificationInvalid},
		"taken user name": {account.EditInput{
			Email: "next@example.com", Old: password, New: "a-new-horse-battery", Profile: user.Profile{Username: new("bob")},
		}, errs.UsernameTaken},
		"taken phone": {account.EditInput{Email: "next@example.com", Phone: "+8613700000000"}, errs.IdentifierTaken},
	} {
		t.Run(name, func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, d *db.DB) {
				k := accounttest.New(t, d)
				u := alice(t, k)
				k.User(t, admin.NewUser{Username: "bob", Phone: "+8613700000000"})
				_, p := k.SignIn(t, "alice")
				k.Verified(t, "next@example.com", u.ID, "")
				k.Verified(t, "+8613700000000", u.ID, "")
				wantCode(t, k.Account.EditBasic(t.Context(), p, test.in), test.want)
				me, err := k.Account.Me(t.Context(), p)
				wantCode(t, err, "")
				if me.Email != email || me.Phone != phone || me.Name != "Alice" || me.Username != "alice" {
					t.Errorf("stored in part: %+v", me)
				}
				wantCode(t, byPassword(t, k, "alice", password), "")
				wantCode(t, k.Account.EditBasic(t.Context(), p, account.EditInput{
					Email: "next@example.com", Old: password, New: "a-new-horse-battery",
				}), "")
				wantCode(t, byPassword(t, k, "next@example.com", "a-new-horse-battery"), "")
			})
		})
	}
}
