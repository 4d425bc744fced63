package mail_test

import (
	"encoding/base64"
	"errors"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"net"
	netmail "net/mail"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tigertally/tigertally/internal/mail"
)

func at() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }

func message() mail.Message {
	return mail.Message{
		ID: "m1", To: "mike@example.org", Template: "sign_in", Lang: "zh-CN",
		Subject: "老虎 登录验证码 " + strings.Repeat("很长的主题", 12),
		Text:    "验证码\n.\n246810\n", HTML: "<p>246810</p>",
	}
}

func open(t *testing.T, s *server, more map[string]string) mail.Driver {
	t.Helper()
	host, port, err := net.SplitHostPort(s.addr)
	if err != nil {
		t.Fatal(err)
	}
	set := map[string]string{"host": host, "port": port, "tls": "none", "from": "老虎 <no-reply@example.com>"}
	maps.Copy(set, more)
	d, err := mail.New("smtp", set, at)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestSMTPSubmitsTextAndHTML(t *testing.T) {
	s := &server{greeting: []string{"AUTH PLAIN LOGIN"}}
	s.start(t)
	_, err := open(t, s, map[string]string{"username": "me", "password": "pw"}).Send(t.Context(), message())
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Fields(s.seen.from)[0]; got != "FROM:<no-reply@example.com>" || s.seen.to != "TO:<mike@example.org>" {
		t.Errorf("envelope %q %q", s.seen.from, s.seen.to)
	}
	if want := "PLAIN " + base64.StdEncoding.EncodeToString([]byte("\x00me\x00pw")); s.seen.auth != want {
		t.Errorf("auth %q", s.seen.auth)
	}
	for line := range strings.SplitSeq(s.seen.data, "\r\n") {
		if len(line) > 90 || strings.ContainsFunc(line, func(r rune) bool { return r > 126 }) {
			t.Errorf("line is long or not ASCII: %q", line)
		}
	}
	m, err := netmail.ReadMessage(strings.NewReader(s.seen.data))
	if err != nil {
		t.Fatal(err)
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if err != nil || subject != message().Subject {
		t.Errorf("subject %q, %v", subject, err)
	}
	if from, err := m.Header.AddressList("From"); err != nil || from[0].Name != "老虎" {
		t.Errorf("from %v, %v", from, err)
	}
	if id := m.Header.Get("Message-ID"); id != "<m1@example.com>" {
		t.Errorf("message id %q", id)
	}
	if date, err := m.Header.Date(); err != nil || !date.Equal(at()) {
		t.Errorf("date %v, %v", date, err)
	}
	want := []string{
		"text/plain; charset=utf-8", message().Text,
		"text/html; charset=utf-8", message().HTML,
	}
	if diff := cmp.Diff(want, parts(t, m)); diff != "" {
		t.Error(diff)
	}
}

// parts lists type and decoded body of each part.
func parts(t *testing.T, m *netmail.Message) []string {
	t.Helper()
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("content type %q, %v", kind, err)
	}
	var all []string
	for r := multipart.NewReader(m.Body, params["boundary"]); ; {
		p, err := r.NextPart()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(base64.NewDecoder(base64.StdEncoding, p))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p.Header.Get("Content-Type"), string(body))
	}
}

func TestSMTPFallsBackToLogin(t *testing.T) {
	s := &server{greeting: []string{"AUTH LOGIN"}}
	s.start(t)
	if _, err := open(t, s, map[string]string{"username": "me", "password": "pw"}).Send(t.Context(), message()); err != nil {
		t.Fatal(err)
	}
	if s.seen.auth != "LOGIN bWU=,cHc=" {
		t.Errorf("auth %q", s.seen.auth)
	}
}

// A server that offers no TLS, or one nobody vouches for, gets no message and no password.
func TestSMTPNeverFallsBackToClearText(t *testing.T) {
	cert := certificate(t)
	for name, tc := range map[string]struct {
		server *server
		tls    string
	}{
		"starttls not offered": {&server{greeting: []string{"AUTH PLAIN"}}, "starttls"},
		"starttls untrusted":   {&server{greeting: []string{"STARTTLS", "AUTH PLAIN"}, cert: cert}, "starttls"},
		"implicit untrusted":   {&server{greeting: []string{"AUTH PLAIN"}, cert: cert, implicit: true}, "implicit"},
	} {
		t.Run(name, func(t *testing.T) {
			tc.server.start(t)
			d := open(t, tc.server, map[string]string{"tls": tc.tls, "username": "me", "password": "pw"})
			if _, err := d.Send(t.Context(), message()); err == nil {
				t.Error("sent")
			}
			tc.server.mu.Lock()
			defer tc.server.mu.Unlock()
			if tc.server.seen != (session{}) {
				t.Errorf("the server heard %+v", tc.server.seen)
			}
		})
	}
}

// VC-01: the error of a refused message does not repeat what the server said.
func TestVC01SMTPErrorsTellNothing(t *testing.T) {
	s := &server{refuse: "550 5.1.1 mike@example.org is unknown, code 246810"}
	s.start(t)
	_, err := open(t, s, nil).Send(t.Context(), message())
	if err == nil || !strings.Contains(err.Error(), "550") ||
		strings.Contains(err.Error(), "mike") || strings.Contains(err.Error(), "246810") {
		t.Errorf("got %v", err)
	}
}

// ID-04, VC-09: nothing that could be a second header or a second recipient is sent.
func TestID04SMTPRefusesHeaderInjection(t *testing.T) {
	s := &server{}
	s.start(t)
	d := open(t, s, nil)
	for name, change := range map[string]func(*mail.Message){
		"subject with a new line": func(m *mail.Message) { m.Subject = "x\r\nBcc: v@example.net" },
		"subject with NUL":        func(m *mail.Message) { m.Subject = "x\x00" },
		"address with a new line": func(m *mail.Message) { m.To = "mike@example.org\r\nBcc: v@example.net" },
		"two addresses":           func(m *mail.Message) { m.To = "mike@example.org,v@example.net" },
		"address with a name":     func(m *mail.Message) { m.To = "Mike <mike@example.org>" },
		"two at signs":            func(m *mail.Message) { m.To = `"a@b"@example.org` },
		"route":                   func(m *mail.Message) { m.To = "<mike@example.org>" },
		"no address":              func(m *mail.Message) { m.To = "" },
		"id with a bracket":       func(m *mail.Message) { m.ID = "a>b" },
	} {
		m := message()
		change(&m)
		if _, err := d.Send(t.Context(), m); err == nil {
			t.Errorf("%s: sent", name)
		}
	}
	if s.seen.data != "" {
		t.Errorf("the server got %q", s.seen.data)
	}
}

func TestNewRefusesBadSettings(t *testing.T) {
	for name, set := range map[string]map[string]string{
		"no host":            {"from": "a@example.com"},
		"no from":            {"host": "smtp.example.com"},
		"two senders":        {"host": "smtp.example.com", "from": "a@example.com, b@example.com"},
		"clear text abroad":  {"host": "smtp.example.com", "from": "a@example.com", "tls": "none"},
		"unknown protection": {"host": "smtp.example.com", "from": "a@example.com", "tls": "maybe"},
		"unknown option":     {"host": "smtp.example.com", "from": "a@example.com", "colour": "red"},
	} {
		if _, err := mail.New("smtp", set, at); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	for _, protection := range []string{"", "implicit", "starttls"} {
		set := map[string]string{"host": "smtp.example.com", "from": "a@example.com", "tls": protection}
		if _, err := mail.New("smtp", set, at); err != nil {
			t.Errorf("tls %q: %v", protection, err)
		}
	}
	if _, err := mail.New("pigeon", nil, at); err == nil {
		t.Error("unknown driver accepted")
	}
}
