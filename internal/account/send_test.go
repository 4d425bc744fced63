package account_test

import (
	"context"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/account"
	"github.com/tigertally/tigertally/internal/account/accounttest"
	"github.com/tigertally/tigertally/internal/caller"
	"github.com/tigertally/tigertally/internal/code"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/driver"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/limit"
	"github.com/tigertally/tigertally/internal/notify"
	"github.com/tigertally/tigertally/internal/pool"
)

// sentTo counts what the limits remember of a number.
func sentTo(t *testing.T, k *accounttest.Kit, target string) int {
	t.Helper()
	n, _, err := k.Limits.Count(t.Context(), limit.Key("send", k.Client.Pool.ID, target), limit.NumberHour())
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// M2, M4, M5: who asks for a code is told what the vendor said, and pays with their own
// limits only for what may have been sent.
func TestM2WhatTheVendorSaidIsTold(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := accounttest.New(t, d, func(s *pool.Settings) { s.Limits, s.Captcha = true, pool.CaptchaOff })
		k.Notify.Patience = 10 * time.Second
		var failure *driver.Failure
		asked := 0
		k.Undelivered = func(notify.Message) error { asked++; return failure }
		for i, tt := range []struct {
			name    string
			failure driver.Failure
			want    errs.Code
			charged int
		}{
			{"too many to this person", driver.Failure{Class: driver.RateLimited}, errs.TooManyRequests, 0},
			{"no balance", driver.Failure{Class: driver.Exhausted}, errs.TooManyRequests, 0},
			{"no such number", driver.Failure{Class: driver.BadAddress}, errs.PhoneInvalid, 0},
			{"no such route", driver.Failure{Class: driver.NoRoute}, errs.PhoneCountry, 0},
			{"a wrong secret", driver.Failure{Class: driver.Misconfigured}, errs.SendMisconfigured, 0},
			{"nobody there", driver.Failure{Class: driver.Unavailable}, errs.SendFailed, 0},
			{"no answer", driver.Failure{Class: driver.Unavailable, Maybe: true}, errs.SendFailed, 1},
		} {
			failure = &tt.failure
			number := fmt.Sprintf("+861380000%04d", i)
			ctx := caller.With(t.Context(), caller.Info{Addr: netip.AddrFrom4([4]byte{192, 0, 2, byte(i)})})
			_, err := k.Account.SendCode(ctx, account.SendInput{Client: k.Client, Phone: number})
			if errs.CodeOf(err) != tt.want || sentTo(t, k, number) != tt.charged || asked != i+1 {
				t.Errorf("%s: %v, %d charged, asked %d times", tt.name, err, sentTo(t, k, number), asked)
			}
		}
	})
}

// A message nobody waits for comes again, if it certainly was not sent.
func TestAMessageNobodyWaitsForComesAgain(t *testing.T) {
	d := dbtest.Open(t, dbtest.SQLite)
	k := accounttest.New(t, d)
	tries := make(chan string, 10)
	k.Undelivered = func(m notify.Message) error {
		tries <- m.ID
		if len(tries) > 1 {
			return nil
		}
		return &driver.Failure{Class: driver.Unavailable}
	}
	if _, err := k.Account.SendCode(t.Context(), account.SendInput{Client: k.Client, Phone: phone}); err != nil {
		t.Fatal(err)
	}
	first := <-tries
	tries <- first
	k.Advance(time.Minute)
	if got := k.Message(t, phone); got.ID != first {
		t.Errorf("tried %s, then %s", first, got.ID)
	}
}

func TestFixedCodesAreNotSent(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := accounttest.New(t, d)
		k.Undelivered = func(m notify.Message) error {
			t.Errorf("sent to %s", m.To)
			return nil
		}
		if err := k.Codes.Fix(t.Context(), k.Client.Pool.ID, code.Fixed{Target: phone, Digits: "246810", ExpiresAt: k.Now().Add(time.Hour)}); err != nil {
			t.Fatal(err)
		}
		sent, err := k.Account.SendCode(t.Context(), account.SendInput{Client: k.Client, Phone: phone})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := k.Account.VerifyCode(t.Context(), k.Client, sent.ID, "246810"); err != nil {
			t.Error(err)
		}
	})
}

// VC-07: what looks like somebody running up a bill has to read a captcha.
func TestVC07SuspicionAsksForACaptcha(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := accounttest.New(t, d, func(s *pool.Settings) { s.Limits, s.Captcha = true, pool.CaptchaAuto })
		from := func(a, b byte) context.Context {
			return caller.With(t.Context(), caller.Info{Addr: netip.AddrFrom4([4]byte{10, a, b, 1})})
		}
		send := func(ctx context.Context, number, token string) errs.Code {
			_, err := k.Account.SendCode(ctx, account.SendInput{Client: k.Client, Phone: number, CaptchaToken: token})
			return errs.CodeOf(err)
		}
		t.Run("many from one address", func(t *testing.T) {
			for i := range 3 {
				if got := send(from(0, 0), fmt.Sprintf("+86139%d0000000", i), ""); got != "" {
					t.Fatal(got)
				}
			}
			if got := send(from(0, 0), "+8613980000000", ""); got != errs.CaptchaRequired {
				t.Errorf("fourth: %q", got)
			}
			if got := send(from(0, 1), "+8613980000000", ""); got != "" {
				t.Errorf("another address: %q", got)
			}
		})
		t.Run("numbers in a row", func(t *testing.T) {
			for i := range 50 {
				if got := send(from(1, byte(i)), fmt.Sprintf("+861370000%04d", i), ""); got != "" {
					t.Fatal(i, got)
				}
				k.Advance(2 * time.Second) // within the application's minute
			}
			if got := send(from(1, 100), "+8613700009999", ""); got != errs.CaptchaRequired {
				t.Errorf("fifty-first: %q", got)
			}
			if got := send(from(1, 100), "+8613600009999", ""); got != "" {
				t.Errorf("a number elsewhere: %q", got)
			}
		})
	})
}

// VC-07: a budget ends the day's messages, and one country's do not eat another's.
func TestVC07Budgets(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := accounttest.New(t, d, func(s *pool.Settings) {
			s.Limits, s.Captcha, s.Countries = true, pool.CaptchaOff, []string{pool.AnyCountry}
			s.DayBudget, s.CountryBudget = 3, 2
		})
		for i, tt := range []struct {
			number string
			want   errs.Code
		}{
			{"+8613800000000", ""},
			{"+8613900000000", ""},
			{"+8613700000000", errs.SendTooOften},
			{"+85251234567", ""},
			{"+85251234568", errs.SendTooOften},
		} {
			ctx := caller.With(t.Context(), caller.Info{Addr: netip.AddrFrom4([4]byte{10, 0, 0, byte(i)})})
			_, err := k.Account.SendCode(ctx, account.SendInput{Client: k.Client, Phone: tt.number})
			if errs.CodeOf(err) != tt.want {
				t.Errorf("%s: %v, want %q", tt.number, err, tt.want)
			}
		}
	})
}
