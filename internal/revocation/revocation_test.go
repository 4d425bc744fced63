package revocation_test

import (
	"bytes"
	"context"
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
	"github.com/tigertally/tigertally/internal/revocation"
	"github.com/tigertally/tigertally/internal/secret"
)

// desk is the service, and a vendor that is told.
type desk struct {
	*revocation.Service
	d     *db.DB
	jobs  *job.Service
	logs  syncBuffer
	ahead atomic.Int64

	mu   sync.Mutex
	told []string
	down bool
}

type syncBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write appends p.
func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func newDesk(t *testing.T, d *db.DB) *desk {
	t.Helper()
	ring, err := secret.NewKeyring(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	k := &desk{d: d}
	now := func() time.Time { return time.Now().Add(time.Duration(k.ahead.Load())) }
	k.jobs = job.New(d, ring, now, slog.New(slog.NewTextHandler(&k.logs, nil)))
	k.Service = revocation.New(d, ring, k.jobs, now)
	k.Handle(func(_ context.Context, i revocation.Identity, token string) error {
		k.mu.Lock()
		defer k.mu.Unlock()
		if k.down {
			return errors.New("the vendor is down")
		}
		k.told = append(k.told, i.Provider+" "+i.Subject+" "+token)
		return nil
	})
	k.jobs.Handle("nudge", func(context.Context, []byte) error { return nil })
	if err := k.jobs.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.jobs.Stop)
	return k
}

func (k *desk) keep(t *testing.T, user, provider, subject, token string) {
	t.Helper()
	i := revocation.Identity{PoolID: "p", Provider: provider, Subject: subject}
	sealed, err := k.Seal(i, token)
	if err != nil || strings.Contains(sealed, token) && token != "" {
		t.Fatalf("sealed %q, %v", sealed, err)
	}
	if err := k.d.InTx(t.Context(), func(ctx context.Context) error { return k.Keep(ctx, user, i, sealed) }); err != nil {
		t.Fatal(err)
	}
}

// wait returns what the vendor was told, once it is n things.
func (k *desk) wait(t *testing.T, n int) string {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		k.mu.Lock()
		told := strings.Join(k.told, ", ")
		done := len(k.told) >= n
		k.mu.Unlock()
		if done {
			return told
		}
		if time.Now().After(end) {
			t.Fatalf("the vendor was told %q", told)
		}
	}
}

func (k *desk) leave(t *testing.T, user, provider string) {
	t.Helper()
	if err := k.d.InTx(t.Context(), func(ctx context.Context) error { return k.Leave(ctx, "p", user, provider) }); err != nil {
		t.Fatal(err)
	}
}

func (k *desk) rows(t *testing.T) int {
	t.Helper()
	var n int
	if err := k.d.QueryRow(t.Context(), `SELECT COUNT(*) FROM revocations`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// A vendor is told of who has left, of the newest token and once; it hears nothing of a
// deletion that did not happen, and nothing is kept afterwards.
func TestTheVendorHearsOfWhoHasLeft(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := newDesk(t, d)
		k.keep(t, "alice", "apple", "a1", "old-token")
		k.keep(t, "alice", "apple", "a1", "new-token")
		k.keep(t, "alice", "other", "a2", "second-token")
		k.keep(t, "bob", "apple", "b1", "bobs-token")
		k.keep(t, "carol", "apple", "c1", "") // a vendor that wants none back
		if n := k.rows(t); n != 3 {
			t.Errorf("%d are kept", n)
		}
		refused := errors.New("the deletion was refused")
		err := d.InTx(t.Context(), func(ctx context.Context) error {
			return errors.Join(k.Leave(ctx, "p", "alice", ""), refused)
		})
		if !errors.Is(err, refused) || k.rows(t) != 3 {
			t.Fatalf("refused: %v, %d are kept", err, k.rows(t))
		}
		k.leave(t, "alice", "apple")
		if got := k.wait(t, 1); got != "apple a1 new-token" {
			t.Errorf("told %q", got)
		}
		k.leave(t, "alice", "")
		k.leave(t, "alice", "")
		if got := k.wait(t, 2); got != "apple a1 new-token, other a2 second-token" {
			t.Errorf("told %q", got)
		}
		if n := k.rows(t); n != 1 {
			t.Errorf("%d are kept", n)
		}
	})
}

// A vendor that is down for hours hears of it when it is well; the log never names a token.
func TestAVendorThatIsDownHearsLater(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := newDesk(t, d)
		k.down = true
		k.keep(t, "alice", "apple", "a1", "a-token-of-apple")
		k.leave(t, "alice", "")
		const tries = 12 // more often than other jobs are tried
		until(t, func() bool { k.later(t); return strings.Count(k.text(), "job failed") >= tries })
		k.mu.Lock()
		k.down = false
		k.mu.Unlock()
		until(t, func() bool { k.later(t); return k.heard() > 0 })
		if got := k.wait(t, 1); got != "apple a1 a-token-of-apple" {
			t.Errorf("told %q", got)
		}
		if strings.Contains(k.text(), "a-token-of-apple") {
			t.Error("the log names the token")
		}
	})
}

func (k *desk) heard() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.told)
}

func until(t *testing.T, done func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !done(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it never happened")
		}
	}
}

// later moves the clock to when every job is due, and has the queue look at once.
func (k *desk) later(t *testing.T) {
	t.Helper()
	k.ahead.Add(int64(16 * time.Minute))
	if err := k.jobs.Enqueue(t.Context(), "nudge", nil); err != nil {
		t.Fatal(err)
	}
}

func (k *desk) text() string {
	k.logs.mu.Lock()
	defer k.logs.mu.Unlock()
	return k.logs.text.String()
}

// What is sealed for one identity opens for no other.
func TestTokensAreBoundToTheirIdentity(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := newDesk(t, d)
		sealed, err := k.Seal(revocation.Identity{PoolID: "p", Provider: "apple", Subject: "a1"}, "token")
		if err != nil {
			t.Fatal(err)
		}
		foreign := revocation.Identity{PoolID: "p", Provider: "apple", Subject: "b1"}
		if err := k.d.InTx(t.Context(), func(ctx context.Context) error { return k.Keep(ctx, "bob", foreign, sealed) }); err != nil {
			t.Fatal(err)
		}
		k.leave(t, "bob", "")
		for end := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
			st, err := k.jobs.Stats(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if st.Dead == 1 {
				break
			}
			if time.Now().After(end) {
				t.Fatalf("it is used: %+v", st)
			}
		}
		k.mu.Lock()
		defer k.mu.Unlock()
		if len(k.told) != 0 {
			t.Errorf("told %v", k.told)
		}
	})
}
