package contact_test

import (
	"strings"
	"testing"

	"github.com/tigertally/tigertally/internal/contact"
	"github.com/tigertally/tigertally/internal/errs"
)

// ID-03: one number is one account, however it is written.
func TestPhoneBringsEverySpellingToOneForm(t *testing.T) {
	const want = "+8613800000000"
	for _, c := range []struct{ input, country string }{
		{"+86 13800000000", ""},
		{"+8613800000000", ""},
		{"13800000000", ""},
		{"8613800000000", ""},
		{"008613800000000", ""},
		{"0086 138 0000 0000", ""},
		{"+086 13800000000", ""},
		{"+0086 13800000000", ""},
		{"00 86 13800000000", ""},
		{"+86-138-0000-0000", ""},
		{"+86.138.0000.0000", ""},
		{"(+86)13800000000", ""},
		{"+86 (138) 0000-0000", ""},
		{"138 0000 0000", ""},
		{"138-0000-0000", ""},
		{" 13800000000 ", ""},
		{"013800000000", ""},
		{"+86 013800000000", ""},
		{"+86 (0)13800000000", ""},
		{"＋８６　１３８００００００００", ""},
		{"13800000000", "+86"},
		{"13800000000", "86"},
		{"13800000000", "0086"},
		{"13800000000", "+086"},
		{"8613800000000", "+86"},
		{"+8613800000000", "+86"},
		{"+8613800000000", "+852"},
		{"013800000000", "86"},
		{"138\u00a00000\u00a00000", ""},
		{"138\u30000000\u30000000", ""},
		{"\u200b13800000000", ""},
		// What the SDK makes of numbers it does not recognise.
		{"+86 +8613800000000", ""},
		{"+86 +86 13800000000", ""},
		{"+86 8613800000000", ""},
		{"+86 008613800000000", ""},
		{"+86 86 13800000000", ""},
	} {
		if got, err := contact.Phone(c.input, c.country); got != want || err != nil {
			t.Errorf("Phone(%q, %q) = %q, %v; want %s", c.input, c.country, got, err, want)
		}
	}
}

func TestPhoneKeepsOtherCountriesApart(t *testing.T) {
	for _, c := range []struct{ input, country, want string }{
		{"+12025550123", "", "+12025550123"},
		{"+12 025550123", "", "+12025550123"}, // as the SDK cuts it
		{"+1 202-555-0123", "", "+12025550123"},
		{"2025550123", "+1", "+12025550123"},
		{"12025550123", "1", "+12025550123"},
		{"+852 9123 4567", "", "+85291234567"},
		{"91234567", "852", "+85291234567"},
		{"+853 6612 3456", "", "+85366123456"},
		{"+886 0912 345 678", "", "+886912345678"},
		{"0912345678", "+886", "+886912345678"},
		{"+44 07911 123456", "", "+447911123456"},
		{"+65 8123 4567", "", "+6581234567"},
	} {
		if got, err := contact.Phone(c.input, c.country); got != c.want || err != nil {
			t.Errorf("Phone(%q, %q) = %q, %v; want %s", c.input, c.country, got, err, c.want)
		}
	}
}

func TestPhoneKnowsTheMainlandRanges(t *testing.T) {
	for prefix, ok := range map[string]bool{
		"130": true, "139": true, "145": true, "147": true, "149": true, "150": true, "166": true, "162": true,
		"165": true, "167": true, "170": true, "171": true, "174": true, "178": true, "180": true, "190": true, "192": true, "199": true,
		"140": false, "141": false, "144": false, "146": false, "148": false, "100": false, "110": false, "120": false, "123": false,
	} {
		if _, err := contact.Phone(prefix+"12345678", ""); (err == nil) != ok {
			t.Errorf("%s12345678: %v, want accepted %v", prefix, err, ok)
		}
	}
}

func TestPhoneRefuses(t *testing.T) {
	for _, c := range []struct{ input, country string }{
		{"", ""},
		{" ", ""},
		{"+", ""},
		{"00", ""},
		{"++", ""},
		{"1380000000", ""},    // ten digits
		{"138000000000", ""},  // twelve
		{"1064812345678", ""}, // a card in a machine
		{"01012345678", ""},   // Beijing
		{"4008001234", ""},
		{"95588", ""},
		{"110", ""},
		{"2025550123", ""},
		{"13800000000", "999"},
		{"13800000000", "x"},
		{"13800000000", "8612"},
		{"138000000ab", ""},
		{"13800000000\n", ""},
		{"1380000\x000000", ""},
		{"13800000000,13900000000", ""},
		{"+86 13800000000 +86 13900000000", ""},
		{"+86 +12025550123", ""},
		{"+8613800000000+", ""},
		{"+882 13 300655", ""},
		{"+44 20 7946 0958", ""},
		{strings.Repeat("1", 33), ""},
		{strings.Repeat(" ", 40) + "13800000000", ""},
		{"١٣٨٠٠٠٠٠٠٠٠", ""},
		{"\xff13800000000", ""},
		{"user13800000000", ""},
	} {
		if got, err := contact.Phone(c.input, c.country); errs.CodeOf(err) != errs.PhoneInvalid {
			t.Errorf("Phone(%q, %q) = %q, %v; want phone_invalid", c.input, c.country, got, err)
		}
	}
}

func TestSplitPhone(t *testing.T) {
	for e164, want := range map[string][2]string{
		"+8613800000000": {"+86", "13800000000"},
		"+12025550123":   {"+1", "2025550123"},
		"+85291234567":   {"+852", "91234567"},
		"not a phone":    {"", "not a phone"},
		"":               {"", ""},
	} {
		if country, national := contact.SplitPhone(e164); country != want[0] || national != want[1] {
			t.Errorf("SplitPhone(%q) = %q, %q; want %q", e164, country, national, want)
		}
	}
}

func TestMask(t *testing.T) {
	for target, want := range map[string]string{
		"+8613800000000":    "138****0000",
		"+85291234567":      "+852 91****67",
		"+1":                "****",
		"":                  "****",
		"alice@example.com": "a***@example.com",
		"a@example.com":     "a***@example.com",
		"@example.com":      "****",
	} {
		if got := contact.Mask(target); got != want {
			t.Errorf("Mask(%q) = %q, want %q", target, got, want)
		}
	}
}

// Every accepted number is its own canonical form, and its two parts make it again.
func FuzzPhone(f *testing.F) {
	for _, s := range []string{"+86 13800000000", "+86 +8613800000000", "00", "+12 025550123", "＋８６", "+0", "+8520"} {
		f.Add(s, "")
		f.Add(s, "+86")
	}
	f.Fuzz(func(t *testing.T, input, country string) {
		e164, err := contact.Phone(input, country)
		if err != nil {
			if errs.CodeOf(err) != errs.PhoneInvalid {
				t.Fatalf("%q: %v", input, err)
			}
			return
		}
		again, err := contact.Phone(e164, "")
		if again != e164 || err != nil {
			t.Fatalf("%q gives %q, which gives %q, %v", input, e164, again, err)
		}
		code, national := contact.SplitPhone(e164)
		if code+national != e164 || code == "" {
			t.Fatalf("%q splits into %q and %q", e164, code, national)
		}
		if strings.Contains(contact.Mask(e164), national) {
			t.Fatalf("%q is not masked", e164)
		}
	})
}
