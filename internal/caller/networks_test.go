package caller_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/tigertally/tigertally/internal/caller"
)

func TestNetworksNameTheSmallestRange(t *testing.T) {
	n, err := caller.ParseNetworks(strings.NewReader(`
# hosting
198.51.0.0/16    AS64500
198.51.100.0/24  AS64501
198.51.100.77/32 AS64502
2001:db8::/32    AS64500
203.0.113.9/24   AS64503
`))
	if err != nil {
		t.Fatal(err)
	}
	for addr, want := range map[string]string{
		"198.51.7.1": "AS64500", "198.51.100.1": "AS64501", "198.51.100.77": "AS64502", "2001:db8::1": "AS64500",
		"203.0.113.1": "AS64503", "::ffff:198.51.100.1": "AS64501", "192.0.2.1": "", "2001:db9::1": "", "fe80::1%eth0": "",
	} {
		if got := n.Group(netip.MustParseAddr(addr)); got != want {
			t.Errorf("%s is of %q, want %q", addr, got, want)
		}
	}
	if got := (caller.Networks{}).Group(netip.MustParseAddr("192.0.2.1")); got != "" {
		t.Errorf("without a list it is of %q", got)
	}
	if got := n.Group(netip.Addr{}); got != "" {
		t.Errorf("nobody is of %q", got)
	}
}

func TestNetworksRefuseOtherLines(t *testing.T) {
	_, err := caller.ParseNetworks(strings.NewReader("198.51.0.0/16 A\n198.51.0.0 A\n198.51.0.0/33 A\n198.51.0.0/16\n198.51.0.0/16 A B\n::ffff:1.2.3.0/120 A"))
	if err == nil || strings.Contains(err.Error(), "line 1 ") {
		t.Fatalf("got %v", err)
	}
	for _, line := range []string{"line 2 ", "line 3 ", "line 4 ", "line 5 ", "line 6 "} {
		if !strings.Contains(err.Error(), line) {
			t.Errorf("%v does not name %s", err, line)
		}
	}
}
