package sudo_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/sudo"
	"github.com/tigertally/tigertally/internal/ticket"
)

func holder() sudo.Holder {
	return sudo.Holder{PoolID: "dev", UserID: "u1", SessionID: "s1", ClientID: "app"}
}

// bench is a service with a clock a test moves.
type bench struct {
	*sudo.Service
	db *db.DB
	ms atomic.Int64
}

func newBench(d *db.DB) *bench {
	b := &bench{db: d}
	b.ms.Store(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).UnixMilli())
	now := func() time.Time { return time.UnixMilli(b.ms.Load()) }
	b.Service = sudo.New(ticket.New(d, now), now)
	return b
}

func (b *bench) grant(t *testing.T) string {
	t.Helper()
	token, life, err := b.Grant(t.Context(), holder(), 15*time.Minute)
	if err != nil || life != 15*time.Minute {
		t.Fatalf("Grant: %v, %v", life, err)
	}
	return token
}

func (b *bench) spend(ctx context.Context, h sudo.Holder, token string) errs.Code {
	return errs.CodeOf(b.db.InTx(ctx, func(ctx context.Context) error {
		return b.Spend(ctx, h.PoolID, h.UserID, h.SessionID, token)
	}))
}

// TK-02: a grant covers five actions, however many are tried at once.
func TestTK02AGrantCoversFiveActions(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		b := newBench(d)
		token := b.grant(t)
		var won atomic.Int32
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				switch got := b.spend(t.Context(), holder(), token); got {
				case "":
					won.Add(1)
				case errs.SudoInvalid:
				default:
					t.Errorf("got %q", got)
				}
			})
		}
		wg.Wait()
		if won.Load() != 5 {
			t.Errorf("%d actions on one grant", won.Load())
		}
	})
}

// TK-03: a grant is of one user in one session of one pool, and a foreign try costs the
// owner nothing.
func TestTK03AGrantIsBound(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		b := newBench(d)
		token := b.grant(t)
		for name, change := range map[string]func(*sudo.Holder){
			"pool":    func(h *sudo.Holder) { h.PoolID = "other" },
			"user":    func(h *sudo.Holder) { h.UserID = "other" },
			"session": func(h *sudo.Holder) { h.SessionID = "other" },
		} {
			h := holder()
			change(&h)
			for range 6 {
				if got := b.spend(t.Context(), h, token); got != errs.SudoInvalid {
					t.Errorf("another %s: %q", name, got)
				}
			}
		}
		if got := b.spend(t.Context(), holder(), token); got != "" {
			t.Errorf("the owner: %q", got)
		}
		if got := b.spend(t.Context(), holder(), ""); got != errs.SudoRequired {
			t.Errorf("no token: %q", got)
		}
	})
}

func TestAGrantEnds(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		b := newBench(d)
		token := b.grant(t)
		if err := b.Void(t.Context(), "u1"); err != nil {
			t.Fatal(err)
		}
		if got := b.spend(t.Context(), holder(), token); got != errs.SudoInvalid {
			t.Errorf("voided: %q", got)
		}
		token = b.grant(t)
		b.ms.Add((15 * time.Minute).Milliseconds())
		if got := b.spend(t.Context(), holder(), token); got != errs.SudoInvalid {
			t.Errorf("expired: %q", got)
		}
	})
}
