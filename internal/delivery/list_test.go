package delivery_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/delivery"
	"github.com/tigertally/tigertally/internal/driver"
	"github.com/tigertally/tigertally/internal/errs"
)

func TestListShowsWhatBecameOfMessages(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		now := at()
		s := service(t, d, func() time.Time { return now })
		ctx := t.Context()
		for i, m := range []delivery.Message{
			{ID: "a", PoolID: "p", Channel: "sms", To: "+8613800000000"},
			{ID: "b", PoolID: "p", Channel: "email", To: "alice@example.com"},
			{ID: "c", PoolID: "p", Channel: "sms", To: "+8613900000000"},
			{ID: "d", PoolID: "other", Channel: "sms", To: "+8613800000000"},
			{ID: "e", PoolID: "p", Channel: "sms", To: "+8613800000000"},
			{ID: "f", PoolID: "p", Channel: "sms", To: "+8613800000000"}, // at the same moment
		} {
			now = at().Add(time.Duration(min(i, 4)) * time.Minute)
			if _, err := s.Begin(ctx, m); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Refused(ctx, "c", &driver.Failure{Vendor: "tencent", Class: driver.Misconfigured, Code: "AuthFailure"}); err != nil {
			t.Fatal(err)
		}
		alice := []string{"+8613800000000", "alice@example.com"}
		for _, tt := range []struct {
			name   string
			filter delivery.Filter
			limit  int
			want   string // ids, pages apart
		}{
			{"everything", delivery.Filter{}, 9, "fecba"},
			{"in pages", delivery.Filter{}, 2, "fe cb a"},
			{"one at a time", delivery.Filter{}, 1, "f e c b a"},
			{"of one person", delivery.Filter{Targets: alice}, 9, "feba"},
			{"of one person, in pages", delivery.Filter{Targets: alice}, 3, "feb a"},
			{"of one number", delivery.Filter{Targets: alice[:1]}, 9, "fea"},
			{"of nobody", delivery.Filter{Targets: []string{"+8613811111111"}}, 9, ""},
			{"by one channel", delivery.Filter{Channel: "email"}, 9, "b"},
			{"that failed", delivery.Filter{Statuses: []delivery.Status{delivery.Failed, delivery.Undelivered}}, 9, "c"},
			{"since", delivery.Filter{From: at().Add(2 * time.Minute)}, 9, "fec"},
			{"until", delivery.Filter{Until: at().Add(2 * time.Minute)}, 9, "ba"},
		} {
			t.Run(tt.name, func(t *testing.T) {
				got, token := "", ""
				for {
					page, next, err := s.List(ctx, "p", tt.filter, tt.limit, token)
					if err != nil {
						t.Fatal(err)
					}
					for _, m := range page {
						got += m.ID
					}
					if token = next; token == "" {
						break
					}
					got += " "
				}
				if got != tt.want {
					t.Errorf("got %q, want %q", got, tt.want)
				}
			})
		}
		page, _, err := s.List(ctx, "p", delivery.Filter{Statuses: []delivery.Status{delivery.Failed}}, 1, "")
		if err != nil || len(page) != 1 || page[0].Reason != "misconfigured: AuthFailure" || page[0].Driver != "tencent" || !page[0].UpdatedAt.Equal(now) {
			t.Errorf("got %+v, %v", page, err)
		}
		for _, token := range []string{"?", "eA", fmt.Sprintf("%0300d", 1)} {
			if _, _, err := s.List(ctx, "p", delivery.Filter{}, 1, token); errs.CodeOf(err) != errs.BadRequest {
				t.Errorf("page %q: %v", token, err)
			}
		}
		if _, _, err := s.List(ctx, "p", delivery.Filter{Targets: make([]string, 9)}, 1, ""); errs.CodeOf(err) != errs.BadRequest {
			t.Errorf("many targets: %v", err)
		}
	})
}

// E5: an address that does not exist gets no more mail at once, one that refuses for a
// reason that may pass after the third time, until it is forgiven.
func TestE5AddressesThatBounceAreSuppressed(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := service(t, d, at)
		ctx := t.Context()
		const who = "alice@example.com"
		for _, tt := range []struct {
			statuses []string
			want     bool
		}{
			{[]string{"5.1.1"}, true},
			{[]string{"5.2.2", "5.7.1"}, false},
			{[]string{"5.2.2", "5.7.1", "5.2.2"}, true},
			{[]string{"5.2.2", "5.1.1"}, true},
			{[]string{"4.2.2", "", "nonsense", "2.0.0"}, false},
		} {
			for _, status := range tt.statuses {
				if err := s.Bounced(ctx, who, status); err != nil {
					t.Fatal(err)
				}
			}
			if got, err := s.Suppressed(ctx, who); err != nil || got != tt.want {
				t.Errorf("%v: suppressed %v, %v", tt.statuses, got, err)
			}
			if got, err := s.Suppressed(ctx, "bob@example.com"); err != nil || got {
				t.Errorf("somebody else: %v, %v", got, err)
			}
			if _, err := s.Forgive(ctx, who); err != nil {
				t.Fatal(err)
			}
			if got, err := s.BounceOf(ctx, who); err != nil || !cmp.Equal(got, delivery.Bounce{}) {
				t.Errorf("forgiven: %+v, %v", got, err)
			}
		}
		if did, err := s.Forgive(ctx, who); err != nil || did {
			t.Errorf("forgiven twice: %v, %v", did, err)
		}
	})
}

// E5: so is one that a bounce comes back from, by what was noted of the message; text
// messages that do not arrive say nothing of a number.
func TestE5ReportsOfBouncesSuppress(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := service(t, d, at)
		ctx := t.Context()
		for _, tt := range []struct {
			channel, to, reason string
			outcome             driver.Outcome
			want                bool
		}{
			{"email", "alice@example.com", "5.1.1", driver.Undelivered, true},
			{"email", "bob@example.com", "5.2.2", driver.Undelivered, false},
			{"email", "carol@example.com", "5.1.1", driver.Delivered, false},
			{"sms", "+8613800000000", "5.1.1", driver.Undelivered, false},
		} {
			if _, err := s.Begin(ctx, delivery.Message{ID: tt.to, PoolID: "p", Channel: tt.channel, To: tt.to}); err != nil {
				t.Fatal(err)
			}
			if err := s.Took(ctx, tt.to, driver.Receipt{Driver: "smtp", VendorID: "of " + tt.to}); err != nil {
				t.Fatal(err)
			}
			report := driver.Report{VendorID: "of " + tt.to, Outcome: tt.outcome, Reason: tt.reason}
			for i, changed := range []int{1, 0} { // once, however often it is told
				if n, err := s.Report(ctx, "smtp", []driver.Report{report}); err != nil || n != changed {
					t.Errorf("%s, report %d: %d changed, %v", tt.to, i, n, err)
				}
			}
			if got, err := s.Suppressed(ctx, tt.to); err != nil || got != tt.want {
				t.Errorf("%s: suppressed %v, %v", tt.to, got, err)
			}
		}
		if n, err := s.Sweep(ctx); err != nil || n != 0 {
			t.Errorf("swept %d, %v", n, err)
		}
		if got, err := s.Suppressed(ctx, "alice@example.com"); err != nil || !got {
			t.Errorf("after a sweep: %v, %v", got, err)
		}
	})
}
