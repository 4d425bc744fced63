package mail

import (
	"bytes"
	"encoding/base64"
	"errors"
	"mime"
	netmail "net/mail"
	"strings"
	"time"
)

// compose writes m in wire form: one recipient, text first, then HTML.
func compose(m Message, from netmail.Address, now time.Time) ([]byte, error) {
	if err := checkHeaders(m); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	header := func(name, value string) { b.WriteString(name + ": " + value + "\r\n") }
	header("From", folded(from.String()))
	header("To", "<"+m.To+">")
	header("Subject", folded(mime.BEncoding.Encode("utf-8", m.Subject)))
	header("Date", now.Format(time.RFC1123Z))
	header("Message-ID", "<"+m.ID+"@"+domain(from.Address)+">")
	header("MIME-Version", "1.0")
	// RFC 3834: nobody's holiday notice should answer this.
	header("Auto-Submitted", "auto-generated")
	header("X-Auto-Response-Suppress", "All")
	if m.HTML == "" {
		part(&b, "text/plain", m.Text)
		return b.Bytes(), nil
	}
	// Base64 has no underscore, so the boundary cannot occur in a part.
	boundary := "part_" + m.ID
	header("Content-Type", `multipart/alternative; boundary="`+boundary+`"`)
	b.WriteString("\r\n--" + boundary + "\r\n")
	part(&b, "text/plain", m.Text)
	b.WriteString("--" + boundary + "\r\n")
	part(&b, "text/html", m.HTML)
	b.WriteString("--" + boundary + "--\r\n")
	return b.Bytes(), nil
}

// folded breaks a header between encoded words: the encoder leaves one space there, and
// no line is long then.
func folded(value string) string { return strings.ReplaceAll(value, "?= =?", "?=\r\n =?") }

func part(b *bytes.Buffer, kind, body string) {
	b.WriteString("Content-Type: " + kind + "; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n")
	text := base64.StdEncoding.EncodeToString([]byte(body))
	const width = 76
	for len(text) > width {
		b.WriteString(text[:width] + "\r\n")
		text = text[width:]
	}
	b.WriteString(text + "\r\n")
}

// checkHeaders refuses values that could start another header or name another
// recipient. Refusing shows the mistake; cleaning would hide it.
func checkHeaders(m Message) error {
	for _, v := range []string{m.ID, m.To, m.Subject} {
		if strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return errors.New("a mail header holds a control character")
		}
	}
	if strings.ContainsAny(m.ID, "<>@ \"") || m.ID == "" {
		return errors.New("a mail id is not a plain word")
	}
	a, err := netmail.ParseAddress(m.To)
	if err != nil || a.Name != "" || a.Address != m.To || strings.ContainsAny(m.To, "\"<>,; ") {
		return errors.New("a mail recipient is not one plain address")
	}
	return nil
}
