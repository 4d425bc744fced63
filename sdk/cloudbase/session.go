package cloudbase

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sync"
	"time"
)

const (
	expiryMargin = 30 * time.Second // what is about to expire is as good as expired
	refreshLimit = 35 * time.Second // three attempts of the default HTTPClient and a little

	anonymousScope = "anonymous"
)

// tokens is the answer to a sign-in or a refresh.
type tokens struct {
	TokenType    string   `json:"token_type"`
	AccessToken  string   `json:"access_token"`
	RefreshToken string   `json:"refresh_token,omitempty"`
	ExpiresIn    integer  `json:"expires_in"`
	Scope        string   `json:"scope,omitempty"`
	Sub          string   `json:"sub,omitempty"`
	Groups       []string `json:"groups,omitempty"`
}

// credentials is what is stored of it, as the JavaScript library stores it.
type credentials struct {
	tokens
	Version   Version   `json:"version,omitempty"`
	ExpiresAt time.Time `json:"expires_at"`
}

func (a *App) credentialsKey() string { return "credentials_" + a.clientID }
func (a *App) userKey() string        { return "user_info_" + a.env }

// load returns the stored session, nil for none.
func (a *App) load(ctx context.Context) (*credentials, error) {
	var c credentials
	ok, err := a.storage.read(ctx, a.credentialsKey(), &c)
	if err != nil || !ok || c.AccessToken == "" {
		return nil, err
	}
	return &c, nil
}

// keep stores the session that t begins, whatever was there.
func (a *App) keep(ctx context.Context, t tokens, v Version) error {
	c, err := a.accept(t, v)
	if err != nil {
		return err
	}
	return a.storage.locked(ctx, func() error { return a.storage.write(ctx, a.credentialsKey(), c) })
}

func (a *App) accept(t tokens, v Version) (*credentials, error) {
	if t.AccessToken == "" || t.ExpiresIn <= 0 {
		return nil, &Error{Name: ErrUnknown, Description: "the answer has no access token that lasts"}
	}
	life := time.Duration(t.ExpiresIn)*time.Second - expiryMargin
	return &credentials{tokens: t, Version: v, ExpiresAt: a.now().Add(life).UTC()}, nil
}

// swap stores next, nil for nothing, where old is stored. When somebody else has
// replaced old it leaves theirs alone and returns it.
func (a *App) swap(ctx context.Context, old, next *credentials) (stored *credentials, swapped bool, err error) {
	err = a.storage.locked(ctx, func() error {
		var err error
		stored, err = a.load(ctx)
		if err != nil || stored == nil || stored.AccessToken != old.AccessToken {
			return err
		}
		if next == nil {
			err = a.storage.remove(ctx, a.credentialsKey())
		} else {
			err = a.storage.write(ctx, a.credentialsKey(), next)
		}
		stored, swapped = next, err == nil
		return err
	})
	return stored, swapped, err
}

// end ends the session of c on this side, if it is still the one that is stored, because
// the server said so.
func (a *App) end(ctx context.Context, c *credentials, reason error) error {
	ctx = context.WithoutCancel(ctx)
	_, ended, err := a.swap(ctx, c, nil)
	if ended {
		a.events.tell(ctx, Event{Type: CredentialsError, Err: reason})
	}
	return err
}

func (a *App) expired(c *credentials) bool { return c.ExpiresAt.Before(a.now()) }

// current returns the session with an access token that is good for a while.
func (a *App) current(ctx context.Context) (*credentials, error) {
	c, err := a.load(ctx)
	switch {
	case err != nil:
		return nil, err
	case c == nil:
		return nil, unauthenticated("nobody is signed in")
	case !a.expired(c):
		return c, nil
	}
	return a.refresh(ctx, c, false)
}

// flights holds the refresh that is under way. One is enough for everybody.
type flights struct {
	sync.Mutex
	sync.WaitGroup

	now *flight
}

type flight struct {
	done        chan struct{}
	credentials *credentials
	err         error
}

// refresh replaces the tokens of used. The request goes on when ctx ends, for an answer
// that nobody hears is a refresh token that nobody has. dead says that the server has
// refused the access token.
func (a *App) refresh(ctx context.Context, used *credentials, dead bool) (*credentials, error) {
	a.flights.Lock()
	f := a.flights.now
	if f == nil {
		f = &flight{done: make(chan struct{})}
		a.flights.now = f
		a.flights.Go(func() { a.fly(context.WithoutCancel(ctx), f, used, dead) })
	}
	a.flights.Unlock()
	select {
	case <-f.done:
		return f.credentials, f.err
	case <-ctx.Done():
		return nil, unreachable(ctx, nil)
	}
}

// fly is one refresh. Events come after it, so that those who hear them may refresh.
func (a *App) fly(ctx context.Context, f *flight, used *credentials, dead bool) {
	var refreshed bool
	limited, cancel := context.WithTimeout(ctx, refreshLimit)
	f.credentials, refreshed, f.err = a.renew(limited, used, dead)
	if errors.Is(f.err, ErrCancelled) { // by nobody: the time was up
		f.err = &Error{Name: ErrUnreachable, cause: f.err}
	}
	cancel()
	a.flights.Lock()
	a.flights.now = nil
	a.flights.Unlock()
	close(f.done)
	switch {
	case f.err != nil:
		a.events.tell(ctx, Event{Type: CredentialsError, Err: f.err})
	case refreshed:
		a.events.tell(ctx, Event{Type: TokenRefreshed})
	}
}

// renew refreshes unless another process, or a goroutine that was faster, has done so.
func (a *App) renew(ctx context.Context, used *credentials, dead bool) (now *credentials, refreshed bool, err error) {
	c, err := a.load(ctx)
	switch {
	case err != nil:
		return nil, false, err
	case c == nil:
		return nil, false, unauthenticated("nobody is signed in")
	case c.AccessToken != used.AccessToken && !a.expired(c):
		return c, false, nil
	}
	next, err := a.exchangeRefreshToken(ctx, c)
	if err != nil && c.Scope == anonymousScope && !dead {
		next, err = a.anonymousAgain(ctx, c)
	}
	if nameOf(err) == ErrInvalidGrant {
		reason := &Error{Name: ErrUnauthenticated, Description: "the session has ended", cause: err}
		if _, _, err := a.swap(ctx, c, nil); err != nil {
			return nil, false, err
		}
		return nil, false, reason
	}
	if err != nil {
		return nil, false, err
	}
	now, refreshed, err = a.swap(ctx, c, next)
	if err == nil && now == nil {
		err = unauthenticated("signed out")
	}
	return now, refreshed, err
}

// refreshRequest is the grant of a refresh token.
type refreshRequest struct {
	ClientID     string `json:"client_id"`
	ClientSecret string `json:"client_secret"`
	GrantType    string `json:"grant_type"`
	RefreshToken string `json:"refresh_token"`
}

func (a *App) exchangeRefreshToken(ctx context.Context, c *credentials) (*credentials, error) {
	if c.RefreshToken == "" {
		return nil, unauthenticated("the session has expired and has no refresh token")
	}
	path := "/v1/token"
	if c.Version == V2 {
		path = "/v2/token"
	}
	var t tokens
	if err := a.attempt(ctx, call{id: newID(), method: http.MethodPost, path: path, body: refreshRequest{
		ClientID: a.clientID, GrantType: "refresh_token", RefreshToken: c.RefreshToken,
	}}, &t); err != nil {
		return nil, err
	}
	// What an answer leaves out has not changed (RFC 6749, section 6).
	t.TokenType, t.RefreshToken = or(t.TokenType, c.TokenType), or(t.RefreshToken, c.RefreshToken)
	t.Scope, t.Sub = or(t.Scope, c.Scope), or(t.Sub, c.Sub)
	if t.Groups == nil {
		t.Groups = c.Groups
	}
	return a.accept(t, c.Version)
}

// anonymousAgain signs the anonymous person of this device in once more.
func (a *App) anonymousAgain(ctx context.Context, c *credentials) (*credentials, error) {
	var t tokens
	if err := a.attempt(ctx, call{
		id: newID(), method: http.MethodPost, path: "/v1/signin/anonymously", who: basic, body: struct{}{},
	}, &t); err != nil {
		return nil, err
	}
	return a.accept(t, c.Version)
}

// cachedUser is the stored profile, in the form of the JavaScript library.
type cachedUser struct {
	Version string          `json:"version"`
	Content json.RawMessage `json:"content"`
}

const cacheVersion = "localCachev1"

func (a *App) cachedUser(ctx context.Context) (UserInfo, error) {
	var c cachedUser
	var p profile
	ok, err := a.storage.read(ctx, a.userKey(), &c)
	if ok {
		_ = json.Unmarshal(c.Content, &p) // what cannot be read is as good as nothing
	}
	return p.info(), err
}
