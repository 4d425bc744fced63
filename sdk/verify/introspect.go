package verify

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

const (
	defaultRemember = 5 * time.Second
	mostRemembered  = 10_000
	largestAnswer   = 64 << 10
)

// Introspection asks the server whether the session of a token lives, so that a sign-out
// or a blocked account counts here at once and not when the token expires. The tokens of
// machines have no session and are not asked about.
type Introspection struct {
	// URL is the server, such as "https://id.example.com". The default is Issuer up to
	// "/oidc".
	URL string
	// Remember is how long an answer is used for the same token, five seconds by default.
	// Negative asks about every request.
	Remember time.Duration
	// FailOpen accepts a good token when the server does not answer. Without it the error
	// is ErrUnavailable.
	FailOpen bool
}

// introspector asks and remembers for a moment.
type introspector struct {
	o      Introspection
	client *http.Client
	now    func() time.Time

	mu    sync.Mutex
	heard map[[sha256.Size]byte]*answer
}

// answer is what the server said about a token, or is about to.
type answer struct {
	done  chan struct{} // closed once the rest is there
	until time.Time     // the zero time while asking
	err   error
}

func newIntrospector(c Config) (*introspector, error) {
	o := *c.Introspection
	if o.URL == "" {
		base, _, found := strings.Cut(c.Issuer, "/oidc")
		if !found {
			return nil, fmt.Errorf("Introspection.URL is empty and cannot be read off the issuer %s", c.Issuer)
		}
		o.URL = base
	}
	if err := c.safe(o.URL); err != nil {
		return nil, err
	}
	o.URL = strings.TrimSuffix(o.URL, "/")
	if o.Remember == 0 {
		o.Remember = defaultRemember
	}
	return &introspector{o: o, client: c.HTTPClient, now: c.Now, heard: map[[sha256.Size]byte]*answer{}}, nil
}

// check returns ErrRevoked if the session of a proven token has ended.
func (i *introspector) check(ctx context.Context, c *Claims, token string) error {
	if c.Kind == Machine {
		return nil
	}
	hash := sha256.Sum256([]byte(token))
	a, first := i.join(hash)
	if first {
		go i.fill(context.WithoutCancel(ctx), a, hash, c, token) // others wait for it too
	}
	select {
	case <-a.done:
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", ErrUnavailable, ctx.Err())
	}
	return a.err
}

// join returns the answer about a token, and whether the caller has to see to it.
func (i *introspector) join(hash [sha256.Size]byte) (a *answer, first bool) {
	now := i.now()
	i.mu.Lock()
	defer i.mu.Unlock()
	if a := i.heard[hash]; a != nil && (a.until.IsZero() || now.Before(a.until)) {
		return a, false
	}
	if len(i.heard) >= mostRemembered {
		for h, a := range i.heard {
			if !a.until.IsZero() && !now.Before(a.until) {
				delete(i.heard, h)
			}
		}
		if len(i.heard) >= mostRemembered {
			clear(i.heard) // what is under way still ends for whoever waits
		}
	}
	a = &answer{done: make(chan struct{})}
	i.heard[hash] = a
	return a, true
}

// fill asks and tells everybody who waits. Only answers are remembered, not failures.
func (i *introspector) fill(ctx context.Context, a *answer, hash [sha256.Size]byte, c *Claims, token string) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	subject, err := i.ask(ctx, c, token)
	i.mu.Lock()
	defer i.mu.Unlock()
	switch {
	case err != nil && !i.o.FailOpen:
		a.err = fmt.Errorf("%w: %w", ErrUnavailable, err)
	case err == nil && subject != c.Subject:
		a.err = ErrRevoked
	}
	if a.until = i.now().Add(i.o.Remember); err != nil && i.heard[hash] == a {
		delete(i.heard, hash)
	}
	close(a.done)
}

// ask returns whom the server takes the token's bearer for, "" for nobody.
func (i *introspector) ask(ctx context.Context, c *Claims, token string) (string, error) {
	if c.Kind == Access {
		var out struct {
			Subject string `json:"sub"`
		}
		address := i.o.URL + "/auth/v1/token/introspect?client_id=" + url.QueryEscape(c.ClientID)
		err := i.call(ctx, http.MethodGet, address, nil, c, token, &out)
		return out.Subject, err
	}
	in, err := json.Marshal(map[string]any{
		"query":     "query checkLoginStatus($token: String) { checkLoginStatus(token: $token) { code status data { id } } }",
		"variables": map[string]string{"token": token},
	})
	if err != nil {
		return "", err
	}
	var out struct {
		Data struct {
			Check *struct {
				Status bool `json:"status"`
				Data   struct {
					ID string `json:"id"`
				} `json:"data"`
			} `json:"checkLoginStatus"`
		} `json:"data"`
	}
	if err := i.call(ctx, http.MethodPost, i.o.URL+"/graphql/v2", in, c, token, &out); err != nil {
		return "", err
	}
	if out.Data.Check == nil {
		return "", fmt.Errorf("the server says nothing about the token")
	}
	if !out.Data.Check.Status {
		return "", nil
	}
	return out.Data.Check.Data.ID, nil
}

// call sends one request with the token and reads the JSON that comes back.
func (i *introspector) call(ctx context.Context, method, address string, in []byte, c *Claims, token string, out any) error {
	req, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(in))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("X-Authing-App-Id", c.ClientID)
	}
	res, err := i.client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }() // read to its end, or refused
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("the server answers %s", res.Status)
	}
	raw, err := io.ReadAll(io.LimitReader(res.Body, largestAnswer))
	if err != nil {
		return err
	}
	return json.Unmarshal(raw, out)
}
