package contact

import (
	"strings"

	"golang.org/x/net/idna"

	"github.com/tigertally/tigertally/internal/errs"
)

const (
	maxEmail     = 254
	maxLocalPart = 64
)

// Why a mail address is refused.
const (
	emailTooLong reason = "too long"
	emailShape   reason = "not one local part and one domain"
	emailLocal   reason = "local part is not a plain dot-atom"
	emailDomain  reason = "domain is not a host name"
)

// Email returns the one form of a mail address: ASCII letters in lower case and the
// domain in its ASCII form. Only plain addresses of RFC 5321 pass: no quoting, no
// comment, no literal, no second address, and no letter outside ASCII before the "@",
// because such letters change identity when somebody folds their case. All refusals
// are errs.EmailInvalid.
func Email(input string) (string, error) {
	email, why := email(strings.Trim(input, " "))
	if why != "" {
		return "", errs.New(errs.EmailInvalid).Because(why)
	}
	return email, nil
}

func email(input string) (string, reason) {
	if len(input) > maxEmail {
		return "", emailTooLong
	}
	local, domain, ok := strings.Cut(input, "@")
	if !ok || strings.ContainsRune(domain, '@') {
		return "", emailShape
	}
	if len(local) > maxLocalPart || !dotAtom(local) {
		return "", emailLocal
	}
	domain, why := hostName(domain)
	if why != "" {
		return "", why
	}
	if len(local)+1+len(domain) > maxEmail {
		return "", emailTooLong
	}
	return lowerASCII(local) + "@" + domain, ""
}

// dotAtom is RFC 5322's atoms joined by single dots.
func dotAtom(s string) bool {
	for atom := range strings.SplitSeq(s, ".") {
		if atom == "" {
			return false
		}
		for _, r := range atom {
			if !asciiAlnum(r) && !strings.ContainsRune("!#$%&'*+-/=?^_`{|}~", r) {
				return false
			}
		}
	}
	return true
}

// hostName checks the labels as a registry would and maps nothing but ASCII case:
// with the mappings of a browser, different spellings would reach one mailbox.
func hostName(domain string) (string, reason) {
	ascii, err := idna.Registration.ToASCII(lowerASCII(domain))
	if err != nil || len(ascii) > maxEmail {
		return "", emailDomain
	}
	labels := strings.Split(ascii, ".")
	if len(labels) < 2 {
		return "", emailDomain
	}
	for _, label := range labels {
		if !hostLabel(label) {
			return "", emailDomain
		}
	}
	if last := labels[len(labels)-1]; strings.Trim(last, "0123456789") == "" { // an address, not a name
		return "", emailDomain
	}
	return ascii, ""
}

func hostLabel(label string) bool {
	if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
		return false
	}
	for _, r := range label {
		if !asciiAlnum(r) && r != '-' {
			return false
		}
	}
	return true
}

func asciiAlnum(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
}

// lowerASCII leaves every other letter alone: the Kelvin sign is not a k.
func lowerASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}
