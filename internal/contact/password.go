package contact

import (
	_ "embed" // the common passwords
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/secure/precis"

	"github.com/tigertally/tigertally/internal/errs"
)

const (
	defaultMinPassword = 8
	maxPassword        = 256 // characters
	maxPasswordBytes   = 1024
	// enoughElse is how many characters besides a context word make a password.
	enoughElse = 6
)

// commonPasswords is sorted and has one password of six characters or more a line, in
// lower case: some 21,000 from the frequency list of zxcvbn (common.LICENSE) and 14,000
// combinations of the words and numbers people in China put together.
//
//go:embed common.txt
var commonPasswords string

// PasswordPolicy says which new passwords a pool accepts. It has no rules about
// kinds of characters: they make passwords worse.
type PasswordPolicy struct {
	Min    int  // characters; 0 means 8
	Common bool // refuse common passwords and ones made of the context words
}

// Check refuses a new password that is too short, too long, not text, well known, or
// little more than one of the context words: the product, the user's name, phone or
// mail address.
func (p PasswordPolicy) Check(password string, context ...string) error {
	shortest := p.Min
	if shortest <= 0 {
		shortest = defaultMinPassword
	}
	if len(password) > 4*maxPasswordBytes {
		return errs.New(errs.PasswordTooLong, "max", strconv.Itoa(maxPassword))
	}
	if password == "" {
		return errs.New(errs.PasswordTooShort, "min", strconv.Itoa(shortest))
	}
	plain, err := precis.OpaqueString.String(password)
	if err != nil || !utf8.ValidString(password) {
		return errs.New(errs.PasswordInvalid).Because(err)
	}
	switch n := utf8.RuneCountInString(plain); {
	case n < shortest:
		return errs.New(errs.PasswordTooShort, "min", strconv.Itoa(shortest))
	case n > maxPassword || len(plain) > maxPasswordBytes:
		return errs.New(errs.PasswordTooLong, "max", strconv.Itoa(maxPassword))
	}
	if p.Common && (common(plain) || derived(plain, context)) {
		return errs.New(errs.PasswordCommon)
	}
	return nil
}

// common reports whether password is in the list, as it is or with its usual
// disguises off: capitals, signs at the end, digits for letters.
func common(password string) bool {
	lower := strings.ToLower(password)
	for _, form := range []string{lower, strings.TrimRight(lower, "!.?*#@$"), plainLetters(lower)} {
		if listed(commonPasswords, form) {
			return true
		}
	}
	return monotone(lower)
}

// monotone finds one character repeated and runs such as 12345678 of any length.
func monotone(s string) bool {
	runes := []rune(s)
	if len(runes) < 2 {
		return true
	}
	step := runes[1] - runes[0]
	if step < -1 || step > 1 {
		return false
	}
	for i := 1; i < len(runes); i++ {
		if runes[i]-runes[i-1] != step {
			return false
		}
	}
	return true
}

// listed searches sorted lines without unpacking them.
func listed(lines, want string) bool {
	for lines != "" {
		middle := strings.LastIndexByte(lines[:len(lines)/2+1], '\n') + 1
		line, rest, _ := strings.Cut(lines[middle:], "\n")
		switch {
		case line == want:
			return true
		case want < line:
			if middle == 0 {
				return false
			}
			lines = lines[:middle]
		default:
			lines = rest
		}
	}
	return false
}

// derived reports whether password is a context word and little else.
func derived(password string, context []string) bool {
	lower := strings.ToLower(password)
	for _, word := range words(context) {
		for _, form := range []string{lower, plainLetters(lower)} {
			for _, variant := range []string{word, backwards(word)} {
				rest := strings.ReplaceAll(form, variant, "")
				if rest != form && utf8.RuneCountInString(rest) < enoughElse {
					return true
				}
			}
		}
	}
	return false
}

// words are the parts of context a password must not be made of.
func words(context []string) []string {
	var all []string
	add := func(word string) {
		word = strings.ToLower(word)
		if n := utf8.RuneCountInString(word); n >= 4 || n >= 2 && len(word) >= 3*n {
			all = append(all, word)
		}
	}
	for _, c := range context {
		add(c)
		if at := strings.LastIndexByte(c, '@'); at > 0 {
			add(c[:at])
		}
		if _, national := SplitPhone(c); national != c {
			add(national)
			if len(national) > 6 { // people use the last six or eight digits
				add(national[len(national)-6:])
			}
		}
		for _, part := range strings.FieldsFunc(c, func(r rune) bool { return !unicode.IsLetter(r) }) {
			add(part)
		}
	}
	return all
}

// plainLetters undoes the usual replacements of letters by digits and signs.
func plainLetters(s string) string {
	return strings.NewReplacer("0", "o", "1", "i", "3", "e", "4", "a", "5", "s", "7", "t", "@", "a", "$", "s", "!", "i").Replace(s)
}

func backwards(s string) string {
	r := []rune(s)
	slices.Reverse(r)
	return string(r)
}
