// Package mail owns the drivers that hand an e-mail to a server. It does not write the
// text and does not decide who gets one.
package mail

import (
	"context"

	"github.com/tigertally/tigertally/internal/driver"
)

// Message is one e-mail to one address.
type Message struct {
	ID       string // the same for every try of one message
	To       string // addr-spec
	Template string
	Lang     string
	Subject  string
	Text     string
	HTML     string // "" for text only
}

// Driver hands messages to one server. An error is a *driver.Failure, which names no
// address and no code and says whether the message may have gone out.
type Driver interface {
	Send(ctx context.Context, m Message) (driver.Receipt, error)
}
