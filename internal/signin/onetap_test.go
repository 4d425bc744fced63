package signin_test

import (
	"strconv"
	"testing"

	"github.com/tigertally/tigertally/internal/account/accounttest"
	"github.com/tigertally/tigertally/internal/admin"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/signin"
)

func byOneTap(t *testing.T, k *accounttest.Kit, token string) (signin.Outcome, error) {
	t.Helper()
	return k.Signin.SignIn(accounttest.From(t, "192.0.2.1", ""), signin.Input{
		Client: k.Client, Method: signin.MethodOneTap, OneTapToken: token, OneTapAccess: "access",
	})
}

func TestOneTapSignsInTheOwnerOfThePhone(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := accounttest.New(t, d)
		k.OneTap["mine"] = phone
		for i := range 10 {
			k.OneTap["new"+strconv.Itoa(i)] = "+8613900000000"
		}
		u := k.User(t, admin.NewUser{Phone: phone})
		out, err := byOneTap(t, k, "mine")
		wantCode(t, err, "")
		if out.User.ID != u.ID || out.Session == nil {
			t.Errorf("outcome %+v", out)
		}
		won, lost := accounttest.Race(10, func(i int) error {
			out, err := byOneTap(t, k, "new"+strconv.Itoa(i))
			if err == nil && (!out.User.PhoneVerified || out.User.RegisteredBy != "one-tap") {
				t.Errorf("registered %+v", out.User)
			}
			return err
		})
		if won != 10 {
			t.Errorf("%d got in, others %v", won, lost)
		}
		_, err = byOneTap(t, k, "nonsense")
		wantCode(t, err, errs.OneTapRefused)
		_, err = byOneTap(t, k, "")
		wantCode(t, err, errs.FieldMissing)
	})
}

func TestOneTapIsLimited(t *testing.T) {
	k := accounttest.New(t, dbtest.Open(t, dbtest.SQLite), func(s *pool.Settings) { s.Limits = true })
	for range 20 {
		_, err := byOneTap(t, k, "nonsense")
		wantCode(t, err, errs.OneTapRefused)
	}
	_, err := byOneTap(t, k, "nonsense")
	wantCode(t, err, errs.TooManyRequests)
}
