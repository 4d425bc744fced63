package upsim

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// receiveMail puts m into the inbox and wakes who waits. The caller holds the mutex.
func (s *Server) receiveMail(m Mail, r *reading) Mail {
	m.ID, m.Time = len(s.inbox.mail)+1, s.clock.now().UTC()
	m.Headers, m.Text, m.HTML, m.Subject = r.headers, r.text, r.html, strings.Join(r.headers["Subject"], "")
	m.Problems = append([]string{}, r.problems...)
	for _, text := range []string{m.Text, m.Subject} {
		if m.Code == "" {
			m.Code = shortNumber.FindString(text)
		}
	}
	s.inbox.mail = append(s.inbox.mail, m)
	s.inbox.ring()
	return m
}

// Mail returns the messages that an address received, oldest first, also those that the
// server refused; "" is everybody's.
func (s *Server) Mail(to string) []Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mailSince(to, 0)
}

func (s *Server) mailSince(to string, since int) []Mail {
	found := []Mail{}
	for _, m := range s.inbox.mail {
		if m.ID > since && (to == "" || slices.ContainsFunc(m.To, func(a string) bool { return strings.EqualFold(a, to) })) {
			found = append(found, m)
		}
	}
	return found
}

// WaitMail returns the first message to an address whose id is above since and that was
// not refused, waiting for it as long as ctx allows.
func (s *Server) WaitMail(ctx context.Context, to string, since int) (Mail, error) {
	for {
		s.mu.Lock()
		found, changed := s.mailSince(to, since), s.inbox.changed
		s.mu.Unlock()
		for _, m := range found {
			if !m.Refused {
				return m, nil
			}
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return Mail{}, fmt.Errorf("upsim: no mail to %s: %w", to, ctx.Err())
		case <-s.closed:
			return Mail{}, fmt.Errorf("upsim: no mail to %s: closed", to)
		}
	}
}

// NewBounce asks for the report that a message could not be delivered.
type NewBounce struct {
	Mail   int    `json:"mail"`
	Status string `json:"status"` // 5.1.1 when empty; 4.x.x is a delay
}

// Bounce puts a report on a message into the inbox of its envelope sender, and returns it.
func (s *Server) Bounce(b NewBounce) (Mail, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b.Mail < 1 || b.Mail > len(s.inbox.mail) {
		return Mail{}, fmt.Errorf("upsim: no mail %d", b.Mail)
	}
	m := s.inbox.mail[b.Mail-1]
	status := nameOr(b.Status, "5.1.1")
	switch {
	case m.From == "" || m.Refused:
		return Mail{}, errors.New("upsim: that message has nobody to tell")
	case status[0] != '4' && status[0] != '5':
		return Mail{}, fmt.Errorf("upsim: %q is no status of a failure", status)
	case status[0] == '5' && m.Notify != "" && !strings.Contains(m.Notify, "FAILURE"):
		return Mail{}, errors.New("upsim: the sender did not want to be told of failures")
	}
	return s.report(m, status), nil
}

// report writes a delivery status notification as RFC 3464 says.
func (s *Server) report(m Mail, status string) Mail {
	action := "failed"
	if status[0] == '4' {
		action = "delayed"
	}
	at := s.clock.now().UTC().Format(time.RFC1123Z)
	boundary := "report-" + hexOf("report:"+strconv.Itoa(len(s.inbox.mail)), 16)
	head, _, _ := strings.Cut(m.Raw, "\r\n\r\n")
	var b strings.Builder
	line := func(parts ...string) { b.WriteString(strings.Join(parts, "") + "\r\n") }
	line("From: Mail Delivery System <mailer-daemon@localhost>")
	line("To: ", m.From)
	line("Subject: Undelivered mail")
	line("Date: ", at)
	line("Message-ID: <", boundary, "@localhost>")
	line("Auto-Submitted: auto-replied")
	line("MIME-Version: 1.0")
	line(`Content-Type: multipart/report; report-type=delivery-status; boundary="`, boundary, `"`)
	line()
	line("--", boundary, "\r\nContent-Type: text/plain; charset=utf-8\r\n")
	line("Your message could not be delivered.\r\n")
	line("--", boundary, "\r\nContent-Type: message/delivery-status\r\n")
	line("Reporting-MTA: dns; localhost")
	if m.EnvID != "" {
		line("Original-Envelope-Id: ", m.EnvID)
	}
	line("Arrival-Date: ", m.Time.Format(time.RFC1123Z))
	for _, to := range m.To {
		line("\r\nFinal-Recipient: rfc822; ", to)
		line("Action: ", action)
		line("Status: ", status)
		line("Diagnostic-Code: smtp; ", status[:1], "50 ", status, " simulated")
	}
	line("\r\n--", boundary, "\r\nContent-Type: text/rfc822-headers\r\n")
	line(head, "\r\n")
	line("--", boundary, "--")
	raw := b.String()
	return s.receiveMail(Mail{To: []string{m.From}, DKIM: dkimNone, Raw: raw}, readMail([]byte(raw), true, true))
}
