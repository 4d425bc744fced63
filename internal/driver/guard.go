package driver

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"syscall"
)

// errForbidden says that an address is not one the server may connect to.
var errForbidden = errors.New("the address is not public; list it to allow it")

// forbidden are the IPv4 and IPv6 ranges that are not the public internet, besides what
// is outside 2000::/3: this machine, its neighbours and the cloud's metadata services.
// 100.100.100.200 is in 100.64.0.0/10, and 169.254.169.254 in 169.254.0.0/16.
func forbidden() []netip.Prefix {
	return prefixes(
		"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
		"192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15",
		"198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3",
		// Teredo and other special uses, documentation, 6to4.
		"2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
	)
}

func prefixes(all ...string) []netip.Prefix {
	list := make([]netip.Prefix, len(all))
	for i, p := range all {
		list[i] = netip.MustParsePrefix(p)
	}
	return list
}

// LoopbackRanges are what a developer's machine allows, for the vendors it plays itself.
func LoopbackRanges() []netip.Prefix { return prefixes("127.0.0.0/8", "::1/128") }

// ParseRanges reads a list of addresses and ranges such as "10.1.2.3, fd00::/8".
func ParseRanges(list string) ([]netip.Prefix, error) {
	var all []netip.Prefix
	for _, word := range strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' }) {
		if a, err := netip.ParseAddr(word); err == nil {
			all = append(all, netip.PrefixFrom(a, a.BitLen()))
			continue
		}
		p, err := netip.ParsePrefix(word)
		if err != nil {
			return nil, fmt.Errorf("%q is neither an address nor a range", word)
		}
		all = append(all, p.Masked())
	}
	return all, nil
}

// guard decides whom a client may connect to. It sees addresses after the name was
// resolved, right before the connection is made, so that no second lookup can differ.
type guard struct {
	allow, deny []netip.Prefix
	ports       []uint16
}

func (g guard) control(network, address string, _ syscall.RawConn) error {
	if !strings.HasPrefix(network, "tcp") {
		return errForbidden
	}
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return errForbidden
	}
	return g.check(to)
}

// Control is for the net.Dialer of a connection that is not HTTP: it reaches public
// addresses at one of ports, and those of allow.
func Control(allow []netip.Prefix, ports ...uint16) func(network, address string, _ syscall.RawConn) error {
	return guard{allow: allow, deny: forbidden(), ports: ports}.control
}

func (g guard) check(to netip.AddrPort) error {
	a := to.Addr().Unmap().WithZone("")
	holds := func(p netip.Prefix) bool { return p.Contains(a) }
	switch {
	case slices.ContainsFunc(g.allow, holds):
		return nil
	case !a.IsValid(), slices.ContainsFunc(g.deny, holds):
		return errForbidden
	case a.Is6() && !netip.MustParsePrefix("2000::/3").Contains(a):
		return errForbidden
	case !slices.Contains(g.ports, to.Port()):
		return errForbidden
	}
	return nil
}
