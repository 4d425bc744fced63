package api

// ProviderKind is a vendor people can sign in with, and what its driver is told.
type ProviderKind struct {
	Kind     string            `json:"kind" doc:"what a provider of this vendor has as its kind"`
	Doc      string            `json:"doc" doc:"what it is"`
	Callback string            `json:"callback" doc:"where the vendor sends its code" enum:"server,app,none"`
	Settings []ProviderSetting `json:"settings" doc:"what the driver is told"`
}

// Where a vendor sends its code: ProviderKind.Callback.
const (
	CallbackServer = "server" // to an address of this server, which its console must name
	CallbackApp    = "app"    // to the app's own page, whose domain its console must name
	CallbackNone   = "none"   // nowhere: its own library hands the app a code
)

// ProviderSetting is one setting of a driver.
type ProviderSetting struct {
	Name     string `json:"name" doc:"the key in settings"`
	Doc      string `json:"doc" doc:"what it is, and what holds when it is empty"`
	Required bool   `json:"required" doc:"the driver does not work without it"`
	Secret   bool   `json:"secret" doc:"it is kept sealed and never shown again"`
}

// SettingKept stands for the value of a secret setting, which is never shown.
const SettingKept = "(set)"

// Provider is an account elsewhere with which people of a pool may sign in.
type Provider struct {
	ID         string            `json:"id" doc:"what apps call it; also the provider of the identities it vouches for"`
	Kind       string            `json:"kind" doc:"the vendor"`
	Name       string            `json:"name" doc:"what people see; the vendor's own name when empty"`
	Enabled    bool              `json:"enabled" doc:"people may sign in with it"`
	SignUp     bool              `json:"sign_up" doc:"it makes an account for people nobody knows"`
	TrustEmail bool              `json:"trust_email" doc:"it is believed which email addresses are verified, and signs their owners in"`
	LinkPhone  bool              `json:"link_phone" doc:"it signs in the owners of the phone numbers it vouches for"`
	UnionGroup string            `json:"union_group" doc:"providers of one group know a person by one id, as the WeChat apps of one Open Platform account do"`
	Callback   string            `json:"callback,omitempty" doc:"the address that the vendor's console must name"`
	Settings   map[string]string `json:"settings" doc:"what the driver is told; of a secret only that it is set"`
}

// ListedProvider is a provider in a list.
type ListedProvider struct {
	Provider
	People int `json:"people" doc:"how many people are linked to it; 1000 may be more"`
}

// ProviderRef names a provider.
type ProviderRef struct {
	PoolRef
	Provider string `path:"provider" doc:"id of the provider"`
}

// ProviderPut makes a provider or changes it; what is not given stays. A new one is
// enabled and makes accounts for people nobody knows, unless something else is given.
type ProviderPut struct {
	ProviderRef
	Guarded
	Kind       *string           `json:"kind,omitempty" doc:"the vendor of a new one; provider.kinds lists them"`
	Name       *string           `json:"name,omitempty" doc:"what people see; the vendor's own name when empty"`
	Enabled    *bool             `json:"enabled,omitempty" doc:"let people sign in with it"`
	SignUp     *bool             `json:"sign_up,omitempty" doc:"make an account for people nobody knows"`
	TrustEmail *bool             `json:"trust_email,omitempty" doc:"believe it which email addresses are verified, and sign their owners in"`
	LinkPhone  *bool             `json:"link_phone,omitempty" doc:"sign in the owners of the phone numbers it vouches for"`
	UnionGroup *string           `json:"union_group,omitempty" doc:"group of providers that know people by one id"`
	Settings   map[string]string `json:"settings,omitempty" doc:"settings to change; an empty one is taken away"`
}

// ProviderTest is what asking a vendor came to.
type ProviderTest struct {
	Result string `json:"result" doc:"good: it knows the app and its secret; answers: it answers, and whether the secret is right shows at the first sign-in; refused: somebody must act; unavailable: no sensible answer" enum:"good,answers,refused,unavailable"`
	Reason string `json:"reason,omitempty" doc:"one word for what is wrong"`
	Detail string `json:"detail,omitempty" doc:"what the vendor said"`
	Millis int64  `json:"ms" doc:"how long it took"`
}

// The results of a ProviderTest.
const (
	TestGood        = "good"
	TestAnswers     = "answers"
	TestRefused     = "refused"
	TestUnavailable = "unavailable"
)
