package authing

// RegisterOptions are what a registration may say beside who registers. A nil pointer is
// the same as the zero value.
type RegisterOptions struct {
	// Context is handed to the functions of the pool (its pipelines): text, or JSON.
	Context string
	// CountryCode is the country of the phone number, such as "+44"; "" is "+86".
	CountryCode string
	// ClientIP is the address of the person a server registers. Servers believe it from
	// applications they trust only.
	ClientIP string
	// Profile is what the account starts with.
	Profile *Profile
	// CustomData are values of the pool's own fields.
	CustomData map[string]any
	// CaptchaCode is what was read in Captcha, after [ErrCaptchaRequired].
	CaptchaCode string
	Captcha     *Captcha
}

// Profile is what people say of themselves at a registration; "" is left out.
type Profile struct {
	Nickname      string `json:"nickname,omitempty"`
	Name          string `json:"name,omitempty"`
	GivenName     string `json:"givenName,omitempty"`
	FamilyName    string `json:"familyName,omitempty"`
	Photo         string `json:"photo,omitempty"` // an address
	Website       string `json:"website,omitempty"`
	Gender        string `json:"gender,omitempty"` // "M", "F" or "U"
	Birthdate     string `json:"birthdate,omitempty"`
	Company       string `json:"company,omitempty"`
	Locale        string `json:"locale,omitempty"`
	Zoneinfo      string `json:"zoneinfo,omitempty"`
	Address       string `json:"address,omitempty"`
	StreetAddress string `json:"streetAddress,omitempty"`
	City          string `json:"city,omitempty"`
	Province      string `json:"province,omitempty"`
	Region        string `json:"region,omitempty"`
	Country       string `json:"country,omitempty"`
	PostalCode    string `json:"postalCode,omitempty"`
}

// LoginOptions are what a sign-in may say beside who signs in. A nil pointer is the same
// as the zero value.
type LoginOptions struct {
	// AutoRegister makes an account for somebody the pool does not know.
	AutoRegister bool
	// Context is handed to the functions of the pool (its pipelines): text, or JSON.
	Context string
	// CountryCode is the country of the phone number, such as "+44"; "" is "+86".
	CountryCode string
	// ClientIP is the address of the person a server signs in. Servers believe it from
	// applications they trust only.
	ClientIP string
	// CaptchaCode is what was read in Captcha, after [ErrCaptchaRequired].
	CaptchaCode string
	Captcha     *Captcha
}

// OneAuthOptions are what a one-tap sign-in may say beside its tokens.
type OneAuthOptions struct {
	// Network is what the carrier's library calls the kind of network, 0 if it does not.
	Network int
	// Context is handed to the functions of the pool (its pipelines): text, or JSON.
	Context string
}

// LogoutOptions say what ends.
type LogoutOptions struct {
	// OnlySelf ends this session alone and not the person's others in the application.
	OnlySelf bool
}

// PhoneOptions say more about a phone number.
type PhoneOptions struct {
	// CountryCode is the country of the phone number, such as "+44"; "" is "+86".
	CountryCode string
}

// members is the body of a request.
type members map[string]any

// text adds a member unless it is empty, as the vendor's clients do.
func (m members) text(name, value string) members {
	if value != "" {
		m[name] = value
	}
	return m
}

func (o *RegisterOptions) onto(m members) members {
	m["forceLogin"] = true
	if o == nil {
		return m
	}
	if o.Profile != nil {
		m["profile"] = o.Profile
	}
	if o.CustomData != nil {
		m["customData"] = o.CustomData
	}
	return m.text("context", o.Context).text("clientIp", o.ClientIP)
}

func (o *RegisterOptions) countryCode() string {
	if o == nil {
		return ""
	}
	return o.CountryCode
}

func (o *RegisterOptions) reading() reading {
	if o == nil {
		return reading{}
	}
	return reading{o.Captcha, o.CaptchaCode}
}

func (o *LoginOptions) onto(m members) members {
	m["autoRegister"] = o != nil && o.AutoRegister
	if o == nil {
		return m
	}
	return m.text("context", o.Context).text("clientIp", o.ClientIP)
}

func (o *LoginOptions) countryCode() string {
	if o == nil {
		return ""
	}
	return o.CountryCode
}

func (o *LoginOptions) reading() reading {
	if o == nil {
		return reading{}
	}
	return reading{o.Captcha, o.CaptchaCode}
}

func (o *PhoneOptions) countryCode() string {
	if o == nil {
		return ""
	}
	return o.CountryCode
}
