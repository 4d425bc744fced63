package mail

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"net/smtp"
	"net/textproto"
	"strings"
	"time"

	"github.com/tigertally/tigertally/internal/driver"
)

const smtpTimeout = 20 * time.Second

// How a connection is protected.
const (
	tlsImplicit = "implicit" // TLS from the first byte, port 465
	tlsStart    = "starttls" // required, never optional, port 587
	tlsNone     = "none"     // a server on this machine only
)

func smtpOptions() []driver.Option {
	return []driver.Option{
		{Name: "host", Doc: "Name of the server, as in its certificate.", Required: true},
		{Name: "port", Doc: "465 with tls implicit, 587 with starttls unless set."},
		{Name: "tls", Doc: "implicit (default), starttls, or none for a server on this machine."},
		{Name: "username", Doc: "Account to submit as; empty for none."},
		{Name: "password", Doc: "Its password or authorisation code.", Secret: true},
		{Name: "from", Doc: "Sender, such as Example <no-reply@example.com>.", Required: true},
	}
}

type smtpDriver struct {
	host, addr, mode   string
	username, password string
	from               netmail.Address
	now                func() time.Time
	tls                *tls.Config
}

func newSMTP(set map[string]string, now func() time.Time) (Driver, error) {
	from, err := netmail.ParseAddress(set["from"])
	if err != nil {
		return nil, fmt.Errorf("smtp from is not an address: %w", err)
	}
	d := &smtpDriver{
		host: set["host"], mode: set["tls"], from: *from, now: now,
		username: set["username"], password: set["password"],
		tls: &tls.Config{ServerName: set["host"], MinVersion: tls.VersionTLS12},
	}
	port := set["port"]
	switch d.mode {
	case "", tlsImplicit:
		d.mode = tlsImplicit
		port = orDefault(port, "465")
	case tlsStart:
		port = orDefault(port, "587")
	case tlsNone:
		if !loopback(d.host) {
			return nil, errors.New("smtp without tls is for a server on this machine only")
		}
		port = orDefault(port, "25")
	default:
		return nil, fmt.Errorf("smtp tls is implicit, starttls or none, not %q", d.mode)
	}
	d.addr = net.JoinHostPort(d.host, port)
	return d, nil
}

func orDefault(s, d string) string {
	if s == "" {
		return d
	}
	return s
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}

// Send submits m. What the server says may repeat the address, so an error keeps its
// number only.
func (d *smtpDriver) Send(ctx context.Context, m Message) error {
	raw, err := compose(m, d.from, d.now())
	if err != nil {
		return err
	}
	c, err := d.dial(ctx)
	if err != nil {
		return fmt.Errorf("connecting to the mail server: %w", err)
	}
	defer func() { _ = c.Close() }()
	if err := d.submit(c, m.To, raw); err != nil {
		return err
	}
	// The message is accepted: a lost goodbye must not send it again.
	_ = c.Quit()
	return nil
}

func (d *smtpDriver) dial(ctx context.Context) (*smtp.Client, error) {
	ctx, cancel := context.WithTimeout(ctx, smtpTimeout)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", d.addr)
	if err != nil {
		return nil, err
	}
	end, _ := ctx.Deadline()
	if err := conn.SetDeadline(end); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	if d.mode == tlsImplicit {
		conn = tls.Client(conn, d.tls)
	}
	c, err := smtp.NewClient(conn, d.host)
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	if err := d.secure(c); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

func (d *smtpDriver) secure(c *smtp.Client) error {
	if err := c.Hello(domain(d.from.Address)); err != nil {
		return reply("greeting", err)
	}
	if d.mode == tlsStart {
		if ok, _ := c.Extension("STARTTLS"); !ok {
			return errors.New("the server offers no STARTTLS")
		}
		if err := c.StartTLS(d.tls); err != nil {
			return err
		}
	}
	if d.username == "" {
		return nil
	}
	return reply("signing in", c.Auth(d.auth(c)))
}

// auth prefers PLAIN and falls back to LOGIN, which is all some servers know.
func (d *smtpDriver) auth(c *smtp.Client) smtp.Auth {
	_, methods := c.Extension("AUTH")
	if strings.Contains(methods, "LOGIN") && !strings.Contains(methods, "PLAIN") {
		return loginAuth{d.username, d.password}
	}
	return smtp.PlainAuth("", d.username, d.password, d.host)
}

func (d *smtpDriver) submit(c *smtp.Client, to string, raw []byte) error {
	if err := c.Mail(d.from.Address); err != nil {
		return reply("naming the sender", err)
	}
	if err := c.Rcpt(to); err != nil {
		return reply("naming the recipient", err)
	}
	w, err := c.Data()
	if err != nil {
		return reply("starting the message", err)
	}
	if _, err := w.Write(raw); err != nil {
		return fmt.Errorf("writing the message: %w", err)
	}
	return reply("ending the message", w.Close())
}

// reply keeps the number of a server's answer and drops its words.
func reply(doing string, err error) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*textproto.Error](err); ok {
		return fmt.Errorf("mail server answered %d when %s", e.Code, doing)
	}
	return fmt.Errorf("%s: %w", doing, err)
}

func domain(address string) string {
	return address[strings.LastIndexByte(address, '@')+1:]
}

// loginAuth is the LOGIN mechanism, which has no RFC.
type loginAuth struct{ username, password string }

// Start refuses to send a password in clear.
func (a loginAuth) Start(s *smtp.ServerInfo) (string, []byte, error) {
	if !s.TLS && !loopback(s.Name) {
		return "", nil, errors.New("the connection is not encrypted")
	}
	return "LOGIN", nil, nil
}

// Next answers the two questions, whatever their wording.
func (a loginAuth) Next(question []byte, more bool) ([]byte, error) {
	switch {
	case !more:
		return nil, nil
	case strings.HasPrefix(strings.ToLower(string(question)), "user"):
		return []byte(a.username), nil
	}
	return []byte(a.password), nil
}
