package upsim

import "errors"

// SocialAccounts are the apps registered with those whom people sign in with, and the
// sites registered with those who tell people from programs.
type SocialAccounts struct {
	OIDC           map[string]OIDCProvider `json:"oidc"`              // by name, as in /oidc/{name}
	GitHub         map[string]SocialApp    `json:"github"`            // by client id
	QQ             map[string]SocialApp    `json:"qq"`                // by app id
	Weibo          map[string]SocialApp    `json:"weibo"`             // by app key
	DingTalk       map[string]SocialApp    `json:"dingtalk"`          // by client id
	Feishu         map[string]SocialApp    `json:"feishu"`            // by app id
	Alipay         map[string]AlipayApp    `json:"alipay"`            // by app id
	Apple          map[string]AppleApp     `json:"apple"`             // by services id
	HCaptcha       map[string]CaptchaSite  `json:"captcha/hcaptcha"`  // by site key
	Turnstile      map[string]CaptchaSite  `json:"captcha/turnstile"` // by site key
	TencentCaptcha map[string]CaptchaApp   `json:"captcha/tencent"`   // by CaptchaAppId
	AliyunCaptcha  map[string]CaptchaScene `json:"captcha/aliyun"`    // by scene id
}

// Redirects are where an app may have people led back to.
type Redirects struct {
	RedirectDomain string   `json:"redirect_domain,omitempty"` // host names, with commas
	RedirectURIs   []string `json:"redirect_uris,omitempty"`   // if any, exactly these and no others
}

// SocialApp is an app of a vendor that speaks more or less OAuth.
type SocialApp struct {
	Secret string `json:"secret"`
	Name   string `json:"name,omitempty"`
	Group  string `json:"group,omitempty"` // apps of one developer share union ids
	Redirects
}

// OIDCProvider is one provider of OpenID Connect.
type OIDCProvider struct {
	Clients map[string]OIDCClient `json:"clients"`
	Alg     string                `json:"alg,omitempty"`    // RS256 when empty, or ES256
	Claims  map[string]any        `json:"claims,omitempty"` // put into every ID token, such as hd
}

// OIDCClient is an app of a provider.
type OIDCClient struct {
	Secret    string `json:"secret,omitempty"`
	PublicKey string `json:"public_key,omitempty"` // PEM, for private_key_jwt
	Auth      string `json:"auth,omitempty"`       // the one method of the token endpoint; "" is any with the secret
	Name      string `json:"name,omitempty"`
	Redirects
}

// AlipayApp signs with a key of its own.
type AlipayApp struct {
	PublicKey string `json:"public_key"` // PEM
	Name      string `json:"name,omitempty"`
	UserID    bool   `json:"user_id,omitempty"` // an older app, which knows people by user_id and not by open_id
	Redirects
}

// AppleApp is a Services ID with the key that its client secrets are signed with.
type AppleApp struct {
	Team      string `json:"team"`
	KeyID     string `json:"key_id"`
	PublicKey string `json:"public_key"` // PEM
	Name      string `json:"name,omitempty"`
	Redirects
}

// CaptchaSite is a site of hCaptcha or Turnstile.
type CaptchaSite struct {
	Secret   string `json:"secret"`
	Hostname string `json:"hostname,omitempty"` // where the widget stands; "localhost" when empty
}

// CaptchaApp is an app of Tencent's captcha.
type CaptchaApp struct {
	Secret string `json:"secret"` // AppSecretKey
}

// CaptchaScene is a scene of Aliyun's captcha.
type CaptchaScene struct {
	TestMode string `json:"test_mode,omitempty"` // "pass" and "fail" look at nothing
}

// put registers one account with the vendor that kind names.
func (a *SocialAccounts) put(kind, id string, raw []byte) error {
	switch kind {
	case "oidc":
		return putAccount(a.OIDC, id, raw)
	case "github":
		return putAccount(a.GitHub, id, raw)
	case "qq":
		return putAccount(a.QQ, id, raw)
	case "weibo":
		return putAccount(a.Weibo, id, raw)
	case "dingtalk":
		return putAccount(a.DingTalk, id, raw)
	case "feishu":
		return putAccount(a.Feishu, id, raw)
	case "alipay":
		return putAccount(a.Alipay, id, raw)
	case "apple":
		return putAccount(a.Apple, id, raw)
	case "captcha/hcaptcha":
		return putAccount(a.HCaptcha, id, raw)
	case "captcha/turnstile":
		return putAccount(a.Turnstile, id, raw)
	case "captcha/tencent":
		return putAccount(a.TencentCaptcha, id, raw)
	case "captcha/aliyun":
		return putAccount(a.AliyunCaptcha, id, raw)
	}
	return errNoSuchAccount
}

var errNoSuchAccount = errors.New("upsim: nobody registers that")
