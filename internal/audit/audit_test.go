package audit_test

import (
	"context"
	"encoding/base64"
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/caller"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/errs"
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func TestRecordKeepsTheCaller(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := audit.New(d, func() time.Time { return noon })
		ctx := caller.With(t.Context(), caller.Info{
			RequestID: "r1", Addr: netip.MustParseAddr("::ffff:203.0.113.7"), DeviceID: "d1", UserAgent: "ua\nforged line",
		})
		event := audit.Event{
			PoolID: "p1", Action: audit.SignIn, UserID: "u1", ClientID: "c1", SessionID: "s1",
			Detail: map[string]string{"method": "password"},
		}
		if err := s.Record(ctx, event); err != nil {
			t.Fatal(err)
		}
		records, next, err := s.History(t.Context(), "p1", "u1", audit.Filter{}, 10, "")
		if err != nil || next != "" || len(records) != 1 {
			t.Fatalf("got %d records, next %q, %v", len(records), next, err)
		}
		event.Result, event.Actor = audit.OK, "u1"
		want := audit.Record{
			ID: records[0].ID, At: noon, Event: event, DeviceID: "d1", IP: "203.0.113.7",
			UserAgent: "ua\nforged line", RequestID: "r1",
		}
		if diff := cmp.Diff(want, records[0]); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
	})
}

// AU-01: a record stands and falls with its effect.
func TestRecordJoinsTheTransaction(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := audit.New(d, func() time.Time { return noon })
		undo := errors.New("undo")
		err := d.InTx(t.Context(), func(ctx context.Context) error {
			if err := s.Record(ctx, audit.Event{PoolID: "p1", Action: audit.SignIn, UserID: "u1"}); err != nil {
				return err
			}
			return undo
		})
		if !errors.Is(err, undo) {
			t.Fatal(err)
		}
		records, _, err := s.History(t.Context(), "p1", "u1", audit.Filter{}, 10, "")
		if err != nil || len(records) != 0 {
			t.Errorf("got %v, %v", records, err)
		}
	})
}

func TestHistoryPagesThroughOnesOwn(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		now := noon
		s := audit.New(d, func() time.Time { return now })
		for i := range 25 {
			if i%3 == 0 {
				now = now.Add(time.Second) // several share one moment
			}
			action := audit.SignIn
			if i%5 == 0 {
				action = audit.CodeSend
			}
			for _, owner := range [][2]string{{"p1", "u1"}, {"p1", "u2"}, {"p2", "u1"}} {
				if err := s.Record(t.Context(), audit.Event{PoolID: owner[0], UserID: owner[1], Action: action}); err != nil {
					t.Fatal(err)
				}
			}
		}
		tests := []struct {
			name   string
			filter audit.Filter
			want   int
		}{
			{"everything", audit.Filter{}, 25},
			{"one action", audit.Filter{Action: audit.CodeSend}, 5},
			{"all but one action", audit.Filter{NotAction: audit.CodeSend}, 20},
			{"nothing", audit.Filter{Action: "no.such"}, 0},
		}
		for _, test := range tests {
			seen, token := map[string]bool{}, ""
			last := now
			for {
				page, next, err := s.History(t.Context(), "p1", "u1", test.filter, 4, token)
				if err != nil {
					t.Fatal(err)
				}
				for _, r := range page {
					if r.Event.PoolID != "p1" || r.Event.UserID != "u1" || seen[r.ID] || r.At.After(last) {
						t.Errorf("%s: unexpected %+v", test.name, r)
					}
					seen[r.ID], last = true, r.At
				}
				if token = next; token == "" {
					break
				}
			}
			if len(seen) != test.want {
				t.Errorf("%s: got %d, want %d", test.name, len(seen), test.want)
			}
		}
	})
}

// KM-04: a page token made up by the client is refused or harmless.
func TestForgedPageTokens(t *testing.T) {
	s := audit.New(dbtest.Open(t, dbtest.SQLite), time.Now)
	for _, forged := range []string{
		"x", "%", base64.RawURLEncoding.EncodeToString([]byte("1' OR 1=1 --.aaaaaaaaaaaaaaaaaaaaaaaaaa")),
		base64.RawURLEncoding.EncodeToString([]byte("1.a")), base64.RawURLEncoding.EncodeToString(make([]byte, 500)),
	} {
		if _, _, err := s.History(t.Context(), "p1", "u1", audit.Filter{}, 10, forged); errs.CodeOf(err) != errs.BadRequest {
			t.Errorf("%q: got %v", forged, err)
		}
	}
}
