package upsim

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	longestLine = 998
	longestWord = 75
	deepestPart = 5
)

// Mail is one message as the server took it, or refused to.
type Mail struct {
	ID       int                 `json:"id"`
	Time     time.Time           `json:"time"`
	From     string              `json:"envelope_from"`
	To       []string            `json:"envelope_to"`
	EnvID    string              `json:"envid,omitempty"`
	Notify   string              `json:"notify,omitempty"` // of the first recipient
	Return   string              `json:"ret,omitempty"`
	Headers  map[string][]string `json:"headers"` // decoded, by canonical name
	Subject  string              `json:"subject"`
	Text     string              `json:"text"`
	HTML     string              `json:"html"`
	Code     string              `json:"code"` // the first number of four to eight digits
	DKIM     string              `json:"dkim"` // none, pass or fail
	DKIMWhy  []string            `json:"dkim_why,omitempty"`
	TLS      string              `json:"tls"` // version, "" in clear
	AuthUser string              `json:"auth_user"`
	Problems []string            `json:"problems"`
	Refused  bool                `json:"refused"` // for its problems; nobody received it
	Raw      string              `json:"raw"`
}

// Header is the first value of a field, decoded.
func (m Mail) Header(name string) string {
	if all := m.Headers[name]; len(all) > 0 {
		return all[0]
	}
	return ""
}

// reading collects what a message says and what is wrong with it.
type reading struct {
	headers    map[string][]string
	text, html string
	problems   []string
}

func (r *reading) wrong(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if !slices.Contains(r.problems, text) {
		r.problems = append(r.problems, text)
	}
}

// readMail takes a message apart. Utf8 and eight say what the envelope announced.
func readMail(raw []byte, utf8OK, eightOK bool) *reading {
	r := &reading{headers: make(map[string][]string)}
	r.lines(raw)
	fields, body := splitMessage(raw)
	for _, f := range fields {
		r.field(f, utf8OK)
	}
	if !eightOK && !isASCII(string(body)) {
		r.wrong("8-bit body without BODY=8BITMIME")
	}
	for _, name := range []string{"Date", "Message-Id", "From"} {
		if len(r.headers[name]) == 0 {
			r.wrong("%s is missing", name)
		}
	}
	for _, name := range []string{"Date", "From", "Sender", "Reply-To", "To", "Cc", "Message-Id", "Subject", "Mime-Version", "Content-Type"} {
		if len(r.headers[name]) > 1 {
			r.wrong("%s is there more than once", name)
		}
	}
	r.known()
	get := func(name string) string {
		if all := r.headers[name]; len(all) > 0 {
			return all[0]
		}
		return ""
	}
	r.part(get("Content-Type"), get("Content-Transfer-Encoding"), body, 0)
	return r
}

func (r *reading) lines(raw []byte) {
	for line := range bytes.SplitSeq(raw, []byte("\r\n")) {
		if bytes.IndexByte(line, '\n') >= 0 {
			r.wrong("bare LF")
		}
		if bytes.IndexByte(line, '\r') >= 0 {
			r.wrong("bare CR")
		}
		if len(line) > longestLine {
			r.wrong("a line of more than %d bytes", longestLine)
		}
		if bytes.IndexByte(line, 0) >= 0 {
			r.wrong("a NUL")
		}
	}
}

func isASCII(s string) bool {
	return strings.IndexFunc(s, func(c rune) bool { return c >= utf8.RuneSelf }) < 0
}

var (
	fieldName   = regexp.MustCompile(`^[!-9;-~]+:`)
	encodedWord = regexp.MustCompile(`=\?[^?\s]*\?[^?\s]*\?[^?\s]*\?=`)
)

func (r *reading) field(f headerField, utf8OK bool) {
	if !fieldName.MatchString(f.raw) {
		r.wrong("a malformed header field")
		return
	}
	if !isASCII(f.raw) && !utf8OK {
		r.wrong("raw 8-bit in header %s", f.name)
	}
	for _, word := range encodedWord.FindAllString(f.raw, -1) {
		if len(word) > longestWord {
			r.wrong("an encoded word of more than %d characters in %s", longestWord, f.name)
		}
		// Each word must be whole characters, since readers decode them one by one.
		if text, err := new(mime.WordDecoder).Decode(word); err != nil || !utf8.ValidString(text) || strings.ContainsRune(text, utf8.RuneError) {
			r.wrong("an encoded word that cannot be read alone in %s", f.name)
		}
	}
	value := strings.TrimSpace(strings.ReplaceAll(f.value(), "\r\n", ""))
	if text, err := new(mime.WordDecoder).DecodeHeader(value); err == nil {
		value = text
	}
	name := canonicalHeader(f.name)
	r.headers[name] = append(r.headers[name], value)
}

func canonicalHeader(name string) string {
	parts := strings.Split(name, "-")
	for i, p := range parts {
		if p != "" {
			parts[i] = strings.ToUpper(p[:1]) + strings.ToLower(p[1:])
		}
	}
	return strings.Join(parts, "-")
}

var messageIDPattern = regexp.MustCompile(`^<[^<>@\s]+@[^<>@\s]+>$`)

// known checks fields whose form matters to receivers.
func (r *reading) known() {
	first := func(name string) (string, bool) {
		all := r.headers[name]
		return strings.Join(all[:min(1, len(all))], ""), len(all) > 0
	}
	if date, ok := first("Date"); ok {
		if _, err := mail.ParseDate(date); err != nil {
			r.wrong("Date is malformed")
		}
	}
	if id, ok := first("Message-Id"); ok && !messageIDPattern.MatchString(id) {
		r.wrong("Message-Id is malformed")
	}
	if kind, ok := first("Mime-Version"); ok && kind != "1.0" {
		r.wrong("MIME-Version is not 1.0")
	}
}

// part reads one body, and what is inside it.
func (r *reading) part(kind, encoding string, body []byte, depth int) {
	if kind == "" {
		kind = "text/plain; charset=us-ascii"
	}
	media, params, err := mime.ParseMediaType(kind)
	if err != nil || depth > deepestPart {
		r.wrong("Content-Type is malformed")
		return
	}
	if strings.HasPrefix(media, "multipart/") {
		r.parts(params["boundary"], body, depth)
		return
	}
	text, err := decodeBody(encoding, body)
	if err != nil {
		r.wrong("a body that is not %s", encoding)
		return
	}
	if media != "text/plain" && media != "text/html" {
		return
	}
	charset := strings.ToLower(params["charset"])
	if charset != "" && charset != "utf-8" && charset != "us-ascii" || !utf8.Valid(text) {
		r.wrong("text that is not UTF-8")
	}
	if media == "text/html" && r.html == "" {
		r.html = string(text)
	} else if media == "text/plain" && r.text == "" {
		r.text = string(text)
	}
}

func (r *reading) parts(boundary string, body []byte, depth int) {
	if boundary == "" {
		r.wrong("multipart without a boundary")
		return
	}
	if !bytes.Contains(body, []byte("--"+boundary+"--")) {
		r.wrong("multipart without an end")
	}
	parts := multipart.NewReader(bytes.NewReader(body), boundary)
	for {
		p, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			r.wrong("multipart is malformed")
			return
		}
		inner, err := io.ReadAll(p)
		if err != nil {
			r.wrong("multipart is malformed")
			return
		}
		r.part(p.Header.Get("Content-Type"), p.Header.Get("Content-Transfer-Encoding"), inner, depth+1)
	}
}

func decodeBody(encoding string, body []byte) ([]byte, error) {
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "base64":
		return io.ReadAll(base64.NewDecoder(base64.StdEncoding, bytes.NewReader(body)))
	case "quoted-printable":
		return io.ReadAll(quotedprintable.NewReader(bytes.NewReader(body)))
	case "", "7bit", "8bit":
		return body, nil
	}
	return nil, fmt.Errorf("upsim: no transfer encoding %q", encoding)
}
