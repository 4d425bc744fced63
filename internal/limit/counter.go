package limit

// Counter is a kind of counters: what is counted, for what kind of thing. Whoever counts
// and whoever shows what was counted find the same rows by it.
type Counter string

// The counters. Their names are stored, so two never share one.
const (
	Sends          Counter = "send"         // messages to a number or mail address
	SendsAnywhere  Counter = "send_all"     // the same over all pools
	SendsOfApp     Counter = "send_app"     // messages of an application
	SendsToDevice  Counter = "send_device"  // messages a device asked for
	SendsAsked     Counter = "send_address" // messages a client address asked for
	SendsOfNetwork Counter = "send_net"     // the same for its neighbourhood
	SendsOfGroup   Counter = "send_group"   // the same for a named group of networks
	SendsInSeries  Counter = "send_series"  // numbers that begin alike
	SendsBudget    Counter = "send_budget"  // messages of a pool, or of it to one country
	WrongCodes     Counter = "code"         // for a number or mail address
	CodesTried     Counter = "verify"       // from a client address
	WrongPasswords Counter = "password"     // of an account
	WrongForNobody Counter = "unknown"      // passwords for a name that nobody has
	WrongFrom      Counter = "address"      // passwords from a client address
	AskedAbout     Counter = "exists"       // people a client address asked about
	AskedByDevice  Counter = "exists_device"
	Registrations  Counter = "register"
	Anonymous      Counter = "anonymous"
	OneTaps        Counter = "one_tap"
	Providers      Counter = "provider"
	Captchas       Counter = "captcha"
	SignInPages    Counter = "authorize" // over all pools
	DeviceStarts   Counter = "device_start"
	DeviceCodes    Counter = "device_code" // wrong ones, of a person or from a client address
	Screens        Counter = "screen"      // QR codes, by a person or for a client address
	WrongSecrets   Counter = "pool_secret" // over all pools
	Uploads        Counter = "upload"
	Feedback       Counter = "feedback"
	TestSends      Counter = "test_send" // messages by which operators try vendors
)

// In is the key of the counter for something in a pool.
func (c Counter) In(poolID string, of ...string) string {
	return Key(append([]string{string(c), poolID}, of...)...)
}

// Over is the key of the counter for something in all pools together.
func (c Counter) Over(of string) string { return Key(string(c), of) }
