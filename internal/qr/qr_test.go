package qr_test

import (
	"bytes"
	"image/png"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/qr"
)

// bench is the service with a clock.
type bench struct {
	*qr.Service
	t   *testing.T
	now time.Time
}

func each(t *testing.T, fn func(b *bench)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		b := &bench{t: t, now: time.UnixMilli(1_700_000_000_000)}
		b.Service = qr.New(d, func() time.Time { return b.now })
		fn(b)
	})
}

func (b *bench) open() qr.Shown {
	b.t.Helper()
	shown, err := b.Open(b.t.Context(), "p", "app", "about")
	b.want(err, "")
	return shown
}

func (b *bench) want(err error, code errs.Code) {
	b.t.Helper()
	if errs.CodeOf(err) != code && (err != nil || code != "") {
		b.t.Fatalf("%v, want %q", err, code)
	}
}

func (b *bench) status(token string, want qr.Status) (ticket string) {
	b.t.Helper()
	sc, ticket, err := b.Check(b.t.Context(), "p", "app", token)
	b.want(err, "")
	if sc.Status != want || (ticket != "") != (want == qr.Confirmed) {
		b.t.Fatalf("%s with ticket %q, want %s", sc.Status, ticket, want)
	}
	return ticket
}

func TestTheThreeSecretsOfAScreenDiffer(t *testing.T) {
	each(t, func(b *bench) {
		s := b.open()
		_, err := b.Confirm(t.Context(), "p", s.Code, "ann")
		b.want(err, "")
		ticket := b.status(s.Token, qr.Confirmed)
		for _, other := range []string{s.Token, s.Code, "", strings.Repeat("x", 1000)} {
			_, err := b.Peek(t.Context(), "p", "app", other)
			b.want(err, errs.TokenInvalid)
		}
		for _, other := range []string{s.Code, ticket, "", strings.Repeat("x", 1000)} {
			b.status(other, qr.Expired)
		}
		for _, elsewhere := range [][2]string{{"q", "app"}, {"p", "other"}} {
			_, err := b.Peek(t.Context(), elsewhere[0], elsewhere[1], ticket)
			b.want(err, errs.TokenInvalid)
			b.want(b.Redeem(t.Context(), elsewhere[0], elsewhere[1], ticket), errs.TokenInvalid)
			sc, _, err := b.Check(t.Context(), elsewhere[0], elsewhere[1], s.Token)
			if err != nil || sc.Status != qr.Expired {
				t.Errorf("%v: %v %v", elsewhere, sc, err)
			}
		}
		sc, err := b.Peek(t.Context(), "p", "app", ticket)
		if err != nil || sc.UserID != "ann" || sc.Context != "about" {
			t.Errorf("%v %v", sc, err)
		}
		b.want(b.Redeem(t.Context(), "p", "app", ticket), "")
		b.want(b.Redeem(t.Context(), "p", "app", ticket), errs.TokenInvalid)
		b.status(s.Token, qr.Used)
	})
}

// An application may draw the screen's own token.
func TestTheScreensTokenStandsForItsCode(t *testing.T) {
	each(t, func(b *bench) {
		s := b.open()
		_, err := b.Scan(t.Context(), "p", s.Token, "ann")
		b.want(err, "")
		_, err = b.Confirm(t.Context(), "p", s.Code, "ann")
		b.want(err, "")
	})
}

func TestOnlyOneOfManyWhoScanHasTheScreen(t *testing.T) {
	each(t, func(b *bench) {
		s := b.open()
		var all sync.WaitGroup
		var mu sync.Mutex
		won := 0
		for i := range 10 {
			all.Go(func() {
				if _, err := b.Scan(t.Context(), "p", s.Code, string(rune('a'+i))); err == nil {
					mu.Lock()
					won++
					mu.Unlock()
				}
			})
		}
		all.Wait()
		if won != 1 {
			t.Errorf("%d scanned", won)
		}
	})
}

func TestEachStepHasItsTime(t *testing.T) {
	each(t, func(b *bench) {
		s := b.open()
		b.now = b.now.Add(119 * time.Second)
		_, err := b.Scan(t.Context(), "p", s.Code, "ann")
		b.want(err, "")
		b.now = b.now.Add(119 * time.Second)
		_, err = b.Confirm(t.Context(), "p", s.Code, "ann")
		b.want(err, "")
		b.now = b.now.Add(59 * time.Second)
		ticket := b.status(s.Token, qr.Confirmed)
		b.now = b.now.Add(time.Second)
		b.status(s.Token, qr.Expired)
		b.want(b.Redeem(t.Context(), "p", "app", ticket), errs.TokenInvalid)
		b.want(b.Sweep(t.Context()), "")
		b.status(s.Token, qr.Expired)
		b.now = b.now.Add(2 * time.Hour)
		b.want(b.Sweep(t.Context()), "")
		b.status(s.Token, qr.Expired)
	})
}

func TestVoidEndsWhatAPersonConfirmed(t *testing.T) {
	each(t, func(b *bench) {
		fresh, mine, other := b.open(), b.open(), b.open()
		_, err := b.Confirm(t.Context(), "p", mine.Code, "ann")
		b.want(err, "")
		_, err = b.Confirm(t.Context(), "p", other.Code, "bob")
		b.want(err, "")
		b.want(b.Void(t.Context(), ""), "")
		b.want(b.Void(t.Context(), "ann"), "")
		b.status(fresh.Token, qr.Waiting)
		b.status(mine.Token, qr.Expired)
		b.status(other.Token, qr.Confirmed)
	})
}

func TestPicture(t *testing.T) {
	for name, text := range map[string]string{"short": "x", "usual": strings.Repeat("x", 130), "longest": strings.Repeat("x", 512)} {
		raw, err := qr.Picture(text)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if _, err := png.Decode(bytes.NewReader(raw)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := qr.Picture(strings.Repeat("x", 513)); errs.CodeOf(err) != errs.FieldTooLong {
		t.Errorf("too long: %v", err)
	}
}
