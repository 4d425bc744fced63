package account_test

import (
	"strings"
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/account"
	"github.com/tigertally/tigertally/internal/account/accounttest"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/signin"
	"github.com/tigertally/tigertally/internal/user"
)

// claims registers somebody with an address nobody has proved, and returns their session.
func claims(t *testing.T, k *accounttest.Kit) signin.Outcome {
	t.Helper()
	out, err := k.Signin.Register(t.Context(), signin.RegisterInput{
		Client: k.Client, Email: email, Password: password, Unproved: true,
	})
	wantCode(t, err, "")
	return out
}

// mailed asks for a link and returns its token.
func mailed(t *testing.T, k *accounttest.Kit) string {
	t.Helper()
	wantCode(t, k.Account.SendLink(t.Context(), k.Client, "Alice@example.com", ""), "")
	m := k.Message(t, email)
	_, token, ok := strings.Cut(m.Text, "https://id.test"+account.ConfirmPath)
	token, _, _ = strings.Cut(token, "\n")
	if !ok || !strings.Contains(m.HTML, `<a href="https://id.test`+account.ConfirmPath+token+`">`) || m.Code != "" {
		t.Fatalf("the mail is %q", m.Text)
	}
	return token
}

// Whoever knows the password has made the account, and keeps all of it.
func TestConfirmByPassword(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := accounttest.New(t, d)
		out := claims(t, k)
		token := mailed(t, k)
		for range 3 { // programs that look at mails
			c, err := k.Account.Confirmation(t.Context(), token)
			wantCode(t, err, "")
			if c.Email != email || c.Confirmed || !c.HasPassword {
				t.Fatalf("it says %+v", c)
			}
		}
		wantCode(t, k.Account.Confirm(t.Context(), token, "another-horse"), errs.PasswordWrong)
		wantCode(t, k.Account.Confirm(t.Context(), token, password), "")
		wantCode(t, k.Account.Confirm(t.Context(), token, password), errs.TokenInvalid)
		u, err := k.Users.ByID(t.Context(), "p", out.User.ID)
		wantCode(t, err, "")
		if !u.EmailVerified || !u.HasPassword() {
			t.Errorf("the account is %+v", u)
		}
		if _, err := k.Sessions.Verify(t.Context(), out.Session.Access); err != nil {
			t.Errorf("the session: %v", err)
		}
		c, err := k.Account.Confirmation(t.Context(), mailed(t, k))
		wantCode(t, err, "")
		if !c.Confirmed {
			t.Error("it is not said to be confirmed")
		}
	})
}

// LK-01, LK-03: who reads a mail about an account that somebody else made with their
// address gets it without what the other has put there.
func TestLK01ALinkConfirmsNobodyElsesAccount(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := accounttest.New(t, d)
		out := claims(t, k)
		wantCode(t, k.Account.Confirm(t.Context(), mailed(t, k), ""), "")
		if _, err := k.Sessions.Verify(t.Context(), out.Session.Access); errs.CodeOf(err) != errs.SessionInvalid {
			t.Errorf("the session of who made it: %v", err)
		}
		wantCode(t, byPassword(t, k, email, password), errs.PasswordNotSet)
		_, p := byCode(t, k, email)
		if p.UserID != out.User.ID {
			t.Error("it is another account")
		}
	})
}

// A link ends with its time, its address and the account's password; to an address
// nobody has goes none, and nobody hears so.
func TestLinksEnd(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := accounttest.New(t, d)
		wantCode(t, k.Account.SendLink(t.Context(), k.Client, "nobody@example.com", ""), "")
		wantCode(t, k.Account.SendLink(t.Context(), k.Client, "nonsense", ""), errs.EmailInvalid)
		claims(t, k)
		late := mailed(t, k)
		k.Advance(61 * time.Minute)
		wantCode(t, k.Account.Confirm(t.Context(), late, password), errs.TokenInvalid)

		voided := mailed(t, k)
		wantCode(t, k.Account.ResetPassword(t.Context(), account.ResetInput{ // LK-04
			Client: k.Client, Email: email, Token: k.Verified(t, email, "", signin.UsageReset), Password: "a-new-horse-battery",
		}), "")
		k.Message(t, email) // says so
		wantCode(t, k.Account.Confirm(t.Context(), voided, "a-new-horse-battery"), errs.TokenInvalid)

		moved := mailed(t, k)
		u, err := k.Users.ByTarget(t.Context(), "p", email)
		wantCode(t, err, "")
		wantCode(t, k.Users.SetEmail(t.Context(), "p", u.ID, "new@example.com"), "")
		_, err = k.Account.Confirmation(t.Context(), moved)
		wantCode(t, err, errs.TokenInvalid)
		_, err = k.Account.Confirmation(t.Context(), "ce_made_up")
		wantCode(t, err, errs.TokenInvalid)
	})
}

// TK-02: of many who press the button at once, one confirms.
func TestOneConfirmationOfTwenty(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := accounttest.New(t, d)
		claims(t, k)
		token := mailed(t, k)
		won, lost := accounttest.Race(20, func(int) error { return k.Account.Confirm(t.Context(), token, password) })
		if won != 1 {
			t.Errorf("%d confirmed: %v", won, lost)
		}
		u, err := k.Users.ByTarget(t.Context(), "p", email)
		wantCode(t, err, "")
		if u.Status != user.StatusActive || !u.Owns(email) {
			t.Errorf("the account is %+v", u)
		}
	})
}

// VC-07: links count with codes.
func TestLinksAreLimited(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := accounttest.New(t, d, func(s *pool.Settings) { s.Limits = true })
		ctx := accounttest.From(t, "192.0.2.1", "")
		for _, to := range []string{email, "nobody@example.com"} {
			wantCode(t, k.Account.SendLink(ctx, k.Client, to, ""), "")
			wantCode(t, k.Account.SendLink(ctx, k.Client, to, ""), errs.SendTooOften)
		}
	})
}
