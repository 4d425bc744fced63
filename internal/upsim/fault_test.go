package upsim_test

import (
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/upsim"
)

func arm(t *testing.T, s *upsim.Server, f upsim.Fault) int {
	t.Helper()
	id, err := s.Arm(f)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// Each fault that comes before the vendor leaves the code good.
func TestEarlyFaultsBurnNoCode(t *testing.T) {
	s := start(t, vectorTime)
	for _, c := range []struct {
		fault string
		seen  func(answer, error) bool
	}{
		{"H500", func(a answer, _ error) bool { return a.status == 500 }},
		{"H502", func(a answer, _ error) bool { return a.status == 502 }},
		{"H429", func(a answer, _ error) bool { return a.status == 429 }},
		{"HTML", func(a answer, _ error) bool {
			return a.status == 200 && strings.HasPrefix(a.header.Get("Content-Type"), "text/html")
		}},
		{"NOERR", func(a answer, _ error) bool { return a.status == 200 && a.body == "{}" }},
		{"REDIR", func(a answer, _ error) bool {
			return a.status == 302 && !strings.Contains(a.header.Get("Location"), "127.0.0.1")
		}},
		{"BIG", func(a answer, _ error) bool { return len(a.body) > 2<<20 }},
		{"GZIP", func(a answer, _ error) bool { return len(a.body) == 10<<20 }},
		{"RST", func(_ answer, err error) bool { return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, io.EOF) }},
		{"ERR:45009", func(a answer, _ error) bool { return errcode(a) == "45009" }},
		{"RATE", func(a answer, _ error) bool { return errcode(a) == "45011" }},
		{"BUSY", func(a answer, _ error) bool { return errcode(a) == "-1" }},
	} {
		t.Run(c.fault, func(t *testing.T) {
			s.Reset()
			arm(t, s, upsim.Fault{Match: upsim.Match{Upstream: "wechat", Subject: "alice"}, Fault: c.fault, Times: 1})
			client.CloseIdleConnections() // net/http asks again when a kept connection is reset
			if a, err := session(s, "SIM-WX-alice-1").try(t); !c.seen(a, err) {
				t.Errorf("%d %v %.200s", a.status, err, a.body)
			}
			if a := session(s, "SIM-WX-alice-1").do(t); errcode(a) != "0" {
				t.Errorf("afterwards: %s", a.body)
			}
			if entry := s.Journal("wechat")[0]; len(entry.Faults) != 1 || entry.Faults[0] != c.fault || entry.Verdict == "ok" {
				t.Errorf("%+v", entry)
			}
		})
	}
}

func TestLateFaultsSpoilAGoodAnswer(t *testing.T) {
	s := start(t, vectorTime)
	for _, c := range []struct {
		fault string
		seen  func(answer, error) bool
	}{
		{"TRUNC", func(a answer, err error) bool {
			return errors.Is(err, io.ErrUnexpectedEOF) && strings.HasPrefix(a.body, "{")
		}},
		{"DROP:openid", func(a answer, _ error) bool { return a.text("session_key") != "" && a.at("openid") == nil }},
		{"TYPE:openid", func(a answer, _ error) bool { return a.number("openid") == 1 }},
		{"CHARSET", func(a answer, _ error) bool { return strings.Contains(a.header.Get("Content-Type"), "gb2312") }},
		{"SLOW30", func(a answer, _ error) bool { return a.text("openid") != "" }},
		{"NOUNION", func(a answer, _ error) bool { return a.text("openid") != "" && a.text("unionid") == "" }},
		{"OTHERID", func(a answer, _ error) bool { return a.text("openid") == upsim.OpenID(miniApp, "somebodyelse") }},
		{"DUPUNION", func(a answer, _ error) bool { return a.text("unionid") == upsim.UnionID("g1", "everybody") }},
	} {
		t.Run(c.fault, func(t *testing.T) {
			s.Reset()
			arm(t, s, upsim.Fault{Match: upsim.Match{Path: "/jscode2session"}, Fault: c.fault, Times: 1})
			if a, err := session(s, "SIM-WX-alice-1").try(t); !c.seen(a, err) {
				t.Errorf("%v %s", err, a.body)
			}
			if a := session(s, "SIM-WX-alice-1").do(t); errcode(a) != "40163" {
				t.Errorf("the code must be used: %s", a.body)
			}
		})
	}
	s.Reset()
	arm(t, s, upsim.Fault{Fault: "ERRSTR"})
	if a := session(s, "nonsense").do(t); a.text("errcode") != "40029" {
		t.Error(a.body)
	}
}

func TestFaultsStrikeWhatTheyMatch(t *testing.T) {
	s := start(t, vectorTime)
	arm(t, s, upsim.Fault{Match: upsim.Match{Upstream: "tencent", Action: "SendSms", Phone: "+86 138 0000 0001"}, Fault: "ERR:InternalError.Timeout", After: 1, Times: 2})
	other := strings.Replace(tencentBody, "13800000001", "13800000002", 1)
	for i, c := range []struct{ body, want string }{
		{tencentBody, "Ok"}, {other, "Ok"}, {tencentBody, "InternalError.Timeout"}, {tencentBody, "InternalError.Timeout"}, {tencentBody, "Ok"},
	} {
		if a := sendTencent(t, s, c.body); tencentCode(a) != c.want {
			t.Errorf("%d: want %s: %s", i, c.want, a.body)
		}
	}
	id := arm(t, s, upsim.Fault{Fault: "H503"})
	if !s.Disarm(id) || s.Disarm(id) {
		t.Error("a fault is disarmed once")
	}
	if a := sendTencent(t, s, tencentBody); tencentCode(a) != "Ok" {
		t.Error(a.body)
	}
	for _, f := range []upsim.Fault{
		{Fault: "NONSENSE"},
		{Fault: ""},
		{Fault: "SNAP", Match: upsim.Match{Upstream: "tencent"}},
		{Fault: "H500", Match: upsim.Match{Upstream: "nobody"}},
		{Fault: "H500", Times: -1},
	} {
		if _, err := s.Arm(f); err == nil {
			t.Errorf("%+v was armed", f)
		}
	}
}

func TestSlowAnswersEndWithTheCallerOrTheServer(t *testing.T) {
	s := start(t, vectorTime)
	arm(t, s, upsim.Fault{Fault: "HANG"})
	brief := &http.Client{Timeout: 50 * time.Millisecond}
	resp, err := brief.Get(s.Bases().WeChatAPI + "/sns/auth")
	if err == nil {
		resp.Body.Close()
	}
	if timeout, ok := errors.AsType[net.Error](err); !ok || !timeout.Timeout() {
		t.Errorf("%v", err)
	}
	ended := make(chan error, 1)
	go func() {
		_, err := session(s, "SIM-WX-alice-1-SLOW60000").try(t)
		ended <- err
	}()
	for len(s.Journal("wechat")) < 2 {
		time.Sleep(time.Millisecond)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := <-ended; err == nil {
		t.Error("the server closed, and the caller has an answer")
	}
}
