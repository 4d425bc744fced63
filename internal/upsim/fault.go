package upsim

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Match says which requests a fault strikes or a test expects. Empty fields match all.
type Match struct {
	Upstream string `json:"upstream,omitempty"`
	Path     string `json:"path,omitempty"`   // the end of the path
	Action   string `json:"action,omitempty"` // for vendors with one path
	Subject  string `json:"subject,omitempty"`
	Phone    string `json:"phone,omitempty"`
}

// Fault is one thing that goes wrong. Of every upstream:
//
//	HANG RST          no answer, and a reset connection; nothing was done
//	H<status>         that status and a line of text, such as H502
//	HTML NOERR        200 with a page, and with {}
//	REDIR             302 to another host
//	BIG GZIP          2 MiB, and 10 MiB in a few KiB of gzip
//	ERR:<code>        the vendor's own error, such as ERR:45009
//	RATE BUSY RISK    the vendor's word for it, where it has one
//	SLOW<ms> DRIP     done, but answered late, or a byte a second
//	TRUNC CHARSET     done, but half the answer, or in another charset
//	ERRSTR            done, but numbers of errcode are text
//	DROP:<field> TYPE:<field>   done, but a field is missing or of another type
//	EXP USED          the one-time code has expired or was used
//	TLSBADNAME TLSEXPIRED TLS10   connections by HTTPS: a certificate of another name or
//	                  an expired one, and only TLS 1.0; such a fault matches everything
//
// Some vendors know more, such as SNAP of WeChat; in a one-time code the part after the
// number holds those that have no colon.
type Fault struct {
	Match Match  `json:"match"`
	Fault string `json:"fault"`
	Times int    `json:"times,omitempty"` // how often it strikes; 0 is always
	After int    `json:"after,omitempty"` // how many matches it lets pass first
}

// flags are the faults of one request.
type flags []string

func (f flags) has(name string) bool { return slices.Contains(f, name) }

// with returns what follows prefix in the first flag that has it.
func (f flags) with(prefix string) (string, bool) {
	for _, flag := range f {
		if rest, ok := strings.CutPrefix(flag, prefix); ok && rest != "" {
			return rest, true
		}
	}
	return "", false
}

type armedFault struct {
	id int
	Fault
	seen, struck int
}

// faults are the armed ones, oldest first.
type faults struct {
	armed []*armedFault
	last  int
}

func (f *faults) arm(fault Fault) int {
	f.last++
	f.armed = append(f.armed, &armedFault{id: f.last, Fault: fault})
	return f.last
}

func (f *faults) disarm(id int) bool {
	before := len(f.armed)
	f.armed = slices.DeleteFunc(f.armed, func(a *armedFault) bool { return a.id == id })
	return len(f.armed) < before
}

// strike returns what goes wrong with x: what its codes say and what is armed.
func (f *faults) strike(v vendor, x *exchange) flags {
	var all flags
	for _, value := range x.params {
		if c, ok := parseCode(value); ok {
			for _, flag := range c.flags {
				if !all.has(flag) && (general(flag) || v.knows(flag)) {
					all = append(all, flag)
				}
			}
		}
	}
	for _, a := range f.armed {
		if ofConnection(a.Fault.Fault) || !a.Match.matches(v.name, x) || !a.strike() {
			continue
		}
		if !all.has(a.Fault.Fault) {
			all = append(all, a.Fault.Fault)
		}
	}
	slices.Sort(all) // parameters come in no order
	return all
}

// strike counts a match and reports whether the fault strikes this one.
func (a *armedFault) strike() bool {
	a.seen++
	if a.seen <= a.After || a.Times > 0 && a.struck >= a.Times {
		return false
	}
	a.struck++
	return true
}

func (m Match) matches(upstream string, x *exchange) bool {
	return (m.Upstream == "" || m.Upstream == upstream) &&
		strings.HasSuffix(x.req.URL.Path, m.Path) &&
		(m.Action == "" || m.Action == actionOf(x)) &&
		(m.Subject == "" || anyParam(x, func(value string) bool { return subjectIn(value) == m.Subject })) &&
		(m.Phone == "" || anyParam(x, func(value string) bool { return samePhone(value, m.Phone) }))
}

func anyParam(x *exchange, is func(string) bool) bool {
	for _, value := range x.params {
		if is(value) {
			return true
		}
	}
	return false
}

// actionOf names what x wants before any vendor has looked at it.
func actionOf(x *exchange) string {
	for _, action := range []string{x.req.Header.Get("X-TC-Action"), x.req.Header.Get("x-acs-action"), x.param("Action")} {
		if action != "" {
			return action
		}
	}
	return x.action
}

// subjectIn finds whom a code or token is about.
func subjectIn(value string) string {
	if c, ok := parseCode(value); ok {
		return c.subject
	}
	if parts := strings.Split(value, "-"); len(parts) == 4 && (parts[0] == "SIMUT" || parts[0] == "SIMRT") {
		return parts[2]
	}
	return ""
}

// samePhone compares a parameter with a number, in whatever form either is.
func samePhone(value, phone string) bool {
	if c, ok := parseCode(value); ok {
		value = c.subject
	}
	a, b := digitsOf(value), digitsOf(phone)
	return len(a) >= 7 && len(b) >= 7 && (strings.HasSuffix(a, b) || strings.HasSuffix(b, a))
}

func digitsOf(s string) string {
	if strings.Trim(s, "+-. 0123456789") != "" {
		return ""
	}
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, s)
}

var faultPattern = regexp.MustCompile(`^(SLOW[0-9]{1,6}|H[1-9][0-9]{2}|(ERR|DROP|TYPE):.+)$`)

// general reports whether a fault is one of the frame's.
func general(flag string) bool {
	switch flag {
	case "HANG", "RST", "HTML", "NOERR", "REDIR", "BIG", "GZIP", "DRIP", "TRUNC", "CHARSET", "ERRSTR", "EXP", "USED":
		return true
	}
	return faultPattern.MatchString(flag)
}

// check refuses a fault that could never strike, which is a mistake in a test.
func (s *Server) check(f Fault) error {
	if f.Times < 0 || f.After < 0 {
		return fmt.Errorf("upsim: a fault cannot strike %d times after %d", f.Times, f.After)
	}
	if ofConnection(f.Fault) {
		if f.Match != (Match{}) {
			return fmt.Errorf("upsim: %s strikes connections, which match nothing", f.Fault)
		}
		return nil
	}
	known := general(f.Fault)
	found := f.Match.Upstream == ""
	for _, v := range s.vendors {
		if f.Match.Upstream == "" || v.name == f.Match.Upstream {
			found = true
			known = known || v.knows(f.Fault)
		}
	}
	if !found {
		return fmt.Errorf("upsim: no upstream %q", f.Match.Upstream)
	}
	if !known {
		return fmt.Errorf("upsim: no fault %q of upstream %q", f.Fault, f.Match.Upstream)
	}
	return nil
}

// slowness is how late an answer comes, in milliseconds.
func (f flags) slowness() int {
	rest, _ := f.with("SLOW")
	ms, err := strconv.Atoi(rest)
	if err != nil {
		return 0
	}
	return ms
}
