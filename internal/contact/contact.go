// Package contact owns the canonical forms of phone numbers, mail addresses, user
// names and passwords, and what may be shown of them. It is pure: it stores nothing,
// sends nothing and asks nobody.
package contact

import "strings"

// Kind says what sort of identifier a string is.
type Kind string

// The kinds of identifier.
const (
	KindPhone    Kind = "phone"
	KindEmail    Kind = "email"
	KindUsername Kind = "username"
)

// reason is why an identifier is refused: for the log, never for the caller.
type reason string

func (r reason) Error() string { return string(r) }

// Classify finds out what a sign-in name is and returns its canonical form; for a user
// name that is the one it is shown in, of which UsernameKey makes a key. No string is two kinds at once: a mail address has an
// "@", a phone number has no letter, and a user name has a letter and no "@".
func Classify(identifier string) (Kind, string, error) {
	identifier = strings.TrimSpace(identifier)
	if strings.ContainsRune(identifier, '@') {
		canonical, err := Email(identifier)
		return KindEmail, canonical, err
	}
	if !hasLetter(identifier) {
		canonical, err := Phone(identifier, "")
		return KindPhone, canonical, err
	}
	display, _, err := username(identifier)
	return KindUsername, display, err
}

// Mask hides most of a phone number or a mail address.
func Mask(target string) string {
	if strings.ContainsRune(target, '@') {
		return MaskEmail(target)
	}
	return MaskPhone(target)
}

// MaskPhone shows the first three and last four digits of a mainland number, as
// people there expect, and less of a shorter one. The input is E.164.
func MaskPhone(phone string) string {
	country, national := SplitPhone(phone)
	head, tail := 3, 4
	if len(national) < 11 {
		head, tail = 2, 2
	}
	if len(national) < 2*(head+tail)-4 {
		return "****"
	}
	masked := national[:head] + "****" + national[len(national)-tail:]
	if country == mainland {
		return masked
	}
	return country + " " + masked
}

// MaskEmail shows the first character of the local part and the domain.
func MaskEmail(email string) string {
	local, domain, ok := strings.Cut(email, "@")
	if !ok || local == "" {
		return "****"
	}
	return local[:1] + "***@" + domain
}
