package account_test

import (
	"testing"

	"github.com/tigertally/tigertally/internal/account"
	"github.com/tigertally/tigertally/internal/account/accounttest"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/signin"
)

// With a bare code, who is unknown hears so before the code is looked at.
func TestResetByCode(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := accounttest.New(t, d)
		alice(t, k)
		tokens, _ := k.SignIn(t, "alice")
		reset := func(in account.ResetInput) error {
			in.Client, in.Password = k.Client, "a-new-horse-battery"
			return k.Account.ResetPassword(t.Context(), in)
		}
		_, digits := k.Code(t, phone, "", signin.UsageAll)
		wantCode(t, reset(account.ResetInput{Phone: "+8613900000000", Code: digits}), errs.UserNotFound)
		wantCode(t, reset(account.ResetInput{Phone: phone, Code: "nonsense"}), errs.CodeWrong)
		wantCode(t, reset(account.ResetInput{Phone: phone}), errs.FieldMissing)
		wantCode(t, byPassword(t, k, "alice", password), "")
		wantCode(t, reset(account.ResetInput{Phone: phone, Code: digits}), "")
		wantCode(t, reset(account.ResetInput{Phone: phone, Code: digits}), errs.CodeWrong)
		wantCode(t, byPassword(t, k, "alice", password), errs.PasswordWrong)
		wantCode(t, byPassword(t, k, "alice", "a-new-horse-battery"), "")
		if _, err := k.Sessions.Verify(t.Context(), tokens.Access); errs.CodeOf(err) != errs.SessionInvalid { // LK-02
			t.Errorf("the old session: %v", err)
		}
		_, digits = k.Code(t, email, "", signin.UsageEnter) // VC-05: sent to bind or sign in
		wantCode(t, reset(account.ResetInput{Email: email, Code: digits}), errs.CodeWrong)
	})
}

// EN-03: what a reset tells about who is known has the budget of such questions.
func TestEN03ResetsAnswerFewQuestions(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := accounttest.New(t, d, func(s *pool.Settings) { s.Limits = true })
		ctx := accounttest.From(t, "192.0.2.1", "")
		ask := func(i int) error {
			return k.Account.ResetPassword(ctx, account.ResetInput{
				Client: k.Client, Email: "u" + string(rune('a'+i)) + "@example.com", Code: "123456", Password: password,
			})
		}
		for i := range 10 {
			wantCode(t, ask(i), errs.UserNotFound)
		}
		wantCode(t, ask(3), errs.UserNotFound) // asked before
		wantCode(t, ask(10), errs.TooManyRequests)
	})
}
