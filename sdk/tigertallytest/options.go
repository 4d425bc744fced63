package tigertallytest

import (
	"log/slog"
	"time"
)

// Option changes what Start makes.
type Option func(*options)

type options struct {
	logger    *slog.Logger
	limits    bool
	providers bool
	ownKeys   bool
	settings  *Settings
	patience  time.Duration
}

// WithLogger sends the server's own log lines to logger. Without it they are dropped.
// slog.New(slog.NewTextHandler(t.Output(), nil)) shows them with the test that fails.
func WithLogger(logger *slog.Logger) Option {
	return func(o *options) { o.logger = logger }
}

// WithLimits enforces the sending limits of production: one code a minute to one
// address, and so on. Without it a test may send as many as it likes.
func WithLimits() Option {
	return func(o *options) { o.limits = true }
}

// WithProviders also plays WeChat, WeCom, Apple, Google, GitHub, QQ, Weibo, DingTalk,
// Feishu, Alipay and an OpenID provider, on ports of their own. Approve is the person who
// agrees to sign in with them.
func WithProviders() Option {
	return func(o *options) { o.providers = true }
}

// WithSettings starts the server with set instead of the settings of development.
func WithSettings(set Settings) Option {
	return func(o *options) { o.settings = &set }
}

// WithOwnKeys makes keys and secrets for this server alone. Without it all servers of a
// test binary start as copies of one, which is several times faster.
func WithOwnKeys() Option {
	return func(o *options) { o.ownKeys = true }
}

// WithPatience is how long Code waits for a message, five seconds by default. One that
// was accepted arrives within milliseconds, so nobody waits that long but a failing test.
func WithPatience(d time.Duration) Option {
	return func(o *options) { o.patience = d }
}
