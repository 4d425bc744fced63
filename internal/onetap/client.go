package onetap

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

const (
	callTimeout = 5 * time.Second
	dialTimeout = 2 * time.Second
	tlsTimeout  = 3 * time.Second
	maxAnswer   = 256 << 10
)

// newClient makes a client that trusts the system's roots and those of pem.
func newClient(pem string) (*http.Client, error) {
	conf := &tls.Config{MinVersion: tls.VersionTLS12}
	if pem != "" {
		roots, err := x509.SystemCertPool()
		if err != nil {
			return nil, err
		}
		if !roots.AppendCertsFromPEM([]byte(pem)) {
			return nil, errors.New("holds no certificate")
		}
		conf.RootCAs = roots
	}
	return &http.Client{
		// A redirect could lead the tokens anywhere.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		// A proxy from the environment would see them too.
		Transport: &http.Transport{
			DialContext: (&net.Dialer{Timeout: dialTimeout}).DialContext, TLSClientConfig: conf,
			TLSHandshakeTimeout: tlsTimeout, MaxIdleConns: 4, IdleConnTimeout: time.Minute,
		},
	}, nil
}

// post sends a form and returns the body of a 2xx answer. reached says that there was a
// connection, so that the request may have been read however it ended. The transport
// itself sends a POST again only when nothing of it was written.
func post(ctx context.Context, client *http.Client, to string, form url.Values) (body []byte, reached bool, err error) {
	var connected atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { connected.Store(true) },
	})
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, false, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8")
	resp, err := client.Do(req)
	if err != nil {
		return nil, connected.Load(), err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return nil, true, fmt.Errorf("answered %d", resp.StatusCode)
	}
	body, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err == nil && len(body) > maxAnswer {
		err = fmt.Errorf("answered more than %d bytes", maxAnswer)
	}
	return body, true, err
}
