package mail

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	netmail "net/mail"
	"net/textproto"
	"regexp"
	"strings"

	"github.com/tigertally/tigertally/internal/driver"
)

// maxParts bounds what is looked at of a message that says it is a report.
const maxParts = 8

// returnPath is the envelope sender of a message: the configured address with the id
// after a plus, so that a bounce names the message whatever it quotes.
func (d *smtpDriver) returnPath(id string) string {
	if d.bounces == "" {
		return d.from.Address
	}
	local, host, _ := strings.Cut(d.bounces, "@")
	return local + "+" + id + "@" + host
}

// Reports reads a bounce: the message as the mail server got it, a report of RFC 3464.
// Only failures for good count; what is merely late may still arrive.
func (d *smtpDriver) Reports(_ string, _ http.Header, body []byte) ([]driver.Report, error) {
	m, err := netmail.ReadMessage(bytes.NewReader(body))
	if err != nil {
		return nil, errors.New("the bounce is not a message")
	}
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/report" || !strings.EqualFold(params["report-type"], "delivery-status") {
		return nil, errors.New("the message is no delivery status")
	}
	b := bounce{id: d.bounced(m.Header)}
	parts := multipart.NewReader(m.Body, params["boundary"])
	for range maxParts {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, errors.New("the bounce is cut off")
		}
		if err := d.readPart(&b, part); err != nil {
			return nil, err
		}
	}
	switch {
	case b.id == "":
		return nil, errors.New("the bounce is of no message of ours")
	case b.status == "":
		return nil, nil
	}
	return []driver.Report{{VendorID: b.id, Outcome: driver.Undelivered, Reason: b.status}}, nil
}

// Answer is what whoever hands bounces over is told.
func (*smtpDriver) Answer() (contentType, body string) { return "text/plain", "ok" }

// bounce is what a report says of a message.
type bounce struct{ id, status string }

func (d *smtpDriver) readPart(b *bounce, part *multipart.Part) error {
	kind, _, err := mime.ParseMediaType(part.Header.Get("Content-Type"))
	if err != nil {
		return nil //nolint:nilerr // a part we do not need
	}
	switch kind {
	case "message/delivery-status":
		text, err := io.ReadAll(part)
		if err != nil {
			return errors.New("the bounce is cut off")
		}
		if status := failedFor(text); status != "" {
			b.status = status
		}
	case "message/rfc822", "text/rfc822-headers", "message/rfc822-headers":
		if b.id != "" {
			return nil
		}
		quoted, err := netmail.ReadMessage(part)
		if err != nil {
			return nil //nolint:nilerr // the report counts without it
		}
		id, of, _ := strings.Cut(strings.Trim(quoted.Header.Get("Message-Id"), "<> "), "@")
		if of == domain(d.from.Address) {
			b.id = id
		}
	}
	return nil
}

// bounced is the id in the address a bounce was sent to.
func (d *smtpDriver) bounced(h netmail.Header) string {
	local, host, ok := strings.Cut(d.bounces, "@")
	if !ok {
		return ""
	}
	for _, name := range []string{"Delivered-To", "X-Original-To", "Envelope-To", "To"} {
		a, err := netmail.ParseAddress(h.Get(name))
		if err != nil {
			continue
		}
		user, at, _ := strings.Cut(a.Address, "@")
		if id, tagged := strings.CutPrefix(user, local+"+"); tagged && strings.EqualFold(at, host) {
			return id
		}
	}
	return ""
}

// failedFor returns the status of a recipient that nothing will reach, "" for none. The
// first block is about the message, each other one about a recipient; ours have one.
func failedFor(text []byte) string {
	for block := range strings.SplitSeq(strings.ReplaceAll(string(text), "\r\n", "\n"), "\n\n") {
		fields := map[string]string{}
		for line := range strings.SplitSeq(block, "\n") {
			name, value, _ := strings.Cut(line, ":")
			fields[strings.ToLower(strings.TrimSpace(name))] = strings.TrimSpace(value)
		}
		status := enhanced(fields["status"])
		if strings.EqualFold(fields["action"], "failed") && strings.HasPrefix(status, "5") {
			return status
		}
	}
	return ""
}

var enhancedStatus = regexp.MustCompile(`^[245]\.\d{1,3}\.\d{1,3}\b`)

// enhanced returns the status of RFC 3463 that a text begins with, "" without one.
func enhanced(text string) string { return enhancedStatus.FindString(text) }

// statusOf is the enhanced status of a server's answer.
func statusOf(e *textproto.Error) string { return enhanced(e.Msg) }
