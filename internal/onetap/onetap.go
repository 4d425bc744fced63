// Package onetap owns the drivers that ask a carrier whose phone a one-tap sign-in came
// from. It opens no session and knows no user: it turns two tokens into a number.
package onetap

import (
	"context"
	"time"

	"github.com/tigertally/tigertally/internal/driver"
)

// Verifier asks one vendor for the number behind the tokens of its client library.
type Verifier interface {
	// Phone returns the E.164 number the carrier vouches for. The tokens are good once,
	// so after a failure the client needs new ones whatever the reason.
	//
	// Errors: OneTapRefused when there is no such number, Unavailable when nobody can
	// say. Neither names a token or a number.
	Phone(ctx context.Context, token, accessToken string) (e164 string, err error)
}

// Drivers lists every driver. A new vendor is a file and a line here.
func Drivers() []driver.Kind[Verifier] {
	return []driver.Kind[Verifier]{
		{Name: "yidun", Doc: "NetEase Yidun one-click sign-in, which Authing's mobile SDKs use.", Options: yidunOptions(), Open: newYidun},
	}
}

// New makes the driver called name from its settings.
func New(name string, set map[string]string, now func() time.Time) (Verifier, error) {
	return driver.Open("one-tap", Drivers(), name, set, now)
}
