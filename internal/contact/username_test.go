package contact_test

import (
	"strings"
	"testing"

	"github.com/tigertally/tigertally/internal/contact"
	"github.com/tigertally/tigertally/internal/errs"
)

func TestUsernameShowsWhatWasChosen(t *testing.T) {
	for input, want := range map[string]string{
		"username": "username", "myname": "myname", "your_awesome_username": "your_awesome_username",
		"test_username": "test_username", "Alice": "Alice", "x": "x", "bench0000001": "bench0000001",
		"小明": "小明", "老虎-88": "老虎-88", "ａｌｉｃｅ": "alice", "e\u0301lan": "\u00e9lan", "иван": "иван",
		"a.b:c+d": "a.b:c+d",
	} {
		display, key, err := contact.Username(input)
		if display != want || key == "" || err != nil {
			t.Errorf("Username(%q) = %q, %q, %v; want %q", input, display, key, err, want)
		}
	}
}

// ID-02: of names that look the same one wins, because they have one key or are none.
func TestUsernamesThatLookAlikeAreOne(t *testing.T) {
	_, alice, err := contact.Username("alice")
	if err != nil {
		t.Fatal(err)
	}
	for _, twin := range []string{"Alice", "ALICE", "ａｌｉｃｅ", "\u0430lice", "\u0410lice", "al\u0131ce", "\u03b1lice", "aLi\u0441e", "al\u0456\u0441\u0435"} {
		if _, key, err := contact.Username(twin); key != alice || err != nil {
			t.Errorf("%q has key %q, %v; want %q", twin, key, err, alice)
		}
	}
	for _, twin := range []string{"al\u200cice", "al\u200dice", "alice\u202e", "\u202ealice", "al\u00adice", "alice ", " alice", "al\u2060ice", "alice\ufe0f"} {
		if _, key, err := contact.Username(twin); errs.CodeOf(err) != errs.UsernameInvalid {
			t.Errorf("%q has key %q, %v; want username_invalid", twin, key, err)
		}
	}
	for _, other := range []string{"alicе1", "bob", "a1ice"} {
		if _, key, err := contact.Username(other); key == alice || err != nil {
			t.Errorf("%q has key %q, %v", other, key, err)
		}
	}
}

// LK-09: a user name never reads as somebody's phone or address.
func TestUsernameRefuses(t *testing.T) {
	for _, input := range []string{
		"", "13800000000", "+8613800000000", "+86 13800000000", "１３８００００００００", "138-0000-0000", "8613800000000",
		"12345", "___", "١٢٣٤", "victim@example.com", "a@b", "victim＠example.com", "name with space",
		"<script>", "{{.Secret}}", "a/b", `a\b`, "a\r\nBcc: v@e", "a\x00b", "a'b", "a%b", "a*b",
		"admin", "Admin", "ROOT", "api", "客服", "系统", "\u0430dmin",
		strings.Repeat("a", 65), strings.Repeat("虎", 65), "\xff\xfe",
	} {
		if display, _, err := contact.Username(input); errs.CodeOf(err) != errs.UsernameInvalid {
			t.Errorf("Username(%q) = %q, %v; want username_invalid", input, display, err)
		}
	}
}

func TestClassify(t *testing.T) {
	for _, c := range []struct {
		input     string
		kind      contact.Kind
		canonical string
		code      errs.Code
	}{
		{"+86 13800000000", contact.KindPhone, "+8613800000000", ""},
		{"１３８００００００００", contact.KindPhone, "+8613800000000", ""},
		{" 13800000000", contact.KindPhone, "+8613800000000", ""},
		{"Alice@Example.com", contact.KindEmail, "alice@example.com", ""},
		{"Ａlice", contact.KindUsername, "Alice", ""},
		{"admin", contact.KindUsername, "admin", ""}, // may have been imported
		{"12345", contact.KindPhone, "", errs.PhoneInvalid},
		{"a@b", contact.KindEmail, "", errs.EmailInvalid},
		{"a b", contact.KindUsername, "", errs.UsernameInvalid},
		{"", contact.KindPhone, "", errs.PhoneInvalid},
	} {
		kind, canonical, err := contact.Classify(c.input)
		if kind != c.kind || canonical != c.canonical || errs.CodeOf(err) != c.code {
			t.Errorf("Classify(%q) = %q, %q, %v", c.input, kind, canonical, err)
		}
	}
}

// A name finds its own account, and no accepted name is any other kind of identifier.
func FuzzUsername(f *testing.F) {
	for _, s := range []string{"alice", "Ａlice", "13800000000", "a@b.cn", "小明", "\u0130", "ß", "ﬁ", "\u1e9e"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, input string) {
		display, key, err := contact.Username(input)
		if err != nil {
			return
		}
		kind, found, err := contact.Classify(display)
		if kind != contact.KindUsername || contact.UsernameKey(found, false) != key || err != nil {
			t.Fatalf("%q is shown as %q with key %q; that finds %q %q, %v", input, display, key, kind, found, err)
		}
		if _, err := contact.Phone(display, "86"); err == nil {
			t.Fatalf("%q is a phone number", display)
		}
	})
}

// ID-02: case may tell names apart, a borrowed letter never does.
func TestUsernameKey(t *testing.T) {
	for _, tt := range []struct {
		a, b        string
		same, cased bool // are they one name, and are they if case tells names apart
	}{
		{"alice", "alice", true, true},
		{"alice", "Alice", true, false},
		{"ALICE", "Alice", true, false},
		{"alice", "\u0430lice", true, true}, // a Cyrillic a
		{"Alice", "\u0410lice", true, true}, // and a great one
		{"alice", "\u0410lice", true, false},
		{"alice", "alicia", false, false},
		{"user1", "userl", false, false},
	} {
		for cased, want := range map[bool]bool{false: tt.same, true: tt.cased} {
			if got := contact.UsernameKey(tt.a, cased) == contact.UsernameKey(tt.b, cased); got != want {
				t.Errorf("%s and %s, cased %v: %v", tt.a, tt.b, cased, got)
			}
		}
	}
}
