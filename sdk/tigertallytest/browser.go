package tigertallytest

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// Approve is the browser of the person called name, such as "alice", who follows the
// address GenProviderRedirectURI gave and agrees at the provider. It returns the
// application's page they come back to, with code and state in its query; the page itself
// is not fetched. The same name is the same person every time, at all WeChat apps too.
// The server needs WithProviders.
func (s *Server) Approve(t testing.TB, address, name string) *url.URL {
	t.Helper()
	s.mu.Lock()
	sim := s.app.Upstreams()
	s.mu.Unlock()
	if sim == nil {
		t.Fatal("tigertallytest: Approve needs tigertallytest.Start(t, tigertallytest.WithProviders())")
	}
	ctx := context.WithoutCancel(t.Context())
	page, err := s.leave(ctx, address, nil)
	if err == nil {
		landing, failed := sim.Approve(ctx, page, name)
		if err = failed; err == nil {
			page, err = s.leave(ctx, landing.URL, landing.Form)
		}
	}
	if err != nil {
		t.Fatalf("tigertallytest: %s agrees at %s: %v", name, address, err)
	}
	back, err := url.Parse(page)
	if err != nil {
		t.Fatalf("tigertallytest: %s comes back to %s: %v", name, page, err)
	}
	return back
}

// leave follows redirects from address until they lead away from the server. With a form
// it begins as a page that posts one.
func (s *Server) leave(ctx context.Context, address string, form url.Values) (string, error) {
	browser := http.Client{
		Transport:     s.client.Transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	const most = 5
	for range most {
		if !strings.HasPrefix(address, s.URL+"/") {
			return address, nil
		}
		method, body := http.MethodGet, io.Reader(http.NoBody)
		if form != nil {
			method, body = http.MethodPost, strings.NewReader(form.Encode())
		}
		req, err := http.NewRequestWithContext(ctx, method, address, body)
		if err != nil {
			return "", err
		}
		if form != nil {
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		res, err := browser.Do(req)
		if err != nil {
			return "", err
		}
		_ = res.Body.Close() // only its head matters
		next := res.Header.Get("Location")
		if next == "" {
			return "", fmt.Errorf("%s answers %s", address, res.Status)
		}
		if address, form = next, nil; strings.HasPrefix(next, "/") {
			address = s.URL + next
		}
	}
	return "", fmt.Errorf("more than %d redirects", most)
}
