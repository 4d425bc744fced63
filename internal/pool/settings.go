package pool

import (
	"encoding/json"
	"reflect"
	"slices"
	"strconv"
	"time"

	"github.com/tigertally/tigertally/internal/errs"
)

// When a captcha is asked for.
const (
	CaptchaOff    = "off"
	CaptchaAuto   = "auto"
	CaptchaAlways = "always"
)

// AnyCountry in Settings.Countries lets messages go anywhere.
const AnyCountry = "*"

// Settings are a pool's rules.
type Settings struct {
	PasswordMin    int
	PasswordCommon bool // refuse well-known passwords
	// CasedUsernames makes user names that differ in case only different names.
	CasedUsernames bool

	Anonymous bool // people may use the pool without an account
	// OpenClients makes unknown client ids count as the pool's own application. It is
	// for development, where nobody has registered anything yet.
	OpenClients bool

	Captcha string // CaptchaOff, CaptchaAuto or CaptchaAlways
	Limits  bool   // sending limits are on

	CodeLife         time.Duration
	VerificationLife time.Duration
	SudoLife         time.Duration
	CaptchaLife      time.Duration
	AccessLife       time.Duration
	LoginLife        time.Duration // of access tokens for clients that cannot refresh them
	RefreshIdle      time.Duration // a session ends when unused so long
	RefreshLife      time.Duration // a session ends so long after sign-in in any case
	RefreshGrace     time.Duration // a used refresh token is still answered so long; negative: never

	CodeDigits   int
	MaxCodeTries int
	SendGap      time.Duration // between two messages to one address
	// DayBudget and CountryBudget are how many messages may go out in a day, all in all
	// and to one country; 0 is no bound.
	DayBudget, CountryBudget int
	// MediaBytes is how many bytes all uploaded pictures may have.
	MediaBytes int

	Countries   []string // dialling codes we send messages to, such as "+86", or AnyCountry
	DefaultLang string
	ProductName string
}

// Defaults are the settings of a pool nobody has configured: strict.
//
// Codes live ten minutes because that is what CloudBase promises its apps. Sessions
// last thirty days after their last use, as its apps expect, and ninety in all, so
// that a stolen device is signed out at last. The grace of a minute covers two browser
// tabs refreshing at once and an answer lost on the way. Clients of Authing keep one token
// for fourteen days.
func Defaults() Settings {
	const day = 24 * time.Hour
	return Settings{
		PasswordMin:      8,
		PasswordCommon:   true,
		Anonymous:        true,
		Captcha:          CaptchaAuto,
		Limits:           true,
		CodeLife:         10 * time.Minute,
		VerificationLife: 10 * time.Minute,
		SudoLife:         15 * time.Minute,
		CaptchaLife:      10 * time.Minute,
		AccessLife:       2 * time.Hour,
		LoginLife:        14 * day,
		RefreshIdle:      30 * day,
		RefreshLife:      90 * day,
		RefreshGrace:     time.Minute,
		CodeDigits:       6,
		MaxCodeTries:     5,
		SendGap:          30 * time.Second,
		MediaBytes:       1 << 30,
		Countries:        []string{"+86"},
		DefaultLang:      "zh-CN",
		ProductName:      "Tigertally",
	}
}

// complete fills what is unset. Switches are as given, except that no settings at all
// are the default ones: nothing is switched off by leaving everything out.
func (s Settings) complete() Settings {
	d := Defaults()
	if reflect.ValueOf(s).IsZero() {
		return d
	}
	fill(&s.PasswordMin, d.PasswordMin)
	fill(&s.Captcha, d.Captcha)
	fill(&s.CodeLife, d.CodeLife)
	fill(&s.VerificationLife, d.VerificationLife)
	fill(&s.SudoLife, d.SudoLife)
	fill(&s.CaptchaLife, d.CaptchaLife)
	fill(&s.AccessLife, d.AccessLife)
	fill(&s.LoginLife, d.LoginLife)
	fill(&s.RefreshIdle, d.RefreshIdle)
	fill(&s.RefreshLife, d.RefreshLife)
	fill(&s.RefreshGrace, d.RefreshGrace)
	fill(&s.CodeDigits, d.CodeDigits)
	fill(&s.MaxCodeTries, d.MaxCodeTries)
	fill(&s.SendGap, d.SendGap)
	fill(&s.MediaBytes, d.MediaBytes)
	fill(&s.DefaultLang, d.DefaultLang)
	fill(&s.ProductName, d.ProductName)
	if len(s.Countries) == 0 {
		s.Countries = d.Countries
	}
	s.Countries = slices.Clone(s.Countries)
	return s
}

func fill[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Check refuses settings outside the bounds the rest of the server relies on, naming
// the first bad field.
func (s Settings) Check() error {
	const day = 24 * time.Hour
	for _, b := range []struct {
		field        string
		value        time.Duration
		least, worst time.Duration
	}{
		{"code_life", s.CodeLife, 30 * time.Second, 10 * time.Minute},
		{"verification_life", s.VerificationLife, 30 * time.Second, time.Hour},
		{"sudo_life", s.SudoLife, 30 * time.Second, time.Hour},
		{"captcha_life", s.CaptchaLife, 30 * time.Second, time.Hour},
		{"access_life", s.AccessLife, time.Second, day},
		{"login_life", s.LoginLife, time.Second, 31 * day}, // keys.LongestToken
		{"refresh_idle", s.RefreshIdle, time.Second, 400 * day},
		{"refresh_life", s.RefreshLife, time.Second, 400 * day},
		{"refresh_grace", s.RefreshGrace, -day, time.Minute},
		{"send_gap", s.SendGap, time.Second, day},
		{"password_min", time.Duration(s.PasswordMin), 6, 64},
		{"code_digits", time.Duration(s.CodeDigits), 4, 10},
		{"max_code_tries", time.Duration(s.MaxCodeTries), 1, 10},
		{"day_budget", time.Duration(s.DayBudget), 0, 10_000_000},
		{"media_bytes", time.Duration(s.MediaBytes), 1, 1 << 40},
		{"country_budget", time.Duration(s.CountryBudget), 0, 10_000_000},
	} {
		if b.value < b.least || b.value > b.worst {
			return errs.New(errs.BadRequest, "field", b.field)
		}
	}
	if !slices.Contains([]string{CaptchaOff, CaptchaAuto, CaptchaAlways}, s.Captcha) {
		return errs.New(errs.BadRequest, "field", "captcha")
	}
	return nil
}

// seconds is a duration as settings store it: a number of seconds.
type seconds time.Duration

// MarshalJSON writes d as seconds.
func (d seconds) MarshalJSON() ([]byte, error) {
	return strconv.AppendFloat(nil, time.Duration(d).Seconds(), 'f', -1, 64), nil
}

// UnmarshalJSON reads d from seconds.
func (d *seconds) UnmarshalJSON(b []byte) error {
	f, err := strconv.ParseFloat(string(b), 64)
	*d = seconds(f * float64(time.Second))
	return err
}

// stored is the JSON form of Settings. Its fields are those of Settings in the same
// order, so that one converts to the other.
type stored struct {
	PasswordMin      int      `json:"password_min"`
	PasswordCommon   bool     `json:"password_common"`
	CasedUsernames   bool     `json:"cased_usernames"`
	Anonymous        bool     `json:"anonymous"`
	OpenClients      bool     `json:"open_clients"`
	Captcha          string   `json:"captcha"`
	Limits           bool     `json:"limits"`
	CodeLife         seconds  `json:"code_life"`
	VerificationLife seconds  `json:"verification_life"`
	SudoLife         seconds  `json:"sudo_life"`
	CaptchaLife      seconds  `json:"captcha_life"`
	AccessLife       seconds  `json:"access_life"`
	LoginLife        seconds  `json:"login_life"`
	RefreshIdle      seconds  `json:"refresh_idle"`
	RefreshLife      seconds  `json:"refresh_life"`
	RefreshGrace     seconds  `json:"refresh_grace"`
	CodeDigits       int      `json:"code_digits"`
	MaxCodeTries     int      `json:"max_code_tries"`
	SendGap          seconds  `json:"send_gap"`
	DayBudget        int      `json:"day_budget"`
	CountryBudget    int      `json:"country_budget"`
	MediaBytes       int      `json:"media_bytes"`
	Countries        []string `json:"countries"`
	DefaultLang      string   `json:"default_lang"`
	ProductName      string   `json:"product_name"`
}

func (s Settings) text() (string, error) {
	b, err := json.Marshal(stored{
		s.PasswordMin, s.PasswordCommon, s.CasedUsernames, s.Anonymous, s.OpenClients, s.Captcha, s.Limits,
		seconds(s.CodeLife), seconds(s.VerificationLife), seconds(s.SudoLife), seconds(s.CaptchaLife),
		seconds(s.AccessLife), seconds(s.LoginLife),
		seconds(s.RefreshIdle), seconds(s.RefreshLife), seconds(s.RefreshGrace),
		s.CodeDigits, s.MaxCodeTries, seconds(s.SendGap), s.DayBudget, s.CountryBudget, s.MediaBytes, s.Countries, s.DefaultLang, s.ProductName,
	})
	return string(b), err
}

// Listed returns the settings by the name Set takes them under, each as JSON; durations
// are seconds.
func (s Settings) Listed() (map[string]json.RawMessage, error) {
	text, err := s.text()
	if err != nil {
		return nil, err
	}
	list := make(map[string]json.RawMessage)
	return list, json.Unmarshal([]byte(text), &list)
}

// Set returns s with one setting changed, for tools that take settings by name. The value
// is JSON, or a bare word for a text. It does not Check.
//
// Errors: BadRequest for a name that is none and a value of another type.
func (s Settings) Set(name, value string) (Settings, error) {
	list, err := s.Listed()
	if err != nil {
		return s, err
	}
	refused := errs.New(errs.BadRequest, "field", name)
	if _, known := list[name]; !known {
		return s, refused
	}
	list[name] = json.RawMessage(value)
	if !json.Valid(list[name]) {
		if list[name], err = json.Marshal(value); err != nil {
			return s, err
		}
	}
	text, err := json.Marshal(list)
	if err != nil {
		return s, err
	}
	changed, err := parseSettings(string(text))
	if err != nil {
		return s, refused.Because(err)
	}
	return changed, nil
}

// parseSettings reads settings over the defaults: a switch an older release did not
// know takes its default.
func parseSettings(text string) (Settings, error) {
	base, err := Defaults().text()
	if err != nil {
		return Settings{}, err
	}
	var v stored
	for _, t := range []string{base, text} {
		if err := json.Unmarshal([]byte(t), &v); err != nil {
			return Settings{}, err
		}
	}
	return Settings{
		v.PasswordMin, v.PasswordCommon, v.CasedUsernames, v.Anonymous, v.OpenClients, v.Captcha, v.Limits,
		time.Duration(v.CodeLife), time.Duration(v.VerificationLife), time.Duration(v.SudoLife),
		time.Duration(v.CaptchaLife), time.Duration(v.AccessLife), time.Duration(v.LoginLife),
		time.Duration(v.RefreshIdle), time.Duration(v.RefreshLife), time.Duration(v.RefreshGrace), v.CodeDigits, v.MaxCodeTries,
		time.Duration(v.SendGap), v.DayBudget, v.CountryBudget, v.MediaBytes, v.Countries, v.DefaultLang, v.ProductName,
	}.complete(), nil
}
