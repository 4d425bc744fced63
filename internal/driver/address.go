package driver

import (
	"errors"
	"net"
	"net/url"
)

// CheckURL refuses an address that would send secrets in the clear: it must be absolute
// and https, or http to this machine, without a user in it.
func CheckURL(raw string) error {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.User != nil {
		return errors.New("is not an absolute address")
	}
	if u.Scheme == "https" || (u.Scheme == "http" && Loopback(u.Hostname())) {
		return nil
	}
	return errors.New("must be https")
}

// Loopback reports whether host is this machine.
func Loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}
