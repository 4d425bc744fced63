package contact

import (
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"github.com/nyaruka/phonenumbers"
	"golang.org/x/text/unicode/norm"

	"github.com/tigertally/tigertally/internal/errs"
)

const (
	mainland      = "+86"
	maxPhoneBytes = 32 // once folded to ASCII: a full-width digit has three bytes
	maxCodeDigits = 3
)

// Why a phone number is refused.
const (
	phoneEmpty     reason = "empty"
	phoneMalformed reason = "malformed"
	phoneNoCountry reason = "no country code"
	phoneCountry   reason = "bad country code"
	phoneNotMobile reason = "not a mobile number"
)

var (
	// doubled is what the CloudBase SDK makes of "+8613800000000" and its like: it
	// puts "+86 " before whatever it does not recognise.
	doubled = regexp.MustCompile(`^\+86\+?(?:0086|86)?0?(1\d{10})$`)
	// local is a mainland number without its country code.
	local = regexp.MustCompile(`^(?:86|0)?(1\d{10})$`)
	// mobile leaves unknown ranges in, because new ones appear every few years, and
	// the ranges of data cards out, because nobody reads messages there.
	mobile = regexp.MustCompile(`^1(?:[35-9]\d|4[23579])\d{8}$`)
)

// Phone returns the E.164 form of a mobile number as people, vendors and their SDKs
// write it. country is the calling code of a number without one, with or without "+";
// without it a bare mainland number is understood and no other. All refusals are
// errs.PhoneInvalid.
func Phone(input, country string) (string, error) {
	e164, why := phone(input, country)
	if why != "" {
		return "", errs.New(errs.PhoneInvalid).Because(why)
	}
	return e164, nil
}

func phone(input, country string) (string, reason) {
	number, why := dialled(input)
	if why != "" {
		return "", why
	}
	if country != "" {
		if country, why = callingCode(country); why != "" {
			return "", why
		}
	}
	if m := doubled.FindStringSubmatch(number); m != nil {
		return mainlandMobile(m[1])
	}
	switch {
	case strings.LastIndexByte(number, '+') > 0:
		return "", phoneMalformed
	case number[0] == '+':
		return foreignMobile(number)
	case country != "":
		return withCountry(country, number)
	}
	if m := local.FindStringSubmatch(number); m != nil {
		return mainlandMobile(m[1])
	}
	return "", phoneNoCountry
}

// dialled reduces input to digits and plus signs, with "+" for the prefix "00".
func dialled(input string) (string, reason) {
	if len(input) > 4*maxPhoneBytes {
		return "", phoneMalformed
	}
	folded := norm.NFKC.String(input)
	if len(folded) > maxPhoneBytes {
		return "", phoneMalformed
	}
	var b strings.Builder
	for _, r := range folded {
		switch {
		case r >= '0' && r <= '9' || r == '+':
			b.WriteRune(r)
		case strings.ContainsRune(" -.()\u2010\u2011\u2012\u2013\u200b\u200c\u200d\u200e\u200f\ufeff", r), unicode.Is(unicode.Zs, r):
		default:
			return "", phoneMalformed
		}
	}
	number := b.String()
	if rest, ok := strings.CutPrefix(number, "00"); ok {
		number = "+" + rest
	}
	if rest, ok := strings.CutPrefix(number, "+0"); ok { // no calling code starts with zero
		number = "+" + strings.TrimLeft(rest, "0")
	}
	if strings.Trim(number, "+") == "" {
		return "", phoneEmpty
	}
	return number, ""
}

// callingCode brings "+86", "86" and "0086" to "+86".
func callingCode(country string) (string, reason) {
	number, why := dialled(country)
	if why != "" {
		return "", phoneCountry
	}
	digits := strings.TrimPrefix(number, "+")
	if !known(digits) {
		return "", phoneCountry
	}
	return "+" + digits, ""
}

func known(code string) bool {
	n, err := strconv.Atoi(code)
	return err == nil && len(code) <= maxCodeDigits && phonenumbers.GetRegionCodeForCountryCode(n) != "ZZ"
}

// withCountry understands a number that may repeat its country code.
func withCountry(country, number string) (string, reason) {
	if rest, ok := strings.CutPrefix("+"+number, country); ok && rest != "" {
		if e164, why := foreignMobile(country + rest); why == "" {
			return e164, ""
		}
	}
	return foreignMobile(country + number)
}

func mainlandMobile(national string) (string, reason) {
	if !mobile.MatchString(national) {
		return "", phoneNotMobile
	}
	return mainland + national, ""
}

// foreignMobile judges a number with its calling code. Hong Kong, Macau and Taiwan
// have codes of their own and never become +86.
func foreignMobile(number string) (string, reason) {
	if national, ok := strings.CutPrefix(number, mainland); ok {
		return mainlandMobile(strings.TrimPrefix(national, "0"))
	}
	n, err := phonenumbers.Parse(number, "ZZ")
	if err != nil {
		return "", phoneMalformed
	}
	if !phonenumbers.IsValidNumber(n) {
		return "", phoneNotMobile
	}
	if t := phonenumbers.GetNumberType(n); t != phonenumbers.MOBILE && t != phonenumbers.FIXED_LINE_OR_MOBILE {
		return "", phoneNotMobile
	}
	return phonenumbers.Format(n, phonenumbers.E164), ""
}

// SplitPhone splits an E.164 number into its calling code, such as "+86", and the
// national number. Anything else comes back whole as the national number.
func SplitPhone(e164 string) (country, national string) {
	digits, ok := strings.CutPrefix(e164, "+")
	for n := 1; ok && n <= maxCodeDigits && n < len(digits); n++ {
		if known(digits[:n]) { // no calling code is the beginning of another
			return "+" + digits[:n], digits[n:]
		}
	}
	return "", e164
}
