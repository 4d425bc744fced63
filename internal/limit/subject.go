package limit

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/tigertally/tigertally/internal/contact"
	"github.com/tigertally/tigertally/internal/db"
)

// The kinds of things that counters are kept for.
const (
	OfPerson  = "person"  // by id
	OfTarget  = "target"  // a phone number, E.164, or a mail address
	OfName    = "name"    // typed to sign in with, which nobody has
	OfAddress = "address" // IPv4, or IPv6 /64
	OfNetwork = "network" // IPv4 /24, or IPv6 /48
	OfGroup   = "group"   // of networks, by the operator's list
	OfDevice  = "device"  // by what it calls itself
	OfCountry = "country" // by its dialling code
	OfPool    = "pool"    // all of it together
)

// Subject is whom or what counters of a pool are kept for. What is empty is not asked
// about; the pool is needed.
type Subject struct {
	Pool    string
	Person  string   // id
	Targets []string // phone numbers, E.164, and mail addresses
	Name    string   // that nobody has, in the form it is compared by
	Address string   // see caller.Info.Prefix
	Network string   // see caller.Info.Network
	Group   string   // see caller.Networks
	Device  string

	// The pool's own rules.
	Gap                      time.Duration // between two messages to one number
	DayBudget, CountryBudget int           // 0: none
	Budget                   bool          // ask for the budget of the whole pool too
}

// State is how far one counter of a subject stands.
type State struct {
	Rule    Rule // as it was adjusted
	Of      string
	Value   string // which of its kind
	Shared  bool   // counts what happens in other pools too
	Captcha bool   // above it a captcha is asked for; otherwise it refuses
	Count   int
	Full    bool      // it refuses, or asks for a captcha, now
	Until   time.Time // when it stops to, if nothing is added; zero unless Full

	key string
}

// kept is one counter of a subject, with the rules it is held against.
type kept struct {
	key    string
	of     string
	value  string
	shared bool
	rules  []Rule
}

// counters lists every counter that is kept for s.
func (s Subject) counters() []kept {
	all := slices.Concat(s.ofPerson(), s.ofAddress())
	for _, target := range s.Targets {
		all = append(all, s.ofTarget(target)...)
	}
	all = append(all,
		s.in(WrongForNobody, OfName, s.Name, PasswordUnknown()),
		s.in(SendsOfNetwork, OfNetwork, s.Network, SendNetwork()),
		s.in(SendsOfGroup, OfGroup, s.Group, SendGroup()),
		s.in(SendsToDevice, OfDevice, s.Device, SendDevice()...),
		s.in(AskedByDevice, OfDevice, s.Device, ExistsDevice()))
	if s.Budget && s.DayBudget > 0 {
		all = append(all, kept{SendsBudget.In(s.Pool), OfPool, s.Pool, false, []Rule{SendBudget(s.DayBudget)}})
	}
	return slices.DeleteFunc(all, func(k kept) bool { return k.value == "" })
}

func (s Subject) in(c Counter, of, value string, rules ...Rule) kept {
	return kept{c.In(s.Pool, value), of, value, false, rules}
}

func (s Subject) over(c Counter, of, value string, rules ...Rule) kept {
	return kept{c.Over(value), of, value, true, rules}
}

func (s Subject) ofPerson() []kept {
	return []kept{
		s.in(WrongPasswords, OfPerson, s.Person, PasswordAccount(), PasswordTotal()),
		s.in(DeviceCodes, OfPerson, s.Person, DeviceCodeAddress()),
		s.in(Screens, OfPerson, s.Person, ScreenPerson()),
	}
}

func (s Subject) ofTarget(target string) []kept {
	gap := s.Gap
	if strings.ContainsRune(target, '@') {
		gap = max(gap, MailGap)
	}
	all := []kept{
		s.in(WrongCodes, OfTarget, target, CodeTarget()),
		s.in(Sends, OfTarget, target, SendNumber(gap)...),
		s.over(SendsAnywhere, OfTarget, target, NumberAll()),
	}
	if country, _ := contact.SplitPhone(target); country != "" && s.CountryBudget > 0 {
		all = append(all, s.in(SendsBudget, OfCountry, country, SendBudget(s.CountryBudget)))
	}
	return all
}

func (s Subject) ofAddress() []kept {
	return []kept{
		s.in(WrongFrom, OfAddress, s.Address, PasswordAddress(), PasswordAccounts()),
		s.in(CodesTried, OfAddress, s.Address, VerifyAddress()),
		s.in(SendsAsked, OfAddress, s.Address, SendAddress()...),
		s.in(AskedAbout, OfAddress, s.Address, ExistsAddress()),
		s.in(Registrations, OfAddress, s.Address, RegisterAddress()...),
		s.in(Anonymous, OfAddress, s.Address, AnonymousAddress()),
		s.in(OneTaps, OfAddress, s.Address, OneTapAddress()),
		s.in(Providers, OfAddress, s.Address, ProviderAddress()),
		s.in(Captchas, OfAddress, s.Address, CaptchaAddress()),
		s.over(SignInPages, OfAddress, s.Address, AuthorizeAddress()),
		s.in(DeviceStarts, OfAddress, s.Address, DeviceStartAddress()),
		s.in(DeviceCodes, OfAddress, s.Address, DeviceCodeAddress()),
		s.in(Screens, OfAddress, s.Address, ScreenAddress()),
		s.over(WrongSecrets, OfAddress, s.Address, SecretAddress()),
		s.in(Uploads, OfAddress, s.Address, UploadAddress()),
		s.in(Feedback, OfAddress, s.Address, FeedbackAddress()),
	}
}

// Standing returns how far every counter of a subject stands, in the order in which rules
// are told of. It is one question to the database, and counts nothing.
func (s *Service) Standing(ctx context.Context, of Subject) ([]State, error) {
	var all []State
	for _, k := range of.counters() {
		key := s.hash(k.key)
		for _, r := range k.rules {
			r = s.actual(r)
			all = append(all, State{
				Rule: r, Of: k.of, Value: k.value, Shared: k.shared, key: key,
				Captcha: r.Soft || r.Name == PasswordAccounts().Name,
			})
		}
	}
	read, err := s.windows(ctx, all)
	if err != nil {
		return nil, err
	}
	now := db.Millis(s.now())
	for i, state := range all {
		w, found := read[row{key: state.key, rule: Rule{Name: state.Rule.Name}}]
		if !found {
			continue
		}
		w.per, w.now = state.Rule.Per.Milliseconds(), now
		w.open.from = w.closes - w.per
		all[i].Count = w.count()
		if all[i].Full = all[i].Count >= state.Rule.Max; all[i].Full {
			all[i].Until = w.room(state.Rule.Max)
		}
	}
	return all, nil
}

// Release forgets what was counted in the states, and returns how many counters that were.
func (s *Service) Release(ctx context.Context, states []State) (int64, error) {
	if len(states) == 0 {
		return 0, nil
	}
	return s.forget(ctx, states)
}
