package mail_test

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"net"
	"regexp"
	"strings"
	"testing"

	"github.com/tigertally/tigertally/internal/driver"
	"github.com/tigertally/tigertally/internal/mail"
	"github.com/tigertally/tigertally/internal/secret"
)

// What a server answers decides whether the message is tried again, and only what cannot
// have arrived is.
func TestSMTPAnswersHaveClasses(t *testing.T) {
	for name, tt := range map[string]struct {
		server *server
		class  driver.Class
		maybe  bool
	}{
		"nobody there by that name":  {&server{refuse: "550 5.1.1 no"}, driver.BadAddress, false},
		"greylisted":                 {&server{refuse: "451 4.7.1 later"}, driver.Unavailable, false},
		"mailbox full":               {&server{refuse: "452 4.2.2 full"}, driver.Unavailable, false},
		"mailbox full for good":      {&server{refuse: "552 5.2.2 full"}, driver.BadAddress, false},
		"refused as spam":            {&server{end: "554 5.7.1 spam"}, driver.Misconfigured, false},
		"busy at the end":            {&server{end: "451 4.3.0 later"}, driver.Unavailable, false},
		"hung up at the end":         {&server{end: "drop"}, driver.Unavailable, true},
		"no sense at the end":        {&server{end: "fine by me"}, driver.Unavailable, true},
		"wrong password":             {&server{greeting: []string{"AUTH PLAIN"}, denied: "535 5.7.8 no"}, driver.Misconfigured, false},
		"wrong password, for a time": {&server{greeting: []string{"AUTH PLAIN"}, denied: "454 4.7.0 no"}, driver.Unavailable, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := tt.server
			s.start(t)
			more := map[string]string{}
			if s.denied != "" {
				more = map[string]string{"username": "me", "password": "pw"}
			}
			_, err := open(t, s, more).Send(t.Context(), message())
			if f := driver.FailureOf(err); err == nil || f.Class != tt.class || f.Maybe != tt.maybe {
				t.Errorf("got %v", err)
			}
		})
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	_, err = open(t, &server{addr: l.Addr().String()}, nil).Send(t.Context(), message())
	if f := driver.FailureOf(err); f.Class != driver.Unavailable || f.Maybe {
		t.Errorf("nobody listens: %v", err)
	}
}

// E1, E2: TLS is required, and what was said before it does not count.
func TestE2NothingFromBeforeTLSCounts(t *testing.T) {
	cert, ca := authority(t)
	s := &server{greeting: []string{"STARTTLS", "AUTH PLAIN"}, cert: cert}
	s.start(t)
	set := map[string]string{"tls": "starttls", "ca": ca, "username": "me", "password": "pw"}
	if _, err := open(t, s, set).Send(t.Context(), message()); err != nil {
		t.Fatal(err)
	}
	if !s.seen.tls || s.seen.auth == "" {
		t.Errorf("the server heard %+v", s.seen)
	}
	evil := &server{greeting: []string{"STARTTLS", "AUTH PLAIN"}, cert: cert, inject: "250-evil\r\n250 AUTH LOGIN\r\n"}
	evil.start(t)
	_, err := open(t, evil, set).Send(t.Context(), message())
	// Either the handshake fails on it or it was dropped; the password never meets it.
	if err == nil && !strings.HasPrefix(evil.seen.auth, "PLAIN ") {
		t.Errorf("the server heard %+v", evil.seen)
	}
}

// E6: a sender that could start another header is no sender.
func TestE6SendersWithLineBreaksAreRefused(t *testing.T) {
	for _, from := range []string{
		"\"x\r\nBcc: v@example.net\" <a@example.com>", "x\r\n <a@example.com>, b@example.com", "a@example.com\r\nBcc: b@example.com",
	} {
		set := map[string]string{"host": "smtp.example.com", "from": from}
		if _, err := mail.New("smtp", set, at); err == nil {
			t.Errorf("accepted %q", from)
		}
	}
	s := &server{}
	s.start(t)
	long := strings.Repeat("很长的名字", 30)
	if _, err := open(t, s, map[string]string{"from": long + " <no-reply@example.com>"}).Send(t.Context(), message()); err != nil {
		t.Fatal(err)
	}
	for line := range strings.SplitSeq(s.seen.data, "\r\n") {
		if len(line) > 90 {
			t.Errorf("line of %d characters: %q", len(line), line)
		}
	}
}

func keys(t *testing.T) map[string]crypto.Signer {
	t.Helper()
	r, err := rsa.GenerateKey(secret.Reader(), 2048)
	if err != nil {
		t.Fatal(err)
	}
	_, e, err := ed25519.GenerateKey(secret.Reader())
	if err != nil {
		t.Fatal(err)
	}
	return map[string]crypto.Signer{"rsa-sha256": r, "ed25519-sha256": e}
}

func keyText(t *testing.T, k crypto.Signer) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// E4: what arrives verifies, and a changed or added line does not.
func TestE4DKIM(t *testing.T) {
	for algorithm, key := range keys(t) {
		t.Run(algorithm, func(t *testing.T) {
			s := &server{}
			s.start(t)
			set := map[string]string{"dkim_domain": "example.com", "dkim_selector": "s1", "dkim_key": keyText(t, key)}
			if _, err := open(t, s, set).Send(t.Context(), message()); err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(s.seen.data, "DKIM-Signature: v=1; a="+algorithm+"; c=relaxed/relaxed; d=example.com; s=s1;") {
				t.Fatalf("starts %.120q", s.seen.data)
			}
			for name, tt := range map[string]struct {
				change func(string) string
				good   bool
			}{
				"as it is":       {func(m string) string { return m }, true},
				"spaces changed": {func(m string) string { return strings.Replace(m, "MIME-Version: 1.0", "MIME-Version:   1.0 ", 1) }, true},
				"another header": {func(m string) string { return strings.Replace(m, "\r\n\r\n", "\r\nX-New: 1\r\n\r\n", 1) }, true},
				"another sender": {func(m string) string { return strings.Replace(m, "no-reply@", "boss@", 1) }, false},
				"a second from":  {func(m string) string { return "From: boss@example.com\r\n" + m }, false},
				"another body":   {func(m string) string { return strings.TrimRight(m, "\r\n") + "\r\nmore\r\n" }, false},
			} {
				if got := verify(t, tt.change(s.seen.data), key); got != tt.good {
					t.Errorf("%s: verified %v", name, got)
				}
			}
		})
	}
	r, err := rsa.GenerateKey(secret.Reader(), 1024)
	if err != nil {
		t.Fatal(err)
	}
	good := keyText(t, keys(t)["ed25519-sha256"])
	for name, set := range map[string]map[string]string{
		"a short key":       {"dkim_domain": "example.com", "dkim_selector": "s", "dkim_key": keyText(t, r)},
		"no selector":       {"dkim_domain": "example.com", "dkim_key": good},
		"no key":            {"dkim_domain": "example.com", "dkim_selector": "s"},
		"another domain":    {"dkim_domain": "example.net", "dkim_selector": "s", "dkim_key": good},
		"a selector's line": {"dkim_domain": "example.com", "dkim_selector": "s;\r\nx", "dkim_key": good},
	} {
		set["host"], set["from"] = "smtp.example.com", "a@mail.example.com"
		if _, err := mail.New("smtp", set, at); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// verify is a receiver's side of RFC 6376, written apart from the signer: it works on
// whole header lines and knows only what the signature says of itself.
func verify(t *testing.T, raw string, key crypto.Signer) bool {
	t.Helper()
	head, body, _ := strings.Cut(raw, "\r\n\r\n")
	lines := strings.Split(regexp.MustCompile("\r\n([ \t])").ReplaceAllString(head, "$1"), "\r\n")
	canonical := func(line string) string {
		name, value, _ := strings.Cut(line, ":")
		return strings.ToLower(strings.TrimSpace(name)) + ":" + strings.Join(strings.Fields(value), " ")
	}
	signature := ""
	for _, line := range lines {
		if strings.HasPrefix(line, "DKIM-Signature:") {
			signature = line
		}
	}
	tag := func(name string) string {
		m := regexp.MustCompile(`[;\s:]` + name + `=([^;]*)`).FindStringSubmatch(signature)
		return strings.Join(strings.Fields(m[1]), "")
	}
	body = strings.TrimRight(body, "\r\n") + "\r\n"
	sum := sha256.Sum256([]byte(body)) // ours has no runs of blanks
	if base64.StdEncoding.EncodeToString(sum[:]) != tag("bh") {
		return false
	}
	var text bytes.Buffer
	used := map[int]bool{}
	for name := range strings.SplitSeq(tag("h"), ":") {
		for i := len(lines) - 1; i >= 0; i-- {
			if !used[i] && strings.HasPrefix(strings.ToLower(lines[i]), strings.ToLower(name)+":") {
				used[i] = true
				text.WriteString(canonical(lines[i]) + "\r\n")
				break
			}
		}
	}
	text.WriteString(canonical(regexp.MustCompile(`b=[A-Za-z0-9+/=\s]*$`).ReplaceAllString(signature, "b=")))
	sum = sha256.Sum256(text.Bytes())
	b, err := base64.StdEncoding.DecodeString(tag("b"))
	if err != nil {
		t.Fatal(err)
	}
	switch public := key.Public().(type) {
	case *rsa.PublicKey:
		return rsa.VerifyPKCS1v15(public, crypto.SHA256, sum[:], b) == nil
	case ed25519.PublicKey:
		return ed25519.Verify(public, sum[:], b)
	}
	return false
}
