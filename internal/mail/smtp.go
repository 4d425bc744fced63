package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"net/smtp"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/tigertally/tigertally/internal/driver"
)

const (
	// SMTP is the name of the driver, and of the callback that takes bounces.
	SMTP        = "smtp"
	dialTimeout = 3 * time.Second
	// greetTimeout is until the message itself: nothing is sent before.
	greetTimeout = 8 * time.Second
	// dataTimeout is for the server to take the message. One that is cut off then may
	// have taken it.
	dataTimeout = 15 * time.Second
)

// How a connection is protected.
const (
	tlsImplicit = "implicit" // TLS from the first byte, port 465
	tlsStart    = "starttls" // required, never optional, port 587
	tlsNone     = "none"     // a server on this machine only
)

func smtpOptions() []driver.Option {
	return append([]driver.Option{
		{Name: "host", Doc: "Name of the server, as in its certificate.", Required: true},
		{Name: "port", Doc: "465 with tls implicit, 587 with starttls unless set."},
		{Name: "tls", Doc: "implicit (default), starttls, or none for a server on this machine."},
		{Name: "username", Doc: "Account to submit as; empty for none."},
		{Name: "password", Doc: "Its password or authorisation code.", Secret: true},
		{Name: "from", Doc: "Sender, such as Example <no-reply@example.com>.", Required: true},
		{Name: "bounces", Doc: "Address that bounces go to, such as bounces@example.com; the id of a message is put behind its name after a plus. Empty: from."},
		{Name: "ca", Doc: "Certificates in PEM to trust instead of the system's, such as ca_file: PATH."},
	}, dkimOptions()...)
}

type smtpDriver struct {
	host, addr, mode   string
	username, password string
	from               netmail.Address
	bounces            string
	now                func() time.Time
	tls                *tls.Config
	dkim               *dkim // nil without
	// control refuses addresses; nil refuses none.
	control func(network, address string, _ syscall.RawConn) error
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
	if set["bounces"] != "" {
		a, err := netmail.ParseAddress(set["bounces"])
		if err != nil || a.Name != "" {
			return nil, errors.New("smtp bounces is not a plain address")
		}
		d.bounces = a.Address
	}
	if d.dkim, err = newDKIM(set, from.Address); err != nil {
		return nil, err
	}
	if set["ca"] != "" {
		d.tls.RootCAs = x509.NewCertPool()
		if !d.tls.RootCAs.AppendCertsFromPEM([]byte(set["ca"])) {
			return nil, errors.New("smtp ca holds no certificate")
		}
	}
	port := set["port"]
	switch d.mode {
	case "", tlsImplicit:
		d.mode = tlsImplicit
		port = orDefault(port, "465")
	case tlsStart:
		port = orDefault(port, "587")
	case tlsNone:
		if !driver.Loopback(d.host) {
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

// Send submits m. What the server says may repeat the address, so an error keeps its
// number only.
func (d *smtpDriver) Send(ctx context.Context, m Message) (driver.Receipt, error) {
	raw, err := d.write(m)
	if err != nil {
		return driver.Receipt{}, &driver.Failure{Vendor: SMTP, Class: driver.BadAddress, Err: err}
	}
	conn, c, err := d.dial(ctx)
	if err != nil {
		return driver.Receipt{}, failure(err, false)
	}
	defer func() { _ = c.Close() }()
	if maybe, err := d.submit(ctx, conn, c, m, raw); err != nil {
		return driver.Receipt{}, failure(err, maybe)
	}
	// The message is accepted: a lost goodbye must not send it again.
	_ = c.Quit()
	return driver.Receipt{Driver: SMTP, VendorID: m.ID}, nil
}

// write makes the message in wire form.
func (d *smtpDriver) write(m Message) ([]byte, error) {
	raw, err := compose(m, d.from, d.now())
	if err != nil || d.dkim == nil {
		return raw, err
	}
	return d.dkim.sign(raw, d.now())
}

func (d *smtpDriver) dial(ctx context.Context) (net.Conn, *smtp.Client, error) {
	conn, err := (&net.Dialer{Timeout: dialTimeout, Control: d.control}).DialContext(ctx, "tcp", d.addr)
	if err != nil {
		return nil, nil, fmt.Errorf("connecting: %w", err)
	}
	if err := allow(ctx, conn, greetTimeout); err != nil {
		return nil, nil, errors.Join(err, conn.Close())
	}
	speaking := conn
	if d.mode == tlsImplicit {
		speaking = tls.Client(conn, d.tls)
	}
	c, err := smtp.NewClient(speaking, d.host)
	if err != nil {
		return nil, nil, errors.Join(reply("connecting", err), conn.Close())
	}
	if err := d.secure(c); err != nil {
		return nil, nil, errors.Join(err, c.Close())
	}
	return conn, c, nil
}

// allow gives what follows on conn so much time.
func allow(ctx context.Context, conn net.Conn, d time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	end, _ := ctx.Deadline()
	return conn.SetDeadline(end)
}

func (d *smtpDriver) secure(c *smtp.Client) error {
	if err := c.Hello(domain(d.from.Address)); err != nil {
		return reply("greeting", err)
	}
	if d.mode == tlsStart {
		if ok, _ := c.Extension("STARTTLS"); !ok {
			return &driver.Failure{
				Vendor: SMTP, Class: driver.Misconfigured, Err: errors.New("the server offers no STARTTLS"),
			}
		}
		if err := c.StartTLS(d.tls); err != nil {
			return reply("starting TLS", err)
		}
	}
	if d.username == "" {
		return nil
	}
	return reply("signing in", c.Auth(d.auth(c)))
}

// auth prefers what shows the server no password, then PLAIN, and falls back to what is all some servers know.
func (d *smtpDriver) auth(c *smtp.Client) smtp.Auth {
	_, offer := c.Extension("AUTH")
	methods := strings.Fields(strings.ToUpper(offer))
	switch {
	case slices.Contains(methods, scramName):
		return newSCRAM(d.username, d.password)
	case slices.Contains(methods, "PLAIN"):
	case slices.Contains(methods, "LOGIN"):
		return loginAuth{d.username, d.password}
	case slices.Contains(methods, "CRAM-MD5"):
		return smtp.CRAMMD5Auth(d.username, d.password)
	}
	return smtp.PlainAuth("", d.username, d.password, d.host)
}

// submit hands the message over. maybe says that the server may have taken it: the end of
// it was written and no answer read.
func (d *smtpDriver) submit(ctx context.Context, conn net.Conn, c *smtp.Client, m Message, raw []byte) (maybe bool, err error) {
	if err := c.Mail(d.returnPath(m.ID)); err != nil {
		return false, reply("naming the sender", err)
	}
	if err := c.Rcpt(m.To); err != nil {
		return false, reply("naming the recipient", err)
	}
	w, err := c.Data()
	if err != nil {
		return false, reply("starting the message", err)
	}
	if err := allow(ctx, conn, dataTimeout); err != nil {
		return false, err
	}
	if _, err := w.Write(raw); err != nil {
		return false, fmt.Errorf("writing the message: %w", err)
	}
	err = reply("ending the message", w.Close())
	_, answered := errors.AsType[*replied](err)
	return err != nil && !answered, err
}

// replied is what a server answered, without its words.
type replied struct {
	code   int
	status string // RFC 3463, "" without
	doing  string
}

// Error names the number.
func (r *replied) Error() string {
	return fmt.Sprintf("mail server answered %d when %s", r.code, r.doing)
}

// reply keeps the number of a server's answer and drops its words.
func reply(doing string, err error) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*textproto.Error](err); ok {
		return &replied{e.Code, statusOf(e), doing}
	}
	if _, ok := errors.AsType[textproto.ProtocolError](err); ok {
		return fmt.Errorf("%s: the answer is not SMTP", doing)
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// failure sorts what went wrong. A number of 4xx may pass; the rest of them will not.
func failure(err error, maybe bool) *driver.Failure {
	f := &driver.Failure{Vendor: SMTP, Class: driver.Unavailable, Maybe: maybe, Err: err}
	if own, ok := errors.AsType[*driver.Failure](err); ok {
		return own
	}
	r, ok := errors.AsType[*replied](err)
	if !ok {
		return f
	}
	f.Code = strconv.Itoa(r.code)
	switch {
	case r.code < 500:
	case aboutAddress(r.status):
		f.Class, f.Status = driver.BadAddress, r.status
	case r.doing == "naming the recipient" && (r.status == "" || strings.HasPrefix(r.status, "5.0.")) && slices.Contains([]int{501, 550, 551, 552, 553}, r.code):
		f.Class, f.Status = driver.BadAddress, "5.0.0"
	default:
		f.Class = driver.Misconfigured
	}
	return f
}

// aboutAddress reports whether a status is about the address of the recipient: 5.1.7 and
// 5.1.8 are about the sender's, 5.7 is about us.
func aboutAddress(status string) bool {
	return strings.HasPrefix(status, "5.2.") ||
		(strings.HasPrefix(status, "5.1.") && status != "5.1.7" && status != "5.1.8")
}

func domain(address string) string {
	return address[strings.LastIndexByte(address, '@')+1:]
}

// loginAuth is the LOGIN mechanism, which has no RFC.
type loginAuth struct{ username, password string }

// Start refuses to send a password in clear.
func (a loginAuth) Start(s *smtp.ServerInfo) (string, []byte, error) {
	if !s.TLS && !driver.Loopback(s.Name) {
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
