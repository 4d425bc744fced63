package authing

import (
	"context"
	"strings"

	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/web"
)

func (p *Protocol) configRoutes() []route {
	return []route{
		get("/api/v2/applications/{app_id}/public-config", web.JSON(voice{p, nil}, p.publicConfig)),
		get("/api/v2/.well-known", web.JSON(voice{p, nil}, p.wellKnown)),
	}
}

// publicConfig is what mobile clients load before anything else. Every member has its
// type whatever happens: one null in the place of a number, and one client refuses all
// further calls.
type publicConfig struct {
	ID                     string          `json:"id"`
	UserPoolID             string          `json:"userPoolId"`
	Name                   string          `json:"name"`
	Identifier             string          `json:"identifier"`
	RequestHostname        string          `json:"requestHostname"`
	PublicKey              string          `json:"publicKey"`
	Logo                   string          `json:"logo"`
	UserPoolName           string          `json:"userpoolName"`
	UserPoolLogo           string          `json:"userpoolLogo"`
	AppType                string          `json:"appType"`
	VerifyCodeLength       int             `json:"verifyCodeLength"`
	PasswordStrength       int             `json:"passwordStrength"`
	LoginTabs              tabs            `json:"loginTabs"`
	RegisterTabs           tabs            `json:"registerTabs"`
	PasswordTabConfig      tabMethods      `json:"passwordTabConfig"`
	VerifyCodeTabConfig    tabMethods      `json:"verifyCodeTabConfig"`
	Connections            []connection    `json:"ecConnections"`
	RedirectURIs           []string        `json:"redirectUris"`
	DeviceFuncEnabled      bool            `json:"deviceFuncEnabled"`
	Agreements             []struct{}      `json:"agreements"`
	ExtendsFields          []struct{}      `json:"extendsFields"`
	CompleteFieldsPlace    []struct{}      `json:"complateFiledsPlace"` // so written on the wire
	TabMethodsFields       []struct{}      `json:"tabMethodsFields"`
	CORSWhitelist          []string        `json:"corsWhitelist"`
	ExtendsFieldsI18n      struct{}        `json:"extendsFieldsI18n"`
	InternationalSMS       smsConfig       `json:"internationalSmsConfig"`
	PageComponents         map[string]bool `json:"ssoPageComponentDisplay"`
	RegisterDisabled       bool            `json:"registerDisabled"`
	SkipCompleteFields     bool            `json:"skipComplateFileds"` // likewise
	EnableFaceLogin        bool            `json:"enableFaceLogin"`
	EnableFingerprintLogin bool            `json:"enableFingerprintLogin"`
	EnableAppLogin         bool            `json:"enableAppLogin"`
	Websocket              string          `json:"websocket"`
	EventSocket            string          `json:"eventSocket"`
	AppRobotVerify         string          `json:"appRobotVerify"`
}

type tabs struct {
	List    []string `json:"list"`
	Default string   `json:"default"`
}

type tabMethods struct {
	Login    []string `json:"validLoginMethods"`
	Register []string `json:"validRegisterMethods"`
	Enabled  []string `json:"enabledLoginMethods"`
}

type smsConfig struct {
	Enabled bool `json:"enabled"`
}

type configRequest struct {
	AppID string `path:"app_id"`
}

func (p *Protocol) publicConfig(ctx context.Context, in configRequest) (any, error) {
	c, err := p.pools.AppOf(ctx, in.AppID)
	if err != nil {
		return nil, err
	}
	key, err := p.keys.TransportRaw(ctx, c.Pool.ID)
	if err != nil {
		return nil, err
	}
	ways, err := p.connections(ctx, c)
	if err != nil {
		return nil, err
	}
	config := p.configOf(ctx, c, key)
	config.Connections = ways
	return wrapped(config, nil)
}

func (p *Protocol) configOf(ctx context.Context, c pool.Client, key string) publicConfig {
	redirects := c.App.Settings.RedirectURIs
	if redirects == nil {
		redirects = []string{}
	}
	host := p.requestHost(ctx)
	none := []struct{}{}
	byPassword := []string{"username-password", "email-password", "phone-password"}
	byCode := []string{"phone-code", "email-code"}
	return publicConfig{
		ID: c.App.ID, UserPoolID: c.Pool.ID, Name: c.App.Name, Identifier: label(c.App.ID),
		RequestHostname: host, PublicKey: key, UserPoolName: c.Pool.Name, AppType: "native",
		VerifyCodeLength: c.Pool.Settings.CodeDigits, PasswordStrength: 1,
		LoginTabs:           tabs{List: []string{"password", "phone-code"}, Default: "password"},
		RegisterTabs:        tabs{List: []string{"email", "phone", "emailCode"}, Default: "email"},
		PasswordTabConfig:   tabMethods{Login: byPassword, Register: byPassword, Enabled: byPassword},
		VerifyCodeTabConfig: tabMethods{Login: byCode, Register: byCode, Enabled: byCode},
		Connections:         []connection{}, RedirectURIs: redirects, Agreements: none, ExtendsFields: none,
		CompleteFieldsPlace: none, TabMethodsFields: none, CORSWhitelist: []string{},
		InternationalSMS: smsConfig{Enabled: len(c.Pool.Settings.Countries) > 1},
		PageComponents:   map[string]bool{"autoRegisterThenLoginHintInfo": false},
	}
}

// requestHost is where the client shall send everything else: where it is now, if that is
// a place of ours. Any other Host header could lead people's passwords elsewhere.
func (p *Protocol) requestHost(ctx context.Context) string {
	if asked := factsOf(ctx).host; p.devHosts && plainHost(asked) {
		return asked
	}
	return p.host
}

// plainHost reports whether host is a name or address with an optional port.
func plainHost(host string) bool {
	return host != "" && len(host) <= 253 && strings.IndexFunc(host, func(r rune) bool {
		return r > 'z' || r != '-' && r != '.' && r != ':' && r != '[' && r != ']' && r != '_' &&
			(r < '0' || r > '9' && r < 'A' || r > 'Z' && r < 'a')
	}) < 0
}

// label makes a host label of an application's id.
func label(id string) string {
	return strings.Map(func(r rune) rune {
		if r == '-' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' {
			return r
		}
		return '-'
	}, strings.ToLower(id))
}

type wellKnown struct {
	PublicKey string `json:"publicKey"`
}

// wellKnown is where browsers find the key they encrypt passwords with.
func (p *Protocol) wellKnown(ctx context.Context, _ nothing) (any, error) {
	c, err := p.app(ctx)
	if err != nil {
		return nil, err
	}
	key, err := p.keys.TransportRaw(ctx, c.Pool.ID)
	return wrapped(wellKnown{key}, err)
}
