package mail

import (
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
