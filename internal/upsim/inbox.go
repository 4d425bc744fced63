package upsim

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// SMS is one text message as its receiver would see it.
type SMS struct {
	ID       int       `json:"id"`
	Time     time.Time `json:"time"`
	Vendor   string    `json:"vendor"`
	ToRaw    string    `json:"to_raw"`
	To       string    `json:"to_e164"`
	SignName string    `json:"sign_name"`
	Template string    `json:"template"`
	Params   []string  `json:"params"`
	Text     string    `json:"text"`
	Code     string    `json:"code"`        // the first number of four to eight digits
	Provider string    `json:"provider_id"` // the vendor's id, as it told the sender
	Context  string    `json:"context"`     // what the sender wanted to get back
	callback string
	account  string
}

type inbox struct {
	sms     []SMS
	mail    []Mail
	changed chan struct{} // closed and replaced when something arrives
}

var (
	shortNumber     = regexp.MustCompile(`\b[0-9]{4,8}\b`)
	mainlandPattern = regexp.MustCompile(`^(?:\+?86|0086)?(1[3-9][0-9]{9})$`)
	holePattern     = regexp.MustCompile(`\$?\{([A-Za-z0-9_]+)\}`)
)

func newInbox() inbox { return inbox{changed: make(chan struct{})} }

// receive puts m into the inbox and wakes who waits. The vendor holds the mutex.
func (s *Server) receive(m SMS) {
	m.ID, m.Time = len(s.inbox.sms)+1, s.clock.now().UTC()
	if m.Params == nil {
		m.Params = []string{}
	}
	for _, p := range slices.Concat(m.Params, []string{m.Text}) {
		if m.Code == "" {
			m.Code = shortNumber.FindString(p)
		}
	}
	s.inbox.sms = append(s.inbox.sms, m)
	s.inbox.ring()
}

// ring wakes who waits.
func (b *inbox) ring() {
	close(b.changed)
	b.changed = make(chan struct{})
}

// SMS returns the messages to a number, oldest first; "" is everybody's.
func (s *Server) SMS(to string) []SMS {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.smsSince(to, 0)
}

func (s *Server) smsSince(to string, since int) []SMS {
	found := []SMS{}
	for _, m := range s.inbox.sms {
		if m.ID > since && (to == "" || samePhone(m.To, to)) {
			found = append(found, m)
		}
	}
	return found
}

// WaitSMS returns the first message to a number whose id is above since, waiting for it
// as long as ctx allows.
func (s *Server) WaitSMS(ctx context.Context, to string, since int) (SMS, error) {
	for {
		s.mu.Lock()
		found, changed := s.smsSince(to, since), s.inbox.changed
		s.mu.Unlock()
		if len(found) > 0 {
			return found[0], nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return SMS{}, fmt.Errorf("upsim: no message to %s: %w", to, ctx.Err())
		case <-s.closed:
			return SMS{}, fmt.Errorf("upsim: no message to %s: closed", to)
		}
	}
}

// mainlandNumber reads a number of mainland China with or without its country code.
func mainlandNumber(raw string) (string, bool) {
	m := mainlandPattern.FindStringSubmatch(raw)
	if m == nil {
		return "", false
	}
	return m[1], true
}

// fill puts values into a template's {1} or ${name}.
func fill(text string, values map[string]string) string {
	for name, value := range values {
		text = strings.ReplaceAll(strings.ReplaceAll(text, "${"+name+"}", value), "{"+name+"}", value)
	}
	return text
}

// holes counts the places of a template that want a value.
func holes(text string) []string {
	var names []string
	for _, m := range holePattern.FindAllStringSubmatch(text, -1) {
		names = append(names, m[1])
	}
	return names
}

// meter counts events by key, for the limits of vendors.
type meter map[string][]time.Time

// full reports whether key had max events within the window before at.
func (m meter) full(key string, at time.Time, window time.Duration, most int) bool {
	n := 0
	for _, t := range m[key] {
		if at.Sub(t) < window {
			n++
		}
	}
	return n >= most
}

func (m meter) count(key string, at time.Time) { m[key] = append(m[key], at) }
