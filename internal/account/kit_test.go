package account_test

import (
	"testing"

	"github.com/tigertally/tigertally/internal/account/accounttest"
	"github.com/tigertally/tigertally/internal/admin"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/session"
	"github.com/tigertally/tigertally/internal/signin"
	"github.com/tigertally/tigertally/internal/user"
)

const (
	phone    = "+8613800000000"
	email    = "alice@example.com"
	password = accounttest.Password
)

func wantCode(t *testing.T, err error, want errs.Code) {
	t.Helper()
	if got := errs.CodeOf(err); got != want {
		t.Fatalf("error = %v, want %q", err, want)
	}
}

// alice is a person with every identifier.
func alice(t *testing.T, k *accounttest.Kit) user.User {
	t.Helper()
	return k.User(t, admin.NewUser{Username: "alice", Phone: phone, Email: email, Password: password, Profile: user.Profile{Name: new("Alice")}})
}

func byPassword(t *testing.T, k *accounttest.Kit, identifier, password string) error {
	t.Helper()
	_, err := k.Signin.SignIn(t.Context(), signin.Input{
		Client: k.Client, Method: signin.MethodPassword, Identifier: identifier, Password: password,
	})
	return err
}

// byCode signs somebody in who need not have a password.
func byCode(t *testing.T, k *accounttest.Kit, target string) (session.Tokens, session.Principal) {
	t.Helper()
	out, err := k.Signin.SignIn(t.Context(), signin.Input{
		Client: k.Client, Method: signin.MethodVerification, Token: k.Verified(t, target, "", ""),
	})
	wantCode(t, err, "")
	return *out.Session, k.Principal(t, *out.Session)
}

func sudo(t *testing.T, k *accounttest.Kit, p session.Principal) string {
	t.Helper()
	g, err := k.Account.Sudo(t.Context(), p, password, "")
	wantCode(t, err, "")
	return g.Token
}
