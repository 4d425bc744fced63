package webhook_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/job"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/secret"
	"github.com/tigertally/tigertally/internal/user"
	"github.com/tigertally/tigertally/internal/webhook"
)

// kit is the service with a clock the test moves and a receiver the test writes.
type kit struct {
	*webhook.Service

	t     testing.TB
	db    *db.DB
	users *user.Service
	audit *audit.Service
	jobs  *job.Service
	drive *webhook.Drive

	mu   sync.Mutex
	now  time.Time
	got  []webhook.Request
	next func(r webhook.Request) (webhook.Answer, error)
}

func newKit(t testing.TB, d *db.DB) *kit {
	t.Helper()
	ring, err := secret.NewKeyring(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	k := &kit{t: t, db: d, now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	k.next = func(webhook.Request) (webhook.Answer, error) {
		return webhook.Answer{Status: http.StatusNoContent}, nil
	}
	k.users, k.audit = user.New(d, k.clock), audit.New(d, k.clock)
	k.jobs = job.New(d, ring, k.clock, slog.New(slog.DiscardHandler))
	k.Service = webhook.New(webhook.Deps{
		DB: d, Ring: ring, Users: k.users, Audit: k.audit, Jobs: k.jobs, Now: k.clock, Send: k.send,
		Logger: slog.New(slog.DiscardHandler),
	})
	k.drive = webhook.NewDrive(k.Service)
	pools := pool.New(d, k.clock)
	for _, id := range []string{"p", "other"} {
		if _, err := pools.Create(t.Context(), id, id, pool.Settings{}); err != nil {
			t.Fatal(err)
		}
	}
	return k
}

func (k *kit) clock() time.Time {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.now
}

func (k *kit) advance(d time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.now = k.now.Add(d)
}

func (k *kit) send(_ context.Context, r webhook.Request) (webhook.Answer, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.got = append(k.got, r)
	return k.next(r)
}

// hook makes a webhook.
func (k *kit) hook(poolID string, events ...string) (webhook.Hook, string) {
	k.t.Helper()
	h, text, err := k.Create(k.t.Context(), webhook.Hook{PoolID: poolID, URL: "https://hooks.example.com/in", Events: events})
	if err != nil {
		k.t.Fatal(err)
	}
	return h, text
}

// happen records something of a pool.
func (k *kit) happen(e audit.Event) {
	k.t.Helper()
	if err := k.audit.Record(k.t.Context(), e); err != nil {
		k.t.Fatal(err)
	}
}

// deliver makes every try that is due.
func (k *kit) deliver() {
	k.t.Helper()
	if err := k.drive.All(k.t.Context()); err != nil {
		k.t.Fatal(err)
	}
}

// log is what a webhook was sent, newest first.
func (k *kit) log(h webhook.Hook) []webhook.Delivery {
	k.t.Helper()
	all, _, err := k.Deliveries(k.t.Context(), h.PoolID, h.ID, "", nil, 100)
	if err != nil {
		k.t.Fatal(err)
	}
	return all
}

func (k *kit) answer(status int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.next = func(webhook.Request) (webhook.Answer, error) {
		return webhook.Answer{Status: status, Body: []byte("so it \x00is")}, nil
	}
}

func wantCode(t testing.TB, err error, want errs.Code) {
	t.Helper()
	if got := errs.CodeOf(err); got != want {
		t.Fatalf("error = %v, want %q", err, want)
	}
}
