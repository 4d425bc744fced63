package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Check reports everything that would keep the server from running safely, all at
// once. The development server does not ask.
func (c Config) Check() error {
	var problems []error
	add := func(name string, err error) {
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", name, err))
		}
	}
	add("listen", hostPort(c.Listen))
	add("public_url", publicURL(c.PublicURL))
	if c.MetricsListen != "" {
		add("metrics_listen", hostPort(c.MetricsListen))
		if c.MetricsListen == c.Listen {
			add("metrics_listen", errors.New("must differ from listen: metrics are not public"))
		}
	}
	for _, s := range c.TrustedProxies {
		add("trusted_proxies", trustable(s))
	}
	if c.DataDir == "" {
		add("data_dir", errors.New("must not be empty"))
	}
	add("database_url", database(c.Database()))
	add("master_key_file", masterKey(c.KeyFile()))
	if c.DefaultPool == "" {
		add("default_pool", errors.New("must not be empty"))
	}
	add("backup", c.Backup.check())
	add("log_format", oneOf(c.LogFormat, "json", "text"))
	add("log_level", oneOf(c.LogLevel, "debug", "info", "warn", "error"))
	add("sms", c.SMS.check())
	add("mail", c.Mail.check())
	add("onetap", c.OneTap.check())
	add("captcha", c.Captcha.check())
	return errors.Join(problems...)
}

func (b Backup) check() error {
	switch {
	case b.Dir == "":
		return nil
	case b.Hours < 1 || b.Keep < 1:
		return errors.New("hours and keep must be at least 1")
	case b.Passphrase != "" && len(b.Passphrase) < minPassphrase:
		return fmt.Errorf("passphrase must have at least %d characters", minPassphrase)
	}
	return nil
}

// minPassphrase is the length of four words: whoever has a backup may guess for years.
const minPassphrase = 16

func (d Driver) check() error {
	if d.Name == "" && len(d.Options) > 0 {
		return errors.New("options without a driver")
	}
	var problems []error
	for name, value := range d.Options {
		if isSample(value) && isSecretName(name) {
			problems = append(problems, fmt.Errorf("option %s has a sample value; choose one of your own", name))
		}
	}
	return errors.Join(problems...)
}

func hostPort(s string) error {
	_, port, err := net.SplitHostPort(s)
	if err != nil {
		return errors.New(`is not "HOST:PORT"`)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return fmt.Errorf("%q is not a port", port)
	}
	return nil
}

func publicURL(s string) error {
	if s == "" {
		return nil
	}
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https"):
		return errors.New("is not an address such as https://auth.example.com")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "":
		return errors.New("must be scheme and host only")
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return errors.New("must be https: tokens would be readable on the way")
	}
	return nil
}

func loopback(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.IsLoopback()
}

func trustable(s string) error {
	p, ok := prefix(s)
	if !ok {
		return fmt.Errorf("%q is not an address or range", s)
	}
	if p.Bits() == 0 {
		return fmt.Errorf("%q would let every client choose its own address", s)
	}
	return nil
}

func database(s string) error {
	if path, ok := strings.CutPrefix(s, "sqlite:"); ok {
		if path == "" {
			return errors.New("sqlite: needs a path")
		}
		return nil
	}
	if !strings.HasPrefix(s, "postgres://") && !strings.HasPrefix(s, "postgresql://") {
		return errors.New("must start with sqlite: or postgres://")
	}
	u, err := url.Parse(s)
	if err != nil {
		return errors.New("is not an address") // the error would repeat the password
	}
	if password, set := u.User.Password(); set && isSample(password) {
		return errors.New("has a sample password; choose one of your own")
	}
	return nil
}

// masterKey refuses a key somebody made up. That the file may be missing, and who may
// read it, is for those who load it.
func masterKey(path string) error {
	text, err := readText(path)
	if err != nil {
		return nil //nolint:nilerr // the first start makes the file
	}
	if isSample(strings.TrimSpace(text)) {
		return errors.New("holds a sample key; delete the file to get a random one")
	}
	return nil
}

func oneOf(s string, allowed ...string) error {
	if slices.Contains(allowed, s) {
		return nil
	}
	return fmt.Errorf("%q is none of %s", s, strings.Join(allowed, ", "))
}

// isSample recognises values from examples and documentation.
func isSample(s string) bool {
	if s == "" {
		return false // whether it may be empty is for those who use it
	}
	if strings.Trim(s, s[:1]) == "" { // one character over and over, such as zeros
		return true
	}
	// Base64 of zeros ends in = and "AA==" begins like it.
	if strings.Trim(strings.TrimRight(s, "="), "A") == "" {
		return true
	}
	s = strings.ToLower(s)
	for _, word := range []string{"changeme", "change-me", "change_me", "placeholder", "insert-", "your-", "your_", "<"} {
		if strings.HasPrefix(s, word) {
			return true
		}
	}
	return slices.Contains([]string{
		"secret", "password", "passw0rd", "example", "sample", "test", "admin", "123456", "12345678",
		"0123456789abcdef", "0123456789abcdef0123456789abcdef", "sixteen-characters",
	}, s)
}

func isSecretName(name string) bool {
	name = strings.ToLower(name)
	return slices.ContainsFunc([]string{"secret", "password", "key", "token"}, func(w string) bool {
		return strings.Contains(name, w)
	})
}
