package notify

import (
	"embed"
	"fmt"
	"html"
	"regexp"
	"strings"
	"unicode"
)

const chinese = "zh-CN"

// The words, one file per language and template:
//
//	subject: of the mail
//	sms: the whole text message
//	(blank line)
//	the mail, in paragraphs; one that is only {code} is set large, {link} can be clicked
//
//go:embed templates
var files embed.FS

const (
	maxParam    = 128
	maxSMSParam = 20
)

// render writes a message in its language.
func render(q queued, w Words) (m Message, err error) {
	m = Message{
		ID: q.ID, PoolID: q.PoolID, Channel: q.Channel, To: q.To, Lang: q.Lang, Template: q.Template,
		Code: q.Code, Params: q.Params,
	}
	switch q.Channel {
	case SMS:
		m.Params = each(q.Params, forSMS)
		m.Text = fill(w.Body, m.Params)
	case Email:
		clean := each(q.Params, forMail)
		if q.Link != "" { // ours, and the only one there is
			clean["link"] = q.Link
		}
		m.Subject, m.Text = fill(w.Subject, clean), fill(w.Body, clean)
		m.HTML, err = page(q.Lang, m.Subject, w.Body, each(clean, html.EscapeString))
	default:
		err = fmt.Errorf("no messages travel by %q", q.Channel)
	}
	return m, err
}

// words reads a template file.
func words(lang, template string) (subject, sms, body string, err error) {
	raw, err := files.ReadFile("templates/" + lang + "/" + template + ".txt")
	if err != nil {
		return "", "", "", fmt.Errorf("no words for message %q in %q", template, lang)
	}
	head, body, ok := strings.Cut(string(raw), "\n\n")
	first, second, two := strings.Cut(head, "\n")
	subject, hasSubject := strings.CutPrefix(first, "subject: ")
	sms, hasSMS := strings.CutPrefix(second, "sms: ")
	if !ok || !two || !hasSubject || !hasSMS {
		return "", "", "", fmt.Errorf("words for message %q in %q are malformed", template, lang)
	}
	return subject, sms, strings.TrimSpace(body) + "\n", nil
}

// page sets the paragraphs of a mail as HTML. The params are already escaped.
func page(lang, subject, body string, params map[string]string) (string, error) {
	layout, err := files.ReadFile("templates/mail.html")
	if err != nil {
		return "", fmt.Errorf("reading the mail layout: %w", err)
	}
	var b strings.Builder
	for paragraph := range strings.SplitSeq(strings.TrimSpace(body), "\n\n") {
		class := ""
		switch paragraph {
		case "{code}":
			class = ` class="code"`
		case "{link}":
			b.WriteString(fill(`<p><a href="{link}">{link}</a></p>`, params) + "\n")
			continue
		}
		b.WriteString("<p" + class + ">" + fill(html.EscapeString(paragraph), params) + "</p>\n")
	}
	return fill(string(layout), map[string]string{
		"lang": lang, "subject": html.EscapeString(subject), "paragraphs": b.String(),
	}), nil
}

// fill replaces each {name} once; what it puts in is not looked at again.
func fill(text string, params map[string]string) string {
	pairs := make([]string, 0, 2*len(params))
	for name, value := range params {
		pairs = append(pairs, "{"+name+"}", value)
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

func each(params map[string]string, f func(string) string) map[string]string {
	out := make(map[string]string, len(params))
	for name, value := range params {
		out[name] = f(value)
	}
	return out
}

// forMail makes a value inert in a header and in text: no controls, no invisible or
// reordering characters, no address a mail program would turn into a link.
func forMail(s string) string { return cut(unlink(s), maxParam) }

// forSMS is forMail within what vendors accept as a variable.
func forSMS(s string) string { return cut(unlink(s), maxSMSParam) }

// link matches what mail and message programs make clickable.
var link = regexp.MustCompile(`(?i)\b(?:[a-z][a-z0-9+.-]*://|www\.)\S*`)

func unlink(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r) {
			return -1
		}
		return r
	}, s)
	return strings.TrimSpace(link.ReplaceAllString(s, ""))
}

func cut(s string, runes int) string {
	if r := []rune(s); len(r) > runes {
		return string(r[:runes])
	}
	return s
}

func hasWords(usage string) bool {
	switch usage {
	case UsageDefault, UsageSignIn, UsageRegister, UsageReset, UsageBind, UsageSudo:
		return true
	}
	return false
}

func hasLanguage(lang string) bool { return lang == chinese || lang == "en" }
