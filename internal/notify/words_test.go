package notify_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/notify"
)

func TestEveryBuiltInTemplatePassesItsOwnCheck(t *testing.T) {
	for _, tpl := range notify.Templates() {
		for _, channel := range tpl.Channels {
			for _, lang := range []string{"zh-CN", "en"} {
				w, err := notify.BuiltIn(tpl.Name, channel, lang)
				if err != nil {
					t.Fatal(err)
				}
				kept, err := tpl.Check(channel, w)
				if err != nil || kept != w {
					t.Errorf("%s %s %s: %v\n%q\n%q", tpl.Name, channel, lang, err, kept, w)
				}
				m, err := notify.Sample(tpl, channel, lang, "Shop", w, time.Unix(0, 0))
				if err != nil {
					t.Fatal(err)
				}
				complete(t, m.Subject+m.Text+m.HTML)
			}
		}
	}
}

func TestWordsThatWouldNotWorkAreRefused(t *testing.T) {
	tests := []struct {
		name, channel string
		w             notify.Words
		want          errs.Code
	}{
		{"good", notify.SMS, notify.Words{Body: "{code}"}, ""},
		{"unknown placeholder", notify.SMS, notify.Words{Body: "{code} {name}"}, errs.TemplateUnknownWord},
		{"an empty one", notify.SMS, notify.Words{Body: "{code} {}"}, errs.TemplateUnknownWord},
		{"one of another template", notify.SMS, notify.Words{Body: "{code} {contact}"}, errs.TemplateUnknownWord},
		{"unknown in the subject", notify.Email, notify.Words{Subject: "{x}", Body: "{code}"}, errs.TemplateUnknownWord},
		{"no code", notify.SMS, notify.Words{Body: "hello"}, errs.TemplateWithoutCode},
		{"the code in the subject only", notify.Email, notify.Words{Subject: "{code}", Body: "hello"}, errs.TemplateWithoutCode},
		{"no subject", notify.Email, notify.Words{Body: "{code}"}, errs.FieldMissing},
		{"no text", notify.SMS, notify.Words{Body: " \n"}, errs.FieldMissing},
		{"a novel", notify.SMS, notify.Words{Body: "{code}" + strings.Repeat("x", 500)}, errs.FieldTooLong},
	}
	tpl, err := notify.TemplateOf(notify.UsageSignIn, notify.SMS, "en")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if _, err := tpl.Check(test.channel, test.w); errs.CodeOf(err) != test.want {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
	if _, err := notify.TemplateOf("confirm_email", notify.SMS, "en"); errs.CodeOf(err) != errs.TemplateNotFound {
		t.Errorf("a channel it has not: %v", err)
	}
}

// Words of a pool are used when the message is sent, for that pool only, and stay inert.
func TestWordsOfAPoolApplyWhenSending(t *testing.T) {
	b := newBench(t, dbtest.Open(t, dbtest.SQLite))
	b.Words = func(_ context.Context, poolID, template, channel, lang string) (notify.Words, bool, error) {
		own := poolID == "dev" && template == notify.UsageSignIn && lang == "en"
		if channel == notify.SMS {
			return notify.Words{Body: "Shop: {code}"}, own, nil
		}
		return notify.Words{Subject: "Hi <b>", Body: "<script>alert(1)</script> & {product}\n\n{code}\n"}, own, nil
	}
	if m := b.code(t, notice(notify.SMS, phone, notify.UsageSignIn, "en")); m.Text != "Shop: 246810" {
		t.Errorf("got %q", m.Text)
	}
	if m := b.code(t, notice(notify.SMS, phone, notify.UsageReset, "en")); strings.HasPrefix(m.Text, "Shop:") {
		t.Errorf("another template: %q", m.Text)
	}
	other := notice(notify.SMS, phone, notify.UsageSignIn, "en")
	other.Pool.ID = "other"
	if m := b.code(t, other); strings.HasPrefix(m.Text, "Shop:") {
		t.Errorf("another pool: %q", m.Text)
	}
	mail := notice(notify.Email, email, notify.UsageSignIn, "en")
	mail.Pool.Settings.ProductName = `<img src=x onerror="x">`
	m := b.code(t, mail)
	doc, err := html.Parse(strings.NewReader(m.HTML))
	if err != nil {
		t.Fatal(err)
	}
	for n := range doc.Descendants() {
		if n.Type == html.ElementNode && (n.Data == "script" || n.Data == "img" || n.Data == "b") {
			t.Errorf("the mail has a <%s>", n.Data)
		}
	}
	if !strings.Contains(m.HTML, "&lt;script&gt;") || m.Subject != "Hi <b>" {
		t.Errorf("%q %s", m.Subject, m.HTML)
	}
}

func TestTextMessagesAreMeasuredAsCarriersDo(t *testing.T) {
	tests := []struct {
		text, signature string
		want            notify.Size
	}{
		{strings.Repeat("a", 160), "", notify.Size{Characters: 160, Parts: 1}},
		{strings.Repeat("a", 161), "", notify.Size{Characters: 161, Parts: 2}},
		{strings.Repeat("a", 307), "", notify.Size{Characters: 307, Parts: 3}},
		{strings.Repeat("€", 80), "", notify.Size{Characters: 80, Parts: 1}},
		{strings.Repeat("€", 81), "", notify.Size{Characters: 81, Parts: 2}},
		{strings.Repeat("码", 70), "", notify.Size{Characters: 70, Parts: 1, Wide: true}},
		{strings.Repeat("码", 70), "店", notify.Size{Characters: 73, Parts: 2, Wide: true}},
		{strings.Repeat("码", 135), "", notify.Size{Characters: 135, Parts: 3, Wide: true}},
		{strings.Repeat("😀", 36), "", notify.Size{Characters: 36, Parts: 2, Wide: true}},
	}
	for _, test := range tests {
		if got := notify.Measure(test.text, test.signature); got != test.want {
			t.Errorf("%d of %.3s: got %+v, want %+v", len(test.text), test.text, got, test.want)
		}
	}
}
