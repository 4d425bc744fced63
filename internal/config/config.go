// Package config owns the settings of one process: where they come from, their
// defaults, and what is wrong with them. Settings of a user pool are pool's, and no
// service sees a Config: app hands each the values it needs.
package config

import (
	"log/slog"
	"net/netip"
	"path/filepath"
	"strings"
)

// The defaults that command-line help shows.
const (
	DefaultListen  = "127.0.0.1:9009"
	DefaultDataDir = "tigertally-data"
)

// Config is the settings of one process. Settings lists what each means.
type Config struct {
	Listen         string
	PublicURL      string
	MetricsListen  string
	TrustedProxies []string
	DataDir        string
	DatabaseURL    string
	MasterKeyFile  string
	DefaultPool    string
	HashWorkers    int
	LogFormat      string
	LogLevel       string
	SMS            Driver
	SMSRoutes      map[string]string // drivers by country
	Mail           Driver
	OneTap         Driver
	Captcha        Driver
	OutboundAllow  []string
	OperatorEmail  string
	Limits         map[string]string // numbers by limit
	NetworksFile   string
	Backup         Backup
}

// Backup says whether and where the server makes backups of itself.
type Backup struct {
	Dir        string // "": it makes none
	Hours      int    // between two
	Keep       int    // how many stay
	Passphrase string // "": the master key seals them
}

// Driver chooses who does a thing outside for us, and its own options.
type Driver struct {
	Name    string
	Options map[string]string
}

// Default is the configuration of an empty file and environment.
func Default() Config {
	return Config{
		Listen:      DefaultListen,
		DataDir:     DefaultDataDir,
		DefaultPool: "default",
		LogFormat:   "json",
		LogLevel:    "info",
		Backup:      Backup{Hours: 24, Keep: 14},
	}
}

// Database is the address of the database: the configured one, else a file in DataDir.
func (c Config) Database() string {
	if c.DatabaseURL != "" {
		return c.DatabaseURL
	}
	return "sqlite:" + filepath.Join(c.DataDir, "tigertally.db")
}

// KeyFile is where the master key is.
func (c Config) KeyFile() string {
	if c.MasterKeyFile != "" {
		return c.MasterKeyFile
	}
	return filepath.Join(c.DataDir, "master.key")
}

// BaseURL is how clients reach the server, without a slash at the end. It is the start
// of every issuer.
func (c Config) BaseURL() string {
	if c.PublicURL != "" {
		return strings.TrimRight(c.PublicURL, "/")
	}
	return "http://" + c.Listen
}

// Secure reports whether clients reach the server by TLS.
func (c Config) Secure() bool { return strings.HasPrefix(c.PublicURL, "https://") }

// Proxies is TrustedProxies as prefixes. Check reports those that are none.
func (c Config) Proxies() []netip.Prefix {
	prefixes := make([]netip.Prefix, 0, len(c.TrustedProxies))
	for _, s := range c.TrustedProxies {
		if p, ok := prefix(s); ok {
			prefixes = append(prefixes, p)
		}
	}
	return prefixes
}

// prefix reads an address or a range of them.
func prefix(s string) (netip.Prefix, bool) {
	if a, err := netip.ParseAddr(s); err == nil {
		a = a.Unmap().WithZone("")
		return netip.PrefixFrom(a, a.BitLen()), true
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return netip.Prefix{}, false
	}
	if p.Addr().Is4In6() {
		if p.Bits() < 96 {
			return netip.Prefix{}, false
		}
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p.Masked(), true
}

// Level is LogLevel for slog.
func (c Config) Level() slog.Level {
	var l slog.Level
	if err := l.UnmarshalText([]byte(c.LogLevel)); err != nil {
		return slog.LevelInfo
	}
	return l
}
