package authing

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Config is what an [AuthClient] is made from. Only AppID is required.
type Config struct {
	// AppID is the application's id. Sent as x-authing-app-id.
	AppID string

	// UserPoolID is the id of the user pool. A server finds it from the application;
	// it is sent as x-authing-userpool-id if given.
	UserPoolID string

	// Host is where the server is: a URL such as "http://127.0.0.1:9009", or a host with
	// or without a port, which means https. The default is [DefaultHost].
	Host string

	// PublicKey encrypts passwords: Base64 of an RSA SPKI key on one line, or PEM. When
	// empty, the client asks the server for it once, before the first password.
	PublicKey string

	// Lang is the language of the server's messages: "zh-CN", "zh-TW", "en-US" or
	// "ja-JP". The default is "zh-CN".
	Lang string

	// HTTPClient sends the requests. The default one has a timeout of 30 seconds, shares
	// the connections of [http.DefaultTransport] and follows no redirects.
	HTTPClient *http.Client

	// Storage keeps the session. The default is a new [MemoryStorage].
	Storage Storage

	// Logger gets a debug record for each answer: method, path, status, code and
	// duration; never a token, a name or a password. The default drops them.
	Logger *slog.Logger

	// SolveCaptcha is asked to read a picture when the server wants one read before a
	// sign-in or a registration ([ErrCaptchaRequired]); the request is then repeated once
	// with the text it returns. Without it the error is returned.
	SolveCaptcha func(ctx context.Context, picture *Captcha) (string, error)

	// Now is the clock that says when a token grows old. The default is [time.Now].
	Now func() time.Time
}

// DefaultHost is the address of the original cloud.
const DefaultHost = "https://core.authing.cn"

// defaultTimeout bounds a request, from the connection to the last byte of the answer.
const defaultTimeout = 30 * time.Second

// AuthClient is the client of one person in one application. [New] makes it.
type AuthClient struct {
	appID, poolID, lang string

	base  *url.URL
	http  *http.Client
	log   *slog.Logger
	now   func() time.Time
	solve func(ctx context.Context, picture *Captcha) (string, error)

	keys       keyring
	vault      vault
	refreshing gate
}

// New makes a client. It sends nothing and reads nothing from the storage yet.
func New(config Config) (*AuthClient, error) {
	if config.AppID == "" {
		return nil, errors.New("authing: Config.AppID is missing")
	}
	base, err := baseURL(config.Host)
	if err != nil {
		return nil, err
	}
	c := &AuthClient{
		appID: config.AppID, poolID: config.UserPoolID, lang: config.Lang,
		base: base, http: config.HTTPClient, log: config.Logger, now: config.Now, solve: config.SolveCaptcha,
		keys:       keyring{gate: newGate()},
		vault:      vault{gate: newGate(), host: base.String(), key: "authing_" + config.AppID, storage: config.Storage},
		refreshing: newGate(),
	}
	if config.PublicKey != "" {
		if c.keys.fixed, err = parsePublicKey(config.PublicKey); err != nil {
			return nil, fmt.Errorf("authing: Config.PublicKey: %w", err)
		}
	}
	c.fillDefaults()
	return c, nil
}

func (c *AuthClient) fillDefaults() {
	if c.lang == "" {
		c.lang = "zh-CN"
	}
	if c.http == nil {
		c.http = &http.Client{
			Timeout: defaultTimeout,
			// The API never redirects; a password must not wander off.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	if c.now == nil {
		c.now = time.Now
	}
	if c.vault.storage == nil {
		c.vault.storage = NewMemoryStorage()
	}
}

// baseURL is the address requests are made relative to, without a slash at its end.
func baseURL(host string) (*url.URL, error) {
	if host == "" {
		host = DefaultHost
	}
	if !strings.Contains(host, "://") {
		host = "https://" + host
	}
	u, err := url.Parse(strings.TrimRight(host, "/"))
	if err != nil {
		return nil, fmt.Errorf("authing: Config.Host: %w", err)
	}
	if u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return nil, errors.New("authing: Config.Host is no http or https address")
	}
	return u, nil
}
