package driver

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"net/url"
	"sync/atomic"
	"time"
)

const (
	dialTimeout = 2 * time.Second
	tlsTimeout  = 3 * time.Second
	callTimeout = 5 * time.Second
	idleTimeout = 20 * time.Second
	maxAnswer   = 256 << 10
)

var (
	// ErrUnsent says that nothing of the request was written: a one-time code in it is
	// still good.
	ErrUnsent = errors.New("the request was not sent")
	// ErrTooLarge says that an answer is longer than any vendor's.
	ErrTooLarge = fmt.Errorf("the answer is longer than %d bytes", maxAnswer)
	// ErrOpen says that an upstream failed too often a moment ago to be asked again.
	ErrOpen = errors.New("the upstream is failing; not asked")
)

// ClientOptions configure a client for calls to vendors; only Now is required.
type ClientOptions struct {
	Now func() time.Time
	// Allow lists ranges that may be dialled although they are not the public internet.
	Allow []netip.Prefix
	// Ports besides 80 and 443 that may be dialled on the public internet.
	Ports []uint16
	// Roots replace the system's.
	Roots *x509.CertPool
	// Timeout is for a whole call; 5 s unless set.
	Timeout time.Duration
	// Resolver replaces the system's.
	Resolver *net.Resolver
}

// NewClient makes the client all drivers share. It talks https (or http to this machine)
// to public addresses only, follows no redirect, keeps no cookie, uses no proxy, reads at
// most 256 KiB, never sends a request twice, and leaves an upstream alone that keeps
// failing. Use it through Do.
func NewClient(o ClientOptions) *http.Client {
	g := guard{allow: o.Allow, deny: forbidden(), ports: append([]uint16{80, 443}, o.Ports...)}
	dialer := &net.Dialer{Timeout: dialTimeout, Resolver: o.Resolver, Control: g.control}
	if o.Timeout == 0 {
		o.Timeout = callTimeout
	}
	return &http.Client{
		Timeout: o.Timeout,
		// A redirect could lead a code or a secret anywhere.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &transport{
			breakers: newBreakers(o.Now),
			next: &http.Transport{
				DialContext: dialer.DialContext, TLSHandshakeTimeout: tlsTimeout,
				TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: o.Roots},
				MaxIdleConns:    16, MaxIdleConnsPerHost: 4, IdleConnTimeout: idleTimeout,
				MaxResponseHeaderBytes: 64 << 10,
			},
		},
	}
}

// transport adds to net/http's what a call with a one-time code needs.
type transport struct {
	next     http.RoundTripper
	breakers *breakers
}

// RoundTrip sends req at most once.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := CheckURL(req.URL.Scheme + "://" + req.URL.Host); err != nil || req.URL.User != nil {
		return nil, fmt.Errorf("%w: the address must be https", ErrUnsent)
	}
	done, ok := t.breakers.enter(req.URL.Host)
	if !ok {
		return nil, fmt.Errorf("%w: %w", ErrUnsent, ErrOpen)
	}
	resp, err := t.next.RoundTrip(once(req))
	// Who hangs up proves nothing about the vendor.
	hungUp := func() bool { return errors.Is(req.Context().Err(), context.Canceled) }
	if err != nil {
		done(hungUp())
		return nil, err
	}
	resp.Body = &capped{
		ReadCloser: resp.Body, left: maxAnswer, hungUp: hungUp, done: done,
		ok: resp.StatusCode < http.StatusInternalServerError,
	}
	return resp, nil
}

// once makes a request net/http does not send again by itself: it repeats a GET on a
// reused connection that broke, when it can rewind the body. The empty body here is never
// on the wire.
func once(req *http.Request) *http.Request {
	req = req.Clone(req.Context())
	req.GetBody = nil
	if req.Body == nil || req.Body == http.NoBody {
		req.Body = io.NopCloser(bytes.NewReader(nil))
	}
	return req
}

// capped is a body that ends with an error rather than being long.
type capped struct {
	io.ReadCloser

	left   int
	ok     bool
	hungUp func() bool
	done   func(ok bool)
}

// Read reads what the limit leaves.
func (c *capped) Read(p []byte) (int, error) {
	if len(p) > c.left+1 {
		p = p[:c.left+1]
	}
	n, err := c.ReadCloser.Read(p)
	if n > c.left {
		n, err = c.left, ErrTooLarge
	}
	c.left -= n
	if err != nil && !errors.Is(err, io.EOF) {
		c.ok = c.ok && c.hungUp()
	}
	return n, err
}

// Close tells the breaker how the call ended.
func (c *capped) Close() error {
	c.done(c.ok)
	return c.ReadCloser.Close()
}

// Answer is what a vendor answered.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Do sends req and reads the whole answer, whatever its status. An error names neither
// the query nor the user of the address, for secrets travel there; it is ErrUnsent when
// the vendor cannot have seen the request.
func Do(client *http.Client, req *http.Request) (Answer, error) {
	var connected atomic.Bool
	req = req.WithContext(httptrace.WithClientTrace(req.Context(), &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { connected.Store(true) },
	}))
	resp, err := client.Do(req) //nolint:gosec // the client decides whom it dials.
	if err != nil {
		return Answer{}, clean(req.URL, err, connected.Load())
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return Answer{}, clean(req.URL, err, true)
	}
	return Answer{resp.StatusCode, resp.Header, body}, nil
}

func clean(u *url.URL, err error, connected bool) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err
	}
	if !connected && !errors.Is(err, ErrUnsent) {
		err = fmt.Errorf("%w: %w", ErrUnsent, err)
	}
	return fmt.Errorf("%s://%s%s: %w", u.Scheme, u.Host, u.EscapedPath(), err)
}
