package hosted_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/tigertally/tigertally/internal/account/accounttest"
	"github.com/tigertally/tigertally/internal/hosted"
	"github.com/tigertally/tigertally/internal/signin"
)

const mailbox = "ann@example.com"

// linked registers ann without proof and returns the path in the mail she asks for.
func (k *kit) linked(t *testing.T) string {
	t.Helper()
	_, err := k.Signin.Register(t.Context(), signin.RegisterInput{
		Client: k.Client, Email: mailbox, Password: accounttest.Password, Unproved: true, NoSession: true,
	})
	must(t, err)
	must(t, k.Account.SendLink(t.Context(), k.Client, mailbox, ""))
	_, token, _ := strings.Cut(k.Message(t, mailbox).Text, origin+hosted.ConfirmPath)
	token, _, _ = strings.Cut(token, "\n")
	return hosted.ConfirmPath + token
}

func (k *kit) verified(t *testing.T) bool {
	t.Helper()
	u, err := k.Users.ByTarget(t.Context(), "p", mailbox)
	must(t, err)
	return u.EmailVerified
}

// Programs that open the links of a mail use nothing up; the button does, once.
func TestALinkIsConfirmedByItsButton(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		path := k.linked(t)
		for range 3 {
			p := k.browser(t).get(t, path)
			if p.status != http.StatusOK || p.heading() != "Confirm your email address" || p.header.Get("Cache-Control") != "no-store" ||
				p.header.Get("Referrer-Policy") != "no-referrer" || p.header.Get("X-Frame-Options") != "DENY" {
				t.Fatalf("%d %q %v", p.status, p.raw, p.header)
			}
		}
		if k.verified(t) {
			t.Fatal("opening the link confirmed it")
		}
		b := k.browser(t)
		p := b.submit(t, b.get(t, path), "password", "not the password")
		if p.problem() == "" || p.status != http.StatusBadRequest || k.verified(t) {
			t.Fatalf("a wrong password: %d %q", p.status, p.raw)
		}
		if p = b.submit(t, p, "password", ""); p.problem() == "" || k.verified(t) {
			t.Fatalf("no password: %d %q", p.status, p.raw)
		}
		p = b.submit(t, p, "password", accounttest.Password)
		if p.status != http.StatusOK || !strings.Contains(p.notice(), "is confirmed") || !k.verified(t) {
			t.Fatalf("the right one: %d %q", p.status, p.raw)
		}
		if p = b.get(t, path); p.status != http.StatusForbidden || !strings.Contains(p.raw, "already used") {
			t.Errorf("once more: %d %q", p.status, p.raw)
		}
	})
}

// WB-01: another page cannot press the button, and who does without the password gets the
// account without it.
func TestALinkIsConfirmedWithoutAPassword(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		path := k.linked(t)
		b := k.browser(t)
		b.lang = "zh-CN"
		p := b.get(t, path)
		if p.heading() != "验证邮箱" {
			t.Errorf("in Chinese: %q", p.heading())
		}
		v := p.values()
		v.Set("do", "claim")
		foreign := b.post(t, p, v)
		foreign.Header.Set("Sec-Fetch-Site", "cross-site")
		if answer := b.do(t, foreign); answer.status != http.StatusForbidden || k.verified(t) {
			t.Fatalf("from another page: %d", answer.status)
		}
		p = b.submit(t, p, "do", "claim", "password", "ignored")
		u, err := k.Users.ByTarget(t.Context(), "p", mailbox)
		must(t, err)
		if p.status != http.StatusOK || !u.EmailVerified || u.HasPassword() {
			t.Errorf("%d, %+v", p.status, u)
		}
	})
}
