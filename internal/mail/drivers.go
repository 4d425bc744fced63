package mail

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"time"

	"github.com/tigertally/tigertally/internal/driver"
)

// Drivers lists every driver. A new vendor is a file and a line here.
func Drivers() []driver.Kind[Driver] {
	return []driver.Kind[Driver]{
		{Name: "smtp", Doc: "Submit each message to an SMTP server.", Options: smtpOptions(), Open: newSMTP},
	}
}

// New makes the driver called name from its settings.
func New(name string, set map[string]string, now func() time.Time) (Driver, error) {
	return driver.Open("mail", Drivers(), name, set, now)
}

// Guarded is New for settings of somebody who does not run this machine: the driver
// connects to public addresses only, and to those of allow.
func Guarded(name string, set map[string]string, allow []netip.Prefix, now func() time.Time) (Driver, error) {
	d, err := New(name, set, now)
	if s, ok := d.(*smtpDriver); ok && err == nil {
		_, port, err := net.SplitHostPort(s.addr)
		if err != nil {
			return nil, fmt.Errorf("smtp: %w", err)
		}
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil {
			return nil, errors.New("smtp port is not a number")
		}
		s.control = driver.Control(allow, uint16(n))
	}
	return d, err
}
