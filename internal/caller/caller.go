// Package caller carries who is calling: the address, device and language of the
// request a piece of work belongs to. Edges put it into the context; limits, audit
// and notify read it. Nothing in it is proof of identity.
package caller

import (
	"context"
	"net/netip"
)

// Info describes one request. All of it except Addr is what the client claims.
type Info struct {
	RequestID string     // x-request-id of the client, or one of ours
	Addr      netip.Addr // the client address behind trusted proxies
	DeviceID  string     // x-device-id, at most 128 bytes
	UserAgent string     // at most 256 bytes
	SDK       string     // X-SDK-Version, at most 128 bytes
	Lang      string     // "zh-CN" or "en", already matched
	Protocol  string     // "cloudbase", "authing", "oidc", "manage", "" for internal work
	Client    string     // client id as sent

	// How the request came here, for whoever looks for what is wrong with that.
	Peer      netip.Addr // of the connection: the client or the last proxy
	Host      string     // as sent, at most 256 bytes
	Forwarded string     // X-Forwarded-For as sent, at most 256 bytes
}

// Prefix is the address limits are counted by: the IPv4 address or the IPv6 /64.
func (i Info) Prefix() string { return i.prefix(32, 64) }

// Network is the neighbourhood of the address: the IPv4 /24 or the IPv6 /48.
func (i Info) Network() string { return i.prefix(24, 48) }

func (i Info) prefix(bits, bits6 int) string {
	a := i.Addr.Unmap()
	if !a.IsValid() {
		return "unknown"
	}
	if !a.Is4() {
		bits = bits6
	}
	p, err := a.WithZone("").Prefix(bits)
	if err != nil {
		return "unknown"
	}
	return p.String()
}

// IP is the client address as text, "" when it is unknown.
func (i Info) IP() string {
	if !i.Addr.IsValid() {
		return ""
	}
	return i.Addr.Unmap().String()
}

type key struct{}

// With returns a context that carries i.
func With(ctx context.Context, i Info) context.Context {
	return context.WithValue(ctx, key{}, i)
}

// From returns the caller of ctx; the zero Info for internal work.
func From(ctx context.Context) Info {
	i, _ := ctx.Value(key{}).(Info)
	return i
}
