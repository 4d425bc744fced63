package mail

import (
	"fmt"
	"time"
)

// Option documents one setting of a driver.
type Option struct {
	Name     string
	Doc      string
	Required bool
	Secret   bool
}

// Kind is a driver one can configure.
type Kind struct {
	Name    string
	Doc     string
	Options []Option

	open func(set map[string]string, now func() time.Time) (Driver, error)
}

// Drivers lists every driver. A new vendor is a file and a line here.
func Drivers() []Kind {
	return []Kind{
		{Name: "smtp", Doc: "Submit each message to an SMTP server.", Options: smtpOptions(), open: newSMTP},
	}
}

// New makes the driver called name from its settings.
func New(name string, set map[string]string, now func() time.Time) (Driver, error) {
	for _, k := range Drivers() {
		if k.Name != name {
			continue
		}
		if err := check(k, set); err != nil {
			return nil, err
		}
		return k.open(set, now)
	}
	return nil, fmt.Errorf("no mail driver is called %q", name)
}

func check(k Kind, set map[string]string) error {
	known := make(map[string]bool, len(k.Options))
	for _, o := range k.Options {
		known[o.Name] = true
		if o.Required && set[o.Name] == "" {
			return fmt.Errorf("mail driver %s needs the option %q", k.Name, o.Name)
		}
	}
	for name := range set {
		if !known[name] {
			return fmt.Errorf("mail driver %s has no option %q", k.Name, name)
		}
	}
	return nil
}
