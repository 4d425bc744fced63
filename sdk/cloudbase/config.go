package cloudbase

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"
)

const (
	defaultPath    = "/auth"
	defaultTimeout = 10 * time.Second // of one request, as in the adapters of the JavaScript library
)

// Languages of error descriptions.
const (
	Chinese = "zh-CN"
	English = "en-US"
)

// Config says which environment an App belongs to and how it gets there. Only Env is
// required.
type Config struct {
	// Env is the id of the environment.
	Env string
	// ClientID is the id of the application. The default is Env.
	ClientID string
	// Endpoint is where the server is: "https://auth.example.com". A path in it is
	// ignored, as the JavaScript library does, so that its "…/web" addresses work. The
	// default is CloudBase: https://ENV.api.tcloudbasegateway.com, or with a Region
	// https://ENV.REGION.tcb-api.tencentcloudapi.com.
	Endpoint string
	// Region is a region of CloudBase such as "ap-shanghai". An Endpoint makes it moot.
	Region string
	// APIPath stands between the origin of Endpoint and "/v1/…". The default is "/auth".
	APIPath string
	// Storage keeps the session. The default is a NewMemoryStorage of its own.
	Storage Storage
	// DeviceID names this device: 16 to 48 characters. The default is one made at first
	// use and kept in Storage. Anonymous people are known by it.
	DeviceID string
	// HTTPClient sends requests. The default gives up on a request after ten seconds.
	HTTPClient *http.Client
	// Lang is the language of error descriptions: Chinese, which is the default, or English.
	Lang string
	// Header is added to every request.
	Header http.Header
	// Captcha is asked when the server wants proof that a person is there. Without it
	// such calls fail with ErrCaptchaRequired.
	Captcha CaptchaFunc
	// Logger hears of requests, at level debug, and of trouble that no caller is told
	// of. It is never given a secret.
	Logger *slog.Logger
	// Now is the clock. The default is time.Now.
	Now func() time.Time
}

// App is a program's connection to one environment and the session it has there.
type App struct {
	env, clientID, base, deviceID, lang string

	header  http.Header
	http    *http.Client
	ownHTTP bool
	log     *slog.Logger
	now     func() time.Time
	storage *store
	captcha captcha
	auth    *Auth

	device struct {
		sync.Mutex
		id string
	}
	flights flights
	events  listeners
}

var hostLabel = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]*$`)

// New returns an App. It sends nothing and reads nothing.
func New(c Config) (*App, error) {
	if c.Env == "" {
		return nil, local("Config.Env is required")
	}
	if c.DeviceID != "" && !goodDevice(c.DeviceID) {
		return nil, local("Config.DeviceID must have 16 to 48 characters")
	}
	origin, err := c.origin()
	if err != nil {
		return nil, err
	}
	a := &App{
		env: c.Env, clientID: c.ClientID, deviceID: c.DeviceID, lang: c.Lang,
		base:   origin + "/" + strings.Trim(or(c.APIPath, defaultPath), "/"),
		header: c.Header.Clone(), http: c.HTTPClient, log: c.Logger, now: c.Now,
		captcha: captcha{solve: c.Captcha, turn: make(chan struct{}, 1)},
	}
	a.base = strings.TrimRight(a.base, "/")
	a.clientID, a.lang = or(a.clientID, c.Env), or(a.lang, Chinese)
	if a.http == nil {
		a.http, a.ownHTTP = &http.Client{Timeout: defaultTimeout, Transport: newTransport()}, true
	}
	if a.log == nil {
		a.log = slog.New(slog.DiscardHandler)
	}
	if a.now == nil {
		a.now = time.Now
	}
	if c.Storage == nil {
		c.Storage = NewMemoryStorage()
	}
	a.storage = &store{Storage: c.Storage}
	a.auth = &Auth{app: a}
	return a, nil
}

// Auth returns what the page of the JavaScript library calls app.auth().
func (a *App) Auth() *Auth { return a.auth }

// Close waits for a refresh that is still under way, which is half a minute at most, so
// that its answer is not lost, and gives up idle connections of the default HTTPClient.
// The App must not be used afterwards. The session stays in its Storage.
func (a *App) Close() error {
	a.flights.Wait()
	if a.ownHTTP {
		a.http.CloseIdleConnections()
	}
	return nil
}

func (c *Config) origin() (string, error) {
	if c.Endpoint == "" {
		for _, label := range []string{c.Env, or(c.Region, c.Env)} {
			if !hostLabel.MatchString(label) {
				return "", local("Config.Env and Config.Region must be parts of a host name where there is no Endpoint")
			}
		}
		if c.Region == "" {
			return "https://" + c.Env + ".api.tcloudbasegateway.com", nil
		}
		return "https://" + c.Env + "." + c.Region + ".tcb-api.tencentcloudapi.com", nil
	}
	u, err := url.Parse(c.Endpoint)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return "", local("Config.Endpoint must be an address such as https://auth.example.com")
	}
	return u.Scheme + "://" + u.Host, nil
}

// newTransport returns a transport of the App's own, so that Close can end its
// connections without ending anybody else's.
func newTransport() http.RoundTripper {
	if t, ok := http.DefaultTransport.(*http.Transport); ok {
		t = t.Clone()
		t.MaxIdleConnsPerHost = 16
		return t
	}
	return http.DefaultTransport
}

// Device returns the id that tells this device apart. Whoever has it can sign in as the
// anonymous person of the device.
func (a *App) Device(ctx context.Context) (string, error) {
	if a.deviceID != "" {
		return a.deviceID, nil
	}
	a.device.Lock()
	defer a.device.Unlock()
	if a.device.id != "" {
		return a.device.id, nil
	}
	err := a.storage.locked(ctx, func() error {
		id, ok, err := a.storage.Get(ctx, deviceKey)
		if err != nil || ok && goodDevice(id) {
			a.device.id = id
			return err
		}
		id = newID()
		if err := a.storage.Set(ctx, deviceKey, id); err != nil {
			return err
		}
		a.device.id = id
		return nil
	})
	return a.device.id, err
}

func goodDevice(id string) bool { return len(id) >= 16 && len(id) <= 48 }

func or(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}
