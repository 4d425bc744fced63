package upsim_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/upsim"
)

func control(t testing.TB, s *upsim.Server, method, path, body string) answer {
	t.Helper()
	path, query, _ := strings.Cut(path, "?")
	return call{
		method: method, base: s.Bases().Control, path: path, query: query, body: body,
		header: map[string]string{"Authorization": "Bearer " + controlToken},
	}.do(t)
}

func TestTheControlAPIWantsItsToken(t *testing.T) {
	s := start(t, vectorTime)
	for _, header := range []string{"", "Bearer ", "Bearer x", controlToken + "x"} {
		c := call{method: http.MethodGet, base: s.Bases().Control, path: "/journal", header: map[string]string{}}
		if header != "" {
			c.header["Authorization"] = header
		}
		if a := c.do(t); a.status != http.StatusUnauthorized {
			t.Errorf("%q: %d", header, a.status)
		}
	}
	closed, err := upsim.Start(t.Context(), upsim.Options{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	defer closed.Close()
	if a := get(closed.Bases().Control, "/journal").do(t); a.status != http.StatusNotFound {
		t.Errorf("without a token: %d", a.status)
	}
}

func TestTheControlAPIDoesWhatTheHandleDoes(t *testing.T) {
	s := start(t, vectorTime)
	step := func(method, path, body string, contains ...string) answer {
		t.Helper()
		a := control(t, s, method, path, body)
		if a.status != http.StatusOK {
			t.Fatalf("%s %s: %d %s", method, path, a.status, a.body)
		}
		for _, want := range contains {
			if !strings.Contains(a.body, want) {
				t.Errorf("%s %s: want %s in %s", method, path, want, a.body)
			}
		}
		return a
	}
	step("PUT", "/apps/wechat/wx0000000000000004", `{"secret":"simsecret","kind":"mini","union_group":"g2"}`)
	step("PUT", "/users/dave", `{"phone":"13800000004","nickname":"Dave"}`)
	step("GET", "/users/dave", "", `"phone":"13800000004"`, `"country_code":"86"`)
	step("GET", "/users", "", `"subject":"alice"`, `"subject":"dave"`)
	step("GET", "/apps", "", `"wx0000000000000004"`)
	step("GET", "/bases", "", `"wechat.api_base":"http://127.0.0.1:`)
	js := step("POST", "/codes", `{"kind":"WX","subject":"dave","appid":"wx0000000000000004"}`).text("code")
	login := session(s, js, "appid", "wx0000000000000004", "secret", "simsecret").do(t)
	if login.text("unionid") != upsim.UnionID("g2", "dave") {
		t.Error(login.body)
	}
	fault := step("POST", "/faults", `{"match":{"upstream":"wechat"},"fault":"H500","times":3}`)
	if a := session(s, "SIM-WX-dave-1").do(t); a.status != 500 {
		t.Error(a.body)
	}
	step("DELETE", "/faults/"+jsonText(t, fault.at("id")), "")
	step("POST", "/clock", `{"advance":"5m"}`, "2023-11-14T22:18:20Z")
	step("POST", "/clock", `{"set":"2024-01-01T00:00:00Z","freeze":true}`, "2024-01-01T00:00:00Z")
	sendTencent(t, s, tencentBody)
	step("GET", "/sms?phone=%2B8613800000001", "", `"code":"246810"`, `"vendor":"tencent"`)
	step("GET", "/wait?inbox=sms&to=13800000001&timeout=1s", "", `"code":"246810"`)
	step("GET", "/wait?inbox=sms&to=13800000009&timeout=1ms", "", `null`)
	step("POST", "/expect", `{"matches":[{"upstream":"wechat"}]}`)
	session(s, "SIM-WX-dave-2").do(t)
	before := len(s.Unexpected())
	sendTencent(t, s, tencentBody)
	if after := len(s.Unexpected()); after != before+1 {
		t.Errorf("%d unexpected after %d", after, before)
	}
	step("GET", "/journal?upstream=tencent&since=1", "", `"action":"SendSms"`, `"verdict":"ok"`)
	step("POST", "/reset", "")
	if len(s.Journal("")) != 0 || len(s.SMS("")) != 0 || !s.Now().Equal(vectorTime) || s.User("dave").Phone != "13800000004" {
		t.Error("reset forgets what happened, and nobody")
	}
	for _, c := range [][3]string{
		{"PUT", "/apps/wechat/x", `{"sekret":"x"}`},
		{"PUT", "/apps/nobody/x", `{}`},
		{"PUT", "/apps/x", `{}`},
		{"PUT", "/users/Dave!", `{}`},
		{"POST", "/codes", `{"kind":"x","subject":"y"}`},
		{"POST", "/faults", `{"fault":"x"}`},
		{"DELETE", "/faults/77", ""},
		{"POST", "/clock", `{"advance":"soon"}`},
		{"GET", "/journal?since=x", ""},
		{"GET", "/wait?inbox=letters", ""},
		{"GET", "/wait?inbox=sms&timeout=1h", ""},
		{"POST", "/deliver", `{"sms":1}`},
	} {
		if a := control(t, s, c[0], c[1], c[2]); a.status != http.StatusBadRequest || a.text("error") == "" {
			t.Errorf("%v: %d %s", c, a.status, a.body)
		}
	}
}

func jsonText(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestTheJournalHidesSecrets(t *testing.T) {
	s := start(t, vectorTime)
	tokens := exchange(s, webApp, "SIM-WO-alice-1").do(t)
	get(s.Bases().WeChatAPI, "/sns/userinfo", "access_token", tokens.text("access_token"), "openid", tokens.text("openid")).do(t)
	key := session(s, "SIM-WX-alice-1").do(t).text("session_key")
	phone(t, s, stable(t, s, false).text("access_token"), map[string]string{"code": "SIM-WP-alice-1"})
	text := jsonText(t, s.Journal(""))
	for _, secret := range []string{wechatSecret(webApp), wechatSecret(miniApp), tokens.text("access_token"), tokens.text("refresh_token"), key, "SIMAT-"} {
		if secret == "" || strings.Contains(text, secret) {
			t.Errorf("the journal tells %q", secret)
		}
	}
	if !strings.Contains(text, upsim.Redact(wechatSecret(webApp))) {
		t.Error("the journal does not tell which secret it was")
	}
}

func TestTheClockMayBeShared(t *testing.T) {
	s := start(t, vectorTime)
	shared := &hands{at: vectorTime.Add(time.Hour)}
	s.Advance(time.Minute)
	s.Follow(shared.now)
	if got := s.Now(); !got.Equal(shared.now()) {
		t.Errorf("got %v", got)
	}
	s.Advance(time.Minute)
	s.Freeze(true)
	shared.mu.Lock()
	shared.at = shared.at.Add(time.Hour)
	shared.mu.Unlock()
	if got, want := s.Now(), vectorTime.Add(time.Hour+time.Minute); !got.Equal(want) {
		t.Errorf("frozen: got %v, want %v", got, want)
	}
	s.Freeze(false)
	if got, want := s.Now(), vectorTime.Add(time.Hour+time.Minute); !got.Equal(want) {
		t.Errorf("thawed: got %v, want %v", got, want)
	}
}

func TestOnlyLoopbackUnlessForced(t *testing.T) {
	for address, allowed := range map[string]bool{
		"0.0.0.0:0": false, ":0": false, "example.com:80": false, "127.0.0.1:0": true, "localhost:0": true, "192.0.2.1:0": false, "nonsense": false,
	} {
		s, err := upsim.Start(t.Context(), upsim.Options{Now: time.Now, Main: address})
		if (err == nil) != allowed {
			t.Errorf("%s: %v", address, err)
		}
		if err == nil {
			s.Close()
		}
	}
	s, err := upsim.Start(t.Context(), upsim.Options{Now: time.Now, Aliyun: "0.0.0.0:0", AnyAddress: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if _, err := upsim.Start(t.Context(), upsim.Options{}); err == nil {
		t.Error("it started without a clock")
	}
}

// S5: many clients at once, and every code works once.
func TestCodesWorkOnceForManyClients(t *testing.T) {
	const clients, codes = 200, 20
	s := start(t, vectorTime)
	var logins, taps, tokens sync.Map
	var wait sync.WaitGroup
	var failed atomic.Int32
	count := func(m *sync.Map, key string) {
		n, _ := m.LoadOrStore(key, new(atomic.Int32))
		n.(*atomic.Int32).Add(1)
	}
	begin := make(chan struct{})
	for n := range clients {
		wait.Go(func() {
			<-begin
			subject := "user" + jsonText(t, n%codes)
			if a, err := session(s, "SIM-WX-"+subject+"-1").try(t); err != nil {
				failed.Add(1)
			} else if errcode(a) == "0" {
				count(&logins, subject)
			}
			if a, err := tryYidun(t, s, "/v1/oneclick/check", "SIM-OT-"+subject+"-1", "SIM-OT-"+subject+"-1"); err != nil {
				failed.Add(1)
			} else if a.number("code") == 200 {
				count(&taps, subject)
			}
			if a, err := postJSON(t, s.Bases().WeChatAPI, "/cgi-bin/stable_token", map[string]any{
				"grant_type": "client_credential", "appid": miniApp, "secret": wechatSecret(miniApp),
			}).try(t); err != nil {
				failed.Add(1)
			} else {
				count(&tokens, a.text("access_token"))
			}
			s.SMS("")
			s.Journal("wechat")
			s.Advance(0)
		})
	}
	close(begin)
	wait.Wait()
	if failed.Load() != 0 {
		t.Errorf("%d calls failed", failed.Load())
	}
	for name, m := range map[string]*sync.Map{"logins": &logins, "one-tap": &taps} {
		seen := 0
		m.Range(func(key, n any) bool {
			seen++
			if got := n.(*atomic.Int32).Load(); got != 1 {
				t.Errorf("%s: %v worked %d times", name, key, got)
			}
			return true
		})
		if seen != codes {
			t.Errorf("%s: %d of %d codes worked", name, seen, codes)
		}
	}
	different := 0
	tokens.Range(func(_, _ any) bool { different++; return true })
	if different != 1 {
		t.Errorf("%d stable tokens", different)
	}
	if got := len(s.Journal("")); got != 3*clients {
		t.Errorf("%d entries", got)
	}
}

func TestCloseEndsWhoWaits(t *testing.T) {
	s := start(t, vectorTime)
	ended := make(chan error, 1)
	go func() {
		_, err := s.WaitSMS(context.WithoutCancel(t.Context()), "x", 0)
		ended <- err
	}()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := <-ended; err == nil {
		t.Error("a message from a closed simulator")
	}
	if err := s.Close(); err != nil {
		t.Errorf("closing twice: %v", err)
	}
	if _, err := http.Get(s.Bases().WeChatAPI + "/?" + url.Values{}.Encode()); err == nil {
		t.Error("it still answers")
	}
}
