package delivery_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/delivery"
	"github.com/tigertally/tigertally/internal/driver"
	"github.com/tigertally/tigertally/internal/secret"
)

func at() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }

func service(t *testing.T, d *db.DB, now func() time.Time) *delivery.Service {
	t.Helper()
	ring, err := secret.NewKeyring(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return delivery.New(d, ring, now)
}

func begin(t *testing.T, s *delivery.Service, id, to string) bool {
	t.Helper()
	ok, err := s.Begin(t.Context(), delivery.Message{ID: id, PoolID: "p", Channel: "sms", To: to})
	if err != nil {
		t.Fatal(err)
	}
	return ok
}

// M4: however a run ended, a message that may have gone out is not handed over again.
func TestM4OnlyAFailedMessageIsHandedOverAgain(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := service(t, d, at)
		ctx := t.Context()
		ends := map[string]func(id string) error{
			"crashed": func(string) error { return nil },
			"sent":    func(id string) error { return s.Took(ctx, id, driver.Receipt{Driver: "tencent", VendorID: "1"}) },
			"unknown": func(id string) error { return s.Refused(ctx, id, &driver.Failure{Vendor: "tencent", Maybe: true}) },
			"failed": func(id string) error {
				return s.Refused(ctx, id, &driver.Failure{Vendor: "tencent", Class: driver.Misconfigured, Code: "AuthFailure"})
			},
		}
		for name, end := range ends {
			if !begin(t, s, name, "+8613800000000") {
				t.Fatalf("%s: not begun", name)
			}
			if err := end(name); err != nil {
				t.Fatal(err)
			}
			if again := begin(t, s, name, "+8613800000000"); again != (name == "failed") {
				t.Errorf("%s: begun again %v", name, again)
			}
		}
		got, err := s.Get(ctx, "sent")
		want := delivery.Delivery{
			ID: "sent", PoolID: "p", Channel: "sms", Driver: "tencent", VendorID: "1", Country: "+86",
			Status: delivery.Sent, CreatedAt: at(), UpdatedAt: at(),
		}
		got.CreatedAt = got.CreatedAt.UTC()
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Error(err, diff)
		}
	})
}

// M6: a report marks its message once; forged, unknown, repeated and reordered ones do nothing.
func TestM6ReportsMarkTheirMessageOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := service(t, d, at)
		begin(t, s, "m", "+8613800000000")
		if err := s.Took(t.Context(), "m", driver.Receipt{Driver: "tencent", VendorID: "v", Units: 1}); err != nil {
			t.Fatal(err)
		}
		begin(t, s, "waiting", "+8613800000001")
		for _, tt := range []struct {
			name, driver string
			report       driver.Report
			changed      int
		}{
			{"unknown", "tencent", driver.Report{VendorID: "x", Outcome: driver.Delivered}, 0},
			{"no id", "tencent", driver.Report{Outcome: driver.Delivered}, 0},
			{"long id", "tencent", driver.Report{VendorID: strings.Repeat("v", 1000), Outcome: driver.Delivered}, 0},
			{"another vendor", "aliyun", driver.Report{VendorID: "v", Outcome: driver.Delivered}, 0},
			{"failed", "tencent", driver.Report{VendorID: "v", Outcome: driver.Undelivered, Reason: "UNDELIV", Units: 2}, 1},
			{"again", "tencent", driver.Report{VendorID: "v", Outcome: driver.Undelivered, Reason: "UNDELIV"}, 0},
			{"too late", "tencent", driver.Report{VendorID: "v", Outcome: driver.Delivered}, 0},
		} {
			n, err := s.Report(t.Context(), tt.driver, []driver.Report{tt.report})
			if err != nil || n != tt.changed {
				t.Errorf("%s: changed %d, %v", tt.name, n, err)
			}
		}
		got, err := s.Get(t.Context(), "m")
		if err != nil || got.Status != delivery.Undelivered || got.Reason != "UNDELIV" || got.Units != 2 {
			t.Errorf("%+v, %v", got, err)
		}
	})
}

func TestSpentCountsWhatVendorsTook(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := service(t, d, at)
		for id, to := range map[string]string{"a": "+8613800000000", "b": "+8613800000001", "c": "+85251234567"} {
			begin(t, s, id, to)
			if err := s.Took(t.Context(), id, driver.Receipt{Driver: "tencent", VendorID: id, Units: 2}); err != nil {
				t.Fatal(err)
			}
		}
		begin(t, s, "refused", "+8613800000002")
		if err := s.Refused(t.Context(), "refused", &driver.Failure{Vendor: "tencent"}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Report(t.Context(), "tencent", []driver.Report{{VendorID: "a", Outcome: driver.Delivered}}); err != nil {
			t.Fatal(err)
		}
		got, err := s.Spent(t.Context(), "p", at().Truncate(24*time.Hour), at().Add(24*time.Hour))
		want := []delivery.Spend{
			{Channel: "sms", Country: "+852", Driver: "tencent", Messages: 1, Units: 2},
			{Channel: "sms", Country: "+86", Driver: "tencent", Messages: 2, Units: 4, Delivered: 1},
		}
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Error(err, diff)
		}
		if other, err := s.Spent(t.Context(), "q", time.Time{}, at().Add(time.Hour)); err != nil || len(other) != 0 {
			t.Errorf("another pool: %v, %v", other, err)
		}
		later := service(t, d, func() time.Time { return at().Add(200 * 24 * time.Hour) })
		if n, err := later.Sweep(t.Context()); n != 4 || err != nil {
			t.Errorf("swept %d, %v", n, err)
		}
	})
}

func TestNoAddressIsKept(t *testing.T) {
	d := dbtest.Open(t, dbtest.SQLite)
	s := service(t, d, at)
	begin(t, s, "m", "+8613800000000")
	var target []byte
	if err := d.QueryRow(t.Context(), `SELECT target FROM deliveries`).Scan(&target); err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(target, []byte("138")) || len(target) != 32 {
		t.Errorf("kept %q", target)
	}
	if a, b := s.Token("tencent"), s.Token("aliyun"); a == b || len(a) != 32 {
		t.Errorf("tokens %s and %s", a, b)
	}
}
