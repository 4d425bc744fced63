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
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/signin"
)

func TestSendCodeToItsAudience(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := accounttest.New(t, d)
		alice(t, k)
		k.User(t, admin.NewUser{Phone: "+8613700000000"})
		_, me := k.SignIn(t, "alice")
		for _, tt := range []struct {
			name   string
			in     account.SendInput
			isUser bool
			want   errs.Code
		}{
			{"a stranger", account.SendInput{Phone: "13900000000"}, false, ""},
			{"a user by phone", account.SendInput{Phone: "+86 13800000000"}, true, ""},
			{"a user by email", account.SendInput{Email: email}, true, ""},
			{"users only", account.SendInput{Email: "x@example.com", Audience: account.UsersOnly}, false, errs.UserNotFound},
			{"strangers only", account.SendInput{Email: email, Audience: account.Strangers}, false, errs.IdentifierTaken},
			{"my own", account.SendInput{Email: email, Audience: account.MyselfOnly, Principal: &me}, true, ""},
			{"my own, unnamed", account.SendInput{Audience: account.MyselfOnly, Principal: &me}, true, ""},
			{"another's as mine", account.SendInput{Phone: "13700000000", Audience: account.MyselfOnly, Principal: &me}, false, errs.IdentifierMismatch},
			{"mine, signed out", account.SendInput{Email: email, Audience: account.MyselfOnly}, false, errs.SessionInvalid},
			{"another country VC-07", account.SendInput{Phone: "+12025550123"}, false, errs.PhoneCountry},
			{"no address", account.SendInput{}, false, errs.FieldMissing},
			{"a bad address", account.SendInput{Email: "a@b@c"}, false, errs.EmailInvalid},
		} {
			t.Run(tt.name, func(t *testing.T) {
				tt.in.Client = k.Client
				sent, err := k.Account.SendCode(t.Context(), tt.in)
				wantCode(t, err, tt.want)
				if err == nil && (sent.ID == "" || sent.IsUser != tt.isUser || sent.ExpiresIn <= 0) {
					t.Errorf("sent = %+v", sent)
				}
			})
		}
	})
}

func TestTheCodeArrivesAndVerifies(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := accounttest.New(t, d)
		sent, err := k.Account.SendCode(t.Context(), account.SendInput{Client: k.Client, Phone: "13800000000"})
		wantCode(t, err, "")
		digits := k.Message(t, phone).Code
		_, err = k.Account.VerifyCode(t.Context(), k.Client, sent.ID, "x"+digits[1:])
		wantCode(t, err, errs.CodeWrong)
		g, err := k.Account.VerifyCode(t.Context(), k.Client, sent.ID, digits)
		wantCode(t, err, "")
		if g.Token == "" || g.ExpiresIn != k.Client.Pool.Settings.VerificationLife {
			t.Errorf("granted %+v", g)
		}
		_, err = k.Account.VerifyCode(t.Context(), k.Client, sent.ID, digits)
		wantCode(t, err, errs.CodeWrong)
		_, err = k.Account.VerifyCode(t.Context(), k.Client, "", digits)
		wantCode(t, err, errs.FieldMissing)
	})
}

// VC-03, VC-04: the flow keeps what the code package promises.
func TestManyGuessesThroughTheFlow(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := accounttest.New(t, d)
		id, digits := k.Code(t, phone, "", "")
		accounttest.Race(50, func(int) error { _, err := k.Account.VerifyCode(t.Context(), k.Client, id, "wrong"); return err })
		_, err := k.Account.VerifyCode(t.Context(), k.Client, id, digits)
		wantCode(t, err, errs.CodeAttempts)
		id, digits = k.Code(t, email, "", "")
		won, _ := accounttest.Race(50, func(int) error { _, err := k.Account.VerifyCode(t.Context(), k.Client, id, digits); return err })
		if won != 1 {
			t.Errorf("%d verified", won)
		}
	})
}

// VC-07: a number is written to at intervals, whoever asks.
func TestSendingIsLimited(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := accounttest.New(t, d, func(s *pool.Settings) { s.Limits = true })
		in := account.SendInput{Client: k.Client, Phone: phone}
		_, err := k.Account.SendCode(accounttest.From(t, "192.0.2.1", "a"), in)
		wantCode(t, err, "")
		_, err = k.Account.SendCode(accounttest.From(t, "192.0.2.2", "b"), in)
		wantCode(t, err, errs.SendTooOften)
		e := errs.From(err)
		if e.RetryAfter <= 0 || e.RetryAfter > k.Client.Pool.Settings.SendGap || e.Params["seconds"] == "" {
			t.Errorf("wait %v, params %v", e.RetryAfter, e.Params)
		}
		for i := 1; i < limit.NumberHour().Max; i++ {
			k.Advance(k.Client.Pool.Settings.SendGap + time.Second)
			_, err = k.Account.SendCode(accounttest.From(t, fmt.Sprintf("192.0.2.%d", 10+i), fmt.Sprint(i)), in)
			wantCode(t, err, "")
		}
		k.Advance(k.Client.Pool.Settings.SendGap + time.Second)
		_, err = k.Account.SendCode(accounttest.From(t, "192.0.2.99", "z"), in)
		wantCode(t, err, errs.SendTooOften)
	})
}

// EN-03: ten identifiers, then a captcha, whatever the device calls itself.
func TestAskingWhoExistsIsLimited(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := accounttest.New(t, d, func(s *pool.Settings) { s.Limits, s.Captcha = true, pool.CaptchaAuto })
		ask := func(i int, captcha string) error {
			_, err := k.Account.Exists(accounttest.From(t, "192.0.2.1", fmt.Sprintf("device-%d", i)), k.Client, fmt.Sprintf("user-%dx", i), captcha)
			return err
		}
		most := limit.ExistsAddress().Max
		for i := range most {
			wantCode(t, ask(i, ""), "")
		}
		wantCode(t, ask(most, ""), errs.CaptchaRequired)
		wantCode(t, ask(0, ""), "") // asked before: free
		solved := k.Solve(t)
		for i := range most {
			wantCode(t, ask(100+i, solved), "")
		}
		wantCode(t, ask(200, ""), errs.CaptchaRequired)
	})
}

func TestCaptchaAlways(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := accounttest.New(t, d, func(s *pool.Settings) { s.Captcha = pool.CaptchaAlways })
		in := account.SendInput{Client: k.Client, Phone: phone}
		_, err := k.Account.SendCode(t.Context(), in)
		wantCode(t, err, errs.CaptchaRequired)
		in.CaptchaToken = "ct_nonsense"
		_, err = k.Account.SendCode(t.Context(), in)
		wantCode(t, err, errs.CaptchaInvalid)
		in.CaptchaToken = k.Solve(t)
		for range 2 { // the client keeps the token and uses it again
			_, err = k.Account.SendCode(t.Context(), in)
			wantCode(t, err, "")
		}
	})
}

// VC-05: the whole matrix of what a code was asked for and what it is spent on.
func TestUsageMatrix(t *testing.T) {
	k := accounttest.New(t, dbtest.Open(t, dbtest.SQLite))
	usages := []signin.Usage{signin.UsageRegister, signin.UsageSignIn, signin.UsageReset, signin.UsageContact, signin.UsageSudo}
	for _, asked := range usages {
		for _, want := range usages {
			_, err := k.Signin.Proofs().Address(t.Context(), k.Client, k.Verified(t, phone, "", asked), phone, want)
			if ok := err == nil; ok != (asked == want) {
				t.Errorf("asked for %s, spent on %s: %v", asked, want, err)
			}
		}
	}
	for _, want := range usages {
		_, err := k.Signin.Proofs().Address(t.Context(), k.Client, k.Verified(t, phone, "", signin.UsageAny), phone, want)
		wantCode(t, err, "")
	}
}
