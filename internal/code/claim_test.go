package code_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/errs"
)

// TK-02, TK-06: a verified code is claimed once, by its own user, for its own target.
func TestTK02AVerifiedCodeIsClaimedOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		b := newBench(t, d)
		claim := func(user, target string, since time.Duration) bool {
			ok, err := b.Claim(t.Context(), "dev", user, target, b.now().Add(-since))
			if err != nil {
				t.Error(err)
			}
			return ok
		}
		i := b.issue(t, request(phone, "bind"))
		if claim("u1", phone, time.Hour) {
			t.Error("claimed a code nobody verified")
		}
		if got := b.check(t, i.ID, i.Code); got != "" {
			t.Fatalf("check: %q", got)
		}
		b.advance(time.Minute)
		if claim("u2", phone, time.Hour) || claim("", phone, time.Hour) || claim("u1", "+8613900000000", time.Hour) {
			t.Error("claimed by another user or for another target")
		}
		if claim("u1", phone, time.Second) {
			t.Error("claimed too late")
		}
		var won atomic.Int32
		race(20, func() {
			if claim("u1", phone, time.Hour) {
				won.Add(1)
			}
		})
		if won.Load() != 1 {
			t.Errorf("claimed %d times", won.Load())
		}
	})
}

func TestForgetDeletesTheCodesOfAUserAndTheirAddresses(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		b := newBench(t, d)
		stranger := request("other@example.com", "sign_in")
		stranger.UserID = ""
		byAddress := request(phone, "sign_in")
		byAddress.UserID = ""
		kept := b.issue(t, stranger)
		gone := []string{b.issue(t, request("mine@example.com", "bind")).ID, b.issue(t, byAddress).ID}
		if err := b.Forget(t.Context(), "dev", "u1", phone, ""); err != nil {
			t.Fatal(err)
		}
		for _, id := range gone {
			var n int
			if err := d.QueryRow(t.Context(), `SELECT COUNT(*) FROM codes WHERE id = $1`, id).Scan(&n); err != nil || n != 0 {
				t.Errorf("%d rows left, %v", n, err)
			}
		}
		if got := b.check(t, kept.ID, kept.Code); got != errs.Code("") {
			t.Errorf("a stranger's code: %q", got)
		}
	})
}
