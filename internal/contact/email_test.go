package contact_test

import (
	"strings"
	"testing"

	"github.com/tigertally/tigertally/internal/contact"
	"github.com/tigertally/tigertally/internal/errs"
)

// ID-01.
func TestEmailHasOneForm(t *testing.T) {
	for input, want := range map[string]string{
		"alice@example.com":           "alice@example.com",
		" Alice.B+tag@Example.COM ":   "alice.b+tag@example.com",
		"o'brien@example.org":         "o'brien@example.org",
		"用户@example.com":              "",
		"user@例子.中国":                  "user@xn--fsqu00a.xn--fiqs8s",
		"user@XN--FSQU00A.xn--fiqs8s": "user@xn--fsqu00a.xn--fiqs8s",
		"user@bücher.example":         "user@xn--bcher-kva.example",
		"1@qq.com":                    "1@qq.com",
	} {
		got, err := contact.Email(input)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("Email(%q) = %q, %v; want %q", input, got, err, want)
		}
	}
}

// ID-01, VC-09: a spelling that only looks like an address, or that some software
// would fold into another one, is refused.
func TestEmailRefuses(t *testing.T) {
	for _, input := range []string{
		"", "@", "a@", "@b.com", "a", "a@b", "a@b.c@d.com", "a b@c.com", "a..b@c.com", ".a@c.com", "a.@c.com",
		`"a b"@c.com`, `"a@b"@c.com`, "a(comment)@c.com", "<a@c.com>", "A <a@c.com>", "a@c.com,b@c.com", "a@c.com;b@c.com",
		"a@[127.0.0.1]", "a@127.0.0.1", "a@c.com.", "a@.c.com", "a@c..com", "a@-c.com", "a@c-.com", "a@c_d.com",
		"a@c.com\r\nBcc: x@y.com", "a\n@c.com", "a@c.com\x00", "\ta@c.com", "a@c.com\u202e", "a\u200b@c.com", "a@c\u200b.com",
		"m\u0131ke@example.org", "mi\u212ae@example.org", "\u017fam@example.org", "a\uff20c.com", "\uff41@c.com",
		"a@example.\u212aom", "a@\uff43.com", "a@ex\u00adample.com", "a@xn--a.com",
		strings.Repeat("a", 65) + "@c.com", "a@" + strings.Repeat("b", 64) + ".com", "a@" + strings.Repeat("b.", 130) + "com",
	} {
		if got, err := contact.Email(input); errs.CodeOf(err) != errs.EmailInvalid {
			t.Errorf("Email(%q) = %q, %v; want email_invalid", input, got, err)
		}
	}
}

func FuzzEmail(f *testing.F) {
	for _, s := range []string{"a@b.com", "A@例子.中国", "a@xn--fsqu00a.cn", "\"a\"@b.com", "a@b.com "} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, input string) {
		email, err := contact.Email(input)
		if err != nil {
			return
		}
		if again, err := contact.Email(email); again != email || err != nil {
			t.Fatalf("%q gives %q, which gives %q, %v", input, email, again, err)
		}
		for _, r := range email {
			if r <= ' ' || r > '~' {
				t.Fatalf("%q gives %q", input, email)
			}
		}
	})
}
