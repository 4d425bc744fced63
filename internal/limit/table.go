package limit

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// Entry describes a rule for the operator.
type Entry struct {
	Rule Rule
	What string // is counted
	Of   string // whom it is counted for
	Then string // what happens above it
}

// What happens above a rule.
const (
	refused = "refused"
	captcha = "captcha"
)

// Table lists every rule whose number an operator may change. Those that a pool sets
// itself are its settings: send_gap, day_budget, country_budget and max_code_tries.
func Table() []Entry {
	const (
		number  = "number or mail address, in a pool"
		address = "client address (IPv4, or IPv6 /64), in a pool"
		device  = "device, in a pool"
	)
	perAddress := func(what string, rules ...Rule) []Entry { return entries(what, address, rules...) }
	return slices.Concat(
		entries("messages", number, NumberHour(), NumberDay()),
		entries("messages", "number or mail address, in all pools", NumberAll()),
		perAddress("messages", SendAddress()...),
		entries("messages", "network (IPv4 /24, IPv6 /48), in a pool", SendNetwork()),
		entries("messages", "group of networks in `networks_file`, in a pool", SendGroup()),
		entries("distinct numbers", "first seven digits, in a pool", SendSeries()),
		entries("messages", device, SendDevice()...),
		entries("messages", "application", SendApp()),
		perAddress("codes tried", VerifyAddress()),
		entries("wrong codes", number, CodeTarget()),
		perAddress("distinct people asked about", ExistsAddress()),
		entries("distinct people asked about", device, ExistsDevice()),
		entries("wrong passwords", "account", PasswordAccount(), PasswordTotal()),
		entries("wrong passwords", "name that nobody has", PasswordUnknown()),
		perAddress("wrong passwords", PasswordAddress()),
		perAddress("accounts with wrong passwords", PasswordAccounts()),
		perAddress("registrations without a message", RegisterAddress()...),
		perAddress("new anonymous people", AnonymousAddress()),
		perAddress("one-tap sign-ins", OneTapAddress()),
		perAddress("sign-ins with a provider", ProviderAddress()),
		perAddress("captchas", CaptchaAddress()),
		perAddress("sign-in pages", AuthorizeAddress()),
		perAddress("device grants", DeviceStartAddress()),
		perAddress("wrong device codes", DeviceCodeAddress()),
		perAddress("QR codes", ScreenAddress()),
		entries("QR codes scanned", "person", ScreenPerson()),
		entries("sessions", "login token", ExchangeSession()),
		perAddress("wrong pool secrets", SecretAddress()),
		perAddress("uploads", UploadAddress()),
		perAddress("messages to the operator", FeedbackAddress()),
	)
}

func entries(what, of string, rules ...Rule) []Entry {
	all := make([]Entry, len(rules))
	for i, r := range rules {
		then := refused
		if r.Soft || r.Name == PasswordAccounts().Name {
			then = captcha
		}
		all[i] = Entry{Rule: r, What: what, Of: of, Then: then}
	}
	return all
}

// mostAdjusted bounds what a rule may be set to.
const mostAdjusted = 1_000_000

// Adjust sets other numbers than those of Table, by the names of the rules. Call it before
// anything is counted.
func (s *Service) Adjust(numbers map[string]int) error {
	var problems []error
	table := Table()
	for name, n := range numbers {
		known := slices.ContainsFunc(table, func(e Entry) bool { return e.Rule.Name == name })
		if !known {
			problems = append(problems, fmt.Errorf("there is no limit %q", name))
		}
		if n < 1 || n > mostAdjusted {
			problems = append(problems, fmt.Errorf("limit %s: %d is not between 1 and %d", name, n, mostAdjusted))
		}
	}
	s.adjusted = numbers
	return errors.Join(problems...)
}

// Most is how many events of a rule there may be, as it was adjusted.
func (s *Service) Most(r Rule) int { return s.actual(r).Max }

// actual is the rule as it was adjusted. One that is only counted stays so.
func (s *Service) actual(r Rule) Rule {
	if n, ok := s.adjusted[r.Name]; ok && r.Max != unbounded {
		r.Max = n
	}
	return r
}

// Span says how long a rule's window is.
func (r Rule) Span() string {
	switch {
	case r.Per%day == 0 && r.Per > day:
		return fmt.Sprintf("%d days", r.Per/day)
	case r.Per == day:
		return "day"
	case r.Per == time.Hour:
		return "hour"
	case r.Per == time.Minute:
		return "minute"
	}
	return fmt.Sprintf("%d minutes", int(r.Per.Minutes()))
}
