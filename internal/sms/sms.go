// Package sms owns the drivers that hand a text message to a vendor, the order in which
// they are asked, and what vendors report later. It does not write the text and does not
// decide who gets one.
package sms

import (
	"context"
	"net/http"

	"github.com/tigertally/tigertally/internal/driver"
)

// Message is one text message.
type Message struct {
	ID       string // the same for every try of one message
	To       string // E.164
	Template string // what it is for, for vendors with registered templates
	Lang     string
	Params   map[string]string
	Text     string
}

// Driver hands messages to one vendor. An error is a *driver.Failure, which names no
// number and no code and says whether the message may have gone out.
type Driver interface {
	Send(ctx context.Context, m Message) (driver.Receipt, error)
}

// Reporter is a driver whose vendor reports what became of messages.
type Reporter interface {
	// Reports reads a request of the vendor to the address called, query included. An
	// error means it is not the vendor's.
	Reports(called string, header http.Header, body []byte) ([]driver.Report, error)
	// Answer is what the vendor wants to hear.
	Answer() (contentType, body string)
}
