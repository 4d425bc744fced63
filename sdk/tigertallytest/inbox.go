package tigertallytest

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

const defaultPatience = 5 * time.Second

// Message is something the server would have sent out. The answer to a captcha is one
// too: its To is the captcha's token.
type Message struct {
	ID        string    `json:"id"`
	Channel   string    `json:"channel"` // "sms", "email" or "captcha"
	To        string    `json:"to"`
	Code      string    `json:"code"`    // "" in a notice
	Subject   string    `json:"subject"` // "" in a text message
	Text      string    `json:"text"`
	HTML      string    `json:"html"`
	Template  string    `json:"template"`
	CreatedAt time.Time `json:"createdAt"`
}

// Messages returns what was sent to an address so far, newest first, or to everybody if
// to is "". The address may be written in any way: "+86 138 0000 0000" is "13800000000".
func (s *Server) Messages(t testing.TB, to string) []Message {
	t.Helper()
	all, err := s.messages(context.WithoutCancel(t.Context()), to, "", 0)
	if err != nil {
		t.Fatalf("tigertallytest: %v", err)
	}
	return all
}

// Code returns the newest code sent to a phone number or e-mail address, written in any
// way, or the answer to the captcha whose token to is. It waits for a message that is
// under way, and fails the test with what did arrive when none comes.
func (s *Server) Code(t testing.TB, to string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), s.options.patience)
	defer cancel()
	after := ""
	for {
		all, err := s.messages(ctx, to, after, s.options.patience)
		for _, m := range all {
			if m.Code != "" {
				return m.Code
			}
		}
		switch {
		case ctx.Err() != nil:
			t.Fatalf("tigertallytest: no code for %q came within %v. %s", to, s.options.patience, s.arrived(context.WithoutCancel(ctx)))
		case err != nil:
			t.Fatalf("tigertallytest: %v", err)
		case len(all) > 0:
			after = all[0].ID // a notice; wait for what follows it
		}
	}
}

// arrived tells the reader of a failed test what is in the inbox.
func (s *Server) arrived(ctx context.Context) string {
	const most = 5
	all, err := s.messages(ctx, "", "", 0)
	if err != nil {
		return fmt.Sprintf("The inbox cannot be read: %v", err)
	}
	if len(all) == 0 {
		return "Nothing at all was sent; did the request for the code succeed?"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "The newest of %d messages:", len(all))
	for _, m := range all[:min(most, len(all))] {
		text := m.Text
		if m.Subject != "" {
			text = m.Subject
		}
		fmt.Fprintf(&b, "\n\t%s  %-7s  %-24s  %s", m.CreatedAt.Format(time.TimeOnly), m.Channel, m.To, firstLine(text))
	}
	return b.String()
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return line
}

// messages reads the inbox, waiting up to wait for a message newer than after.
func (s *Server) messages(ctx context.Context, to, after string, wait time.Duration) ([]Message, error) {
	q := url.Values{}
	for name, value := range map[string]string{"to": to, "after": after} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if wait > 0 {
		q.Set("wait", wait.String())
	}
	var all []Message
	err := s.ask(ctx, http.MethodGet, "messages?"+q.Encode(), nil, &all)
	return all, err
}
