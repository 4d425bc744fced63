// Package driver owns how a vendor's driver is described, chosen by name and given its
// settings. It knows no channel and no vendor: sms and mail bring theirs.
package driver

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

// Kind is a driver one can configure; D is what its channel sends with.
type Kind[D any] struct {
	Name    string
	Doc     string
	Options []Option
	Open    func(set map[string]string, now func() time.Time) (D, error)
}

// Open makes the driver called name among kinds from its settings. The channel is for
// the error only.
func Open[D any](channel string, kinds []Kind[D], name string, set map[string]string, now func() time.Time) (D, error) {
	var none D
	for _, k := range kinds {
		if k.Name != name {
			continue
		}
		if err := check(k.Options, set); err != nil {
			return none, fmt.Errorf("%s driver %s: %w", channel, name, err)
		}
		return k.Open(set, now)
	}
	return none, fmt.Errorf("no %s driver is called %q", channel, name)
}

func check(options []Option, set map[string]string) error {
	known := make(map[string]bool, len(options))
	for _, o := range options {
		known[o.Name] = true
		if o.Required && set[o.Name] == "" {
			return fmt.Errorf("the option %q is missing", o.Name)
		}
	}
	for name := range set {
		if !known[name] {
			return fmt.Errorf("there is no option %q", name)
		}
	}
	return nil
}
