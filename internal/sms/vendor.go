package sms

import (
	"strings"
	"time"

	"github.com/tigertally/tigertally/internal/driver"
)

// callTimeout is for one vendor's answer. Who asked for a code is told within three
// seconds what became of it.
const callTimeout = 2500 * time.Millisecond

func baseOption(production string) driver.Option {
	return driver.Option{Name: "base", Doc: "Address of the service. Empty: " + production + "."}
}

func allowOption() driver.Option {
	return driver.Option{Name: "allow", Doc: "Addresses or ranges that may be dialled although they are not on the internet, such as `10.1.2.3, fd00::/8`."}
}

// baseOf is the configured address without a slash at its end.
func baseOf(set map[string]string, production string) string {
	if b := strings.TrimRight(set["base"], "/"); b != "" {
		return b
	}
	return production
}

// unsent is the failure of a message that never left, for a reason in our settings.
func unsent(vendor string, err error) *driver.Failure {
	return &driver.Failure{Vendor: vendor, Class: driver.Misconfigured, Err: err}
}

// classOf finds the class of a vendor's code: the longest listed prefix decides, for
// vendors put the kind of mistake first.
func classOf(code string, classes map[string]driver.Class) driver.Class {
	best, class := -1, driver.Unavailable
	for prefix, c := range classes {
		if strings.HasPrefix(code, prefix) && len(prefix) > best {
			best, class = len(prefix), c
		}
	}
	return class
}
