package mail

import (
	"context"
	"errors"
)

// Tester is a driver that can say whether it would be taken without sending anything.
type Tester interface {
	// Test connects as for a message. proven says that credentials were accepted.
	Test(ctx context.Context) (proven bool, err error)
}

// Test connects, protects the connection and signs in, and says goodbye. What the server
// says is kept as its number only.
func (d *smtpDriver) Test(ctx context.Context) (proven bool, err error) {
	_, c, err := d.dial(ctx)
	if err != nil {
		return false, failure(err, false)
	}
	return d.username != "", errors.Join(c.Quit())
}
