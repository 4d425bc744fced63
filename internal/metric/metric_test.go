package metric_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/metric"
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func clock(now *time.Time) func() time.Time { return func() time.Time { return *now } }

func service(d *db.DB, now *time.Time) *metric.Service {
	return metric.New(d, clock(now), slog.New(slog.DiscardHandler))
}

func series(t *testing.T, s *metric.Service, from, until time.Time, step time.Duration) []metric.Row {
	t.Helper()
	span, err := metric.NewSpan(from, until, step, 0)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := s.Series(t.Context(), "p", span)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func flush(t *testing.T, s *metric.Service) {
	t.Helper()
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestNodesAddToTheSameNumbersAndRestartsKeepThem(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		now := noon
		one, two := service(d, &now), service(d, &now)
		one.Add("p", metric.SignIn, "password", audit.OK, 2)
		one.Add("q", metric.SignIn, "password", audit.OK, 9)
		two.Add("p", metric.SignIn, "password", audit.OK, 3)
		two.Add("p", metric.SignIn, "password", "password_wrong", 1)
		flush(t, one)
		flush(t, two)
		flush(t, two) // nothing twice
		now = now.Add(time.Hour)
		one.Add("p", metric.SignIn, "password", audit.OK, 4)
		flush(t, one)
		restarted := service(d, &now)
		restarted.Add("p", metric.SignIn, "password", audit.OK, 1) // not stored, and seen
		want := []metric.Row{
			{Step: 0, Name: metric.SignIn, Label: "password", Result: audit.OK, N: 5},
			{Step: 1, Name: metric.SignIn, Label: "password", Result: audit.OK, N: 5},
			{Step: 0, Name: metric.SignIn, Label: "password", Result: "password_wrong", N: 1},
		}
		if diff := cmp.Diff(want, series(t, restarted, noon, noon.Add(2*time.Hour), time.Hour)); diff != "" {
			t.Error(diff)
		}
		day := []metric.Row{
			{Name: metric.SignIn, Label: "password", Result: audit.OK, N: 10}, {Name: metric.SignIn, Label: "password", Result: "password_wrong", N: 1},
		}
		if diff := cmp.Diff(day, series(t, restarted, noon, noon.Add(time.Hour), 24*time.Hour)); diff != "" {
			t.Error(diff)
		}
	})
}

func TestNothingIsLostWhileTheDatabaseDoesNotAnswer(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		now := noon
		s := service(d, &now)
		s.Add("p", metric.CodeSend, "sms", audit.OK, 1)
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		if err := s.Flush(gone); err == nil {
			t.Fatal("stored without a database")
		}
		s.Add("p", metric.CodeSend, "sms", audit.OK, 1)
		flush(t, s)
		want := []metric.Row{{Name: metric.CodeSend, Label: "sms", Result: audit.OK, N: 2}}
		if diff := cmp.Diff(want, series(t, service(d, &now), noon, noon.Add(time.Hour), time.Hour)); diff != "" {
			t.Error(diff)
		}
	})
}

func TestStopStoresWhatIsLeft(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		now := noon
		s := service(d, &now)
		s.Start(t.Context())
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				for range 50 {
					s.Took("p", 12*time.Millisecond)
				}
			})
		}
		all.Wait()
		if err := s.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		want := []metric.Row{{Name: metric.Latency, Label: "15", N: 1000}}
		if diff := cmp.Diff(want, series(t, service(d, &now), noon, noon.Add(time.Hour), time.Hour)); diff != "" {
			t.Error(diff)
		}
	})
}

func TestRecordsAreCountedOnceTheyAreDurable(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		now := noon
		s, trail := service(d, &now), audit.New(d, clock(&now))
		trail.Watch = s.Event
		for _, e := range []audit.Event{
			{Action: audit.SignIn, Detail: map[string]string{"method": "password"}},
			{Action: audit.SignUp, SessionID: "s", Detail: map[string]string{"method": "verification"}},
			{Action: audit.SignUp, Detail: map[string]string{"method": "password"}},
			{Action: audit.CodeVerify, Result: "code_wrong", Detail: map[string]string{"channel": "sms"}},
			{Action: audit.AppChange},
		} {
			e.PoolID = "p"
			if err := trail.Record(t.Context(), e); err != nil {
				t.Fatal(err)
			}
		}
		err := d.InTx(t.Context(), func(ctx context.Context) error {
			if err := trail.Record(ctx, audit.Event{PoolID: "p", Action: audit.SignIn, Detail: map[string]string{"method": "password"}}); err != nil {
				return err
			}
			return errs.New(errs.Unavailable)
		})
		if err == nil {
			t.Fatal("it was to fail")
		}
		want := []metric.Row{
			{Name: metric.CodeVerify, Label: "sms", Result: "code_wrong", N: 1},
			{Name: metric.SignIn, Label: "password", Result: audit.OK, N: 1},
			{Name: metric.SignIn, Label: "verification", Result: audit.OK, N: 1},
			{Name: metric.SignUp, Label: "password", Result: audit.OK, N: 1},
			{Name: metric.SignUp, Label: "verification", Result: audit.OK, N: 1},
		}
		if diff := cmp.Diff(want, series(t, s, noon, noon.Add(time.Hour), time.Hour)); diff != "" {
			t.Error(diff)
		}
	})
}

func TestOldNumbersGo(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		now := noon
		s := service(d, &now)
		s.Add("p", metric.SignUp, "password", audit.OK, 1)
		flush(t, s)
		now = now.Add(metric.Retention + time.Hour)
		if n, err := s.Sweep(t.Context()); err != nil || n != 1 {
			t.Errorf("swept %d, %v", n, err)
		}
	})
}

func TestDaysBeginWhereTheReaderIs(t *testing.T) {
	for _, test := range []struct {
		name        string
		step        time.Duration
		offset      time.Duration
		first, last string
		steps       int
	}{
		{"hours", time.Hour, 0, "2026-11-21T12:00:00Z", "2026-11-21T14:00:00Z", 2},
		{"days in London", 24 * time.Hour, 0, "2026-11-21T00:00:00Z", "2026-11-22T00:00:00Z", 1},
		{"days in Beijing", 24 * time.Hour, 8 * time.Hour, "2026-11-20T16:00:00Z", "2026-11-21T16:00:00Z", 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			span, err := metric.NewSpan(noon.Add(10*time.Minute), noon.Add(70*time.Minute), test.step, test.offset)
			if err != nil {
				t.Fatal(err)
			}
			got := []string{span.From.Format(time.RFC3339), span.Until.Format(time.RFC3339)}
			if diff := cmp.Diff([]string{test.first, test.last}, got); diff != "" || span.Steps() != test.steps || len(span.Starts()) != test.steps {
				t.Error(diff, span.Steps())
			}
		})
	}
	if _, err := metric.NewSpan(noon, noon, time.Hour, 0); errs.CodeOf(err) != errs.BadRequest {
		t.Errorf("an empty span: %v", err)
	}
}

func TestQuantilesComeFromClasses(t *testing.T) {
	for _, test := range []struct {
		q       float64
		classes map[string]int64
		want    float64
	}{
		{0.5, nil, 0},
		{0.5, map[string]int64{"20": 10}, 17.5},
		{0.95, map[string]int64{"20": 95, "300": 5}, 20},
		{0.5, map[string]int64{"30000": 1}, 20_000},
	} {
		if got := metric.Quantile(test.q, test.classes); got != test.want {
			t.Errorf("Quantile(%v, %v) = %v, want %v", test.q, test.classes, got, test.want)
		}
	}
}

// BenchmarkEvent is what a sign-in pays for being counted.
func BenchmarkEvent(b *testing.B) {
	now := noon
	s := service(nil, &now)
	e := audit.Event{PoolID: "p", Action: audit.SignIn, Result: audit.OK, Detail: map[string]string{"method": "password"}}
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			s.Event(e)
			s.Took("p", 25*time.Millisecond)
		}
	})
}
