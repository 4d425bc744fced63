package ticket_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/ticket"
)

type clock struct{ ahead atomic.Int64 }

var start = time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC)

func (c *clock) Now() time.Time          { return start.Add(time.Duration(c.ahead.Load())) }
func (c *clock) advance(d time.Duration) { c.ahead.Add(int64(d)) }

func sample(class ticket.Class) ticket.Ticket {
	return ticket.Ticket{
		Class: class, PoolID: "p1", ClientID: "c1", UserID: "u1", SessionID: "s1",
		Binding:  map[string]string{"target": "+8613800138000", "usage": "SIGN_IN"},
		UsesLeft: 1, ExpiresAt: start.Add(10 * time.Minute),
	}
}

func issue(t *testing.T, s *ticket.Service, v ticket.Ticket) string {
	t.Helper()
	token, err := s.Issue(t.Context(), v)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func refused(t *testing.T, what string, err error) {
	t.Helper()
	if got := errs.CodeOf(err); got != errs.TokenInvalid {
		t.Errorf("%s: got %v, want %s", what, err, errs.TokenInvalid)
	}
}

func TestSpendReturnsWhatWasIssued(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		var c clock
		s := ticket.New(d, c.Now)
		want := sample(ticket.Verification)
		token := issue(t, s, want)
		peeked, err := s.Peek(t.Context(), ticket.Verification, "p1", token)
		if err != nil {
			t.Fatal(err)
		}
		spent, err := s.Spend(t.Context(), ticket.Verification, "p1", token)
		if err != nil {
			t.Fatal(err)
		}
		utc := cmp.Transformer("utc", func(t time.Time) int64 { return t.UnixMilli() })
		if diff := cmp.Diff(want, peeked, utc); diff != "" {
			t.Errorf("peek: -want +got\n%s", diff)
		}
		want.UsesLeft = 0
		if diff := cmp.Diff(want, spent, utc); diff != "" {
			t.Errorf("spend: -want +got\n%s", diff)
		}
		_, err = s.Spend(t.Context(), ticket.Verification, "p1", token)
		refused(t, "second spend", err)
	})
}

// TK-01: a token of one class is no token of another, and no other pool's.
func TestClassMatrix(t *testing.T) {
	classes := []ticket.Class{
		ticket.Verification, ticket.Sudo, ticket.Captcha, ticket.CaptchaChallenge,
		ticket.Provider, ticket.ProviderStart, ticket.ProviderCode, ticket.Exchange, ticket.Device, ticket.Foreign,
	}
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		var c clock
		s := ticket.New(d, c.Now)
		for _, made := range classes {
			token := issue(t, s, sample(made))
			for _, asked := range classes {
				if asked == made {
					continue
				}
				_, err := s.Spend(t.Context(), asked, "p1", token)
				refused(t, string(made)+" as "+string(asked), err)
				_, rest, _ := strings.Cut(token, "_")
				_, err = s.Spend(t.Context(), asked, "p1", string(asked)+"_"+rest)
				refused(t, string(made)+" renamed "+string(asked), err)
			}
			_, err := s.Spend(t.Context(), made, "p2", token)
			refused(t, string(made)+" in another pool", err)
			if _, err := s.Spend(t.Context(), made, "p1", token); err != nil {
				t.Errorf("%s in its own place: %v", made, err)
			}
		}
	})
}

// TK-01, MUT: every truncation, extension and flip of a token is refused.
func TestMutatedTokensAreRefused(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		var c clock
		s := ticket.New(d, c.Now)
		token := issue(t, s, sample(ticket.Sudo))
		bad := []string{
			"", token + "A", token + "\n", " " + token, token + token,
			strings.ToUpper(token), strings.ToLower(token), strings.Repeat("A", 1<<16),
		}
		for i := range len(token) {
			bad = append(bad, token[:i])
			flip := []byte(token)
			flip[i] ^= 1
			bad = append(bad, string(flip))
		}
		for _, b := range bad {
			if b == token {
				continue
			}
			_, err := s.Spend(t.Context(), ticket.Sudo, "p1", b)
			refused(t, b[:min(len(b), 60)], err)
		}
		if _, err := s.Spend(t.Context(), ticket.Sudo, "p1", token); err != nil {
			t.Errorf("the token itself: %v", err)
		}
	})
}

// TK-02: fifty spend one ticket at once, each with an effect in its transaction.
func TestOneOfFiftySpendsWins(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		var c clock
		s := ticket.New(d, c.Now)
		for range 10 {
			token := issue(t, s, sample(ticket.Verification))
			var wins atomic.Int64
			var all sync.WaitGroup
			gate := make(chan struct{})
			for range 50 {
				all.Go(func() {
					<-gate
					err := d.InTx(t.Context(), func(ctx context.Context) error {
						if _, err := s.Spend(ctx, ticket.Verification, "p1", token); err != nil {
							return err
						}
						_, err := s.Issue(ctx, sample(ticket.Provider))
						return err
					})
					if err == nil {
						wins.Add(1)
					} else if errs.CodeOf(err) != errs.TokenInvalid {
						t.Errorf("loser: %v", err)
					}
				})
			}
			close(gate)
			all.Wait()
			if n := wins.Load(); n != 1 {
				t.Fatalf("%d winners, want 1", n)
			}
		}
		var effects int
		if err := d.QueryRow(t.Context(), `SELECT COUNT(*) FROM tickets WHERE class = 'pt'`).Scan(&effects); err != nil {
			t.Fatal(err)
		}
		if effects != 10 {
			t.Errorf("%d effects, want 10", effects)
		}
	})
}

// TK-02: a spend whose effect fails is not spent.
func TestSpendRollsBackWithItsEffect(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		var c clock
		s := ticket.New(d, c.Now)
		token := issue(t, s, sample(ticket.Verification))
		broken := errors.New("effect failed")
		err := d.InTx(t.Context(), func(ctx context.Context) error {
			if _, err := s.Spend(ctx, ticket.Verification, "p1", token); err != nil {
				return err
			}
			return broken
		})
		if !errors.Is(err, broken) {
			t.Fatalf("got %v", err)
		}
		if _, err := s.Spend(t.Context(), ticket.Verification, "p1", token); err != nil {
			t.Errorf("after the rollback: %v", err)
		}
	})
}

func TestTicketsEnd(t *testing.T) {
	tests := []struct {
		name string
		end  func(ctx context.Context, s *ticket.Service, c *clock, token string) error
	}{
		{"at their time", func(_ context.Context, _ *ticket.Service, c *clock, _ string) error {
			c.advance(10 * time.Minute)
			return nil
		}},
		{"when voided for the user", func(ctx context.Context, s *ticket.Service, _ *clock, _ string) error {
			return s.Void(ctx, "u1")
		}},
		{"when voided by class", func(ctx context.Context, s *ticket.Service, _ *clock, _ string) error {
			return s.Void(ctx, "u1", ticket.Captcha, ticket.Sudo)
		}},
		{"when discarded", func(ctx context.Context, s *ticket.Service, _ *clock, token string) error {
			return s.Discard(ctx, ticket.Sudo, "p1", token)
		}},
		{"when swept", func(ctx context.Context, s *ticket.Service, c *clock, _ string) error {
			c.advance(time.Hour)
			defer c.advance(-time.Hour)
			return s.Sweep(ctx)
		}},
	}
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		for _, test := range tests {
			t.Run(test.name, func(t *testing.T) {
				var c clock
				s := ticket.New(d, c.Now)
				v := sample(ticket.Sudo)
				v.UsesLeft = 5
				token := issue(t, s, v)
				if err := test.end(t.Context(), s, &c, token); err != nil {
					t.Fatal(err)
				}
				_, err := s.Spend(t.Context(), ticket.Sudo, "p1", token)
				refused(t, "spend", err)
				_, err = s.Peek(t.Context(), ticket.Sudo, "p1", token)
				refused(t, "peek", err)
			})
		}
	})
}

func TestFiveUsesAreFive(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		var c clock
		s := ticket.New(d, c.Now)
		v := sample(ticket.Sudo)
		v.UsesLeft = 5
		token := issue(t, s, v)
		for left := 4; left >= 0; left-- {
			got, err := s.Spend(t.Context(), ticket.Sudo, "p1", token)
			if err != nil || got.UsesLeft != left {
				t.Fatalf("got %d left, %v; want %d", got.UsesLeft, err, left)
			}
		}
		_, err := s.Spend(t.Context(), ticket.Sudo, "p1", token)
		refused(t, "sixth", err)
	})
}

// TK-05: a token made elsewhere is noted once.
func TestRememberOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		var c clock
		s := ticket.New(d, c.Now)
		until := start.Add(10 * time.Minute)
		if err := s.Remember(t.Context(), "p1", "foreign", until); err != nil {
			t.Fatal(err)
		}
		refused(t, "again", s.Remember(t.Context(), "p1", "foreign", until))
		if err := s.Remember(t.Context(), "p2", "foreign", until); err != nil {
			t.Errorf("another pool: %v", err)
		}
	})
}
