package upsim_test

import (
	"bufio"
	"context"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/http"
	"net/smtp"
	"net/textproto"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tigertally/tigertally/internal/upsim"
)

const (
	mailUser     = "sim-mailer@example.test"
	mailPassword = "sim-mail-password-0001"
	sampleMail   = "Date: Tue, 14 Nov 2023 22:13:20 +0000\r\nMessage-ID: <1@example.test>\r\nFrom: =?UTF-8?B?5oKo55qE?= <no-reply@example.test>\r\n" +
		"To: alice@example.test\r\nSubject: =?UTF-8?B?5oKo55qE55m75b2V6aqM6K+B56CB?=\r\nMIME-Version: 1.0\r\n" +
		"Content-Type: multipart/alternative; boundary=b1\r\n\r\n" +
		"--b1\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\nWW91ciBjb2RlIGlzIDI0NjgxMC4=\r\n" +
		"--b1\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n<p>Your code is <b>246810</b>=2E</p>\r\n--b1--\r\n"
)

func trust(t testing.TB, s *upsim.Server) *tls.Config {
	t.Helper()
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(s.CA()) {
		t.Fatal("no certificate")
	}
	return &tls.Config{RootCAs: pool, ServerName: "localhost", MinVersion: tls.VersionTLS12}
}

// mailer opens a session by STARTTLS, or by implicit TLS.
func mailer(t testing.TB, s *upsim.Server, implicit bool) (*smtp.Client, error) {
	t.Helper()
	config := trust(t, s)
	if implicit {
		conn, err := tls.Dial("tcp", s.Bases().SMTPS, config)
		if err != nil {
			return nil, err
		}
		return smtp.NewClient(conn, "localhost")
	}
	c, err := smtp.Dial(s.Bases().SMTP)
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { _ = c.Close() })
	return c, c.StartTLS(config)
}

// post sends one message to one recipient over a session that has a user.
func post(t testing.TB, s *upsim.Server, to, message string) error {
	t.Helper()
	c, err := mailer(t, s, true)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.Auth(smtp.PlainAuth("", mailUser, mailPassword, "localhost")); err != nil {
		return err
	}
	return deliver(c, to, message)
}

func deliver(c *smtp.Client, to, message string) error {
	if err := c.Mail("bounce+1@example.test"); err != nil {
		return err
	}
	if err := c.Rcpt(to); err != nil {
		return err
	}
	w, err := c.Data()
	if err != nil {
		return err
	}
	if _, err := io.WriteString(w, message); err != nil {
		return err
	}
	return w.Close()
}

func smtpCode(err error) int {
	if e, ok := errors.AsType[*textproto.Error](err); ok {
		return e.Code
	}
	return 0
}

func TestMailArrives(t *testing.T) {
	for _, implicit := range []bool{false, true} {
		s := start(t, vectorTime)
		c, err := mailer(t, s, implicit)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(c.Auth(smtp.CRAMMD5Auth(mailUser, mailPassword)), deliver(c, "alice@example.test", sampleMail), c.Quit()); err != nil {
			t.Fatal(err)
		}
		m, err := s.WaitMail(t.Context(), "Alice@example.test", 0)
		if err != nil {
			t.Fatal(err)
		}
		want := upsim.Mail{
			ID: 1, Time: vectorTime.UTC(), From: "bounce+1@example.test", To: []string{"alice@example.test"}, Subject: "您的登录验证码",
			Text: "Your code is 246810.", HTML: "<p>Your code is <b>246810</b>.</p>", Code: "246810", DKIM: "none", TLS: "TLS 1.3",
			AuthUser: mailUser, Problems: []string{}, Raw: sampleMail, Headers: m.Headers,
		}
		if diff := cmp.Diff(want, m); diff != "" {
			t.Error(diff)
		}
		if m.Header("From") != "您的 <no-reply@example.test>" {
			t.Error(m.Header("From"))
		}
		if a := control(t, s, http.MethodGet, "/mail?to=alice@example.test", ""); !strings.Contains(a.body, `"code":"246810"`) {
			t.Error(a.body)
		}
		if a := control(t, s, http.MethodGet, "/wait?inbox=mail&to=alice@example.test&timeout=1s", ""); a.text("code") != "246810" {
			t.Error(a.body)
		}
	}
}

// raw is a session written by hand.
type raw struct {
	t    testing.TB
	conn net.Conn
	text *textproto.Conn
}

func dial(t testing.TB, s *upsim.Server, secure bool) *raw {
	t.Helper()
	var conn net.Conn
	var err error
	if secure {
		conn, err = tls.Dial("tcp", s.Bases().SMTPS, trust(t, s))
	} else {
		conn, err = net.Dial("tcp", s.Bases().SMTP)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	r := &raw{t, conn, textproto.NewConn(conn)}
	if code, text := r.read(); code != 220 {
		t.Fatal(code, text)
	}
	return r
}

func (r *raw) read() (int, string) {
	r.t.Helper()
	code, text, err := r.text.ReadResponse(0)
	if err != nil && code == 0 {
		r.t.Fatal(err)
	}
	return code, text
}

func (r *raw) say(line string) (int, string) {
	r.t.Helper()
	if _, err := io.WriteString(r.conn, line+"\r\n"); err != nil {
		r.t.Fatal(err)
	}
	return r.read()
}

// expect says lines and compares the codes of their replies.
func (r *raw) expect(pairs ...any) {
	r.t.Helper()
	for i := 0; i+1 < len(pairs); i += 2 {
		line, _ := pairs[i].(string)
		if code, text := r.say(line); code != pairs[i+1] {
			r.t.Errorf("%q: %d %s, want %v", line, code, text, pairs[i+1])
		}
	}
}

func b64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

func TestMailWantsTLSAndAPassword(t *testing.T) {
	s := start(t, vectorTime)
	r := dial(t, s, false)
	r.expect("MAIL FROM:<a@example.test>", 503, "EHLO", 501, "EHLO me", 250, "AUTH PLAIN "+b64("\x00"+mailUser+"\x00"+mailPassword), 538,
		"MAIL FROM:<a@example.test>", 530, "RCPT TO:<a@example.test>", 503, "DATA", 503, "NOPE", 500, "VRFY a", 252, "NOOP", 250, "RSET", 250, "QUIT", 221)
	if _, features := dial(t, s, false).say("EHLO me"); strings.Contains(features, "AUTH") || !strings.Contains(features, "STARTTLS") {
		t.Error(features)
	}
	r = dial(t, s, true)
	if _, features := r.say("EHLO me"); !strings.Contains(features, "AUTH PLAIN LOGIN CRAM-MD5 SCRAM-SHA-256") || strings.Contains(features, "STARTTLS") {
		t.Error(features)
	}
	r.expect("STARTTLS", 503, "MAIL FROM:<a@example.test>", 530, "AUTH NOPE", 504, "AUTH PLAIN !", 501, "AUTH LOGIN", 334, "*", 501,
		"AUTH PLAIN "+b64("\x00"+mailUser+"\x00wrong"), 535, "AUTH LOGIN", 334, b64(mailUser), 334, b64(mailPassword), 235, "AUTH PLAIN", 503,
		"MAIL FROM: <a@example.test>", 501, "MAIL FROM:<a@example.test> NOPE=1", 555, "MAIL FROM:<a@example.test> SIZE=99999999", 552,
		"MAIL FROM:<\xe6\x82\xa8@example.test>", 553, "MAIL FROM:<a@example.test> SIZE=10 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=e1", 250,
		"MAIL FROM:<a@example.test>", 503, "RCPT TO:alice@example.test", 501, "RCPT TO:<alice@example.test> NOTIFY=FAILURE ORCPT=rfc822;alice", 250,
		"RCPT TO:<alice@example.test> NOPE=1", 555, "DATA", 354)
	s.Edit(func(a *upsim.Accounts) { a.MailServer = upsim.MailServer{Plain: true, Anonymous: true} })
	dial(t, s, false).expect("EHLO me", 250, "MAIL FROM:<a@example.test>", 250)
	s.Edit(func(a *upsim.Accounts) {
		a.Mailboxes[mailUser] = upsim.MailAccount{Password: mailPassword, Senders: []string{"example.test"}}
	})
	dial(t, s, true).expect("EHLO me", 250, "AUTH PLAIN "+b64("\x00"+mailUser+"\x00"+mailPassword), 235, "MAIL FROM:<a@evil.example>", 553, "MAIL FROM:<a@example.test>", 250)
}

func TestMailTakesSCRAM(t *testing.T) {
	s := start(t, vectorTime)
	for _, password := range []string{mailPassword, flip(mailPassword)} {
		r := dial(t, s, true)
		bare := "n=" + mailUser + ",r=clientnonce"
		r.expect("EHLO me", 250)
		code, text := r.say("AUTH SCRAM-SHA-256 " + b64("n,,"+bare))
		first, err := base64.StdEncoding.DecodeString(text)
		if err != nil || code != 334 {
			t.Fatal(code, text)
		}
		parts := strings.Split(string(first), ",")
		salt, err := base64.StdEncoding.DecodeString(parts[1][2:])
		if err != nil {
			t.Fatal(err)
		}
		salted, err := pbkdf2.Key(sha256.New, password, salt, 4096, 32)
		if err != nil {
			t.Fatal(err)
		}
		final := "c=biws," + parts[0]
		key := hmac256(salted, "Client Key")
		stored := sha256.Sum256(key)
		for i, b := range hmac256(stored[:], bare+","+string(first)+","+final) {
			key[i] ^= b
		}
		code, text = r.say(b64(final + ",p=" + base64.StdEncoding.EncodeToString(key)))
		if password != mailPassword {
			if code != 535 {
				t.Errorf("wrong password: %d %s", code, text)
			}
			continue
		}
		signature, _ := base64.StdEncoding.DecodeString(text)
		want := "v=" + base64.StdEncoding.EncodeToString(hmac256(hmac256(salted, "Server Key"), bare+","+string(first)+","+final))
		if code != 334 || !hmac.Equal(signature, []byte(want)) {
			t.Errorf("%d %s", code, signature)
		}
		r.expect("", 235)
	}
}

func TestMailIsRefusedForItsProblems(t *testing.T) {
	s := start(t, vectorTime)
	without := func(name string) string {
		var kept []string
		for line := range strings.SplitSeq(sampleMail, "\r\n") {
			if !strings.HasPrefix(line, name+":") {
				kept = append(kept, line)
			}
		}
		return strings.Join(kept, "\r\n")
	}
	for want, message := range map[string]string{
		"Date is missing":                  without("Date"),
		"Message-Id is missing":            without("Message-ID"),
		"From is missing":                  without("From"),
		"bare LF":                          strings.Replace(sampleMail, "<p>", "<p>\n.\n", 1),
		"a line of more than 998 bytes":    strings.Replace(sampleMail, "<p>", strings.Repeat("x", 999), 1),
		"raw 8-bit in header subject":      strings.Replace(sampleMail, "Subject: ", "Subject: \xe6\x82\xa8", 1),
		"multipart without an end":         strings.Replace(sampleMail, "--b1--", "", 1),
		"8-bit body without BODY=8BITMIME": strings.Replace(sampleMail, "<p>", "<p>\xe6\x82\xa8", 1),
		"Date is malformed":                strings.Replace(sampleMail, "14 Nov", "14 Brumaire", 1),
	} {
		r := dial(t, s, true)
		r.expect("EHLO me", 250, "AUTH PLAIN "+b64("\x00"+mailUser+"\x00"+mailPassword), 235, "MAIL FROM:<a@example.test>", 250, "RCPT TO:<alice@example.test>", 250, "DATA", 354)
		code, text := r.say(strings.TrimSuffix(message, "\r\n") + "\r\n.")
		all := s.Mail("")
		last := all[len(all)-1]
		if code != 554 || !last.Refused || !strings.Contains(strings.Join(last.Problems, ","), want) {
			t.Errorf("%s: %d %s %v", want, code, text, last.Problems)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if m, err := s.WaitMail(ctx, "", 0); err == nil {
		t.Errorf("a refused message was received: %+v", m)
	}
}

// A dot between bare line feeds must not end a message, or a second one could hide in it.
func TestMailCannotBeSmuggled(t *testing.T) {
	s := start(t, vectorTime)
	for _, end := range []string{"\n.\n", "\n.\r\n", "\r\n.\n", "\r.\r"} {
		r := dial(t, s, true)
		r.expect("EHLO me", 250, "AUTH PLAIN "+b64("\x00"+mailUser+"\x00"+mailPassword), 235, "MAIL FROM:<a@example.test>", 250, "RCPT TO:<alice@example.test>", 250, "DATA", 354)
		before := len(s.Mail(""))
		code, _ := r.say(sampleMail + end + "MAIL FROM:<evil@example.test>\r\n.")
		if after := len(s.Mail("")); code != 554 || after != before+1 {
			t.Errorf("%q: %d, %d messages", end, code, after-before)
		}
	}
}

func TestLocalPartsSteer(t *testing.T) {
	s := start(t, vectorTime)
	for to, want := range map[string][]int{
		"bounce@example.test": {550, 550}, "full@example.test": {552}, "spam@example.test": {554}, "later@example.test": {451, 451, 0, 0},
		"bounce+x@example.test": {550}, "alice@example.test": {0},
	} {
		for i, code := range want {
			if got := smtpCode(post(t, s, to, sampleMail)); got != code {
				t.Errorf("%s, time %d: %d", to, i+1, got)
			}
		}
	}
	if err := post(t, s, "async@example.test", sampleMail); err != nil {
		t.Fatal(err)
	}
	m, err := s.WaitMail(t.Context(), "bounce+1@example.test", 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"report-type=delivery-status", "Final-Recipient: rfc822; async@example.test", "Action: failed", "Status: 5.1.1", "Message-ID: <1@example.test>"} {
		if !strings.Contains(m.Raw, want) {
			t.Errorf("the report lacks %q: %s", want, m.Raw)
		}
	}
	if len(m.Problems) > 0 || m.From != "" {
		t.Errorf("%+v", m)
	}
	if a := control(t, s, http.MethodPost, "/bounce", `{"mail":1,"status":"4.2.1"}`); !strings.Contains(a.text("raw"), "Action: delayed") {
		t.Error(a.body)
	}
}

func TestDKIMIsCheckedAgainstRegisteredKeys(t *testing.T) {
	s := start(t, vectorTime)
	key := ed25519.NewKeyFromSeed(make([]byte, 32))
	public, _ := key.Public().(ed25519.PublicKey)
	body := "Your code is 246810.\r\n"
	sum := sha256.Sum256([]byte(body))
	head := "from:a@example.test\r\ndate:Tue, 14 Nov 2023 22:13:20 +0000\r\nmessage-id:<1@example.test>\r\n"
	tags := "v=1; a=ed25519-sha256; c=relaxed/simple; d=example.test; s=s1; h=from:date:message-id; bh=" + base64.StdEncoding.EncodeToString(sum[:]) + "; b="
	signed := sha256.Sum256([]byte(head + "dkim-signature:" + tags))
	message := "DKIM-Signature: " + tags + base64.StdEncoding.EncodeToString(ed25519.Sign(key, signed[:])) + "\r\n" +
		"From: a@example.test\r\nDate: Tue, 14 Nov 2023 22:13:20 +0000\r\nMessage-ID: <1@example.test>\r\n\r\n" + body
	for _, want := range []string{"fail", "pass"} {
		if err := post(t, s, "alice@example.test", message); err != nil {
			t.Fatal(err)
		}
		all := s.Mail("alice@example.test")
		if last := all[len(all)-1]; last.DKIM != want {
			t.Errorf("%s: %v", last.DKIM, last.DKIMWhy)
		}
		record := "v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(public)
		if a := control(t, s, http.MethodPut, "/dkim/s1.example.test", record); a.status != http.StatusOK {
			t.Fatal(a.body)
		}
	}
}

func TestMailFaults(t *testing.T) {
	s := start(t, vectorTime)
	code := func(err error, want int) bool { return smtpCode(err) == want }
	for _, c := range []struct {
		fault, action string
		broken        func() bool
	}{
		{"BANNER421", "", func() bool { _, err := mailer(t, s, false); return code(err, 421) }},
		{"RST", "", func() bool { _, err := mailer(t, s, false); return err != nil }},
		{"NOSTARTTLS", "", func() bool {
			_, features := dial(t, s, false).say("EHLO me")
			return !strings.Contains(features, "STARTTLS")
		}},
		{"TLS454", "", func() bool { _, err := mailer(t, s, false); return code(err, 454) }},
		{"AUTH535", "", func() bool { return code(post(t, s, "alice@example.test", sampleMail), 535) }},
		{"GREYLIST", "", func() bool { return code(post(t, s, "alice@example.test", sampleMail), 451) }},
		{"ERR:452 4.3.1 Full", "RCPT", func() bool { return code(post(t, s, "alice@example.test", sampleMail), 452) }},
		{"ERR:421 Bye", "DATA", func() bool { return code(post(t, s, "alice@example.test", sampleMail), 421) }},
		{"DROPDATA", "", func() bool {
			before := len(s.Mail(""))
			err := post(t, s, "alice@example.test", sampleMail)
			return err != nil && smtpCode(err) == 0 && len(s.Mail("")) == before+1
		}},
		{"SLOW50", "", func() bool { return post(t, s, "alice@example.test", sampleMail) == nil }},
		{"BARECR", "", func() bool {
			r := dial(t, s, false)
			_, _ = io.WriteString(r.conn, "EHLO me\r\n")
			line, _ := r.text.R.ReadString('\n')
			return strings.Contains(line, "\r250-SIZE\r")
		}},
		{"GARBAGE", "", func() bool {
			r := dial(t, s, false)
			r.expect("EHLO me", 250)
			code, _ := r.read()
			return code == 250
		}},
		{"INJECT", "", func() bool {
			r := dial(t, s, false)
			r.expect("EHLO me", 250)
			_, _ = io.WriteString(r.conn, "STARTTLS\r\n")
			got := make([]byte, len("220 ready\r\n250 evil\r\n"))
			_, err := io.ReadFull(bufio.NewReader(r.conn), got)
			return err == nil && strings.HasSuffix(string(got), "250 evil\r\n")
		}},
	} {
		arm(t, s, upsim.Fault{Match: upsim.Match{Upstream: "smtp", Action: c.action}, Fault: c.fault, Times: 1})
		if !c.broken() {
			t.Errorf("%s changes nothing", c.fault)
		}
	}
	for _, fault := range []string{"TLSBADNAME", "TLSEXPIRED", "TLS10"} {
		for _, implicit := range []bool{false, true} {
			arm(t, s, upsim.Fault{Fault: fault, Times: 1})
			if _, err := mailer(t, s, implicit); err == nil {
				t.Errorf("%s changes nothing", fault)
			}
		}
	}
	if err := post(t, s, "alice@example.test", sampleMail); err != nil {
		t.Errorf("a fault is left: %v", err)
	}
}

// What comes with STARTTLS in one packet was in clear, and is not obeyed after it.
func TestCommandsInFrontOfTLSAreDropped(t *testing.T) {
	s := start(t, vectorTime)
	r := dial(t, s, false)
	r.expect("EHLO me", 250)
	if _, err := io.WriteString(r.conn, "STARTTLS\r\nMAIL FROM:<evil@example.test>\r\n"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := r.text.ReadResponse(0); err == nil {
		t.Error("the session goes on")
	}
	if got := lastVerdict(t, s); got != "injection" {
		t.Error(got)
	}
}

func TestClosingEndsMailSessions(t *testing.T) {
	s := start(t, vectorTime)
	arm(t, s, upsim.Fault{Match: upsim.Match{Upstream: "smtp"}, Fault: "HANG", Times: 1})
	conn, err := net.Dial("tcp", s.Bases().SMTP)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for len(s.Journal("smtp")) == 0 {
		time.Sleep(time.Millisecond)
	}
	dial(t, s, true)
}
