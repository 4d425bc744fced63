package notify_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"

	"golang.org/x/net/html"

	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/driver"
	"github.com/tigertally/tigertally/internal/job"
	"github.com/tigertally/tigertally/internal/notify"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/secret"
)

const (
	phone = "+8613800000000"
	email = "mike@example.org"
)

// bench is a service whose messages end in a channel, with a clock a test moves.
type bench struct {
	*notify.Service
	db   *db.DB
	sent chan notify.Message
	fail atomic.Bool
	ms   atomic.Int64
}

func newBench(t *testing.T, d *db.DB) *bench {
	t.Helper()
	ring, err := secret.NewKeyring(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{db: d, sent: make(chan notify.Message, 100)}
	b.ms.Store(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).UnixMilli())
	now := func() time.Time { return time.UnixMilli(b.ms.Load()) }
	jobs := job.New(d, ring, now, slog.New(slog.DiscardHandler))
	b.Service = notify.New(jobs, now, func(_ context.Context, m notify.Message) error {
		b.sent <- m
		if b.fail.Load() {
			return &driver.Failure{Vendor: "test", Class: driver.Unavailable}
		}
		return nil
	})
	if err := jobs.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(jobs.Stop)
	return b
}

func (b *bench) code(t *testing.T, n notify.Notice) notify.Message {
	t.Helper()
	if err := b.Code(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	return b.next(t)
}

func (b *bench) alert(t *testing.T, a notify.Alert) notify.Message {
	t.Helper()
	if err := b.Alert(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	return b.next(t)
}

func (b *bench) next(t *testing.T) notify.Message {
	t.Helper()
	select {
	case m := <-b.sent:
		return m
	case <-time.After(10 * time.Second):
		t.Fatal("no message")
		return notify.Message{}
	}
}

func notice(channel, to, usage, lang string) notify.Notice {
	return notify.Notice{
		Pool:    pool.Pool{ID: "dev", Settings: pool.Defaults()},
		Channel: channel, Target: to, Code: "246810", Usage: usage, Lang: lang, Life: 10 * time.Minute,
	}
}

func usages() []string {
	return []string{
		notify.UsageDefault, notify.UsageSignIn, notify.UsageRegister,
		notify.UsageReset, notify.UsageBind, notify.UsageSudo,
	}
}

func TestEveryUsageHasWordsInEveryLanguage(t *testing.T) {
	b := newBench(t, dbtest.Open(t, dbtest.SQLite))
	seen := map[string]bool{}
	for _, lang := range []string{"zh-CN", "en"} {
		for _, usage := range usages() {
			sms := b.code(t, notice(notify.SMS, phone, usage, lang))
			mail := b.code(t, notice(notify.Email, email, usage, lang))
			if sms.Template != usage || sms.Lang != lang || sms.To != phone || sms.Code != "246810" || sms.ID == "" {
				t.Errorf("%s %s: %+v", lang, usage, sms)
			}
			if sms.HTML != "" || sms.Subject != "" || mail.To != email {
				t.Errorf("%s %s: sms %+v, mail %+v", lang, usage, sms, mail)
			}
			// Mainland carriers count 70 characters to a message, the sender's name included.
			if n := utf8.RuneCountInString(sms.Text); lang == "zh-CN" && n > 60 {
				t.Errorf("%s: %d characters: %s", usage, n, sms.Text)
			}
			for _, text := range []string{sms.Text, mail.Text, mail.HTML} {
				if strings.Count(text, "246810") != 1 || !strings.Contains(text, "10") || !strings.Contains(text, "Tigertally") {
					t.Errorf("%s %s: code, life or product missing: %s", lang, usage, text)
				}
				complete(t, text)
			}
			if seen[sms.Text] || seen[mail.Subject] {
				t.Errorf("%s %s: words of another message", lang, usage)
			}
			seen[sms.Text], seen[mail.Subject] = true, true
		}
	}
}

func TestEveryAlertHasWordsInEveryLanguage(t *testing.T) {
	b := newBench(t, dbtest.Open(t, dbtest.SQLite))
	for lang, at := range map[string]string{"zh-CN": "北京时间 2026-01-02 11:04 ", "en": "2026-01-02 03:04 UTC"} {
		for _, kind := range []string{notify.PasswordChanged, notify.ContactChanged, notify.RiskySignIn, notify.AccountDeleted} {
			a := notify.Alert{
				Pool: pool.Pool{Settings: pool.Defaults()}, Channel: notify.Email, Target: email,
				Kind: kind, Lang: lang, Params: map[string]string{"contact": "138****0000"},
			}
			m := b.alert(t, a)
			if m.Template != kind || m.Code != "" || !strings.Contains(m.Text, at) {
				t.Errorf("%s %s: %+v", lang, kind, m)
			}
			if kind == notify.ContactChanged && !strings.Contains(m.HTML, "138****0000") {
				t.Errorf("contact missing: %s", m.HTML)
			}
			a.Channel, a.Target = notify.SMS, phone
			sms := b.alert(t, a)
			if !strings.Contains(sms.Text, at) {
				t.Errorf("%s %s: time cut: %s", lang, kind, sms.Text)
			}
			for _, text := range []string{m.Subject, m.Text, sms.Text} {
				complete(t, text)
			}
		}
	}
}

// complete reports placeholders nobody filled. The style sheet has braces of its own.
func complete(t *testing.T, text string) {
	t.Helper()
	if _, body, ok := strings.Cut(text, "</style>"); ok {
		text = body
	}
	if strings.ContainsAny(text, "{}") {
		t.Errorf("placeholder left: %s", text)
	}
}

func TestUsageAndLanguageFallBack(t *testing.T) {
	b := newBench(t, dbtest.Open(t, dbtest.SQLite))
	if m := b.code(t, notice(notify.SMS, phone, "../en/reset", "fr")); m.Template != notify.UsageDefault || m.Lang != "zh-CN" {
		t.Errorf("got %s %s", m.Template, m.Lang)
	}
	n := notice(notify.SMS, phone, notify.UsageSignIn, "")
	n.Pool.Settings.DefaultLang = "en"
	if m := b.code(t, n); m.Lang != "en" {
		t.Errorf("pool language: %s", m.Lang)
	}
	n.Channel = "pigeon"
	if err := b.Code(t.Context(), n); err == nil {
		t.Error("unknown channel accepted")
	}
	if err := b.Alert(t.Context(), notify.Alert{Channel: notify.SMS, Target: phone, Kind: "../mail"}); err == nil {
		t.Error("unknown alert accepted")
	}
}

// ID-04: what people choose, such as names, is inert in every medium.
func TestID04ParamsAreInert(t *testing.T) {
	b := newBench(t, dbtest.Open(t, dbtest.SQLite))
	for _, evil := range []string{
		"x\r\nBcc: v@example.net", "{code}", "{{.Secret}}", "<script>alert(1)</script>",
		"go to http://evil.example/x now", "WWW.evil.example", `" onmouseover="x`, "\u202Eevil\u200B",
	} {
		n := notice(notify.Email, email, notify.UsageSignIn, "en")
		n.Pool.Settings.ProductName = evil
		m := b.code(t, n)
		if strings.ContainsAny(m.Subject, "\r\n") {
			t.Errorf("%q: subject %q", evil, m.Subject)
		}
		for _, text := range []string{m.Subject, m.Text, m.HTML} {
			if strings.Contains(text, "evil.example") || strings.ContainsAny(text, "\u202E\u200B") {
				t.Errorf("%q: %s", evil, text)
			}
		}
		if got := strings.Count(m.Text, "246810"); got != 1 {
			t.Errorf("%q: the code appears %d times", evil, got)
		}
		doc, err := html.Parse(strings.NewReader(m.HTML))
		if err != nil {
			t.Fatal(err)
		}
		for node := range doc.Descendants() {
			if node.Data == "script" || node.Data == "a" {
				t.Errorf("%q: the mail has a <%s>", evil, node.Data)
			}
			for _, a := range node.Attr {
				if strings.HasPrefix(a.Key, "on") {
					t.Errorf("%q: the mail has an attribute %s", evil, a.Key)
				}
			}
		}
		n.Channel, n.Target = notify.SMS, phone
		if sms := b.code(t, n); utf8.RuneCountInString(sms.Params["product"]) > 20 || strings.ContainsAny(sms.Text, "\r\n") {
			t.Errorf("%q: %+v", evil, sms)
		}
	}
}

func TestAMessageIsSentOnlyAfterItsTransaction(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		b := newBench(t, d)
		undone := errors.New("undone")
		err := d.InTx(t.Context(), func(ctx context.Context) error {
			return errors.Join(b.Code(ctx, notice(notify.SMS, "+8613900000000", "", "")), undone)
		})
		if !errors.Is(err, undone) {
			t.Fatal(err)
		}
		if m := b.code(t, notice(notify.SMS, phone, "", "")); m.To != phone {
			t.Errorf("sent to %s", m.To)
		}
	})
}

// A try that failed is repeated under the same id, but a code that has expired by then
// is not sent.
func TestRetriesKeepTheIDAndDropExpiredCodes(t *testing.T) {
	b := newBench(t, dbtest.Open(t, dbtest.SQLite))
	b.fail.Store(true)
	first := b.code(t, notice(notify.SMS, phone, notify.UsageSignIn, "en"))
	settled := func() bool {
		var n int
		err := b.db.QueryRow(t.Context(), `SELECT COUNT(*) FROM jobs WHERE lease_until > 0`).Scan(&n)
		return err == nil && n == 0
	}
	for !settled() {
		time.Sleep(time.Millisecond)
	}
	b.ms.Add(time.Minute.Milliseconds())
	if again := b.next(t); again.ID != first.ID {
		t.Errorf("tried %s, then %s", first.ID, again.ID)
	}
	for !settled() {
		time.Sleep(time.Millisecond)
	}
	b.fail.Store(false)
	b.ms.Add((10 * time.Minute).Milliseconds())
	if m := b.code(t, notice(notify.SMS, phone, notify.UsageReset, "en")); m.Template != notify.UsageReset {
		t.Errorf("an expired code was sent: %+v", m)
	}
}
