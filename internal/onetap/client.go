package onetap

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/tigertally/tigertally/internal/driver"
)

// callTimeout is for all that is asked about one sign-in: a person waits for it, and is told
// within three seconds what became of it.
const callTimeout = 2500 * time.Millisecond

// host is one place where a vendor can be asked.
type host struct {
	base   string
	client *http.Client
}

// newHost makes the client for base, which trusts the system's roots and those of pem.
func newHost(base, allow, pem string, now func() time.Time) (host, error) {
	roots, err := driver.Trust(pem)
	if err != nil {
		return host{}, fmt.Errorf("ca %w", err)
	}
	client, err := driver.FixedWith(base, allow, driver.ClientOptions{Now: now, Timeout: callTimeout, Roots: roots})
	if err != nil {
		return host{}, fmt.Errorf("base %w", err)
	}
	return host{base, client}, nil
}

// post sends a form and returns the body of a 2xx answer. reached says that the request
// may have been read however it ended.
func (h host) post(ctx context.Context, path string, form url.Values) (body []byte, reached bool, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, false, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8")
	a, err := driver.Do(h.client, req)
	if err != nil {
		return nil, !errors.Is(err, driver.ErrUnsent), err
	}
	if a.Status < 200 || a.Status > 299 {
		return nil, true, fmt.Errorf("answered %d", a.Status)
	}
	return a.Body, true, nil
}
