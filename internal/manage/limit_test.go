package manage_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tigertally/tigertally/api"
	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/limit"
	"github.com/tigertally/tigertally/internal/operator"
	"github.com/tigertally/tigertally/internal/user"
)

// count adds n events to a counter.
func (b *bench) count(t *testing.T, n int, key string, rules ...limit.Rule) {
	t.Helper()
	for range n {
		for _, r := range rules {
			if _, err := b.limits.Add(t.Context(), key, r); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func (b *bench) person(t *testing.T, poolID string) user.User {
	t.Helper()
	u := user.User{PoolID: poolID, Username: "xiaoming", Phone: "+8613800138000", PhoneVerified: true, Name: "Xiao Ming"}
	if err := b.users.Create(t.Context(), &u); err != nil {
		t.Fatal(err)
	}
	return u
}

// ask asks about a subject of the pool called mine.
func (b *bench) ask(ctx context.Context, t *testing.T, p operator.Principal, subject, kind string) api.LimitState {
	t.Helper()
	got, err := b.LimitState(ctx, p, api.LimitQuery{PoolRef: api.PoolRef{Pool: "mine"}, Subject: subject, Kind: kind})
	if err != nil {
		t.Fatalf("%s: %v", subject, err)
	}
	return got
}

// full names the rules that are full, with how many were counted.
func full(v api.LimitState) map[string]int {
	all := map[string]int{}
	for _, c := range v.Counters {
		if c.Full {
			all[c.Rule] = c.Count
		}
	}
	return all
}

func TestWhyCantTheySignIn(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		b, ctx := newBench(t, d), t.Context()
		support := b.administrator(operator.Support, "mine")
		u := b.person(t, "mine")
		if got := b.ask(ctx, t, support, u.ID, ""); got.Full || got.User != u.ID || got.Kind != "person" {
			t.Errorf("before: %+v", got)
		}
		b.count(t, 10, limit.WrongPasswords.In("mine", u.ID), limit.PasswordAccount(), limit.PasswordTotal())
		b.count(t, 5, limit.Sends.In("mine", u.Phone), limit.NumberHour())
		for _, subject := range []string{u.ID, "xiaoming", "XIAOMING", "13800138000", " +86 138 0013 8000 "} {
			got := b.ask(ctx, t, support, subject, "")
			if diff := cmp.Diff(map[string]int{"password_account": 10, "number_hour": 5}, full(got)); diff != "" || got.UserName != "Xiao Ming" {
				t.Errorf("%q: %s %q", subject, diff, got.UserName)
			}
			for _, c := range got.Counters {
				if c.Full && (c.Until == nil || !c.Until.After(b.now) || c.Until.After(b.now.Add(time.Hour+time.Minute)) || c.Then != "refused") {
					t.Errorf("%q: %+v", subject, c)
				}
			}
		}
		b.now = b.now.Add(16 * time.Minute)
		if diff := cmp.Diff(map[string]int{"number_hour": 5}, full(b.ask(ctx, t, support, u.ID, ""))); diff != "" {
			t.Errorf("sixteen minutes later: %s", diff)
		}
	})
}

func TestLimitsOfEveryKindOfSubject(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		b, ctx := newBench(t, d), t.Context()
		p := b.administrator(operator.Support)
		b.count(t, 20, limit.WrongFrom.In("mine", "198.51.100.7/32"), limit.PasswordAccounts())
		b.count(t, 300, limit.SendsOfGroup.In("mine", "hosting"), limit.SendGroup())
		b.count(t, 10, limit.WrongForNobody.In("mine", "nobody"), limit.PasswordUnknown())
		b.count(t, 5, limit.SendsToDevice.In("mine", "phone-1"), limit.SendDevice()...)
		b.count(t, 100, limit.SendsBudget.In("mine"), limit.SendBudget(100))
		b.count(t, 10, limit.SendsBudget.In("mine", "+44"), limit.SendBudget(10))
		for _, tt := range []struct {
			subject, kind, is string
			full              map[string]int
		}{
			{"198.51.100.7", "", "address", map[string]int{"password_accounts": 20, "send_group": 300}},
			{"::ffff:198.51.100.7", "", "address", map[string]int{"password_accounts": 20, "send_group": 300}},
			{"2001:db8::1", "address", "address", map[string]int{}},
			{"Nobody", "", "name", map[string]int{"password_unknown": 10}},
			{"phone-1", "device", "device", map[string]int{"send_device_hour": 5}},
			{"", "", "pool", map[string]int{"send_budget": 100}},
			{"+447400123456", "", "target", map[string]int{"send_budget": 10}},
		} {
			got := b.ask(ctx, t, p, tt.subject, tt.kind)
			if diff := cmp.Diff(tt.full, full(got)); diff != "" || got.Kind != tt.is {
				t.Errorf("%q is %s: %s", tt.subject, got.Kind, diff)
			}
		}
		for _, in := range []api.LimitQuery{{Subject: "here", Kind: "address"}, {Subject: "xiaoming", Kind: "target"}, {Kind: "person"}} {
			in.Pool = "mine"
			_, err := b.LimitState(ctx, p, in)
			code(t, err, errs.BadRequest)
		}
	})
}

func TestReleaseIsForOneSubjectAndOnRecord(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		b, ctx := newBench(t, d), t.Context()
		support := b.administrator(operator.Support, "mine")
		u, other := b.person(t, "mine"), b.person(t, "theirs")
		rules := []limit.Rule{limit.PasswordAccount(), limit.PasswordTotal()}
		b.count(t, 100, limit.WrongPasswords.In("mine", u.ID), rules...)
		b.count(t, 100, limit.WrongPasswords.In("theirs", other.ID), rules...)
		b.count(t, 5, limit.Sends.In("mine", u.Phone), limit.NumberHour())
		b.count(t, 20, limit.SendsAnywhere.Over(u.Phone), limit.NumberAll())
		in := api.LimitRelease{PoolRef: api.PoolRef{Pool: "mine"}, Subject: u.Phone, Rule: "password_account"}
		got, err := b.ReleaseLimits(ctx, support, in)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(map[string]int{"password_total": 100, "number_hour": 5, "number_all": 20}, full(got)); diff != "" {
			t.Errorf("one rule: %s", diff)
		}
		in.Rule = ""
		if got, err = b.ReleaseLimits(ctx, support, in); err != nil {
			t.Fatal(err)
		}
		// What other pools count too stays for who administers them all.
		if diff := cmp.Diff(map[string]int{"number_all": 20}, full(got)); diff != "" {
			t.Errorf("all rules: %s", diff)
		}
		if got, err = b.ReleaseLimits(ctx, b.administrator(operator.Operator), in); err != nil || got.Full {
			t.Errorf("of the installation: %v %v", full(got), err)
		}
		if n, _, err := b.limits.Count(ctx, limit.WrongPasswords.In("theirs", other.ID), limit.PasswordTotal()); err != nil || n != 100 {
			t.Errorf("the other pool's counter: %d, %v", n, err)
		}
		records, _, err := b.audit.Search(ctx, "mine", audit.Query{Action: audit.LimitRelease}, 10, "")
		if err != nil || len(records) != 3 {
			t.Fatalf("%d records, %v", len(records), err)
		}
		for _, r := range records {
			if r.Event.UserID != u.ID || strings.Contains(r.Event.Detail["subject"], "13800138000") {
				t.Errorf("record: %+v", r.Event)
			}
		}
		in.Rule = "no_such_rule"
		_, err = b.ReleaseLimits(ctx, support, in)
		code(t, err, errs.BadRequest)
		_, err = b.ReleaseLimits(ctx, b.administrator(operator.ReadOnly), in)
		code(t, err, errs.PermissionDenied)
	})
}

// TestTenantsLearnNothingFromLimits asks from one pool about another's people and traffic.
func TestTenantsLearnNothingFromLimits(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		b, ctx := newBench(t, d), t.Context()
		mine := b.administrator(operator.Operator, "mine")
		u := b.person(t, "theirs")
		b.count(t, 10, limit.WrongPasswords.In("theirs", u.ID), limit.PasswordAccount())
		b.count(t, 19, limit.SendsAnywhere.Over(u.Phone), limit.NumberAll())
		for _, subject := range []string{u.ID, "xiaoming", u.Phone} {
			got := b.ask(ctx, t, mine, subject, "")
			if got.User != "" || got.Full {
				t.Errorf("%q: %+v", subject, got)
			}
			for _, c := range got.Counters {
				if c.Count != 0 {
					t.Errorf("%q: %+v", subject, c)
				}
			}
		}
		_, err := b.LimitState(ctx, mine, api.LimitQuery{PoolRef: api.PoolRef{Pool: "theirs"}, Subject: u.ID})
		code(t, err, errs.PoolNotFound)

		key := operator.Principal{Kind: operator.KindKey, Role: operator.Owner, Scopes: []operator.Scope{operator.LimitsRead}}
		b.count(t, 10, limit.WrongPasswords.In("mine", b.person(t, "mine").ID), limit.PasswordAccount())
		if got := b.ask(ctx, t, key, u.Phone, ""); got.User != "" || got.Full {
			t.Errorf("a key that may not look at people learns whose number it is: %+v", got)
		}
	})
}

func TestRulesOfAPool(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		b := newBench(t, d)
		if err := b.limits.Adjust(map[string]int{"password_account": 7}); err != nil {
			t.Fatal(err)
		}
		list, err := b.Limits(t.Context(), b.administrator(operator.ReadOnly), api.PoolRef{Pool: "mine"})
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]api.Limit{}
		for _, l := range list.Items {
			got[l.Rule] = l
		}
		if l := got["password_account"]; l.Most != 7 || l.Seconds != 900 || l.SetBy != "server" {
			t.Errorf("an adjusted rule: %+v", l)
		}
		if l := got["day_budget"]; l.Most != 100 || l.SetBy != "pool" {
			t.Errorf("a setting of the pool: %+v", l)
		}
		if len(got) != len(list.Items) || len(got) < len(limit.Table()) {
			t.Errorf("%d rules, %d names", len(list.Items), len(got))
		}
	})
}
