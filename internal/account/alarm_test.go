package account_test

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/account"
	"github.com/tigertally/tigertally/internal/account/accounttest"
	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/caller"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/pool"
)

// ask sends a code to the i-th number, from an address of its own.
func ask(t *testing.T, k *accounttest.Kit, number int) error {
	t.Helper()
	_, err := k.Account.SendCode(from(t.Context(), number), account.SendInput{Client: k.Client, Phone: fmt.Sprintf("+86138%08d", number*10_007)})
	return err
}

func from(ctx context.Context, i int) context.Context {
	return caller.With(ctx, caller.Info{Addr: netip.AddrFrom4([4]byte{198, 51, byte(i), 1}), Lang: "en"})
}

// alarms are the results of the record's alarms, the oldest first.
func alarms(t *testing.T, k *accounttest.Kit) string {
	t.Helper()
	records, _, err := k.Audit.History(t.Context(), k.Client.Pool.ID, "", audit.Filter{Action: audit.Alarm}, 20, "")
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, r := range records {
		all = append([]string{r.Event.Result + " " + r.Event.Detail["country"] + " " + r.Event.Detail["sent"]}, all...)
	}
	return strings.Join(all, ", ")
}

// VC-07: what a day may cost is watched. The operator hears when it is nearly spent and
// when it is, once each; a captcha is needed in between, and beyond it nothing is sent.
func TestVC07TheOperatorHearsOfABudget(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := accounttest.New(t, d, func(s *pool.Settings) {
			s.Limits, s.Captcha, s.DayBudget, s.CountryBudget = true, pool.CaptchaAuto, 10, 0
		})
		k.Account.OperatorEmail = "ops@example.com"
		for i := range 7 {
			if err := ask(t, k, i); err != nil {
				t.Fatal(err)
			}
		}
		if got := alarms(t, k); got != "" {
			t.Errorf("alarms too early: %s", got)
		}
		if err := ask(t, k, 7); err != nil {
			t.Fatal(err)
		}
		m := k.Message(t, "ops@example.com")
		if m.Template != "budget_nearly" || !strings.Contains(m.Text, "8") || m.Code != "" {
			t.Errorf("the operator gets %+v", m)
		}
		if err := ask(t, k, 8); errs.CodeOf(err) != errs.CaptchaRequired {
			t.Errorf("a captcha is not needed: %v", err)
		}
		k.Client.Pool.Settings.Captcha = pool.CaptchaOff
		for i := 8; i < 10; i++ {
			if err := ask(t, k, i); err != nil {
				t.Fatal(err)
			}
		}
		for i := 10; i < 13; i++ {
			if err := ask(t, k, i); errs.CodeOf(err) != errs.SendTooOften {
				t.Errorf("beyond the budget: %v", err)
			}
		}
		if got, want := alarms(t, k), "budget_nearly * 8, budget_spent * 10"; got != want {
			t.Errorf("alarms %q, want %q", got, want)
		}
		k.Advance(25 * time.Hour)
		for i := 20; i < 28; i++ {
			if err := ask(t, k, i); err != nil {
				t.Fatal(err)
			}
		}
		if got := alarms(t, k); !strings.HasSuffix(got, ", budget_nearly * 8") {
			t.Errorf("the next day: %q", got)
		}
	})
}

// A country has a budget of its own.
func TestVC07TheOperatorHearsOfACountry(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := accounttest.New(t, d, func(s *pool.Settings) {
			s.Limits, s.Captcha, s.DayBudget, s.CountryBudget = true, pool.CaptchaOff, 100, 2
		})
		for i := range 4 {
			if err := ask(t, k, i); (err != nil) != (i >= 2) {
				t.Errorf("message %d: %v", i, err)
			}
		}
		if got, want := alarms(t, k), "budget_nearly +86 1, budget_spent +86 2"; got != want {
			t.Errorf("alarms %q, want %q", got, want)
		}
	})
}

// Somebody who makes us send messages that nobody reads needs a captcha, and the operator
// hears of it.
func TestTheOperatorHearsOfUnusedCodes(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := accounttest.New(t, d, func(s *pool.Settings) { s.Limits, s.Captcha = true, pool.CaptchaAuto })
		var err error
		for i := range 52 {
			if err = ask(t, k, i); err != nil {
				t.Fatalf("message %d: %v", i, err)
			}
			k.Advance(2 * time.Second)
		}
		k.Advance(3 * time.Minute)
		if err := ask(t, k, 60); errs.CodeOf(err) != errs.CaptchaRequired {
			t.Errorf("a captcha is not needed: %v", err)
		}
		k.Client.Pool.Settings.Captcha = pool.CaptchaOff
		for i := range 2 {
			if err := ask(t, k, 61+i); err != nil {
				t.Fatal(err)
			}
		}
		if got, want := alarms(t, k), "codes_unused  "; got != want {
			t.Errorf("alarms %q, want %q", got, want)
		}
	})
}

// Addresses of one operator's network count together, however far apart they are.
func TestVC07NetworksOfOneNameCountTogether(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := accounttest.New(t, d, func(s *pool.Settings) { s.Limits, s.Captcha = true, pool.CaptchaAuto })
		groups, err := caller.ParseNetworks(strings.NewReader("198.51.0.0/16 AS64500\n"))
		if err != nil {
			t.Fatal(err)
		}
		if err := k.Limits.Adjust(map[string]int{"send_group": 2}); err != nil {
			t.Fatal(err)
		}
		for i := range 3 { // without a list they do not
			if err := ask(t, k, i); err != nil {
				t.Errorf("message %d: %v", i, err)
			}
		}
		k.Account.Networks = groups
		for i, want := range []errs.Code{"", "", errs.CaptchaRequired} {
			if err := ask(t, k, 10+i); (err == nil) != (want == "") || (err != nil && errs.CodeOf(err) != want) {
				t.Errorf("message %d: %v, want %q", i, err, want)
			}
		}
	})
}
