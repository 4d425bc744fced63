package emulator_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tigertally/tigertally/internal/emulator"
	"github.com/tigertally/tigertally/internal/errs"
)

type bench struct {
	handler http.Handler
	inbox   *emulator.Inbox
	clock   *emulator.Clock
	wiped   int
	user    emulator.NewUser
	change  emulator.Settings
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{clock: emulator.NewClock(time.Now)}
	b.inbox = emulator.NewInbox(b.clock.Now)
	b.handler = emulator.New(emulator.Options{
		Clock: b.clock, Inbox: b.inbox, Logger: slog.New(slog.DiscardHandler),
		Settle: func(context.Context) {},
		Project: func(context.Context) (emulator.Project, error) {
			return emulator.Project{Pool: "dev", Env: "dev", ClientID: "dev", AppID: "dev-app"}, nil
		},
		Wipe: func(context.Context) error { b.wiped++; return nil },
		CreateUser: func(_ context.Context, u emulator.NewUser) (string, error) {
			if u.Username == "taken" {
				return "", errs.New(errs.UsernameTaken)
			}
			b.user = u
			return "u1", nil
		},
		Settings: func(_ context.Context, s emulator.Settings) (emulator.Settings, error) {
			b.change = s
			return s, nil
		},
		TicketKey: func(context.Context) (emulator.TicketKey, error) {
			return emulator.TicketKey{PrivateKeyID: "k1", PrivateKey: "pem", EnvID: "dev"}, nil
		},
	}).Handler()
	return b
}

func (b *bench) do(t *testing.T, method, target, body string) *http.Response {
	t.Helper()
	w := httptest.NewRecorder()
	b.handler.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body)))
	return w.Result()
}

func text(t *testing.T, r *http.Response) string {
	t.Helper()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(body))
}

func (b *bench) messages(t *testing.T, query url.Values) []emulator.Message {
	t.Helper()
	r := b.do(t, "GET", "/emulator/v1/messages?"+query.Encode(), "")
	var list []emulator.Message
	if err := json.Unmarshal([]byte(text(t, r)), &list); err != nil || r.StatusCode != http.StatusOK {
		t.Fatalf("messages: %v, %v", r.StatusCode, err)
	}
	return list
}

func codes(list []emulator.Message) string {
	var all []string
	for _, m := range list {
		all = append(all, m.Code)
	}
	return strings.Join(all, " ")
}

func TestMessagesAreFoundHoweverTheAddressIsWritten(t *testing.T) {
	b := newBench(t)
	b.inbox.Add(emulator.Message{Channel: "sms", To: "+8613800000000", Code: "1"})
	b.inbox.Add(emulator.Message{Channel: "email", To: "test@example.com", Code: "2"})
	b.inbox.Add(emulator.Message{Channel: "captcha", To: "ct_AbC", Code: "3"})
	b.inbox.Add(emulator.Message{Channel: "sms", To: "+8613800000000", Code: "4"})
	for _, c := range []struct{ name, query, want string }{
		{"everything, newest first", "", "4 3 2 1"},
		{"canonical", "to=%2B8613800000000", "4 1"},
		{"with the space of the protocol", "to=%2B86+13800000000", "4 1"},
		{"national", "to=13800000000", "4 1"},
		{"with separators", "to=138-0000-0000", "4 1"},
		{"with a plus nobody escaped", "to=+8613800000000", "4 1"},
		{"an email in other case", "to=Test@Example.com", "2"},
		{"a captcha's token", "to=ct_AbC", "3"},
		{"a channel", "channel=captcha", "3"},
		{"a limit", "channel=sms&limit=1", "4"},
		{"nobody", "to=13900000000", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			query, err := url.ParseQuery(c.query)
			if err != nil {
				t.Fatal(err)
			}
			if got := codes(b.messages(t, query)); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestWaitingEndsWithTheFirstMessageThatMatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		begin := time.Now()
		go func() {
			time.Sleep(time.Second)
			b.inbox.Add(emulator.Message{Channel: "sms", To: "+8613900000000", Code: "other"})
			time.Sleep(time.Second)
			b.inbox.Add(emulator.Message{Channel: "sms", To: "+8613800000000", Code: "mine"})
		}()
		query := url.Values{"to": {"13800000000"}, "wait": {"20s"}}
		if got := codes(b.messages(t, query)); got != "mine" || time.Since(begin) != 2*time.Second {
			t.Errorf("got %q after %v", got, time.Since(begin))
		}
		begin = time.Now()
		if got := codes(b.messages(t, query)); got != "mine" || time.Since(begin) != 0 {
			t.Errorf("a message that is there: got %q after %v", got, time.Since(begin))
		}
		if got := b.messages(t, url.Values{"to": {"nobody"}, "wait": {"99s"}}); len(got) != 0 || time.Since(begin) != 30*time.Second {
			t.Errorf("nothing: got %v after %v, want the longest wait", got, time.Since(begin))
		}
	})
}

func TestWaitingAfterAMessageLearnsOfAReset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.inbox.Add(emulator.Message{Code: "1"})
		begin := time.Now()
		go func() {
			time.Sleep(time.Second)
			b.do(t, "POST", "/emulator/v1/reset", "")
		}()
		got := b.messages(t, url.Values{"after": {"1"}, "wait": {"20s"}})
		if len(got) != 0 || time.Since(begin) != time.Second || b.wiped != 1 {
			t.Errorf("got %v after %v, wiped %d times", got, time.Since(begin), b.wiped)
		}
	})
}

func TestTheInboxForgetsTheOldest(t *testing.T) {
	b := newBench(t)
	for range 2001 {
		b.inbox.Add(emulator.Message{})
	}
	list := b.messages(t, nil)
	if len(list) != 2000 || list[0].ID != "2001" || list[1999].ID != "2" {
		t.Errorf("kept %d, from %s to %s", len(list), list[0].ID, list[len(list)-1].ID)
	}
}

func TestTheClockGoesForwardOnly(t *testing.T) {
	for _, c := range []struct {
		body   string
		status int
		ahead  time.Duration
	}{
		{`{"advance":"31d"}`, 200, 31 * 24 * time.Hour},
		{`{"advance":"1d12h30m"}`, 200, 36*time.Hour + 30*time.Minute},
		{`{"advance":"90s"}`, 200, 90 * time.Second},
		{`{"advance":"-1h"}`, 400, 0},
		{`{"advance":"1d-25h"}`, 400, 0},
		{`{"advance":"99999d"}`, 400, 0},
		{`{"advance":"soon"}`, 400, 0},
		{`{"advance":"d"}`, 400, 0},
		{`{"reset":true}`, 200, 0},
		{`{}`, 400, 0},
		{`{"forward":"1h"}`, 400, 0},
	} {
		t.Run(c.body, func(t *testing.T) {
			b := newBench(t)
			r := b.do(t, "POST", "/emulator/v1/clock", c.body)
			if r.StatusCode != c.status || b.clock.Offset() != c.ahead {
				t.Errorf("got %d %s, ahead %v", r.StatusCode, text(t, r), b.clock.Offset())
			}
		})
	}
	b := newBench(t)
	b.do(t, "POST", "/emulator/v1/clock", `{"advance":"31d"}`)
	if d := time.Until(b.clock.Now()); d < 30*24*time.Hour {
		t.Errorf("Now is only %v ahead", d)
	}
	b.do(t, "POST", "/emulator/v1/reset", `{"clock":true}`)
	if b.clock.Offset() != 0 {
		t.Error("reset did not reset the clock it was asked to")
	}
}

func TestEndpoints(t *testing.T) {
	for _, c := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"GET", "project", "", 200, `"clientId":"dev"`},
		{"POST", "users", `{"username":"a","status":"blocked","resetPasswordOnFirstLogin":true}`, 200, `{"id":"u1"}`},
		{"POST", "users", `{"status":"gone"}`, 400, `"code":"bad_request"`},
		{"POST", "users", `{"username":"taken"}`, 400, `"code":"username_taken"`},
		{"PUT", "settings", `{"captcha":"always","anonymous":false}`, 200, `{"captcha":"always","anonymous":false}`},
		{"PUT", "settings", `{"captcha":"sometimes"}`, 400, `"code":"bad_request"`},
		{"PUT", "settings", `{"accessTokenSeconds":0}`, 400, `"code":"bad_request"`},
		{"POST", "ticket-keys", "", 200, `{"private_key_id":"k1","private_key":"pem","env_id":"dev"}`},
		{"GET", "messages?wait=long", "", 400, `"code":"bad_request"`},
		{"GET", "nothing", "", 404, `"code":"route_not_found"`},
		{"POST", "users", `{`, 400, `"message":"`},
	} {
		t.Run(c.method+" "+c.path+" "+c.body, func(t *testing.T) {
			r := newBench(t).do(t, c.method, "/emulator/v1/"+c.path, c.body)
			if got := text(t, r); r.StatusCode != c.status || !strings.Contains(got, c.want) {
				t.Errorf("got %d %s", r.StatusCode, got)
			}
			if r.Header.Get("Access-Control-Allow-Origin") != "*" {
				t.Error("pages of other origins are kept out")
			}
		})
	}
}

func TestUsersArriveWhole(t *testing.T) {
	b := newBench(t)
	b.do(t, "POST", "/emulator/v1/users", `{"username":"a","password":"p","phone":"13800000000","email":"a@b.c","status":"pending","resetPasswordOnFirstLogin":true}`)
	want := emulator.NewUser{Username: "a", Password: "p", Phone: "13800000000", Email: "a@b.c", Status: "pending", ResetPasswordOnFirstLogin: true}
	if diff := cmp.Diff(want, b.user); diff != "" {
		t.Error(diff)
	}
}

func TestThePageLoadsNothingFromElsewhere(t *testing.T) {
	b := newBench(t)
	for _, name := range []string{"", "app.js", "api.js", "dom.js", "words.js", "inbox.js", "signin.js", "controls.js", "style.css", "icon.svg"} {
		r := b.do(t, "GET", "/emulator/"+name, "")
		body := text(t, r)
		if r.StatusCode != http.StatusOK || !strings.Contains(r.Header.Get("Content-Security-Policy"), "default-src 'none'") {
			t.Errorf("%q: %d, policy %q", name, r.StatusCode, r.Header.Get("Content-Security-Policy"))
		}
		for _, link := range []string{`src="http`, `href="http`, "url(http", "from 'http", "style=\"", "onclick="} {
			if strings.Contains(body, link) {
				t.Errorf("%q holds %s", name, link)
			}
		}
	}
}
