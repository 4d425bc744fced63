// Package contact owns the canonical forms of phone numbers, mail addresses, user
// names and passwords. It is pure: it stores nothing, sends nothing and asks nobody.
package contact

import "github.com/tigertally/tigertally/internal/errs"

// Kind says what sort of identifier a string is.
type Kind string

// The kinds of identifier.
const (
	KindPhone    Kind = "phone"
	KindEmail    Kind = "email"
	KindUsername Kind = "username"
)

// Classify finds out what a sign-in name is and returns its canonical form; for a
// user name that is its key.
func Classify(identifier string) (Kind, string, error) { return "", "", errs.New(errs.UsernameInvalid) }

// Phone returns the E.164 form of input.
func Phone(input, country string) (string, error) { return "", errs.New(errs.PhoneInvalid) }

// SplitPhone splits an E.164 number into "+86" and the national number.
func SplitPhone(e164 string) (country, national string) { return "", e164 }

// MaskPhone hides the middle of a number.
func MaskPhone(phone string) string { return "" }

// MaskEmail hides most of the local part.
func MaskEmail(email string) string { return "" }

// Mask hides a phone number or a mail address.
func Mask(target string) string { return "" }

// Email returns the canonical form of a mail address.
func Email(input string) (string, error) { return "", errs.New(errs.EmailInvalid) }

// Username returns a user name as shown and the key its uniqueness is decided by.
func Username(input string) (display, key string, err error) {
	return "", "", errs.New(errs.UsernameInvalid)
}

// PasswordPolicy says which new passwords a pool accepts.
type PasswordPolicy struct {
	Min    int  // characters
	Common bool // refuse common passwords and ones made of the context words
}

// Check refuses a new password; context holds words it must not be made of.
func (p PasswordPolicy) Check(password string, context ...string) error { return nil }
