package doctor

import (
	"context"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/tigertally/tigertally/internal/caller"
)

// Page is what the server got from its own public address.
type Page struct {
	Status  int
	Server  bool // it is this program that answers
	Expires time.Time
}

// Public is how people reach the server.
type Public struct {
	URL     string // as configured, "" when it is not
	Base    string // what apps are told: URL, or the address it listens on
	Dev     bool
	Running bool // this process serves; false for a command on its files
	Proxies []netip.Prefix
	Now     func() time.Time
	// Fetch asks an address of this server for its state, without a detour.
	Fetch func(ctx context.Context, address string) (Page, error)
}

// How long before a certificate ends somebody has to hear of it. Most renew at 30 days.
const (
	certWarn = 14 * 24 * time.Hour
	certFail = 3 * 24 * time.Hour
)

// Address checks the public address, from this machine.
func (p Public) Address(ctx context.Context) []Finding {
	var all []Finding
	switch {
	case p.Dev:
		all = append(all, warn("dev_server", "url", p.Base))
	case p.URL == "":
		return []Finding{fail("public_unset", "url", p.Base)}
	case strings.HasPrefix(p.URL, "http://"):
		all = append(all, warn("public_http", "url", p.URL))
	}
	if !p.Running {
		return append(all, ok("public_not_running", "url", p.Base))
	}
	page, err := p.Fetch(ctx, p.Base+"/healthz")
	switch {
	case err != nil && isCertificate(err):
		return append(all, fail("tls_broken", "url", p.Base, "reason", reason(err)))
	case err != nil:
		return append(all, warn("public_unreachable", "url", p.Base, "reason", reason(err)))
	case !page.Server:
		return append(all, fail("public_other", "url", p.Base, "status", fmt.Sprint(page.Status)))
	}
	return append(append(all, ok("public_ok", "url", p.Base)), p.certificate(page)...)
}

func isCertificate(err error) bool {
	text := err.Error()
	return strings.Contains(text, "x509:") || strings.Contains(text, "tls:")
}

func (p Public) certificate(page Page) []Finding {
	if page.Expires.IsZero() {
		return nil
	}
	left := page.Expires.Sub(p.Now())
	params := []string{"days", fmt.Sprint(int(left / (24 * time.Hour))), "date", page.Expires.UTC().Format(time.DateOnly)}
	switch {
	case left < certFail:
		return []Finding{fail("tls_expiring", params...)}
	case left < certWarn:
		return []Finding{warn("tls_expiring", params...)}
	}
	return []Finding{ok("tls_ok", params...)}
}

// Request checks what the proxies in front did to the request that asks.
func (p Public) Request(ctx context.Context) []Finding {
	from := caller.From(ctx)
	if !p.Running || from.Host == "" { // a command, not a request
		return nil
	}
	var all []Finding
	if u, err := url.Parse(p.Base); err == nil && !strings.EqualFold(u.Host, from.Host) {
		all = append(all, warn("host_differs", "seen", from.Host, "public", u.Host))
	} else {
		all = append(all, ok("host_ok", "seen", from.Host))
	}
	trusted := slices.ContainsFunc(p.Proxies, func(r netip.Prefix) bool { return r.Contains(from.Peer) })
	switch {
	case from.Forwarded != "" && !trusted:
		all = append(all, fail("proxy_untrusted", "peer", from.Peer.String(), "forwarded", from.Forwarded))
	case from.Forwarded == "" && trusted:
		all = append(all, fail("proxy_silent", "peer", from.Peer.String()))
	case from.Forwarded == "" && strings.HasPrefix(p.URL, "https://"):
		all = append(all, warn("proxy_missing", "peer", from.Peer.String()))
	default:
		all = append(all, ok("proxy_ok", "address", from.IP()))
	}
	for _, r := range p.Proxies {
		if broad(r) {
			all = append(all, warn("proxy_broad", "range", r.String()))
		}
	}
	return all
}

// broad reports whether a range of trusted proxies is more than anybody's own network.
func broad(r netip.Prefix) bool {
	a := r.Addr()
	if a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() {
		return false
	}
	return a.Is4() && r.Bits() < 16 || a.Is6() && r.Bits() < 32
}

// WeChat says which callback domain has to be entered at WeChat, and whether it can be.
func (p Public) WeChat(ids []string) []Finding {
	if len(ids) == 0 {
		return nil
	}
	u, err := url.Parse(p.Base)
	if err != nil {
		return nil
	}
	host, list := u.Hostname(), strings.Join(ids, ", ")
	_, noName := netip.ParseAddr(host)
	switch {
	case p.Dev:
		return []Finding{ok("wechat_dev", "ids", list)}
	case noName == nil || !strings.Contains(host, "."):
		return []Finding{fail("wechat_no_domain", "host", host, "ids", list)}
	case u.Port() != "" && u.Port() != "443" && u.Port() != "80":
		return []Finding{warn("wechat_port", "host", host, "port", u.Port(), "ids", list)}
	}
	return []Finding{ok("wechat_domain", "host", host, "ids", list)}
}
