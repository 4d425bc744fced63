package job_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/job"
	"github.com/tigertally/tigertally/internal/secret"
)

// clock is a time a test moves.
type clock struct{ ms atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.ms.Store(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).UnixMilli())
	return c
}
func (c *clock) now() time.Time          { return time.UnixMilli(c.ms.Load()) }
func (c *clock) advance(d time.Duration) { c.ms.Add(d.Milliseconds()) }

func newService(t *testing.T, d *db.DB, c *clock) *job.Service {
	t.Helper()
	ring, err := secret.NewKeyring(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return job.New(d, ring, c.now, slog.New(slog.DiscardHandler))
}

func start(t *testing.T, s *job.Service) {
	t.Helper()
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
}

// wait polls until ok, so that a test ends as soon as it may.
func wait(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("waited in vain for: %s", what)
}

func stats(t *testing.T, s *job.Service) job.Stats {
	t.Helper()
	st, err := s.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// nudge makes the queue look at once instead of at its next poll.
func nudge(t *testing.T, s *job.Service) {
	t.Helper()
	if err := s.Enqueue(t.Context(), "nudge", nil); err != nil {
		t.Fatal(err)
	}
}

type note struct{ Text string }

func TestAJobRunsOnceItsTransactionHasCommitted(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := newService(t, d, newClock())
		got := make(chan string, 10)
		s.Handle("note", func(_ context.Context, payload []byte) error {
			var n note
			if err := json.Unmarshal(payload, &n); err != nil {
				return err
			}
			got <- n.Text
			return nil
		})
		start(t, s)
		undone := errors.New("undone")
		err := d.InTx(t.Context(), func(ctx context.Context) error {
			return errors.Join(s.Enqueue(ctx, "note", note{"rolled back"}), undone)
		})
		if !errors.Is(err, undone) {
			t.Fatal(err)
		}
		if err := s.Enqueue(t.Context(), "note", note{"committed"}); err != nil {
			t.Fatal(err)
		}
		if text := <-got; text != "committed" {
			t.Errorf("ran %q", text)
		}
		wait(t, "the job to leave the queue", func() bool { return stats(t, s) == job.Stats{} })
	})
}

// A commit wakes the queue: fifty jobs one after another need far less than fifty polls.
func TestACommitWakesTheQueue(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := newService(t, d, newClock())
		ran := make(chan struct{})
		s.Handle("note", func(context.Context, []byte) error { ran <- struct{}{}; return nil })
		start(t, s)
		begin := time.Now()
		for range 50 {
			if err := s.Enqueue(t.Context(), "note", note{}); err != nil {
				t.Fatal(err)
			}
			<-ran
		}
		if took := time.Since(begin); took > 15*time.Second {
			t.Errorf("fifty jobs took %v", took)
		}
	})
}

func TestTwoProcessesRunEachJobOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		c := newClock()
		var mu sync.Mutex
		runs := map[string]int{}
		handle := func(_ context.Context, payload []byte) error {
			mu.Lock()
			defer mu.Unlock()
			runs[string(payload)]++
			return nil
		}
		a, b := newService(t, d, c), newService(t, d, c)
		a.Handle("note", handle)
		b.Handle("note", handle)
		const n = 100
		err := d.InTx(t.Context(), func(ctx context.Context) error {
			for i := range n {
				if err := a.Enqueue(ctx, "note", i); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		start(t, a)
		start(t, b)
		wait(t, "an empty queue", func() bool { return stats(t, a).Waiting == 0 })
		mu.Lock()
		defer mu.Unlock()
		for payload, times := range runs {
			if times != 1 {
				t.Errorf("job %s ran %d times", payload, times)
			}
		}
		if len(runs) != n {
			t.Errorf("%d of %d jobs ran", len(runs), n)
		}
	})
}

func TestAFailingJobBacksOffAndIsGivenUp(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		c := newClock()
		s := newService(t, d, c)
		var runs atomic.Int32
		s.Handle("note", func(context.Context, []byte) error {
			runs.Add(1)
			return errors.New("the vendor is away")
		})
		s.Handle("nudge", func(context.Context, []byte) error { return nil })
		if err := s.Enqueue(t.Context(), "note", note{"canary"}); err != nil {
			t.Fatal(err)
		}
		start(t, s)
		settled := func(want int32) {
			t.Helper()
			wait(t, "a run to settle", func() bool {
				var idle int
				err := d.QueryRow(t.Context(), `SELECT COUNT(*) FROM jobs WHERE kind = 'note' AND lease_until = 0 AND attempts = $1`, want).Scan(&idle)
				return err == nil && idle == 1
			})
		}
		settled(1)
		time.Sleep(50 * time.Millisecond)
		if runs.Load() != 1 {
			t.Errorf("ran %d times without a pause", runs.Load())
		}
		for n := int32(2); n <= 10; n++ {
			c.advance(15 * time.Minute)
			nudge(t, s)
			settled(n)
		}
		wait(t, "a dead letter and nothing else", func() bool { return stats(t, s) == job.Stats{Dead: 1} })
		if runs.Load() != 10 {
			t.Errorf("given up after %d runs", runs.Load())
		}
		var sealed []byte
		var why string
		if err := d.QueryRow(t.Context(), `SELECT sealed, last_error FROM jobs`).Scan(&sealed, &why); err != nil {
			t.Fatal(err)
		}
		if len(sealed) != 0 || why != "the vendor is away" {
			t.Errorf("dead letter holds %d bytes, says %q", len(sealed), why)
		}
		c.advance(31 * 24 * time.Hour)
		if n, err := s.Sweep(t.Context()); n != 1 || err != nil {
			t.Errorf("swept %d, %v", n, err)
		}
	})
}

func TestAPanicAndAPermanentErrorEndOneJobOnly(t *testing.T) {
	d := dbtest.Open(t, dbtest.SQLite)
	s := newService(t, d, newClock())
	ran := make(chan struct{}, 1)
	s.Handle("panics", func(context.Context, []byte) error { panic("boom") })
	s.Handle("hopeless", func(context.Context, []byte) error { return job.Permanent(errors.New("no such template")) })
	s.Handle("fine", func(context.Context, []byte) error { ran <- struct{}{}; return nil })
	start(t, s)
	for _, kind := range []string{"panics", "hopeless", "fine", "unheard of"} {
		if err := s.Enqueue(t.Context(), kind, note{}); err != nil {
			t.Fatal(err)
		}
	}
	<-ran
	wait(t, "one dead, two waiting", func() bool { return stats(t, s) == job.Stats{Waiting: 2, Dead: 1} })
}

// A virtual clock that jumps over a lease does not run a job twice in one process.
func TestAJumpOfTheClockDoesNotRepeatARun(t *testing.T) {
	d := dbtest.Open(t, dbtest.SQLite)
	c := newClock()
	s := newService(t, d, c)
	var runs atomic.Int32
	entered, release := make(chan struct{}), make(chan struct{})
	s.Handle("slow", func(context.Context, []byte) error {
		runs.Add(1)
		entered <- struct{}{}
		<-release
		return nil
	})
	s.Handle("quick", func(context.Context, []byte) error { return nil })
	start(t, s)
	if err := s.Enqueue(t.Context(), "slow", note{}); err != nil {
		t.Fatal(err)
	}
	<-entered
	c.advance(31 * 24 * time.Hour)
	if err := s.Enqueue(t.Context(), "quick", note{}); err != nil {
		t.Fatal(err)
	}
	wait(t, "the quick job", func() bool { return stats(t, s).Waiting == 1 })
	close(release)
	wait(t, "the slow job", func() bool { return stats(t, s).Waiting == 0 })
	if runs.Load() != 1 {
		t.Errorf("ran %d times", runs.Load())
	}
}

// A lease that nobody settles is taken over once it has run out.
func TestADeadWorkersJobIsTakenOver(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		c := newClock()
		s := newService(t, d, c)
		if err := s.Enqueue(t.Context(), "note", note{}); err != nil {
			t.Fatal(err)
		}
		_, err := d.Exec(t.Context(), `UPDATE jobs SET lease_owner = 'gone', lease_until = $1`,
			c.now().Add(2*time.Minute).UnixMilli())
		if err != nil {
			t.Fatal(err)
		}
		ran := make(chan struct{}, 1)
		s.Handle("note", func(context.Context, []byte) error { ran <- struct{}{}; return nil })
		s.Handle("nudge", func(context.Context, []byte) error { return nil })
		start(t, s)
		select {
		case <-ran:
			t.Error("ran under another's lease")
		case <-time.After(100 * time.Millisecond):
		}
		c.advance(2 * time.Minute)
		nudge(t, s)
		<-ran
	})
}

// After a crash nobody waits for the leases of the process that is gone, and nothing runs
// twice.
func TestRecover(t *testing.T) {
	d := dbtest.Open(t, dbtest.SQLite)
	if !d.Alone() {
		t.Error("somebody else may have the file open")
	}
	c := newClock()
	s := newService(t, d, c)
	for range 2 {
		if err := s.Enqueue(t.Context(), "note", note{}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := d.Exec(t.Context(), `UPDATE jobs SET lease_owner = 'gone', lease_until = $1`, c.now().Add(2*time.Minute).UnixMilli()); err != nil {
		t.Fatal(err)
	}
	if err := s.Recover(t.Context()); err != nil {
		t.Fatal(err)
	}
	var runs atomic.Int32
	s.Handle("note", func(context.Context, []byte) error { runs.Add(1); return nil })
	start(t, s)
	wait(t, "both jobs", func() bool { return stats(t, s).Waiting == 0 })
	if runs.Load() != 2 {
		t.Errorf("ran %d times", runs.Load())
	}
}

func TestStopWaitsForARunningJob(t *testing.T) {
	d := dbtest.Open(t, dbtest.SQLite)
	s := newService(t, d, newClock())
	entered := make(chan struct{})
	var finished atomic.Bool
	s.Handle("slow", func(ctx context.Context, _ []byte) error {
		close(entered)
		if _, bounded := ctx.Deadline(); !bounded {
			t.Error("a run has no deadline")
		}
		time.Sleep(50 * time.Millisecond)
		finished.Store(ctx.Err() == nil)
		return nil
	})
	start(t, s)
	if err := s.Enqueue(t.Context(), "slow", note{}); err != nil {
		t.Fatal(err)
	}
	<-entered
	s.Stop()
	if !finished.Load() {
		t.Error("Stop did not wait, or cancelled the run")
	}
	if st := stats(t, s); st.Waiting != 0 {
		t.Errorf("after Stop: %+v", st)
	}
}

func TestPeriodicWorkRunsOncePerIntervalOverAllProcesses(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		c := newClock()
		var runs atomic.Int32
		for range 2 {
			s := newService(t, d, c)
			s.Every("sweep", time.Hour, func(context.Context) error {
				runs.Add(1)
				return errors.New("does not stop it")
			})
			start(t, s)
		}
		wait(t, "the first run", func() bool { return runs.Load() == 1 })
		c.advance(59 * time.Minute)
		time.Sleep(1500 * time.Millisecond)
		if runs.Load() != 1 {
			t.Errorf("ran %d times in an hour", runs.Load())
		}
		c.advance(time.Minute)
		wait(t, "the second run", func() bool { return runs.Load() == 2 })
	})
}

// KM-01: what a job carries is sealed, and only under its own id.
func TestKM01PayloadsAreSealed(t *testing.T) {
	d := dbtest.Open(t, dbtest.SQLite)
	s := newService(t, d, newClock())
	for _, text := range []string{"canary-one", "canary-two"} {
		if err := s.Enqueue(t.Context(), "note", note{text}); err != nil {
			t.Fatal(err)
		}
	}
	var sealed []byte
	if err := d.QueryRow(t.Context(), `SELECT sealed FROM jobs LIMIT 1`).Scan(&sealed); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(sealed), "canary") {
		t.Error("the payload is readable")
	}
	if _, err := d.Exec(t.Context(), `UPDATE jobs SET sealed = $1`, sealed); err != nil {
		t.Fatal(err)
	}
	var runs atomic.Int32
	s.Handle("note", func(context.Context, []byte) error { runs.Add(1); return nil })
	start(t, s)
	wait(t, "one of the two to run", func() bool { return stats(t, s).Waiting == 1 })
	if runs.Load() != 1 {
		t.Errorf("a swapped payload ran: %d runs", runs.Load())
	}
}

func TestOneByOneKeepsTheOrder(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		c := newClock()
		s := newService(t, d, c)
		s.OneByOne()
		var mu sync.Mutex
		var ran []string
		s.Handle("note", func(_ context.Context, payload []byte) error {
			var n note
			if err := json.Unmarshal(payload, &n); err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			ran = append(ran, n.Text)
			return nil
		})
		want := "abcdefghijklmnopqrst"
		for _, r := range want {
			if err := s.Enqueue(t.Context(), "note", note{string(r)}); err != nil {
				t.Fatal(err)
			}
			c.advance(time.Millisecond)
		}
		start(t, s)
		wait(t, "all notes", func() bool { return stats(t, s).Waiting == 0 })
		mu.Lock()
		defer mu.Unlock()
		if got := strings.Join(ran, ""); got != want {
			t.Errorf("ran %s", got)
		}
	})
}
