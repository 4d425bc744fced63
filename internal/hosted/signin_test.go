package hosted_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/account/accounttest"
	"github.com/tigertally/tigertally/internal/admin"
	"github.com/tigertally/tigertally/internal/pool"
)

const (
	phone = "+8613800000000"
	email = "ann@example.com"
)

func ann(t *testing.T, k *kit) {
	t.Helper()
	k.User(t, admin.NewUser{Username: "ann", Phone: phone, Email: email, Password: accounttest.Password})
}

func TestPasswordLeadsBackToTheApp(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		ann(t, k)
		for _, name := range []string{"ann", "13800000000", " Ann@Example.com "} {
			b := k.browser(t)
			p := b.submit(t, b.open(t), "account", name, "password", accounttest.Password)
			q := p.back(t)
			if q.Get("code") == "" || q.Get("state") != "st<a>te" || q.Get("iss") != "https://id.test/p" || q.Get("from") != "tally" {
				t.Errorf("%q: %v", name, q)
			}
		}
	})
}

func TestWrongPasswordStaysOnThePage(t *testing.T) {
	k := one(t)
	ann(t, k)
	b := k.browser(t)
	p := b.submit(t, b.open(t), "account", "ann", "password", "wrong-password")
	if p.status != http.StatusBadRequest || p.problem() != "The account or the password is wrong." {
		t.Errorf("%d %q", p.status, p.problem())
	}
	if typed := p.input("account"); typed != "ann" {
		t.Errorf("the name typed is gone: %q", typed)
	}
	if typed := p.input("password"); typed != "" {
		t.Error("the password is in the page")
	}
	p = b.submit(t, p, "password", accounttest.Password)
	p.back(t)
}

func TestCodesLeadBackToTheApp(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		ann(t, k)
		for tab, address := range map[string]string{"phone": phone, "email": email} {
			b := k.browser(t)
			p := b.submit(t, b.tab(t, b.open(t), tab), "account", " "+address)
			if p.status != http.StatusOK || !strings.HasPrefix(p.notice(), "We sent a code to ") || strings.Contains(p.notice(), address) {
				t.Fatalf("%s: %d %q %q", tab, p.status, p.notice(), p.problem())
			}
			code := digits.FindString(k.Message(t, address).Text)
			p = b.submit(t, p, "code", "000000")
			if p.status != http.StatusBadRequest || p.problem() == "" {
				t.Errorf("%s: a wrong code: %d", tab, p.status)
			}
			p = b.submit(t, p, "code", "letters")
			if p.status != http.StatusBadRequest || p.problem() == "" {
				t.Errorf("%s: no code: %d", tab, p.status)
			}
			p = b.submit(t, p, "code", " "+code[:3]+" "+code[3:])
			if p.back(t).Get("code") == "" {
				t.Errorf("%s: no code for the app", tab)
			}
		}
	})
}

// EN-01: the page sends a code to whoever asks, so it does not tell who is known.
func TestEN01AskingForACodeTellsNothing(t *testing.T) {
	k := one(t)
	ann(t, k)
	shape := func(address string) string {
		b := k.browser(t)
		p := b.submit(t, b.tab(t, b.open(t), "email"), "account", address)
		v := p.values()
		v.Del("form")
		v.Del("account")
		return strings.Join([]string{p.heading(), p.problem(), v.Encode()}, "|")
	}
	if known, stranger := shape(email), shape("bob@example.com"); known != stranger {
		t.Errorf("known %q, stranger %q", known, stranger)
	}
	b := k.browser(t)
	p := b.submit(t, b.tab(t, b.open(t), "email"), "account", "eve@example.com")
	p = b.submit(t, p, "code", digits.FindString(k.Message(t, "eve@example.com").Text))
	if p.status != http.StatusNotFound || p.problem() != "The user does not exist." {
		t.Errorf("%d %q", p.status, p.problem())
	}
}

// EN-01: nor does it by password.
func TestEN01AWrongPasswordTellsNothing(t *testing.T) {
	k := one(t)
	ann(t, k)
	k.User(t, admin.NewUser{Username: "bare"})
	b := k.browser(t)
	for _, name := range []string{"ann", "bare", "nobody", "13911112222", "eve@example.com"} {
		p := b.submit(t, b.open(t), "account", name, "password", "wrong-password")
		if p.status != http.StatusBadRequest || p.problem() != "The account or the password is wrong." {
			t.Errorf("%s: %d %q", name, p.status, p.problem())
		}
	}
}

func TestAnotherCodeCanBeAskedFor(t *testing.T) {
	k := one(t)
	ann(t, k)
	b := k.browser(t)
	p := b.submit(t, b.tab(t, b.open(t), "phone"), "account", "13800000000")
	k.Message(t, phone)
	k.Advance(2 * time.Minute)
	p = b.submit(t, p, "do", "send")
	if p.notice() == "" {
		t.Fatalf("%d %q", p.status, p.problem())
	}
	b.submit(t, p, "code", digits.FindString(k.Message(t, phone).Text)).back(t)
}

func TestAPasswordThatWasGivenHasToBeReplaced(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		k.User(t, admin.NewUser{Username: "new", Password: accounttest.Password, MustReset: true})
		b := k.browser(t)
		p := b.submit(t, b.open(t), "account", "new", "password", accounttest.Password)
		if p.heading() != "Choose a new password" || p.problem() != "" {
			t.Fatalf("%d %q %q", p.status, p.heading(), p.problem())
		}
		p = b.submit(t, p, "password", "brand-new-horse", "again", "another-new-horse")
		if p.problem() != "The two new passwords differ." {
			t.Errorf("differing passwords: %q", p.problem())
		}
		p = b.submit(t, p, "password", "short", "again", "short")
		if p.status != http.StatusBadRequest || p.heading() != "Choose a new password" {
			t.Errorf("a short password: %d %q", p.status, p.problem())
		}
		renewal := p.input("renewal")
		b.submit(t, p, "password", "brand-new-horse", "again", "brand-new-horse").back(t)

		p = b.submit(t, b.open(t), "account", "new", "password", "brand-new-horse", "do", "renew",
			"renewal", renewal, "again", "brand-new-horse")
		if p.problem() != "This step has expired. Please go back and try again." {
			t.Errorf("the token worked twice: %d %q", p.status, p.problem())
		}
	})
}

func TestCaptchaIsAskedForAndSolvedWithoutAScript(t *testing.T) {
	k := one(t, func(s *pool.Settings) { s.Captcha = pool.CaptchaAlways })
	ann(t, k)
	b := k.browser(t)
	p := b.tab(t, b.open(t), "phone")
	if len(p.all("img")) != 1 || !strings.HasPrefix(attr(p.all("img")[0], "src"), "data:image/png;base64,") {
		t.Fatal("no picture")
	}
	p = b.submit(t, p, "account", phone, "captcha", "wrong!")
	if p.problem() != "These are not the characters in the picture. Please try again." || len(p.all("img")) != 1 {
		t.Fatalf("%d %q", p.status, p.problem())
	}
	id := p.input("challenge")
	k.mu.Lock()
	answer := k.answers[id]
	k.mu.Unlock()
	p = b.submit(t, p, "captcha", answer)
	if p.notice() == "" || len(p.all("img")) != 0 {
		t.Fatalf("%d %q", p.status, p.problem())
	}
	b.submit(t, p, "code", digits.FindString(k.Message(t, phone).Text)).back(t)

	b = k.browser(t)
	p = b.submit(t, b.tab(t, b.open(t), "email"), "account", email, "challenge", "", "captcha_token", "ct_bad")
	if p.problem() != "The captcha is no longer valid. Please solve a new one." || len(p.all("img")) != 1 {
		t.Errorf("a bad token: %d %q", p.status, p.problem())
	}
	if kept := p.input("captcha_token"); kept != "" {
		t.Error("the bad token is kept")
	}
}

func TestSomebodyMayChangeTheirMind(t *testing.T) {
	k := one(t)
	b := k.browser(t)
	p := b.open(t)
	q := b.submit(t, p, "do", "cancel").back(t)
	if q.Get("error") != "access_denied" || q.Get("code") != "" || q.Get("state") != "st<a>te" {
		t.Errorf("%v", q)
	}
	if again := b.get(t, p.at.String()); again.status == http.StatusOK {
		t.Error("the request is still open")
	}
}

func TestThePageSpeaksThePersonsLanguage(t *testing.T) {
	k := one(t)
	ann(t, k)
	for _, tt := range []struct{ accept, locales, want string }{
		{"en-GB,en;q=0.9", "", "en"},
		{"zh-TW,zh;q=0.9", "", "zh-CN"},
		{"fr", "", "zh-CN"},
		{"zh-CN", "en-US zh-CN", "en"},
		{"en", "zh-CN", "zh-CN"},
	} {
		b := k.browser(t)
		b.lang = tt.accept
		p := b.open(t, "ui_locales", tt.locales)
		if got := attr(p.all("html")[0], "lang"); got != tt.want {
			t.Errorf("%q, %q: %s", tt.accept, tt.locales, got)
		}
	}
	b := k.browser(t)
	p := b.open(t)
	p = b.get(t, p.at.String()+"?lang=zh-CN")
	p = b.submit(t, p, "account", "ann", "password", "wrong-password")
	if p.problem() != "账号或密码不正确" || p.words("button", "value", "password") != "登录" {
		t.Errorf("%q", p.problem())
	}
	p = b.tab(t, p, "phone")
	b.submit(t, p, "account", phone)
	if got := k.Message(t, phone); got.Lang != "zh-CN" {
		t.Errorf("the message speaks %q", got.Lang)
	}
}

// WB-08: managers find the fields, and every field has its label.
func TestWB08FieldsSayWhatTheyAre(t *testing.T) {
	k := one(t)
	ann(t, k)
	b := k.browser(t)
	p := b.open(t)
	code := b.submit(t, b.tab(t, p, "phone"), "account", phone)
	for name, want := range map[string]struct {
		page             page
		field, kind, use string
	}{
		"account": {p, "account", "text", "username"}, "password": {p, "password", "password", "current-password"},
		"phone": {b.tab(t, p, "phone"), "account", "tel", "tel"}, "email": {b.tab(t, p, "email"), "account", "email", "email"},
		"code": {code, "code", "text", "one-time-code"},
	} {
		found := false
		for _, n := range want.page.all("input") {
			if attr(n, "name") != want.field {
				continue
			}
			found = true
			if attr(n, "type") != want.kind || attr(n, "autocomplete") != want.use {
				t.Errorf("%s is %q for %q", name, attr(n, "type"), attr(n, "autocomplete"))
			}
			if want.page.words("label", "for", attr(n, "id")) == "" {
				t.Errorf("%s has no label", name)
			}
		}
		if !found {
			t.Errorf("no field for %s", name)
		}
	}
}

func TestTheLoginHintIsFilledInWhereItFits(t *testing.T) {
	k := one(t)
	b := k.browser(t)
	p := b.open(t, "login_hint", email)
	for tab, want := range map[string]string{"password": email, "email": email, "phone": ""} {
		if got := b.tab(t, p, tab).input("account"); got != want {
			t.Errorf("%s: %q", tab, got)
		}
	}
}
