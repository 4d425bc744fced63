package contact

import (
	_ "embed" // the reserved names
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/secure/precis"
	"golang.org/x/text/unicode/norm"

	"github.com/tigertally/tigertally/internal/errs"
)

const maxUsername = 64

// Why a user name is refused.
const (
	usernameLength   reason = "not 1 to 64 characters"
	usernameProfile  reason = "not an identifier of RFC 8264"
	usernameSigns    reason = "a sign that names do not have"
	usernameLetter   reason = "no letter: it would look like a phone number"
	usernameReserved reason = "reserved"
)

//go:embed reserved.txt
var reservedNames string

// Username returns a user name as it is shown (RFC 8265, case preserved) and the key
// its uniqueness is decided by: names that fold to the same letters, or that look the
// same because one borrows letters of another script, have one key. A name has a
// letter and no "@", so it is never a phone number or a mail address. All refusals
// are errs.UsernameInvalid.
func Username(input string) (display, key string, err error) {
	display, key, err = username(input)
	if err == nil && slices.Contains(strings.Fields(reservedNames), key) {
		return "", "", errs.New(errs.UsernameInvalid).Because(usernameReserved)
	}
	return display, key, err
}

// username is Username for names that exist: an imported account may have a
// reserved one.
func username(input string) (display, key string, err error) {
	refuse := func(why reason) (string, string, error) {
		return "", "", errs.New(errs.UsernameInvalid).Because(why)
	}
	if len(input) > 4*maxUsername {
		return refuse(usernameLength)
	}
	display, err = precis.UsernameCasePreserved.String(input)
	if err != nil {
		return refuse(usernameProfile)
	}
	if n := utf8.RuneCountInString(display); n < 1 || n > maxUsername {
		return refuse(usernameLength)
	}
	for _, r := range display {
		if !unicode.In(r, unicode.L, unicode.M, unicode.Nd) && !strings.ContainsRune("-_.:+", r) {
			return refuse(usernameSigns)
		}
	}
	if !hasLetter(display) {
		return refuse(usernameLetter)
	}
	return display, skeleton(display), nil
}

// UsernameKey decides whether a user name, in its display form, is the same as another:
// equal keys are one name. Unless cased, names that differ in case only have one key.
// Names that look the same because one borrows letters of another script always do.
func UsernameKey(display string, cased bool) string {
	if !cased {
		return skeleton(display)
	}
	var b strings.Builder
	for _, r := range norm.NFKC.String(display) {
		small := skeleton(string(r))
		if unicode.IsUpper(r) {
			small = strings.ToUpper(small)
		}
		b.WriteString(small)
	}
	return b.String()
}

func hasLetter(s string) bool {
	return strings.ContainsFunc(norm.NFKC.String(s), unicode.IsLetter)
}

// skeleton folds case and width, then replaces letters of other scripts by the Latin
// ones they look like. It is coarser than Unicode's table where names need it (one
// script imitating another) and leaves ASCII alone, so user1 and userl both exist.
func skeleton(name string) string {
	folded := norm.NFKC.String(cases.Fold().String(norm.NFKC.String(name)))
	return strings.Map(func(r rune) rune {
		if latin, ok := lookalikes[r]; ok {
			return latin
		}
		return r
	}, folded)
}

// lookalikes maps small letters that are drawn like a Latin letter in common fonts.
var lookalikes = map[rune]rune{
	// Cyrillic.
	'а': 'a', 'в': 'b', 'с': 'c', 'ԁ': 'd', 'е': 'e', 'ё': 'e', 'һ': 'h', 'н': 'h', 'і': 'i', 'ї': 'i', 'ј': 'j',
	'к': 'k', 'ӏ': 'l', 'м': 'm', 'о': 'o', 'р': 'p', 'ԛ': 'q', 'ѕ': 's', 'т': 't', 'у': 'y', 'ү': 'y',
	'ѵ': 'v', 'ԝ': 'w', 'х': 'x',
	// Greek.
	'α': 'a', 'β': 'b', 'ϲ': 'c', 'ε': 'e', 'η': 'n', 'ι': 'i', 'ϳ': 'j', 'κ': 'k', 'μ': 'u', 'ν': 'v', 'ο': 'o',
	'ρ': 'p', 'σ': 'o', 'τ': 't', 'υ': 'u', 'χ': 'x', 'γ': 'y', 'ω': 'w', 'ζ': 'z',
	// Latin letters outside ASCII, Armenian.
	'ı': 'i', 'ɑ': 'a', 'ɡ': 'g', 'ɩ': 'i', 'ʋ': 'v', 'ᴏ': 'o', 'ո': 'n', 'օ': 'o', 'ս': 'u', 'հ': 'h', 'ք': 'p',
}
