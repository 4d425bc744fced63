package code_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/code"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/limit"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/secret"
)

const phone = "+8613800000000"

// bench is a service with a clock a test moves.
type bench struct {
	*code.Service
	db *db.DB
	ms atomic.Int64
}

func newBench(t *testing.T, d *db.DB) *bench {
	t.Helper()
	ring, err := secret.NewKeyring(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{db: d}
	b.ms.Store(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).UnixMilli())
	b.Service = code.New(d, ring, limit.New(d, ring, b.now), b.now)
	return b
}

func (b *bench) now() time.Time          { return time.UnixMilli(b.ms.Load()) }
func (b *bench) advance(d time.Duration) { b.ms.Add(d.Milliseconds()) }

func request(target, usage string) code.Request {
	return code.Request{
		Pool: pool.Pool{ID: "dev", Settings: pool.Defaults()}, ClientID: "app",
		Channel: code.SMS, Target: target, Usage: usage, UserID: "u1",
	}
}

func (b *bench) issue(t *testing.T, r code.Request) code.Issued {
	t.Helper()
	i, err := b.Issue(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// check matches a code and spends it.
func (b *bench) check(t *testing.T, id, digits string) errs.Code {
	t.Helper()
	v, err := b.Check(t.Context(), "dev", "app", id, digits)
	if err == nil {
		err = b.Spend(t.Context(), v)
	}
	return errs.CodeOf(err)
}

// wrong is another code of the same length.
func wrong(digits string) string {
	return string('0'+(digits[0]-'0'+1)%10) + digits[1:]
}

func TestACodeProvesWhatItWasIssuedFor(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		b := newBench(t, d)
		i := b.issue(t, request(phone, "sign_in"))
		if i.ExpiresIn != 10*time.Minute || len(i.Code) != 6 {
			t.Errorf("issued %d digits for %v", len(i.Code), i.ExpiresIn)
		}
		v, err := b.Check(t.Context(), "dev", "app", i.ID, " "+i.Code+" ")
		want := code.Verified{ID: i.ID, Channel: code.SMS, Target: phone, Usage: "sign_in", UserID: "u1", ClientID: "app"}
		if err != nil || v != want {
			t.Errorf("got %+v, %v, want %+v", v, err, want)
		}
		if err := b.Spend(t.Context(), v); err != nil {
			t.Errorf("spend: %v", err)
		}
		if err := b.Spend(t.Context(), v); errs.CodeOf(err) != errs.CodeWrong {
			t.Errorf("spend again: %v", err)
		}
		if got := b.check(t, i.ID, i.Code); got != errs.CodeWrong {
			t.Errorf("spent code: %q", got)
		}
		if got := b.check(t, "nosuchid", i.Code); got != errs.CodeWrong {
			t.Errorf("unknown id: %q", got)
		}
	})
}

// VC-01: every digit is as likely as any other, at every place.
func TestVC01CodesAreUniform(t *testing.T) {
	d := dbtest.Open(t, dbtest.SQLite)
	b := newBench(t, d)
	const n = 600
	var seen [6][10]int
	err := d.InTx(t.Context(), func(ctx context.Context) error {
		for k := range n {
			i, err := b.Issue(ctx, request(fmt.Sprint("t", k), "sign_in"))
			if err != nil {
				return err
			}
			for place, r := range i.Code {
				seen[place][r-'0']++
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for place, counts := range seen {
		var chi float64
		for _, c := range counts {
			diff := float64(c) - n/10.0
			chi += diff * diff / (n / 10.0)
		}
		if chi > 40 { // nine degrees of freedom: less than one in 100,000
			t.Errorf("place %d: chi-squared %.1f, counts %v", place, chi, counts)
		}
	}
}

// VC-02: a code dies with its life.
func TestVC02ExpiredCodesAreWrong(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		b := newBench(t, d)
		i := b.issue(t, request(phone, "sign_in"))
		b.advance(10*time.Minute - time.Millisecond)
		if got := b.check(t, i.ID, wrong(i.Code)); got != errs.CodeWrong {
			t.Errorf("wrong code: %q", got)
		}
		b.advance(time.Millisecond)
		if got := b.check(t, i.ID, i.Code); got != errs.CodeWrong {
			t.Errorf("expired code: %q", got)
		}
	})
}

// VC-03: the sixth try fails even with the right digits.
func TestVC03FiveTriesThenDead(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		b := newBench(t, d)
		i := b.issue(t, request(phone, "sign_in"))
		for range 5 {
			if got := b.check(t, i.ID, wrong(i.Code)); got != errs.CodeWrong {
				t.Fatalf("wrong code: %q", got)
			}
		}
		if got := b.check(t, i.ID, i.Code); got != errs.CodeAttempts {
			t.Errorf("right code after five wrong ones: %q", got)
		}
		b.advance(10 * time.Minute)
		if got := b.check(t, i.ID, i.Code); got != errs.CodeWrong {
			t.Errorf("once expired: %q", got)
		}
	})
}

// VC-03: parallel guesses are counted before any is compared.
func TestVC03ParallelGuessesAreCounted(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		b := newBench(t, d)
		i := b.issue(t, request(phone, "sign_in"))
		var compared atomic.Int32
		race(200, func() {
			switch got := b.check(t, i.ID, wrong(i.Code)); got {
			case errs.CodeWrong:
				compared.Add(1)
			case errs.CodeAttempts, errs.Unavailable: // refused before a look
			default:
				t.Errorf("got %q", got)
			}
		})
		if compared.Load() > 5 {
			t.Errorf("%d guesses were compared", compared.Load())
		}
		if got := b.check(t, i.ID, i.Code); compared.Load() == 5 && got != errs.CodeAttempts {
			t.Errorf("right code afterwards: %q", got)
		}
	})
}

// VC-04: the right code from fifty places at once works once.
func TestVC04OneOfParallelRightCodesWins(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		b := newBench(t, d)
		for round := range 4 {
			i := b.issue(t, request(fmt.Sprint(phone, round), "sign_in"))
			var won atomic.Int32
			race(50, func() {
				if b.check(t, i.ID, i.Code) == "" {
					won.Add(1)
				}
			})
			if won.Load() != 1 {
				t.Errorf("round %d: %d of 50 won", round, won.Load())
			}
		}
	})
}

func race(n int, fn func()) {
	var wg sync.WaitGroup
	start := make(chan struct{})
	for range n {
		wg.Go(func() { <-start; fn() })
	}
	close(start)
	wg.Wait()
}

// VC-05: every usage, target, pool and application accepts its own codes only, and a
// foreign try is counted.
func TestVC05CodesAreBound(t *testing.T) {
	usages := []string{"default", "sign_in", "register", "reset", "bind_phone", "bind_email", "sudo"}
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		b := newBench(t, d)
		for _, issued := range usages {
			for _, spent := range usages {
				target := issued + "@" + spent + ".example"
				i := b.issue(t, request(target, issued))
				_, err := b.CheckTarget(t.Context(), "dev", "app", target, []string{spent}, i.Code)
				if ok := err == nil; ok != (issued == spent) {
					t.Errorf("issued for %s, spent for %s: %v", issued, spent, err)
				}
			}
		}
		i := b.issue(t, request(phone, "sign_in"))
		for _, foreign := range [][2]string{{"other", "app"}, {"dev", "other"}, {"dev", ""}, {"", "app"}} {
			if _, err := b.Check(t.Context(), foreign[0], foreign[1], i.ID, i.Code); errs.CodeOf(err) != errs.CodeWrong {
				t.Errorf("pool and client %v: %v", foreign, err)
			}
		}
		if got := b.check(t, i.ID, wrong(i.Code)); got != errs.CodeWrong {
			t.Errorf("fifth try: %q", got)
		}
		if got := b.check(t, i.ID, i.Code); got != errs.CodeAttempts {
			t.Errorf("foreign tries did not count: %q", got)
		}
		free := request("free@example.com", "sign_in")
		free.ClientID = ""
		j := b.issue(t, free)
		if got := b.check(t, j.ID, j.Code); got != "" {
			t.Errorf("a code of no application: %q", got)
		}
	})
}

// VC-06: fresh codes do not refill the guesses at a target.
func TestVC06WrongCodesCountPerTarget(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		b := newBench(t, d)
		var guesses int
		for range 5 {
			i := b.issue(t, request(phone, "sign_in"))
			for range 3 {
				guesses++
				want := errs.CodeWrong
				if guesses > 10 {
					want = errs.CodeAttempts
				}
				digits := wrong(i.Code)
				_, err := b.CheckTarget(t.Context(), "dev", "app", phone, []string{"sign_in"}, digits)
				if got := errs.CodeOf(err); got != want {
					t.Errorf("guess %d: %q, want %q", guesses, got, want)
				}
			}
			b.advance(time.Minute)
		}
		i := b.issue(t, request(phone, "other"))
		if got := b.check(t, i.ID, i.Code); got != errs.CodeAttempts {
			t.Errorf("another usage of a tired target: %q", got)
		}
		j := b.issue(t, request("+8613900000000", "sign_in"))
		if got := b.check(t, j.ID, j.Code); got != "" {
			t.Errorf("another target: %q", got)
		}
		b.advance(time.Hour)
		k := b.issue(t, request(phone, "sign_in"))
		if got := b.check(t, k.ID, k.Code); got != "" {
			t.Errorf("an hour later: %q", got)
		}
	})
}

// VC-06: right codes cost a target nothing.
func TestVC06RightCodesAreNotCounted(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		b := newBench(t, d)
		for n := range 15 {
			i := b.issue(t, request(phone, "sign_in"))
			if got := b.check(t, i.ID, i.Code); got != "" {
				t.Fatalf("code %d: %q", n+1, got)
			}
		}
	})
}

// VC-06: a new code ends the older one of the same usage, and of no other.
func TestVC06ANewCodeEndsTheOlderOne(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		b := newBench(t, d)
		other := b.issue(t, request(phone, "reset"))
		old := b.issue(t, request(phone, "sign_in"))
		fresh := b.issue(t, request(phone, "sign_in"))
		if got := b.check(t, old.ID, old.Code); got != errs.CodeWrong {
			t.Errorf("older code: %q", got)
		}
		if got := b.check(t, fresh.ID, fresh.Code); got != "" {
			t.Errorf("newer code: %q", got)
		}
		if got := b.check(t, other.ID, other.Code); got != "" {
			t.Errorf("code of another usage: %q", got)
		}
	})
}

// VC-08: what is stored is not the code and does not show it.
func TestVC08CodesAreStoredAsMACs(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		b := newBench(t, d)
		macs := map[string]bool{}
		for n := range 3 {
			i := b.issue(t, request(fmt.Sprint(phone, n), "sign_in"))
			var mac []byte
			if err := d.QueryRow(t.Context(), `SELECT mac FROM codes WHERE id = $1`, i.ID).Scan(&mac); err != nil {
				t.Fatal(err)
			}
			plain := secret.Hash(i.Code)
			if len(mac) != 32 || strings.Contains(string(mac), i.Code) || bytes.Equal(mac, plain) {
				t.Errorf("stored %x for a code", mac)
			}
			macs[string(mac)] = true
		}
		if len(macs) != 3 {
			t.Error("two codes share a MAC")
		}
	})
}

func TestSweepKeepsADay(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		b := newBench(t, d)
		b.issue(t, request(phone, "sign_in"))
		b.advance(24 * time.Hour)
		if n, err := b.Sweep(t.Context()); n != 0 || err != nil {
			t.Errorf("swept %d, %v", n, err)
		}
		b.advance(time.Hour)
		if n, err := b.Sweep(t.Context()); n != 1 || err != nil {
			t.Errorf("swept %d, %v", n, err)
		}
	})
}
