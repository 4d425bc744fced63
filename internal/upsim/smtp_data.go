package upsim

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// smtpFaults are what can go wrong in a session, each at its own step:
//
//	BANNER421 HANG RST           no greeting
//	NOSTARTTLS BARECR GARBAGE    an answer to EHLO that misses TLS, is malformed, or goes on
//	TLS454 INJECT                STARTTLS is refused, or a reply in clear follows it
//	AUTH535                      whatever the password
//	GREYLIST                     451 to RCPT
//	DROPDATA SLOW<ms>            after the last dot: no reply at all, or a late one
//	ERR:<code> <text>            at the step that the match's action names, such as RCPT
func smtpFaults() []string {
	return []string{
		"BANNER421", "HANG", "RST", "NOSTARTTLS", "BARECR", "GARBAGE", "TLS454", "INJECT",
		"AUTH535", "GREYLIST", "DROPDATA",
	}
}

// stepOf is where a fault of the mail server strikes, "" where its match says.
func stepOf(fault string) string {
	switch fault {
	case "BANNER421", "HANG", "RST":
		return "CONNECT"
	case "NOSTARTTLS", "BARECR", "GARBAGE":
		return "EHLO"
	case "TLS454", "INJECT":
		return "STARTTLS"
	case "AUTH535":
		return "AUTH"
	case "GREYLIST":
		return "RCPT"
	case "DROPDATA":
		return "DATA"
	}
	if strings.HasPrefix(fault, "SLOW") {
		return "DATA"
	}
	return ""
}

// faults are what goes wrong at a step. Path is what the step is about, such as the
// address of a recipient, for the match's path to end with.
func (c *smtpSession) faults(step, path string) flags {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	x := smtpExchange(step, path)
	var all flags
	for _, a := range c.s.faults.armed {
		at := stepOf(a.Fault.Fault)
		if at == "" {
			at = a.Match.Action
		}
		if at == step && a.Match.matches("smtp", x) && a.strike() {
			all = append(all, a.Fault.Fault)
		}
	}
	return all
}

// failed answers with an ERR fault, and reports whether there was one.
func (c *smtpSession) failed(step, path string, f flags) bool {
	text, ok := f.with("ERR:")
	if !ok {
		return false
	}
	code, why, _ := strings.Cut(text, " ")
	n, err := strconv.Atoi(code)
	if err != nil {
		n = 550
	}
	c.note(step, path, nil, n, why, "fault", f)
	c.say(n, nameOr(why, "simulated"))
	return true
}

var (
	fromPattern = regexp.MustCompile(`^(?i:FROM):<([^<>\s]*)>((?: [^ ]+)*)$`)
	toPattern   = regexp.MustCompile(`^(?i:TO):<([^<>\s]+@[^<>\s]+)>((?: [^ ]+)*)$`)
)

// refuse answers, and writes down why.
func (c *smtpSession) refuse(step, path string, code int, text, verdict string) {
	c.note(step, path, nil, code, text, verdict, nil)
	c.say(code, text)
}

func (c *smtpSession) mailFrom(rest string) {
	m := fromPattern.FindStringSubmatch(rest)
	rules := c.rules()
	switch {
	case !c.hello || c.mail != nil:
		c.refuse("MAIL", "", 503, "5.5.1 Bad sequence of commands", "bad_request")
		return
	case c.version == "" && !rules.Plain:
		c.refuse("MAIL", "", 530, "5.7.0 Must issue a STARTTLS command first", "no_tls")
		return
	case c.user == "" && !rules.Anonymous:
		c.refuse("MAIL", "", 530, "5.7.0 Authentication required", "bad_auth")
		return
	case m == nil:
		c.refuse("MAIL", "", 501, "5.5.4 Malformed address or parameters", "bad_request")
		return
	case !c.mayUse(m[1]):
		c.refuse("MAIL", m[1], 553, "5.7.1 Sender address rejected: not owned by user", "bad_sender")
		return
	}
	if c.failed("MAIL", m[1], c.faults("MAIL", m[1])) {
		return
	}
	e := &envelope{from: m[1]}
	if code, why := e.parameters(m[2]); code != 0 {
		c.refuse("MAIL", m[1], code, why, "bad_request")
		return
	}
	if !isASCII(m[1]) && !e.utf8 {
		c.refuse("MAIL", m[1], 553, "5.6.7 Address needs SMTPUTF8", "bad_request")
		return
	}
	c.mail = e
	c.say(250, "2.1.0 Ok")
}

// mayUse reports whether the user may send from an address.
func (c *smtpSession) mayUse(address string) bool {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	account, ok := c.s.accounts.Mailboxes[c.user]
	_, domain, _ := cutLast(address, "@")
	return !ok || address == "" || len(account.Senders) == 0 || slices.Contains(account.Senders, strings.ToLower(domain))
}

func (e *envelope) parameters(text string) (code int, why string) {
	for p := range strings.FieldsSeq(text) {
		name, value, _ := strings.Cut(p, "=")
		switch strings.ToUpper(name) {
		case "SIZE":
			if n, err := strconv.Atoi(value); err != nil || n > largestMail {
				return 552, "5.3.4 Message size exceeds fixed limit"
			}
		case "BODY":
			e.eight = strings.EqualFold(value, "8BITMIME")
		case "SMTPUTF8":
			e.utf8 = true
		case "RET":
			e.ret = strings.ToUpper(value)
		case "ENVID":
			e.envID = value
		case "AUTH":
		default:
			return 555, "5.5.4 Unsupported parameter " + name
		}
	}
	return 0, ""
}

// steering is what the local part of a recipient asks for.
func (c *smtpSession) steering(address string) (code int, text string) {
	local, _, _ := strings.Cut(address, "@")
	local, _, _ = strings.Cut(local, "+")
	switch strings.ToLower(local) {
	case "bounce":
		return 550, "5.1.1 No such user"
	case "full":
		return 552, "5.2.2 Mailbox full"
	case "spam":
		return 554, "5.7.1 Message refused by policy"
	case "later":
		c.s.mu.Lock()
		defer c.s.mu.Unlock()
		c.s.office.later[address]++
		if c.s.office.later[address] <= 2 {
			return 451, "4.7.1 Greylisted, try again later"
		}
	}
	return 0, ""
}

func (c *smtpSession) rcptTo(rest string) {
	m := toPattern.FindStringSubmatch(rest)
	switch {
	case c.mail == nil:
		c.refuse("RCPT", "", 503, "5.5.1 Bad sequence of commands", "bad_request")
		return
	case m == nil:
		c.refuse("RCPT", "", 501, "5.1.3 Malformed address or parameters", "bad_request")
		return
	case !isASCII(m[1]) && !c.mail.utf8:
		c.refuse("RCPT", m[1], 553, "5.6.7 Address needs SMTPUTF8", "bad_request")
		return
	}
	notify := ""
	for p := range strings.FieldsSeq(m[2]) {
		name, value, _ := strings.Cut(p, "=")
		switch strings.ToUpper(name) {
		case "NOTIFY":
			notify = strings.ToUpper(value)
		case "ORCPT":
		default:
			c.refuse("RCPT", m[1], 555, "5.5.4 Unsupported parameter "+name, "bad_request")
			return
		}
	}
	f := c.faults("RCPT", m[1])
	if c.failed("RCPT", m[1], f) {
		return
	}
	if f.has("GREYLIST") {
		c.refuse("RCPT", m[1], 451, "4.7.1 Greylisted, try again later", "fault")
		return
	}
	if code, text := c.steering(m[1]); code != 0 {
		c.refuse("RCPT", m[1], code, text, "refused")
		return
	}
	if len(c.mail.to) == 0 {
		c.mail.notify = notify
	}
	c.mail.to = append(c.mail.to, m[1])
	c.say(250, "2.1.5 Ok")
}

var errTooLarge = errors.New("message too large")

// readData reads until the dot that stands alone between line breaks. A dot between bare
// line feeds does not end a message: taking it would let one be smuggled into another.
func (c *smtpSession) readData() ([]byte, error) {
	var all []byte
	large, begins := false, true // a line begins after CR LF only
	for {
		line, err := c.r.ReadBytes('\n')
		if err != nil {
			return nil, err
		}
		whole := strings.HasSuffix(string(line), "\r\n")
		if begins && string(line) == ".\r\n" {
			break
		}
		if begins && line[0] == '.' {
			line = line[1:]
		}
		if large = large || len(all)+len(line) > largestMail; !large {
			all = append(all, line...)
		}
		begins = whole
	}
	if large {
		return nil, errTooLarge
	}
	return all, nil
}

func (c *smtpSession) data() {
	if c.mail == nil || len(c.mail.to) == 0 {
		c.refuse("DATA", "", 503, "5.5.1 No valid recipients", "bad_request")
		return
	}
	c.say(354, "End data with <CR><LF>.<CR><LF>")
	raw, err := c.readData()
	e := c.mail
	c.mail = nil
	if errors.Is(err, errTooLarge) {
		c.refuse("DATA", e.to[0], 552, "5.3.4 Message size exceeds fixed limit", "too_large")
		return
	}
	if err != nil {
		c.ended = true
		return
	}
	f := c.faults("DATA", e.to[0])
	if c.failed("DATA", e.to[0], f) {
		return
	}
	code, text := c.keep(e, raw, f)
	if f.has("DROPDATA") {
		c.ended = true
		return
	}
	if ms := f.slowness(); ms > 0 && !c.s.pauseMail(time.Duration(ms)*time.Millisecond) {
		return
	}
	c.say(code, text)
}

// keep puts a complete message into the inbox, also one that is refused, and says what
// the client is told.
func (c *smtpSession) keep(e *envelope, raw []byte, f flags) (code int, text string) {
	r := readMail(raw, e.utf8, e.eight || e.utf8)
	m := Mail{
		From: e.from, To: e.to, EnvID: e.envID, Notify: e.notify, Return: e.ret, TLS: c.version, AuthUser: c.user,
		Raw: string(raw), Refused: len(r.problems) > 0,
	}
	c.s.mu.Lock()
	m.DKIM, m.DKIMWhy = verifyDKIM(raw, c.s.clock.now(), func(selector, domain string) string {
		return c.s.accounts.DKIM[selector+"."+domain]
	})
	m = c.s.receiveMail(m, r)
	if local, _, _ := strings.Cut(e.to[0], "@"); local == "async" && !m.Refused && e.from != "" {
		c.s.report(m, "5.1.1")
	}
	c.s.mu.Unlock()
	code, text, verdict := 250, fmt.Sprintf("2.0.0 Ok: queued as %d", m.ID), verdictOK
	if m.Refused {
		code, text, verdict = 554, "5.6.0 "+m.Problems[0], "bad_message"
	}
	params := map[string]string{"from": m.From, "to": strings.Join(m.To, ","), "dkim": m.DKIM, "mail": strconv.Itoa(m.ID)}
	c.note("DATA", e.to[0], params, code, text, verdict, f)
	return code, text
}
