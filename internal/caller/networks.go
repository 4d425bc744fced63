package caller

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
)

// Networks names groups of networks, such as those of an autonomous system. The zero value
// names none.
type Networks struct {
	lengths []int // of the prefixes there are, the longest first
	groups  map[netip.Prefix]string
}

// ParseNetworks reads a range and a name on each line; empty lines and those that begin
// with # are left out. Of ranges that hold one another the smallest counts.
func ParseNetworks(r io.Reader) (Networks, error) {
	n := Networks{groups: map[netip.Prefix]string{}}
	names := map[string]string{} // one text for each name
	var problems []error
	lines := bufio.NewScanner(r)
	for i := 1; lines.Scan(); i++ {
		fields := strings.Fields(lines.Text())
		if len(fields) == 0 || strings.HasPrefix(fields[0], "#") {
			continue
		}
		p, err := netip.ParsePrefix(fields[0])
		if err != nil || len(fields) != 2 || p.Addr().Is4In6() {
			problems = append(problems, fmt.Errorf("line %d is no range and a name", i))
			if len(problems) == 10 {
				break
			}
			continue
		}
		if names[fields[1]] == "" {
			names[fields[1]] = strings.Clone(fields[1])
		}
		n.groups[p.Masked()] = names[fields[1]]
		if !slices.Contains(n.lengths, p.Bits()) {
			n.lengths = append(n.lengths, p.Bits())
		}
	}
	slices.SortFunc(n.lengths, func(a, b int) int { return b - a })
	return n, errors.Join(append(problems, lines.Err())...)
}

// Group is the name of the network an address is of, "" for none.
func (n Networks) Group(a netip.Addr) string {
	a = a.Unmap().WithZone("")
	for _, bits := range n.lengths {
		p, err := a.Prefix(bits)
		if err != nil { // longer than the address
			continue
		}
		if name, ok := n.groups[p]; ok {
			return name
		}
	}
	return ""
}
