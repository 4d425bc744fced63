package upsim

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	largestMail    = 10 << 20
	longestCommand = 12288
)

// postOffice is the mail server: one listener that begins in clear and one that does not.
type postOffice struct {
	clear, implicit net.Listener
	later           map[string]int // how often a recipient was put off
	serial          int
}

// smtpVendor is how the mail server appears to faults and journal. It has no routes.
func newSMTP(s *Server) vendor {
	reset := func() { s.office.later = make(map[string]int) }
	reset()
	return vendor{
		name: "smtp", flags: smtpFaults(), reset: reset,
		refuse: func(x *exchange, _ string) answer { return notFound(x) },
	}
}

// openPost listens for mail until Close.
func (s *Server) openPost(ctx context.Context, o Options) error {
	for _, l := range []struct {
		to      *net.Listener
		address string
		secure  bool
	}{{&s.office.clear, o.SMTP, false}, {&s.office.implicit, o.SMTPS, true}} {
		listener, err := bind(ctx, l.address, o.AnyAddress)
		if err != nil {
			return err
		}
		*l.to = listener
		s.serving.Go(func() { s.acceptMail(ctx, listener, l.secure) })
	}
	return nil
}

func (s *Server) acceptMail(ctx context.Context, l net.Listener, secure bool) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return // closed
		}
		if !s.enter() {
			_ = conn.Close()
			return
		}
		s.serving.Go(func() {
			defer s.leave()
			s.serveMail(ctx, conn, secure)
		})
	}
}

func (p *postOffice) close() {
	for _, l := range []net.Listener{p.clear, p.implicit} {
		if l != nil {
			_ = l.Close()
		}
	}
}

// serveMail runs one session until the client or the simulator ends it.
func (s *Server) serveMail(ctx context.Context, conn net.Conn, secure bool) {
	done := make(chan struct{})
	s.serving.Go(func() {
		select {
		case <-s.closed:
		case <-done:
		}
		_ = conn.Close()
	})
	defer close(done)
	c := &smtpSession{s: s, raw: conn, shake: func(t *tls.Conn) error { return t.HandshakeContext(ctx) }}
	c.use(conn)
	if secure && !c.handshake() {
		return
	}
	c.run()
}

// smtpSession is one connection of a client.
type smtpSession struct {
	s       *Server
	raw     net.Conn // below TLS
	shake   func(*tls.Conn) error
	conn    net.Conn
	r       *bufio.Reader
	version string // of TLS
	hello   bool
	user    string
	mail    *envelope
	ended   bool
}

// envelope is one message before it is complete.
type envelope struct {
	from, envID, ret, notify string
	utf8, eight              bool
	to                       []string
}

func (c *smtpSession) use(conn net.Conn) {
	c.conn, c.r = conn, bufio.NewReaderSize(conn, longestCommand)
}

// handshake begins TLS and forgets everything said in clear.
func (c *smtpSession) handshake() bool {
	c.s.mu.Lock()
	f := c.s.faults.connection()
	config, err := c.s.ca.config(f)
	c.s.mu.Unlock()
	if err != nil {
		return false
	}
	conn := tls.Server(c.conn, config)
	if err := c.shake(conn); err != nil {
		c.note("TLS", "", nil, 0, "handshake: "+err.Error(), "tls_failed", f)
		return false
	}
	c.use(conn)
	c.version, c.hello, c.user, c.mail = tls.VersionName(conn.ConnectionState().Version), false, "", nil
	return true
}

// say writes a reply; more lines than one are joined with dashes.
func (c *smtpSession) say(code int, lines ...string) {
	var b strings.Builder
	for i, line := range lines {
		sep := "-"
		if i == len(lines)-1 {
			sep = " "
		}
		fmt.Fprintf(&b, "%d%s%s\r\n", code, sep, line)
	}
	c.write(b.String())
}

func (c *smtpSession) write(text string) {
	if _, err := io.WriteString(c.conn, text); err != nil {
		c.ended = true
	}
}

// note writes an entry of the journal.
func (c *smtpSession) note(step, path string, params map[string]string, code int, text, verdict string, f flags) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	x := smtpExchange(step, path)
	x.at, x.flags = c.s.clock.now(), f
	maps.Copy(x.params, params)
	c.s.journal.add(c.s.entry(vendor{name: "smtp"}, x, answer{status: code, kind: kindText, body: []byte(text), verdict: verdict}))
}

// smtpExchange is a step of a session in the form that faults and expectations match.
func smtpExchange(step, path string) *exchange {
	return &exchange{
		req:   &http.Request{Method: "SMTP", URL: &url.URL{Path: "/" + path}, Header: http.Header{}},
		query: url.Values{}, form: url.Values{}, params: map[string]string{}, action: step,
	}
}

func (c *smtpSession) run() {
	if !c.greet() {
		return
	}
	for !c.ended {
		line, err := c.r.ReadSlice('\n')
		if err != nil {
			return
		}
		text, ok := strings.CutSuffix(string(line), "\r\n")
		if !ok {
			c.note("COMMAND", "", nil, 500, "bare LF", "bad_request", nil)
			c.say(500, "5.5.2 Lines end with CR LF")
			continue
		}
		verb, rest, _ := strings.Cut(text, " ")
		c.command(strings.ToUpper(verb), rest)
	}
}

func (c *smtpSession) command(verb, rest string) {
	switch verb {
	case "EHLO", "HELO":
		c.ehlo(verb, rest)
	case "STARTTLS":
		c.startTLS()
	case "AUTH":
		c.auth(rest)
	case "MAIL":
		c.mailFrom(rest)
	case "RCPT":
		c.rcptTo(rest)
	case "DATA":
		c.data()
	case "RSET":
		c.mail = nil
		c.say(250, "2.0.0 Ok")
	case "NOOP":
		c.say(250, "2.0.0 Ok")
	case "VRFY":
		c.say(252, "2.1.5 Send some mail, and see")
	case "QUIT":
		c.say(221, "2.0.0 Bye")
		c.ended = true
	default:
		c.say(500, "5.5.2 Unknown command")
	}
}

func (c *smtpSession) greet() bool {
	f := c.faults("CONNECT", "")
	switch {
	case f.has("BANNER421"):
		c.note("CONNECT", "", nil, 421, "421", "fault", f)
		c.say(421, "4.3.2 Service not available")
		return false
	case f.has("HANG"):
		c.note("CONNECT", "", nil, 0, "", "fault", f)
		_, _ = io.Copy(io.Discard, c.conn) // until somebody gives up
		return false
	case f.has("RST"):
		c.note("CONNECT", "", nil, 0, "", "fault", f)
		if tcp, ok := c.raw.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		return false
	}
	c.say(220, "localhost ESMTP upstream simulator")
	return true
}

func (c *smtpSession) ehlo(verb, name string) {
	if name == "" {
		c.say(501, "5.5.4 Say who you are")
		return
	}
	f := c.faults("EHLO", "")
	c.hello, c.mail = true, nil
	if verb == "HELO" {
		c.say(250, "localhost")
		return
	}
	if f.has("BARECR") {
		c.note("EHLO", "", nil, 250, "bare CR", "fault", f)
		c.write("250-localhost\r250-SIZE\r250 AUTH PLAIN\r\n")
		return
	}
	lines := []string{"localhost greets " + name, "PIPELINING", "8BITMIME", "SMTPUTF8", "DSN", "ENHANCEDSTATUSCODES", fmt.Sprintf("SIZE %d", largestMail)}
	if c.version == "" && !f.has("NOSTARTTLS") {
		lines = append(lines, "STARTTLS")
	}
	if c.version != "" || c.rules().Plain {
		lines = append(lines, "AUTH "+saslMechanisms())
	}
	c.say(250, lines...)
	if f.has("GARBAGE") {
		c.note("EHLO", "", nil, 250, "garbage", "fault", f)
		c.write("250 2.0.0 Ok\r\n354 Go on\r\n\x00\xff\r\n")
	}
}

// startTLS answers and shakes hands. What the client sent too early was in clear, and
// somebody else may have put it there.
func (c *smtpSession) startTLS() {
	if c.version != "" {
		c.say(503, "5.5.1 TLS is on")
		return
	}
	f := c.faults("STARTTLS", "")
	switch {
	case f.has("TLS454"):
		c.note("STARTTLS", "", nil, 454, "454", "fault", f)
		c.say(454, "4.7.0 TLS not available due to temporary reason")
		return
	case c.r.Buffered() > 0:
		c.note("STARTTLS", "", nil, 0, "", "injection", f)
		c.ended = true
		return
	case f.has("INJECT"):
		c.note("STARTTLS", "", nil, 220, "injected reply", "fault", f)
		c.write("220 ready\r\n250 evil\r\n")
	default:
		c.say(220, "2.0.0 Ready to start TLS")
	}
	if !c.handshake() {
		c.ended = true
	}
}

func (c *smtpSession) rules() MailServer {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	return c.s.accounts.MailServer
}

func (c *smtpSession) password(user string) (string, bool) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	account, ok := c.s.accounts.Mailboxes[user]
	return account.Password, ok
}

func (c *smtpSession) nonce() string {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	c.s.office.serial++
	return hexOf(fmt.Sprint("nonce:", c.s.office.serial), 24)
}

func (c *smtpSession) auth(rest string) {
	mechanism, initial, _ := strings.Cut(rest, " ")
	switch {
	case !c.hello || c.user != "":
		c.say(503, "5.5.1 Not now")
		return
	case c.version == "" && !c.rules().Plain:
		c.note("AUTH", mechanism, nil, 538, "538", "no_tls", nil)
		c.say(538, "5.7.11 Encryption required for requested authentication mechanism")
		return
	}
	m := newSASL(mechanism, c.nonce(), c.password)
	if m == nil {
		c.say(504, "5.5.4 Unrecognized authentication type")
		return
	}
	f := c.faults("AUTH", mechanism)
	user, ok, whole := c.converse(m, initial)
	switch {
	case !whole:
		c.note("AUTH", mechanism, nil, 501, "501", "bad_request", f)
		c.say(501, "5.5.2 Cannot read that")
	case f.has("AUTH535") || !ok:
		verdict := "bad_auth"
		if ok {
			verdict = "fault"
		}
		c.note("AUTH", mechanism, map[string]string{"user": user}, 535, "535", verdict, f)
		c.say(535, "5.7.8 Authentication credentials invalid")
	default:
		c.user = user
		c.note("AUTH", mechanism, map[string]string{"user": user}, 235, "235", verdictOK, f)
		c.say(235, "2.7.0 Authentication successful")
	}
}

// converse goes through the challenges of a mechanism; whole is false when the client
// gave up or did not send base64.
func (c *smtpSession) converse(m sasl, initial string) (user string, ok, whole bool) {
	response := ""
	if initial != "" && initial != "=" {
		raw, err := base64.StdEncoding.DecodeString(initial)
		if err != nil {
			return "", false, false
		}
		response = string(raw)
	}
	for {
		challenge, done := m.next(response)
		if done {
			user, ok = m.result()
			return user, ok, true
		}
		c.say(334, base64.StdEncoding.EncodeToString([]byte(challenge)))
		line, err := c.r.ReadSlice('\n')
		if err != nil {
			c.ended = true
			return "", false, false
		}
		raw, err := base64.StdEncoding.DecodeString(strings.TrimRight(string(line), "\r\n"))
		if err != nil {
			return "", false, false
		}
		response = string(raw)
	}
}

// pauseMail waits and reports whether the simulator still runs.
func (s *Server) pauseMail(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-s.closed:
		return false
	}
}
