package limit

import "time"

// Rule allows Max events in Per, whenever one starts to count.
type Rule struct {
	Name string
	Max  int
	Per  time.Duration
	// Soft rules count and never refuse: Warned tells when one is full.
	Soft bool
}

// most is how many events the rule lets pass.
func (r Rule) most() int {
	if r.Soft {
		return unbounded
	}
	return r.Max
}

// The default rules. Their names are stored, so two rules never share one.

// NumberGap spaces messages to one number or address; the pool sets the gap.
func NumberGap(gap time.Duration) Rule {
	return Rule{Name: "number_gap", Max: 1, Per: gap}
}

// MailGap is the least gap between two mails to one address, which take their time.
const MailGap = time.Minute

// NumberHour bounds messages to one number or address of a pool.
func NumberHour() Rule { return Rule{Name: "number_hour", Max: 5, Per: time.Hour} }

// NumberDay bounds messages to one number or address of a pool.
func NumberDay() Rule { return Rule{Name: "number_day", Max: 10, Per: day} }

// NumberAll bounds messages to one number over all pools of the installation.
func NumberAll() Rule { return Rule{Name: "number_all", Max: 20, Per: day} }

// SendAddress bounds messages asked for by one client address prefix.
func SendAddress() []Rule {
	return []Rule{
		{Name: "send_ip_minute", Max: 5, Per: time.Minute},
		{Name: "send_ip_hour", Max: 30, Per: time.Hour},
		{Name: "send_ip_day", Max: 100, Per: day},
		{Name: "send_ip_captcha", Max: 3, Per: 10 * time.Minute, Soft: true},
	}
}

// SendNetwork warns of messages asked for from one neighbourhood of addresses.
func SendNetwork() Rule { return Rule{Name: "send_net", Max: 300, Per: time.Hour, Soft: true} }

// SendGroup is SendNetwork for the addresses that the operator's list gives one name.
func SendGroup() Rule { return Rule{Name: "send_group", Max: 300, Per: time.Hour, Soft: true} }

// SendSeries warns of messages to many numbers that begin alike: who is paid for
// messages to numbers of theirs walks through them.
func SendSeries() Rule { return Rule{Name: "send_series", Max: 50, Per: time.Hour, Soft: true} }

// SendBudget bounds the messages of a pool, or of a pool to one country, in a day.
func SendBudget(most int) Rule { return Rule{Name: "send_budget", Max: most, Per: day} }

// SendNearly warns that four fifths of such a budget are spent. It reads the same counter.
func SendNearly(most int) Rule {
	return Rule{Name: "send_budget", Max: max(1, most*4/5), Per: day, Soft: true}
}

// Alarm tells the operator of one thing once a day.
func Alarm() Rule { return Rule{Name: "alarm", Max: 1, Per: day} }

// SendDevice bounds messages asked for by one device. A device names itself, so this
// never stands alone.
func SendDevice() []Rule {
	return []Rule{
		{Name: "send_device_hour", Max: 5, Per: time.Hour},
		{Name: "send_device_day", Max: 10, Per: day},
	}
}

// SendApp bounds messages of one application.
func SendApp() Rule { return Rule{Name: "send_app_minute", Max: 60, Per: time.Minute} }

// SendNumber is every rule for one number or address of a pool.
func SendNumber(gap time.Duration) []Rule {
	if gap <= 0 {
		return []Rule{NumberHour(), NumberDay()}
	}
	return []Rule{NumberGap(gap), NumberHour(), NumberDay()}
}

// VerifyAddress bounds code checks by one client address prefix.
func VerifyAddress() Rule { return Rule{Name: "verify_ip", Max: 10, Per: time.Minute} }

// CodeTarget bounds wrong codes for one number or address, however many codes it was sent.
func CodeTarget() Rule { return Rule{Name: "code_target", Max: 10, Per: time.Hour} }

// RegisterAddress bounds registrations from one address prefix that no message stood in
// front of, and with them what they tell about who is known.
func RegisterAddress() []Rule {
	return []Rule{
		{Name: "register_ip", Max: 10, Per: 10 * time.Minute},
		{Name: "register_ip_day", Max: 100, Per: day},
	}
}

// OneTapAddress bounds questions to the carrier for one address prefix: each is paid for.
func OneTapAddress() Rule { return Rule{Name: "one_tap_ip", Max: 20, Per: time.Minute} }

// ExistsAddress bounds the distinct identifiers one address prefix may ask about.
func ExistsAddress() Rule { return Rule{Name: "exists_ip", Max: 10, Per: 10 * time.Minute} }

// ExistsDevice bounds the distinct identifiers one device may ask about.
func ExistsDevice() Rule { return Rule{Name: "exists_device", Max: 30, Per: day} }

// PasswordAccount bounds wrong passwords of one account, by any of its names.
func PasswordAccount() Rule { return Rule{Name: "password_account", Max: 10, Per: 15 * time.Minute} }

// PasswordTotal bounds consecutive wrong passwords of one account. Only a sign-in by
// another proof, or a reset, clears it in practice.
func PasswordTotal() Rule { return Rule{Name: "password_total", Max: 100, Per: 365 * day} }

// PasswordUnknown bounds wrong passwords for one identifier that belongs to nobody, so
// that it locks as a real one does.
func PasswordUnknown() Rule { return Rule{Name: "password_unknown", Max: 10, Per: 15 * time.Minute} }

// PasswordAddress bounds wrong passwords from one address prefix. It is wider than an
// account's because an office shares an address.
func PasswordAddress() Rule { return Rule{Name: "password_ip", Max: 100, Per: 15 * time.Minute} }

// PasswordAccounts bounds the distinct accounts one address prefix may fail on.
func PasswordAccounts() Rule { return Rule{Name: "password_accounts", Max: 20, Per: 15 * time.Minute} }

// DeviceStartAddress bounds device grants begun from one address prefix.
func DeviceStartAddress() Rule { return Rule{Name: "device_start_ip", Max: 60, Per: time.Minute} }

// DeviceCodeAddress bounds wrong device user codes from one address prefix.
func DeviceCodeAddress() Rule { return Rule{Name: "device_code_ip", Max: 10, Per: 10 * time.Minute} }

// SecretAddress bounds wrong pool secrets from one address prefix.
func SecretAddress() Rule { return Rule{Name: "pool_secret_ip", Max: 20, Per: 15 * time.Minute} }

// CaptchaAddress bounds captcha pictures drawn for one address prefix.
func CaptchaAddress() Rule { return Rule{Name: "captcha_ip", Max: 60, Per: time.Minute} }

// AuthorizeAddress bounds sign-in pages asked for by one address prefix. Each is a row.
func AuthorizeAddress() Rule { return Rule{Name: "authorize_ip", Max: 120, Per: time.Minute} }

// ScreenAddress bounds QR codes shown to one address prefix. Each is a row.
func ScreenAddress() Rule { return Rule{Name: "screen_ip", Max: 60, Per: time.Minute} }

// ScreenPerson bounds what one person does with QR codes.
func ScreenPerson() Rule { return Rule{Name: "screen_person", Max: 30, Per: time.Minute} }

// ProviderAddress bounds questions to identity providers for one address prefix.
func ProviderAddress() Rule { return Rule{Name: "provider_ip", Max: 60, Per: time.Minute} }

// AnonymousAddress bounds new anonymous people from one address prefix: a device names
// itself, so it cannot be counted by.
func AnonymousAddress() Rule { return Rule{Name: "anonymous_ip", Max: 60, Per: time.Hour} }

// ExchangeSession bounds the sessions one login token may be exchanged for.
func ExchangeSession() Rule { return Rule{Name: "exchange_session", Max: 30, Per: time.Hour} }

const day = 24 * time.Hour

// UploadAddress bounds pictures uploaded from one address prefix.
func UploadAddress() Rule { return Rule{Name: "upload_ip", Max: 30, Per: time.Hour} }

// FeedbackAddress bounds what people of one address prefix write to the operator.
func FeedbackAddress() Rule { return Rule{Name: "feedback_ip", Max: 10, Per: time.Hour} }

// RefusalNote bounds the refusals of one address prefix that are written down: enough to
// explain them, and no write for each request of a flood.
func RefusalNote() Rule { return Rule{Name: "refusal_note", Max: 20, Per: 15 * time.Minute} }

// OperatorPair bounds wrong passwords for one operator's name from one address prefix, so
// that a stranger elsewhere locks nobody out.
func OperatorPair() Rule { return Rule{Name: "operator_pair", Max: 10, Per: 15 * time.Minute} }

// OperatorAddress bounds wrong operators' passwords from one address prefix.
func OperatorAddress() Rule { return Rule{Name: "operator_ip", Max: 30, Per: 15 * time.Minute} }

// OperatorName bounds wrong passwords for one operator's name from anywhere.
func OperatorName() Rule { return Rule{Name: "operator_name", Max: 200, Per: time.Hour} }

// OperatorFactor bounds wrong second factors of one operator, which only somebody who has
// the password can show: ten in a quarter of an hour, thirty a day.
func OperatorFactor() []Rule {
	return []Rule{
		{Name: "operator_factor", Max: 10, Per: 15 * time.Minute},
		{Name: "operator_factor_day", Max: 30, Per: day},
	}
}

// TestSend bounds the messages by which operators of a pool try its vendors.
func TestSend() Rule { return Rule{Name: "test_send", Max: 20, Per: time.Hour} }
