package signin_test

import (
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/account/accounttest"
	"github.com/tigertally/tigertally/internal/admin"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/keys"
	"github.com/tigertally/tigertally/internal/session"
	"github.com/tigertally/tigertally/internal/signin"
	"github.com/tigertally/tigertally/internal/user"
)

// Making an RSA key takes long, and everybody who writes would wait for it: it is there
// before the transaction begins, and when that fails.
func TestSigningKeysAreMadeBeforeTheTransaction(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := accounttest.New(t, d)
		k.User(t, admin.NewUser{Username: "alice", Password: password})
		_, err := k.Signin.SignIn(t.Context(), signin.Input{
			Client: k.Client, Method: signin.MethodPassword, Identifier: "alice", Password: password,
			Style: func(user.User) session.Style { // one no token can have
				return session.Style{Alg: keys.RS256, Typ: session.TypLogin, Life: -time.Hour}
			},
		})
		if errs.CodeOf(err) != errs.RefreshInvalid {
			t.Fatalf("the transaction went through: %v", err)
		}
		var n int
		if err := d.QueryRow(t.Context(), `SELECT COUNT(*) FROM signing_keys WHERE alg = 'RS256'`).Scan(&n); err != nil || n != 1 {
			t.Errorf("%d keys, %v", n, err)
		}
	})
}
