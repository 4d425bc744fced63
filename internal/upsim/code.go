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

// simCode is a one-time code of the form SIM-<kind>-<subject>-<n>[-<flag>...]. Anybody can write
// one down, which is what makes tests without a browser short.
type simCode struct {
	kind, subject string
	flags         flags
}

var codePattern = regexp.MustCompile(`^SIM-([A-Z]{2})-([a-z0-9]{1,32})-[0-9]{1,18}((?:-[A-Za-z0-9]+)*)$`)

func parseCode(text string) (simCode, bool) {
	m := codePattern.FindStringSubmatch(text)
	if m == nil {
		return simCode{}, false
	}
	c := simCode{kind: m[1], subject: m[2]}
	if m[3] != "" {
		c.flags = strings.Split(m[3][1:], "-")
	}
	return c, true
}

// lifetime is how long a code of each kind is good.
func lifetime(kind string) time.Duration {
	switch kind {
	case "WO":
		return 10 * time.Minute
	case "OT":
		return 2 * time.Minute
	case "AL":
		return 24 * time.Hour
	}
	return 5 * time.Minute
}

// codeRecord is what is known of a code beyond its text.
type codeRecord struct {
	owner string // the app it is for, "" until one shows it
	scope string // what the person agreed to, "" where that is not asked
	born  time.Time
	used  bool
}

type codes struct {
	known map[string]*codeRecord
	last  int
}

// firstMinted keeps the numbers of minted codes apart from those people write by hand.
const firstMinted = 900_000_000

func newCodes() codes { return codes{known: make(map[string]*codeRecord), last: firstMinted} }

// What can be wrong with a one-time code.
var (
	errCodeUnknown = errors.New("code unknown, or of another app")
	errCodeExpired = errors.New("code expired")
	errCodeUsed    = errors.New("code used before")
)

// look judges a code without using it up. A code that was never minted is born when it
// is first seen and belongs to whoever shows it.
func (c *codes) look(x *exchange, text, owner string, kinds ...string) (simCode, *codeRecord, error) {
	code, ok := parseCode(text)
	if !ok || !slices.Contains(kinds, code.kind) {
		return code, nil, errCodeUnknown
	}
	r := c.known[text]
	if r == nil {
		r = &codeRecord{born: x.at}
		c.known[text] = r
	}
	switch {
	case r.owner != "" && r.owner != owner:
		return code, nil, errCodeUnknown
	case x.flags.has("USED") || r.used:
		return code, nil, errCodeUsed
	case x.flags.has("EXP") || x.at.Sub(r.born) > lifetime(code.kind):
		return code, nil, errCodeExpired
	}
	return code, r, nil
}

// take judges a code and uses it up.
func (c *codes) take(x *exchange, text, owner string, kinds ...string) (simCode, codeRecord, error) {
	code, r, err := c.look(x, text, owner, kinds...)
	if err != nil {
		return code, codeRecord{}, err
	}
	r.owner, r.used = owner, true
	return code, *r, nil
}

// mint makes a code that is bound to an app.
func (c *codes) mint(at time.Time, kind, subject, owner, scope string, extra ...string) string {
	c.last++
	text := strings.Join(append([]string{"SIM", kind, subject, strconv.Itoa(c.last)}, extra...), "-")
	c.known[text] = &codeRecord{owner: owner, scope: scope, born: at}
	return text
}

// NewCode asks for a one-time code.
type NewCode struct {
	Kind    string   `json:"kind"` // WO, WM, WX, WP, WC, OT, ...
	Subject string   `json:"subject"`
	App     string   `json:"appid"` // whom it is for; "" is the first to show it
	Scope   string   `json:"scope,omitempty"`
	Flags   []string `json:"flags,omitempty"`
}

// Mint makes a one-time code as if a person had just agreed.
func (s *Server) Mint(c NewCode) (string, error) {
	text := strings.Join(append([]string{"SIM", c.Kind, c.Subject, "1"}, c.Flags...), "-")
	if _, ok := parseCode(text); !ok {
		return "", fmt.Errorf("upsim: no code for %q %q with %q", c.Kind, c.Subject, c.Flags)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.codes.mint(s.clock.now(), c.Kind, c.Subject, c.App, c.Scope, c.Flags...), nil
}
