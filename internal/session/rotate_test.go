package session_test

import (
	"sync"
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/session"
)

func TestRotateReplacesBothTokens(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		a := w.start(t)
		if len(a.Refresh) > 128 || len(a.Access) > 4096 {
			t.Errorf("tokens of %d and %d characters", len(a.Refresh), len(a.Access))
		}
		w.clock.advance(time.Hour)
		b := w.rotate(t, a)
		if a.Refresh == b.Refresh || a.Access == b.Access {
			t.Error("a token stayed")
		}
		if b.Sub != a.Sub || b.Scope != a.Scope || b.SessionID != a.SessionID || b.ExpiresIn != 2*time.Hour {
			t.Errorf("first %+v, then %+v", a, b)
		}
		if p := w.verified(t, "before", a.Access); p.Refreshed {
			t.Error("refreshed before the first refresh")
		}
		if p := w.verified(t, "after", b.Access); !p.Refreshed {
			t.Error("not refreshed after it")
		}
	})
}

// SE-04: two hundred refreshes of one token at once, on two nodes, lead to one
// successor; nobody is signed out and the successor works.
func TestRacingRefreshesAgree(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		other, _ := node(t, d, w.clock.Now)
		nodes := []*session.Service{w.Service, other}
		tokens := w.start(t)
		for range 3 {
			var mu sync.Mutex
			successors := map[string]int{}
			access := []string{}
			var all sync.WaitGroup
			gate := make(chan struct{})
			for i := range 200 {
				all.Go(func() {
					<-gate
					next, err := nodes[i%2].Rotate(t.Context(), w.p1, "p1", tokens.Refresh)
					if err != nil {
						t.Errorf("refresh %d: %v", i, err)
						return
					}
					mu.Lock()
					defer mu.Unlock()
					successors[next.Refresh]++
					access = append(access, next.Access)
				})
			}
			close(gate)
			all.Wait()
			if len(successors) != 1 {
				t.Fatalf("%d successors, want 1", len(successors))
			}
			for _, a := range access {
				w.verified(t, "an access token of the race", a)
			}
			for s := range successors {
				tokens.Refresh = s
			}
		}
		w.rotate(t, tokens)
	})
}

// SE-04: an answer lost on the way can be asked for again within the grace.
func TestPredecessorWorksWithinGrace(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		a := w.start(t)
		b := w.rotate(t, a)
		w.clock.advance(time.Minute)
		for range 20 {
			if again := w.rotate(t, a); again.Refresh != b.Refresh {
				t.Fatal("another successor")
			}
		}
		c := w.rotate(t, b)
		if c.Refresh == b.Refresh {
			t.Error("the successor stayed")
		}
	})
}

// SE-03: a token used again after the grace, or older than the predecessor, ends the
// session, its access tokens included, and is on record.
func TestReuseEndsTheSession(t *testing.T) {
	tests := []struct {
		name  string
		reuse func(w *world, a, b session.Tokens) string
	}{
		{"the predecessor after the grace", func(w *world, _, b session.Tokens) string {
			w.clock.advance(time.Minute + time.Second)
			return b.Refresh
		}},
		{"a grand-parent within the grace", func(_ *world, a, _ session.Tokens) string {
			return a.Refresh
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, d *db.DB) {
				w := newWorld(t, d)
				bystander := w.start(t)
				a := w.start(t)
				b := w.rotate(t, a)
				c := w.rotate(t, b)
				w.verified(t, "before", c.Access)
				w.rotateRefused(t, "reused", test.reuse(w, a, b))
				w.rotateRefused(t, "newest", c.Refresh)
				w.verifyRefused(t, "access token", c.Access)
				w.verified(t, "another session", bystander.Access)
				w.rotateRefused(t, "reused twice", a.Refresh)
				records, _, err := audit.New(d, w.clock.Now).History(t.Context(), "p1", "u1", audit.Filter{}, 10, "")
				if err != nil {
					t.Fatal(err)
				}
				if len(records) != 1 || records[0].Event.Action != audit.RefreshReuse ||
					records[0].Event.SessionID != a.SessionID {
					t.Errorf("records: %+v", records)
				}
			})
		})
	}
}

// SE-02: a session ends unused, and in the end however much it is used.
func TestSessionsExpire(t *testing.T) {
	const day = 24 * time.Hour
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		idle := w.start(t)
		busy := w.start(t)
		w.clock.advance(30*day - time.Second)
		busy = w.rotate(t, busy)
		w.clock.advance(time.Second)
		w.rotateRefused(t, "unused", idle.Refresh)
		for range 5 {
			w.clock.advance(10 * day)
			busy = w.rotate(t, busy)
		}
		w.clock.advance(10*day - time.Minute)
		busy = w.rotate(t, busy)
		if busy.ExpiresIn > time.Minute {
			t.Errorf("access token outlives its session by %v", busy.ExpiresIn-time.Minute)
		}
		w.clock.advance(time.Minute)
		w.rotateRefused(t, "used every day", busy.Refresh)
		w.clock.advance(8 * day)
		if err := w.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		var left int
		if err := d.QueryRow(t.Context(), `SELECT COUNT(*) FROM sessions`).Scan(&left); err != nil {
			t.Fatal(err)
		}
		if left != 0 {
			t.Errorf("%d sessions left after the sweep", left)
		}
	})
}

// SE-05, SE-07: a refresh reads the account and the session again.
func TestRefreshIsRefused(t *testing.T) {
	tests := []struct {
		name string
		do   func(t *testing.T, w *world, tokens session.Tokens)
	}{
		{"for a blocked user", func(t *testing.T, w *world, _ session.Tokens) {
			w.exec(t, `UPDATE users SET status = 'blocked' WHERE id = 'u1'`)
		}},
		{"for a pending user", func(t *testing.T, w *world, _ session.Tokens) {
			w.exec(t, `UPDATE users SET status = 'pending' WHERE id = 'u1'`)
		}},
		{"for a deleted user", func(t *testing.T, w *world, _ session.Tokens) {
			w.exec(t, `DELETE FROM users WHERE id = 'u1'`)
		}},
		{"after sign-out", func(t *testing.T, w *world, tokens session.Tokens) {
			if err := w.Revoke(t.Context(), tokens.SessionID, "sign_out"); err != nil {
				t.Fatal(err)
			}
		}},
		{"after sign-out everywhere", func(t *testing.T, w *world, _ session.Tokens) {
			if n, err := w.RevokeUser(t.Context(), "u1", "", "password_changed"); err != nil || n != 1 {
				t.Fatal(n, err)
			}
		}},
		{"after the device was removed", func(t *testing.T, w *world, _ session.Tokens) {
			if n, err := w.RevokeDevice(t.Context(), "u1", "d1"); err != nil || n != 1 {
				t.Fatal(n, err)
			}
		}},
	}
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		for i, test := range tests {
			t.Run(test.name, func(t *testing.T) {
				if i == 0 {
					newWorld(t, d)
				}
				w := &world{db: d, clock: &clock{}}
				w.Service, w.keys = node(t, d, w.clock.Now)
				w.p1.ID, w.p1.Settings = "p1", defaults
				w.exec(t, `DELETE FROM sessions`)
				w.exec(t, `DELETE FROM users WHERE id = 'u1'`)
				addUser(t, d, "p1", "u1")
				old := w.start(t)
				tokens := w.rotate(t, old)
				w.verified(t, "before", tokens.Access)
				test.do(t, w, tokens)
				w.rotateRefused(t, "refresh", tokens.Refresh)
				w.rotateRefused(t, "refresh within the grace", old.Refresh)
				w.verifyRefused(t, "access token", tokens.Access)
				if _, err := w.Inspect(t.Context(), tokens.Access); err != nil {
					t.Errorf("inspect: %v", err)
				}
			})
		}
	})
}

// MT-01, TK-03: a refresh token is of one pool and one client.
func TestRefreshTokenIsBound(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		a := w.start(t)
		b := w.rotate(t, a)
		for _, token := range []string{a.Refresh, b.Refresh} {
			if _, err := w.Rotate(t.Context(), w.p1, "other", token); errs.CodeOf(err) != errs.RefreshInvalid {
				t.Errorf("another client: %v", err)
			}
			if _, err := w.Rotate(t.Context(), w.p2, "p1", token); errs.CodeOf(err) != errs.RefreshInvalid {
				t.Errorf("another pool: %v", err)
			}
		}
		w.rotateRefused(t, "access token as refresh token", a.Access)
		w.rotate(t, b)
	})
}

// TK-01, MUT: every truncation, extension and change of a refresh token is refused,
// and none of them disturbs the session.
func TestMutatedRefreshTokensAreRefused(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		tokens := w.start(t)
		for _, bad := range mutations(tokens.Refresh) {
			w.rotateRefused(t, bad[:min(len(bad), 40)], bad)
		}
		w.rotate(t, tokens)
	})
}

// SE-08: a refresh that cannot be written is an error and no refusal.
func TestFailedRefreshIsNoRefusal(t *testing.T) {
	w := newWorld(t, dbtest.Open(t, dbtest.SQLite))
	tokens := w.start(t)
	w.exec(t, `CREATE TRIGGER broken BEFORE UPDATE ON sessions BEGIN SELECT RAISE(ABORT, 'broken'); END`)
	if _, err := w.Rotate(t.Context(), w.p1, "p1", tokens.Refresh); err == nil || errs.CodeOf(err) == errs.RefreshInvalid {
		t.Errorf("refresh: %v", err)
	}
	if err := w.Revoke(t.Context(), tokens.SessionID, "sign_out"); err == nil {
		t.Error("sign-out said it worked")
	}
	w.exec(t, `DROP TRIGGER broken`)
	w.rotate(t, tokens)
}
