package signin_test

import (
	"testing"

	"github.com/tigertally/tigertally/internal/account/accounttest"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/signin"
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

// byPassword signs in and returns the error.
func byPassword(t *testing.T, k *accounttest.Kit, identifier, password string) error {
	t.Helper()
	_, err := k.Signin.SignIn(t.Context(), signin.Input{
		Client: k.Client, Method: signin.MethodPassword, Identifier: identifier, Password: password,
	})
	return err
}

// byToken signs in and returns the outcome.
func byToken(t *testing.T, k *accounttest.Kit, identifier, token string) (signin.Outcome, error) {
	t.Helper()
	return k.Signin.SignIn(t.Context(), signin.Input{
		Client: k.Client, Method: signin.MethodVerification, Identifier: identifier, Token: token,
	})
}
