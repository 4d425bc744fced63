package emulator

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/tigertally/tigertally/internal/contact"
)

// The channels of a message.
const (
	ChannelSMS     = "sms"
	ChannelEmail   = "email"
	ChannelCaptcha = "captcha"
)

// inboxSize bounds the memory; the oldest message makes room.
const inboxSize = 2000

// Message is something the server would have sent out. The answer to a captcha is one
// too: its To is the captcha's token.
type Message struct {
	ID        string    `json:"id"`
	Channel   string    `json:"channel"`
	To        string    `json:"to"`
	Code      string    `json:"code"`
	Subject   string    `json:"subject"`
	Text      string    `json:"text"`
	HTML      string    `json:"html"`
	Template  string    `json:"template"`
	CreatedAt time.Time `json:"createdAt"`
}

// Inbox keeps the latest messages in memory and wakes whoever waits for one.
type Inbox struct {
	now func() time.Time

	mu       sync.Mutex
	messages []Message // oldest first
	last     uint64
	changed  chan struct{} // closed and replaced whenever messages changes
	closed   bool
}

// NewInbox makes an empty inbox that stamps messages with now.
func NewInbox(now func() time.Time) *Inbox {
	return &Inbox{now: now, changed: make(chan struct{})}
}

// Add keeps m, giving it an id and the time.
func (b *Inbox) Add(m Message) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.last++
	m.ID, m.CreatedAt = strconv.FormatUint(b.last, 10), b.now().UTC()
	if len(b.messages) == inboxSize {
		b.messages = slices.Delete(b.messages, 0, 1)
	}
	b.messages = append(b.messages, m)
	b.wake()
}

// Clear forgets every message.
func (b *Inbox) Clear() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.messages = nil
	b.wake()
}

// Close sends everybody who waits home, for a server that shuts down.
func (b *Inbox) Close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	b.wake()
}

// wake needs mu.
func (b *Inbox) wake() {
	close(b.changed)
	b.changed = make(chan struct{})
}

// Filter picks messages; its zero value picks all.
type Filter struct {
	Channel string
	To      string // in any way of writing it
	After   string // wait for messages newer than this id; the answer still holds all
	Limit   int    // at most so many; 0 is no limit
}

// Wait returns the messages f picks, newest first. While there are none, or none newer
// than f.After, it waits until ctx ends. It never waits on an After that is gone, so
// that a reader learns of a reset.
func (b *Inbox) Wait(ctx context.Context, f Filter) []Message {
	to := canonical(f.To)
	for {
		found, ready, changed := b.pick(f, to)
		if ready {
			return found
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return found
		}
	}
}

func (b *Inbox) pick(f Filter, to string) (found []Message, ready bool, changed <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	found = []Message{}
	known := f.After == ""
	for _, m := range slices.Backward(b.messages) {
		known = known || m.ID == f.After
		if (f.Channel != "" && m.Channel != f.Channel) || (to != "" && canonical(m.To) != to) {
			continue
		}
		if f.Limit == 0 || len(found) < f.Limit {
			found = append(found, m)
		}
	}
	news := len(found) > 0 && found[0].ID != f.After
	return found, news || !known || b.closed, b.changed
}

// canonical is the one form of an address messages are compared by. A "+" that nobody
// escaped in a query arrives as a space, so a number may have lost it.
func canonical(to string) string {
	to = strings.TrimSpace(to)
	if strings.Contains(to, "@") {
		if email, err := contact.Email(to); err == nil {
			return email
		}
		return strings.ToLower(to)
	}
	for _, form := range []string{to, "+" + to} {
		if phone, err := contact.Phone(form, "+86"); err == nil {
			return phone
		}
	}
	return to
}
