package code_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/code"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/pool"
)

func TestFixedCodesEnd(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		b := newBench(t, d)
		if _, err := pool.New(d, b.now).Create(t.Context(), "dev", "Dev", pool.Settings{}); err != nil {
			t.Fatal(err)
		}
		end := b.now().Add(time.Hour)
		for name, f := range map[string]code.Fixed{
			"no end":       {Target: phone, Digits: "246810"},
			"a past end":   {Target: phone, Digits: "246810", ExpiresAt: b.now()},
			"no end ever":  {Target: phone, Digits: "246810", ExpiresAt: b.now().Add(10000 * time.Hour)},
			"no digits":    {Target: phone, ExpiresAt: end},
			"letters":      {Target: phone, Digits: "24681o", ExpiresAt: end},
			"three digits": {Target: phone, Digits: "246", ExpiresAt: end},
		} {
			if err := b.Fix(t.Context(), "dev", f); errs.CodeOf(err) != errs.BadRequest {
				t.Errorf("%s: %v", name, err)
			}
		}
		if err := b.Fix(t.Context(), "dev", code.Fixed{Target: phone, Digits: "246810", ExpiresAt: end}); err != nil {
			t.Fatal(err)
		}
		fixed := func(pool, target string) string {
			digits, err := b.FixedOf(t.Context(), pool, target)
			if err != nil {
				t.Fatal(err)
			}
			return digits
		}
		if fixed("dev", phone) != "246810" || fixed("other", phone) != "" || fixed("dev", "+8613800000001") != "" {
			t.Error("a fixed code is its pool's and its target's")
		}
		var sealed []byte
		if err := d.QueryRow(t.Context(), `SELECT sealed FROM test_targets`).Scan(&sealed); err != nil || strings.Contains(string(sealed), "246810") {
			t.Errorf("stored %q, %v", sealed, err)
		}
		r := request(phone, "sign_in")
		r.Digits = fixed("dev", phone)
		i := b.issue(t, r)
		if got := b.check(t, i.ID, "246810"); i.Code != "246810" || got != "" {
			t.Errorf("issued %+v, check %s", i, got)
		}
		if got := b.check(t, i.ID, "246810"); got != errs.CodeWrong {
			t.Errorf("a fixed code worked twice: %q", got)
		}
		if list, err := b.ListFixed(t.Context(), "dev"); err != nil || len(list) != 1 || list[0].Digits != "" || list[0].Target != phone {
			t.Errorf("listed %+v, %v", list, err)
		}
		b.advance(time.Hour)
		if fixed("dev", phone) != "" {
			t.Error("a fixed code outlived its end")
		}
		if err := b.Unfix(t.Context(), "dev", phone); err != nil {
			t.Error(err)
		}
	})
}

// VC-07: codes nobody uses give away who asks for them.
func TestVC07CodesNobodyUses(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		b := newBench(t, d)
		unused := func() bool {
			t.Helper()
			b.advance(time.Minute)
			low, err := b.Unused(t.Context(), "dev")
			if err != nil {
				t.Fatal(err)
			}
			return low
		}
		send := func(n, used int) {
			t.Helper()
			for i := range n {
				issued := b.issue(t, request(fmt.Sprintf("+86138%08d", i), "sign_in"))
				if i < used {
					if got := b.check(t, issued.ID, issued.Code); got != "" {
						t.Fatal(got)
					}
				}
				b.advance(time.Millisecond)
			}
		}
		send(49, 0)
		b.advance(2 * time.Minute)
		if unused() {
			t.Error("a few codes say nothing")
		}
		send(50, 0)
		if unused() {
			t.Error("codes were blamed before anybody could use them")
		}
		b.advance(2 * time.Minute)
		if !unused() {
			t.Error("a hundred codes for nobody went unseen")
		}
		send(200, 70)
		b.advance(2 * time.Minute)
		if unused() {
			t.Error("good times were not noticed")
		}
		if low, err := b.Unused(t.Context(), "other"); low || err != nil {
			t.Errorf("another pool: %v, %v", low, err)
		}
	})
}
