// Package mail owns the drivers that hand an e-mail to a server. It does not write the
// text and does not decide who gets one.
package mail

import "context"

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

// Driver hands messages to one server. An error names no address and no code.
type Driver interface {
	Send(ctx context.Context, m Message) error
}
