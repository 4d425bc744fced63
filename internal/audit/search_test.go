package audit_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/caller"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/errs"
)

const someone = "aaaaaaaaaaaaaaaaaaaaaaaaaa"

func TestSearchNarrowsByEveryTerm(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		now := noon
		s := audit.New(d, func() time.Time { return now })
		at := func(ip, request string, e audit.Event) {
			t.Helper()
			e.PoolID = "p1"
			ctx := caller.With(t.Context(), caller.Info{Addr: netip.MustParseAddr(ip), RequestID: request})
			for _, e.PoolID = range []string{"p1", "p2"} {
				if err := s.Record(ctx, e); err != nil {
					t.Fatal(err)
				}
			}
			now = now.Add(time.Minute)
		}
		at("192.0.2.1", "r0", audit.Event{Action: audit.SignIn, UserID: someone, ClientID: "app"})
		at("192.0.2.2", "r1", audit.Event{Action: audit.SignIn, UserID: someone, ClientID: "web", Result: "password_wrong"})
		at("192.0.2.2", "r2", audit.Event{Action: audit.UserUpdate, UserID: someone, Actor: "operator:o1"})
		at("192.0.2.3", "r3", audit.Event{Action: audit.AppCreate, Actor: "cli"})
		at("192.0.2.3", "r3", audit.Event{Action: audit.SignOut, UserID: "bbbbbbbbbbbbbbbbbbbbbbbbbb", SessionID: "s1"})
		for _, test := range []struct {
			name string
			q    audit.Query
			want string // the minutes, newest first
		}{
			{"everything", audit.Query{}, "4 3 2 1 0"},
			{"an action", audit.Query{Action: audit.SignIn}, "1 0"},
			{"the actions of a kind", audit.Query{Action: "user."}, "4 2 1 0"},
			{"a rare kind", audit.Query{Action: "app."}, "3"},
			{"no such action", audit.Query{Action: "user.sign_ip"}, ""},
			{"what worked", audit.Query{Result: audit.OK}, "4 3 2 0"},
			{"what was refused", audit.Query{Result: audit.AnyRefusal}, "1"},
			{"one refusal", audit.Query{Result: "password_wrong"}, "1"},
			{"another refusal", audit.Query{Result: "code_wrong"}, ""},
			{"about somebody", audit.Query{UserID: someone}, "2 1 0"},
			{"by somebody", audit.Query{Actor: someone}, "1 0"},
			{"by an operator", audit.Query{Actor: "operator:o1"}, "2"},
			{"by an operator about somebody", audit.Query{Actor: "operator:o1", UserID: someone}, "2"},
			{"by the command line", audit.Query{Actor: "cli"}, "3"},
			{"an application", audit.Query{ClientID: "web"}, "1"},
			{"a session", audit.Query{SessionID: "s1"}, "4"},
			{"an address", audit.Query{IP: "192.0.2.2"}, "2 1"},
			{"a request", audit.Query{RequestID: "r3"}, "4 3"},
			{"a time", audit.Query{Since: noon.Add(time.Minute), Until: noon.Add(3 * time.Minute)}, "2 1"},
			{"several at once", audit.Query{Action: "user.", IP: "192.0.2.2", Result: audit.OK}, "2"},
			{"a quote", audit.Query{Action: "' OR 1=1 --"}, ""},
		} {
			var got []string
			for token := ""; ; {
				page, next, err := s.Search(t.Context(), "p1", test.q, 2, token)
				if err != nil {
					t.Fatalf("%s: %v", test.name, err)
				}
				for _, r := range page {
					if r.Event.PoolID != "p1" {
						t.Errorf("%s: shows pool %s", test.name, r.Event.PoolID)
					}
					got = append(got, strconv.Itoa(int(r.At.Sub(noon)/time.Minute)))
				}
				if token = next; token == "" {
					break
				}
			}
			if diff := cmp.Diff(test.want, strings.Join(got, " ")); diff != "" {
				t.Errorf("%s: %s", test.name, diff)
			}
		}
		for _, bad := range []audit.Query{{IP: strings.Repeat("1", 300)}, {Action: "a\x00"}} {
			_, _, err := s.Search(t.Context(), "p1", bad, 2, "")
			if errs.CodeOf(err) != errs.BadRequest {
				t.Errorf("got %v", err)
			}
		}
		attempt, err := s.Attempt(t.Context(), "p1", "r3")
		if err != nil || len(attempt) != 2 || attempt[0].Event.Action != audit.AppCreate || attempt[1].Event.Action != audit.SignOut {
			t.Errorf("%+v, %v", attempt, err)
		}
		for _, none := range []string{"", "r9", strings.Repeat("r", 300)} {
			if attempt, err := s.Attempt(t.Context(), "p1", none); err != nil || len(attempt) != 0 {
				t.Errorf("%q: %v, %v", none, attempt, err)
			}
		}
	})
}

// Every search has an index that leads to it: none reads the whole table.
func TestSearchesUseIndexes(t *testing.T) {
	d := dbtest.Open(t, dbtest.SQLite)
	for condition, index := range map[string]string{
		`user_id = 'x'`:                         "audit_by_user",
		`actor <> user_id AND actor = 'x'`:      "audit_by_other",
		`ip = 'x' AND ip <> ''`:                 "audit_by_ip",
		`request_id = 'x' AND request_id <> ''`: "audit_by_request",
		`result = 'x' AND result <> 'ok'`:       "audit_by_refusal",
		`client_id = 'x'`:                       "audit_by_time",
		`substr(action, 1, 4) = 'app.' AND ` + `action NOT IN ('user.sign_in', 'user.sign_up', 'user.sign_out', 'code.send', 'code.verify')`: "audit_by_rare",
	} {
		var id, parent, unused int
		var plan string
		err := d.InTx(t.Context(), func(ctx context.Context) error {
			return d.QueryRow(ctx, `EXPLAIN QUERY PLAN SELECT id FROM audit WHERE pool_id = 'p1' AND at < 9 AND `+condition+
				` ORDER BY at DESC, id DESC LIMIT 50`).Scan(&id, &parent, &unused, &plan)
		})
		if err != nil || !strings.Contains(plan, index+" ") {
			t.Errorf("%s: %s, %v", condition, plan, err)
		}
	}
}

func TestAD07ExportsAreSafeToOpen(t *testing.T) {
	r := audit.Record{
		ID: "i1", At: noon, IP: "192.0.2.1", UserAgent: "=cmd|' /C calc'!A0", RequestID: "r\n2026 forged line",
		Event: audit.Event{
			PoolID: "p1", Action: audit.SignIn, Result: audit.OK, UserID: "-1+1", ClientID: "@SUM(1)",
			SessionID: "+1", Detail: map[string]string{"method": "password", "a": "b\r\nc"},
		},
	}
	var out bytes.Buffer
	e, err := audit.NewCSV(&out)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Write(r); err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(out.String(), "\n"); n != 2 {
		t.Errorf("%d lines for one record:\n%s", n, out.String())
	}
	rows, err := csv.NewReader(&out).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"2026-11-21T12:00:00Z", "i1", "p1", "user.sign_in", "ok", "'-1+1", "", "'@SUM(1)", "'+1", "", "192.0.2.1",
		"'=cmd|' /C calc'!A0", `r\n2026 forged line`, `a=b\r\nc; method=password`,
	}
	if diff := cmp.Diff(want, rows[1]); diff != "" {
		t.Error(diff)
	}
	for _, text := range []string{"\t=1", "\r=1", "|x", "%x"} {
		if c := audit.Cell(text); !strings.HasPrefix(c, "'") {
			t.Errorf("%q became %q", text, c)
		}
	}
	out.Reset()
	if err := audit.NewJSONLines(&out).Write(r); err != nil {
		t.Fatal(err)
	}
	var back map[string]any
	if err := json.Unmarshal(out.Bytes(), &back); err != nil || strings.Count(out.String(), "\n") != 1 || back["user_agent"] != r.UserAgent {
		t.Errorf("%s %v", out.String(), err)
	}
}

func TestExportsReadEverything(t *testing.T) {
	w := newTrail(t, dbtest.Open(t, dbtest.SQLite))
	w.fill("p1", 450)
	n := 0
	if err := w.Each(t.Context(), "p1", audit.Query{Action: "user."}, func(audit.Record) error { n++; return nil }); err != nil || n != 450 {
		t.Error(n, err)
	}
}
