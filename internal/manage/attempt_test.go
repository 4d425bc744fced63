package manage_test

import (
	"bytes"
	"encoding/csv"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tigertally/tigertally/api"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/manage"
	"github.com/tigertally/tigertally/internal/operator"
	"github.com/tigertally/tigertally/internal/testkit"
)

const (
	devPool      = "dev"
	rightWord    = "correct-horse-9"
	strangerCall = "+86 13900139000"
)

// visited is a server that people have tried to get into, known and not, and the id of the
// one who is known.
func visited(t *testing.T, s *testkit.Server) (m *manage.Service, person string) {
	t.Helper()
	made, err := s.App.Manage().CreateUser(t.Context(), operator.Local("test"), api.NewUser{
		PoolRef: api.PoolRef{Pool: devPool}, Username: "alice", Phone: "+86 13800138000", PhoneVerified: true, Password: rightWord,
	})
	if err != nil {
		t.Fatal(err)
	}
	sign := func(request, name, password string) {
		t.Helper()
		s.Do(http.MethodPost, "/auth/v1/signin?client_id="+devPool, map[string]string{"username": name, "password": password},
			"X-Request-Id", request)
	}
	sign("right", "alice", rightWord)
	sign("wrong", "+8613800138000", "wrong-password")
	sign("unknown", strangerCall, "wrong-password")
	code := s.Do(http.MethodPost, "/auth/v1/verification?client_id="+devPool,
		map[string]string{"phone_number": strangerCall, "target": "ANY"}, "X-Request-Id", "send")
	s.Do(http.MethodPost, "/auth/v1/verification/verify?client_id="+devPool,
		map[string]string{"verification_id": code.String("verification_id"), "verification_code": "000000x"}, "X-Request-Id", "mistyped")
	return s.App.Manage(), made.ID
}

func requests(list api.List[api.Attempt]) []string {
	var all []string
	for _, a := range list.Items {
		all = append(all, a.RequestID+" "+a.Result)
	}
	return all
}

func TestSupportFindsAttemptsByWhatWasTyped(t *testing.T) {
	testkit.Each(t, func(t *testing.T, s *testkit.Server) {
		m, person := visited(t, s)
		all := operator.Local("test")
		for _, test := range []struct {
			name string
			in   api.AttemptQuery
			want []string
		}{
			{"a number nobody has", api.AttemptQuery{Identifier: "13900139000"}, []string{"mistyped code_wrong", "send ok", "unknown user_not_found"}},
			{"only what failed", api.AttemptQuery{Identifier: strangerCall, Result: "refused"}, []string{"mistyped code_wrong", "unknown user_not_found"}},
			{"a number somebody has", api.AttemptQuery{Identifier: "+8613800138000", Result: "refused"}, []string{"wrong password_wrong"}},
			{"another name of theirs", api.AttemptQuery{Identifier: "alice", Result: "refused"}, []string{"wrong password_wrong"}},
			{"a person", api.AttemptQuery{User: person, Result: "refused"}, []string{"wrong password_wrong"}},
			{"an address", api.AttemptQuery{IP: "127.0.0.1", Result: "user_not_found"}, []string{"unknown user_not_found"}},
			{"another address", api.AttemptQuery{IP: "192.0.2.1"}, nil},
			{"a number nobody tried", api.AttemptQuery{Identifier: "+8613700137000"}, nil},
			{"another application", api.AttemptQuery{Client: "none", Result: "refused"}, nil},
			{"another time", api.AttemptQuery{Identifier: strangerCall, Until: "2020-01-01"}, nil},
		} {
			t.Run(test.name, func(t *testing.T) {
				test.in.Pool = devPool
				list, err := m.Attempts(t.Context(), all, test.in)
				wantCode(t, err, "")
				if diff := cmp.Diff(test.want, requests(list)); diff != "" {
					t.Error(diff)
				}
				for _, a := range list.Items {
					if strings.Contains(a.Identifier, "13900139000") || strings.Contains(a.Identifier, "13800138000") {
						t.Errorf("the identifier is in clear: %s", a.Identifier)
					}
				}
			})
		}
		t.Run("page by page", func(t *testing.T) {
			in := api.AttemptQuery{PoolRef: api.PoolRef{Pool: devPool}, Page: api.Page{Limit: 2}, Identifier: strangerCall}
			first, err := m.Attempts(t.Context(), all, in)
			wantCode(t, err, "")
			in.Cursor = first.NextCursor
			second, err := m.Attempts(t.Context(), all, in)
			wantCode(t, err, "")
			want := []string{"mistyped code_wrong", "send ok", "unknown user_not_found"}
			if diff := cmp.Diff(want, append(requests(first), requests(second)...)); diff != "" || second.NextCursor != "" {
				t.Error(diff, second.NextCursor)
			}
		})
		for name, in := range map[string]api.AttemptQuery{
			"what nobody can be called": {Identifier: "a@@b"}, "two people at once": {Identifier: "alice", User: person},
			"a time that is none": {Since: "yesterday"}, "a cursor of somebody else": {Page: api.Page{Cursor: "AAAA"}},
		} {
			in.Pool = devPool
			if _, err := m.Attempts(t.Context(), all, in); errs.CodeOf(err) != errs.BadRequest {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// decisions is a story in short.
func decisions(s api.AttemptStory) []string {
	var all []string
	for _, step := range s.Steps {
		text := step.Step + " " + step.Result
		for _, name := range []string{"kind", "identifier", "rule", "method", "point", "to"} {
			if v := step.Params[name]; v != "" {
				text += " " + name + "=" + v
			}
		}
		all = append(all, text)
	}
	return all
}

func TestAnAttemptIsToldStepByStep(t *testing.T) {
	testkit.Each(t, func(t *testing.T, s *testkit.Server) {
		m, person := visited(t, s)
		for request, want := range map[string][]string{
			"right": {
				"identifier typed kind=username identifier=a***", "proof accepted method=password", "account active",
				"user.sign_in ok method=password", "session opened",
			},
			"wrong": {
				"identifier typed kind=phone identifier=138****8000", "proof password_wrong method=password",
				"user.sign_in password_wrong method=password",
			},
			"unknown": {
				"identifier typed kind=phone identifier=139****9000", "proof user_not_found method=password",
				"user.sign_in user_not_found method=password",
			},
			"send":     {"code.send ok to=139****9000"},
			"mistyped": {"code.verify code_wrong to=139****9000"},
		} {
			story, err := m.ExplainAttempt(t.Context(), operator.Local("test"), api.AttemptRef{PoolRef: api.PoolRef{Pool: devPool}, RequestID: request})
			wantCode(t, err, "")
			if diff := cmp.Diff(want, decisions(story)); diff != "" {
				t.Errorf("%s: %s", request, diff)
			}
			if request == "right" && (story.User != person || story.Session == "" || story.Outcome != "ok") {
				t.Errorf("who and what: %+v", story)
			}
		}
		_, err := m.ExplainAttempt(t.Context(), operator.Local("test"), api.AttemptRef{PoolRef: api.PoolRef{Pool: devPool}, RequestID: "none"})
		wantCode(t, err, errs.RecordNotFound)
	})
}

func TestAFullLimitTellsHowLongToWait(t *testing.T) {
	testkit.Each(t, func(t *testing.T, s *testkit.Server) {
		m, _ := visited(t, s)
		for i := range 12 {
			s.Do(http.MethodPost, "/auth/v1/signin?client_id="+devPool, map[string]string{"username": "alice", "password": "wrong-password"},
				"X-Request-Id", "try"+string(rune('a'+i)))
		}
		story, err := m.ExplainAttempt(t.Context(), operator.Local("test"), api.AttemptRef{PoolRef: api.PoolRef{Pool: devPool}, RequestID: "tryl"})
		wantCode(t, err, "")
		i := 1 // after the identifier
		if len(story.Steps) < 3 || story.Steps[i].Result != "full" || story.Steps[i].Params["rule"] != "password_account" || story.Steps[i].Params["seconds"] == "" {
			t.Errorf("steps = %+v", story.Steps)
		}
	})
}

// MT-01: nobody reads what happened in another tenant's pool.
func TestTheRecordOfAnotherTenantCannotBeSeen(t *testing.T) {
	testkit.Each(t, func(t *testing.T, s *testkit.Server) {
		m, ctx := s.App.Manage(), t.Context()
		me, other := tenants(t, s)
		if _, err := m.CreateUser(ctx, other, api.NewUser{PoolRef: api.PoolRef{Pool: "theirs"}, Username: "bob", Password: rightWord}); err != nil {
			t.Fatal(err)
		}
		list, err := m.Audit(ctx, other, api.AuditQuery{PoolRef: api.PoolRef{Pool: "theirs"}})
		if wantCode(t, err, ""); len(list.Items) == 0 {
			t.Fatal("nothing was recorded")
		}
		record := list.Items[0].ID
		_, err = m.AuditRecord(ctx, me, api.AuditRef{PoolRef: api.PoolRef{Pool: "mine"}, Record: record})
		wantCode(t, err, errs.RecordNotFound)
		_, err = m.AuditRecord(ctx, me, api.AuditRef{PoolRef: api.PoolRef{Pool: "theirs"}, Record: record})
		wantCode(t, err, errs.PoolNotFound)
		_, err = m.Attempts(ctx, me, api.AttemptQuery{PoolRef: api.PoolRef{Pool: "theirs"}})
		wantCode(t, err, errs.PoolNotFound)
		_, err = m.InstallationAudit(ctx, me, api.InstallationAuditQuery{})
		wantCode(t, err, errs.PermissionDenied)
		_, err = m.Metrics(ctx, me, api.MetricQuery{PoolRef: api.PoolRef{Pool: "theirs"}})
		wantCode(t, err, errs.PoolNotFound)
		mine, err := m.Audit(ctx, me, api.AuditQuery{PoolRef: api.PoolRef{Pool: "mine"}, AuditTerms: api.AuditTerms{User: list.Items[0].User}})
		if wantCode(t, err, ""); len(mine.Items) > 0 && list.Items[0].User != "" {
			t.Errorf("records of another tenant: %+v", mine.Items)
		}
		_, err = m.Audit(ctx, me, api.AuditQuery{PoolRef: api.PoolRef{Pool: "mine"}, Page: api.Page{Cursor: list.NextCursor + "x"}})
		wantCode(t, err, errs.BadRequest)
	})
}

func TestRecordsAreTakenAwayOnceThatIsRecorded(t *testing.T) {
	testkit.Each(t, func(t *testing.T, s *testkit.Server) {
		m, person := visited(t, s)
		in := api.AuditExport{PoolRef: api.PoolRef{Pool: devPool}, AuditTerms: api.AuditTerms{User: person, Result: "password_wrong"}, Format: "csv"}
		stale := operator.Principal{Kind: operator.KindOperator, ID: "1", Role: operator.Operator, MFA: true}
		var out bytes.Buffer
		wantCode(t, m.ExportAudit(t.Context(), stale, in, &out), errs.SudoRequired)
		stale.Role, stale.SudoUntil = operator.Support, time.Now().Add(time.Hour)
		wantCode(t, m.ExportAudit(t.Context(), stale, in, &out), errs.PermissionDenied)
		if out.Len() > 0 {
			t.Errorf("written although refused: %s", &out)
		}
		wantCode(t, m.ExportAudit(t.Context(), operator.Local("test"), in, &out), "")
		rows, err := csv.NewReader(&out).ReadAll()
		if err != nil || len(rows) != 2 || rows[1][3] != "user.sign_in" || rows[1][4] != "password_wrong" {
			t.Errorf("rows = %v, %v", rows, err)
		}
		list, err := m.Audit(t.Context(), operator.Local("test"), api.AuditQuery{PoolRef: api.PoolRef{Pool: devPool}, AuditTerms: api.AuditTerms{Action: "audit.export"}})
		if wantCode(t, err, ""); len(list.Items) != 1 {
			t.Errorf("exports on record: %d", len(list.Items))
		}
		proof, err := m.VerifyAudit(t.Context(), operator.Local("test"), api.PoolRef{Pool: devPool})
		if wantCode(t, err, ""); !proof.Whole || proof.Records == 0 {
			t.Errorf("proof = %+v", proof)
		}
		in.Format = "xml"
		wantCode(t, m.ExportAudit(t.Context(), operator.Local("test"), in, &out), errs.BadRequest)
	})
}

func TestNumbersShowWhatHappenedToday(t *testing.T) {
	testkit.Each(t, func(t *testing.T, s *testkit.Server) {
		m, _ := visited(t, s)
		in := api.MetricQuery{PoolRef: api.PoolRef{Pool: devPool}, UTCOffset: 480}
		got, err := m.Metrics(t.Context(), operator.Local("test"), in)
		wantCode(t, err, "")
		if len(got.Starts) != 14 || got.Starts[13].UTC().Hour() != 16 {
			t.Errorf("days = %v", got.Starts)
		}
		today := map[string]float64{}
		for _, v := range got.Series {
			if v.Name != "latency_ms" {
				today[strings.TrimSpace(v.Name+" "+v.Label+" "+v.Result)] = v.Values[13]
			} else if v.Values[13] <= 0 {
				t.Errorf("latency %s = %v", v.Label, v.Values[13])
			}
		}
		want := map[string]float64{
			"sign_in password ok": 1, "sign_in password password_wrong": 1, "sign_in password user_not_found": 1,
			"code_send sms ok": 1, "code_verify sms code_wrong": 1, "sign_up  ok": 1,
		}
		if diff := cmp.Diff(want, today); diff != "" {
			t.Error(diff)
		}
		for name, in := range map[string]api.MetricQuery{
			"no step": {Step: "week"}, "no time": {From: "then"}, "too many": {From: "2020-01-01", Step: "hour"}, "backwards": {From: "2026-02-02", To: "2026-02-01"},
		} {
			in.Pool = devPool
			if _, err := m.Metrics(t.Context(), operator.Local("test"), in); errs.CodeOf(err) != errs.BadRequest {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func TestSetupTicksWhatIsThere(t *testing.T) {
	testkit.Each(t, func(t *testing.T, s *testkit.Server) {
		m, ctx := s.App.Manage(), t.Context()
		tenants(t, s)
		done := func(pool string) map[string]bool {
			got, err := m.Setup(ctx, operator.Local("test"), api.PoolRef{Pool: pool})
			wantCode(t, err, "")
			all := map[string]bool{}
			for _, step := range got.Steps {
				all[step.Name] = step.Done
			}
			return all
		}
		if got := done("mine"); got["application"] || got["sign_in"] || got["provider"] {
			t.Errorf("a new pool has %v", got)
		}
		if _, err := m.PutProvider(ctx, operator.Local("test"), github("mine", "gh")); err != nil {
			t.Fatal(err)
		}
		if err := s.App.Pools.SetOrigins(ctx, "mine", []string{"https://app.example.com"}); err != nil {
			t.Fatal(err)
		}
		if got := done("mine"); !got["application"] || got["sign_in"] || !got["provider"] {
			t.Errorf("after that it has %v", got)
		}
		visited(t, s)
		if got := done(devPool); !got["sign_in"] {
			t.Errorf("after a sign-in there is %v", got)
		}
		if got := done("mine"); got["sign_in"] {
			t.Errorf("the other pool has %v", got)
		}
	})
}
