package account_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tigertally/tigertally/internal/account"
	"github.com/tigertally/tigertally/internal/account/accounttest"
	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/caller"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/driver"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/notify"
	"github.com/tigertally/tigertally/internal/pool"
)

// refusals are what was written down about codes nobody got or that were wrong, oldest
// first.
func refusals(t *testing.T, k *accounttest.Kit, typed string) []string {
	t.Helper()
	found, _, err := k.Audit.Attempts(t.Context(), "p", audit.AttemptQuery{Typed: []string{typed}, Result: audit.AnyRefusal}, 100, "")
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, r := range found {
		all = append(all, strings.TrimSpace(r.Event.Action+" "+r.Event.Result+" "+r.Event.Detail["to"]+" "+r.Event.Detail["vendor"]+" "+r.Event.Detail["reason"]))
		if strings.Contains(r.Event.Actor, strings.TrimPrefix(typed, "+")) {
			t.Errorf("the record holds the number: %+v", r)
		}
	}
	slices.Reverse(all)
	return all
}

func TestWhoGotNoCodeIsOnRecordByTheirNumber(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := accounttest.New(t, d, func(s *pool.Settings) { s.Limits, s.Captcha = true, pool.CaptchaOff })
		k.Notify.Patience = 10 * time.Second
		const number = "+8613800138000"
		ctx := caller.With(t.Context(), caller.Info{Addr: netip.MustParseAddr("192.0.2.1")})
		k.Undelivered = func(notify.Message) error {
			return &driver.Failure{Vendor: "tencent", Class: driver.Misconfigured, Code: "FailedOperation.SignatureIncorrectOrUnapproved"}
		}
		_, err := k.Account.SendCode(ctx, account.SendInput{Client: k.Client, Phone: number})
		wantCode(t, err, errs.SendMisconfigured)
		k.Undelivered = nil
		sent, err := k.Account.SendCode(ctx, account.SendInput{Client: k.Client, Phone: number})
		wantCode(t, err, "")
		_, err = k.Account.SendCode(ctx, account.SendInput{Client: k.Client, Phone: number})
		wantCode(t, err, errs.SendTooOften)
		_, err = k.Account.VerifyCode(ctx, k.Client, sent.ID, "not it")
		wantCode(t, err, errs.CodeWrong)
		want := []string{
			"code.send send_misconfigured 138****8000 tencent FailedOperation.SignatureIncorrectOrUnapproved",
			"code.send send_too_often 138****8000",
			"code.verify code_wrong 138****8000",
		}
		if diff := cmp.Diff(want, refusals(t, k, number)); diff != "" {
			t.Error(diff)
		}
		if got := refusals(t, k, "+8613900139000"); got != nil {
			t.Errorf("another number has %q", got)
		}
	})
}

// AT-04: a flood of refusals does not fill the record.
func TestAT04RefusedCodesFillNoRecord(t *testing.T) {
	d := dbtest.Open(t, dbtest.SQLite)
	k := accounttest.New(t, d, func(s *pool.Settings) { s.Limits, s.Captcha = true, pool.CaptchaOff })
	ctx := caller.With(t.Context(), caller.Info{Addr: netip.MustParseAddr("192.0.2.1")})
	const number, most = "+8613800138000", 20
	for range most + 10 {
		_, _ = k.Account.SendCode(ctx, account.SendInput{Client: k.Client, Phone: number})
	}
	if got := refusals(t, k, number); len(got) != most {
		t.Errorf("%d refusals on record, want %d", len(got), most)
	}
}
