package operator_test

import (
	"testing"

	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/operator"
)

// TestAnAuthenticatorIsShownToOneSession begins to set up a second factor in two sessions,
// as an owner and a thief of the password would: neither learns what the other was shown,
// and a session that asks again is shown the same.
func TestAnAuthenticatorIsShownToOneSession(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := newKit(t, d)
		k.first()
		if _, err := k.Create(k.ctx, operator.Local("cli"), operator.NewPerson{Name: "lin", Password: good, Role: operator.Support}); err != nil {
			t.Fatal(err)
		}
		begin := func(token string) operator.Authenticator {
			t.Helper()
			app, err := k.BeginTOTP(k.ctx, token)
			if err != nil {
				t.Fatal(err)
			}
			return app
		}
		signIn := func() string {
			t.Helper()
			opened, err := k.SignIn(k.ctx, "lin", good)
			if err != nil {
				t.Fatal(err)
			}
			return opened.Token
		}
		thief, owner := signIn(), signIn()
		stolen := begin(thief)
		if again := begin(thief); again != stolen {
			t.Error("the same session is shown another key")
		}
		shown := begin(owner)
		if shown == stolen {
			t.Fatal("two sessions are shown one key")
		}
		if _, _, err := k.ConfirmTOTP(k.ctx, thief, k.code(stolen)); errs.CodeOf(err) != errs.FactorUnset {
			t.Errorf("a key that another replaced: %v", err)
		}
		if _, _, err := k.ConfirmTOTP(k.ctx, owner, "000000"); errs.CodeOf(err) != errs.SecondFactorWrong {
			t.Errorf("a wrong code: %v", err)
		}
		if _, _, err := k.ConfirmTOTP(k.ctx, owner, k.code(shown)); err != nil {
			t.Errorf("the right code after a wrong one: %v", err)
		}
		if _, err := k.BeginTOTP(k.ctx, thief); err == nil {
			t.Error("a password alone replaces the second factor")
		}
	})
}
