// Package sms owns the drivers that hand a text message to a vendor. It does not write
// the text and does not decide who gets one.
package sms

import "context"

// Message is one text message.
type Message struct {
	ID       string // the same for every try of one message
	To       string // E.164
	Template string // what it is for, for vendors with registered templates
	Lang     string
	Params   map[string]string
	Text     string
}

// Driver hands messages to one vendor. An error names no number and no code.
type Driver interface {
	Send(ctx context.Context, m Message) error
}
