package driver

import (
	"errors"
	"strconv"
)

// Class says why a message was not taken, in words all vendors share.
type Class string

// The classes.
const (
	RateLimited   Class = "rate_limited"  // too many messages to this person
	Exhausted     Class = "exhausted"     // the operator's own quota or balance is used up
	BadAddress    Class = "bad_address"   // nobody can be reached there
	NoRoute       Class = "no_route"      // this vendor sends nothing to that country
	Misconfigured Class = "misconfigured" // secret, sender name, template, allowed addresses
	Unavailable   Class = "unavailable"   // the vendor is down or made no sense
)

// Failure is why a message was not handed over. It names no address, no code and no
// secret: Code is the vendor's word for it.
type Failure struct {
	Vendor string
	Class  Class
	Code   string
	// Status is how a mail server says that an address takes no mail, in the words of RFC
	// 3463; "" when it does not.
	Status string
	// Maybe says that the message may have gone out all the same, so that it must
	// not be sent again.
	Maybe bool
	Err   error
}

// Error describes the failure for the operator.
func (f *Failure) Error() string {
	text := f.Vendor + ": " + string(f.Class)
	if f.Code != "" {
		text += " (" + f.Code + ")"
	}
	if f.Maybe {
		text += ", perhaps sent"
	}
	if f.Err != nil {
		text += ": " + f.Err.Error()
	}
	return text
}

// Unwrap returns what was below.
func (f *Failure) Unwrap() error { return f.Err }

// FailureOf finds the failure in err. Any other error is one nobody can vouch for: the
// message may have gone out.
func FailureOf(err error) *Failure {
	if f, ok := errors.AsType[*Failure](err); ok {
		return f
	}
	return &Failure{Vendor: "unknown", Class: Unavailable, Maybe: true, Err: err}
}

// Unanswered is the failure of a call that ended without an answer of the vendor. What
// was not written was not sent; of anything else nobody knows.
func Unanswered(vendor string, err error) *Failure {
	return &Failure{Vendor: vendor, Class: Unavailable, Maybe: !errors.Is(err, ErrUnsent), Err: err}
}

// Garbled is the failure of a call whose answer makes no sense.
func Garbled(vendor string, status int) *Failure {
	return &Failure{
		Vendor: vendor, Class: Unavailable, Maybe: true, Code: strconv.Itoa(status),
		Err: errors.New("the answer is not the vendor's"),
	}
}

// Receipt is what a vendor gave for a message it took.
type Receipt struct {
	Driver   string // which driver took it
	VendorID string // the vendor's name of the message
	Units    int    // what it will charge for, 0 when it does not say
}

// Outcome is what became of a message.
type Outcome string

// The outcomes.
const (
	Delivered   Outcome = "delivered"
	Undelivered Outcome = "undelivered"
)

// Report is what a vendor says later about a message it took. One of the ids is set.
type Report struct {
	VendorID string // the vendor's name of the message
	ID       string // ours
	Outcome  Outcome
	Reason   string // the vendor's word
	Units    int
}
