package contact_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/tigertally/tigertally/internal/contact"
	"github.com/tigertally/tigertally/internal/errs"
)

func TestPasswordPolicy(t *testing.T) {
	strict := contact.PasswordPolicy{Min: 8, Common: true}
	lax := contact.PasswordPolicy{Min: 6}
	context := []string{"alice", "alice.liddell@example.com", "+8613812345678", "Tigertally", "小老虎"}
	for _, c := range []struct {
		name, password string
		policy         contact.PasswordPolicy
		want           errs.Code
	}{
		{"PW-01 seven characters", "kx7mq2v", strict, errs.PasswordTooShort},
		{"PW-01 eight characters", "kx7mq2vz", strict, ""},
		{"PW-01 eight letters of Han script", "春眠不觉晓处处闻", strict, ""},
		{"PW-01 default minimum", "kx7mq2v", contact.PasswordPolicy{}, errs.PasswordTooShort},
		{"PW-01 legacy minimum", "kx7mq2", lax, ""},
		{"PW-01 empty", "", lax, errs.PasswordTooShort},
		{"PW-02 two hundred characters", strings.Repeat("kx7mq2vz", 25), strict, ""},
		{"PW-02 257 characters", strings.Repeat("k", 256) + "x", strict, errs.PasswordTooLong},
		{"PW-02 a megabyte", strings.Repeat("kx7mq2vz", 1<<17), strict, errs.PasswordTooLong},
		{"PW-02 bytes count too", strings.Repeat("\U0001F42F", 257), strict, errs.PasswordTooLong},
		{"PW-03 control", "kx7mq\x002vz", strict, errs.PasswordInvalid},
		{"PW-03 not text", "kx7mq\xff2vz", strict, errs.PasswordInvalid},
		{"PW-04 no rules of composition", "correcthorsebattery", strict, ""},
		{"PW-05 in the list", "password1", strict, errs.PasswordCommon},
		{"PW-05 capitals", "PASSWORD1", strict, errs.PasswordCommon},
		{"PW-05 signs after it", "Password1!!", strict, errs.PasswordCommon},
		{"PW-05 digits for letters", "p4$$w0rd", strict, errs.PasswordCommon},
		{"PW-05 Chinese favourites", "woaini1314", strict, errs.PasswordCommon},
		{"PW-05 run", "23456789", strict, errs.PasswordCommon},
		{"PW-05 one character", "zzzzzzzzzzzzz", strict, errs.PasswordCommon},
		{"PW-05 off", "password1", lax, ""},
		{"PW-05 user name", "alice2026", strict, errs.PasswordCommon},
		{"PW-05 user name disguised", "al1ce!!99", strict, errs.PasswordCommon},
		{"PW-05 user name backwards", "ecila2026", strict, errs.PasswordCommon},
		{"PW-05 product", "Tigertally123", strict, errs.PasswordCommon},
		{"PW-05 mail address", "alice.liddell", strict, errs.PasswordCommon},
		{"PW-05 part of the mail address", "liddell42", strict, errs.PasswordCommon},
		{"PW-05 phone", "13812345678", strict, errs.PasswordCommon},
		{"PW-05 end of the phone", "ab345678", strict, errs.PasswordCommon},
		{"PW-05 Han name", "小老虎12345", strict, errs.PasswordCommon},
		{"PW-05 user name and enough else", "alicewqmzkxvtrp", strict, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := c.policy.Check(c.password, context...); errs.CodeOf(err) != c.want {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

// PW-05: at least the ten thousand most common of eight characters or more.
func TestCommonPasswordsAreRefusedAndTheirExtensionsAreNot(t *testing.T) {
	text, err := os.ReadFile("common.txt")
	if err != nil {
		t.Fatal(err)
	}
	list := strings.Fields(string(text))
	if !slices.IsSorted(list) {
		t.Fatal("common.txt is not sorted, so the search would miss")
	}
	long := slices.DeleteFunc(slices.Clone(list), func(s string) bool { return len(s) < 8 })
	if len(long) < 10_000 {
		t.Errorf("%d common passwords of eight characters, want 10,000", len(long))
	}
	policy := contact.PasswordPolicy{Min: 6, Common: true}
	for i, word := range list {
		if err := policy.Check(word); errs.CodeOf(err) != errs.PasswordCommon {
			t.Errorf("%q: %v, want password_common", word, err)
		}
		if i%100 == 0 {
			if err := policy.Check(word + "wqmzkxvtrp"); err != nil {
				t.Errorf("%q with ten more letters: %v", word, err)
			}
		}
	}
}
