package authing

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// afterFailedRefresh is how long a client is content with an old token.
const afterFailedRefresh = time.Minute

// GetCurrentUser asks the server who is signed in. Without a session, or when it has
// ended, the error is [ErrNotLoggedIn]; the client keeps the token until the next sign-in
// or [AuthClient.Logout].
func (c *AuthClient) GetCurrentUser(ctx context.Context) (*User, error) {
	return c.own(ctx, request{method: http.MethodGet, path: "/api/v2/users/me", repeatable: true})
}

// Logout ends the person's sessions in the application, and forgets the token whatever
// the server says. [ErrTokenInvalid] says that it was no longer good; without a session
// there is no error. opts may be nil.
func (c *AuthClient) Logout(ctx context.Context, opts *LogoutOptions) error {
	s, err := c.vault.get(ctx)
	if err != nil {
		return err
	}
	only := ""
	if opts != nil && opts.OnlySelf {
		only = "true"
	}
	r := request{
		method: http.MethodGet, path: "/api/v2/logout", bearer: s.Token, repeatable: true,
		query: url.Values{"app_id": {c.appID}, "only_self": {only}},
	}
	a, err := c.exchange(ctx, r)
	if err == nil {
		_, err = a.open(r)
	}
	if a.attempts > 1 && errors.Is(err, ErrTokenInvalid) {
		err = nil // the first try, whose answer was lost, has ended it
	}
	dropped := c.vault.change(ctx, func(now session) (session, bool) {
		return session{}, now.Token == s.Token
	})
	return errors.Join(err, dropped)
}

// Token returns the login token to show other servers, renewed if it was old. The error is
// [ErrNotLoggedIn] when nobody is signed in. The server is asked only for a renewal.
func (c *AuthClient) Token(ctx context.Context) (string, error) {
	s, err := c.fresh(ctx)
	if err == nil && s.Token == "" {
		err = ErrNotLoggedIn
	}
	return s.Token, err
}

// SetToken makes a token the session, such as one that a browser sent; "" is nobody.
func (c *AuthClient) SetToken(ctx context.Context, token string) error {
	s := c.newSession(token, nil)
	if made, _ := lifeOf(token); !made.IsZero() {
		s.Since = made
	}
	return c.vault.change(ctx, func(session) (session, bool) { return s, true })
}

// CachedUser returns the person as the server showed them last, without asking it. The
// error is [ErrNotLoggedIn] when nobody is signed in or nothing was shown yet.
func (c *AuthClient) CachedUser(ctx context.Context) (*User, error) {
	s, err := c.vault.get(ctx)
	if err != nil {
		return nil, err
	}
	if s.User == nil {
		return nil, ErrNotLoggedIn
	}
	return s.User.clone(), nil
}

// RefreshToken exchanges the login token for a new one now. There is no need to call it:
// the methods that need a session do so when the token is in the last quarter of its life.
func (c *AuthClient) RefreshToken(ctx context.Context) (string, error) {
	if err := c.refreshing.enter(ctx); err != nil {
		return "", err
	}
	defer c.refreshing.leave()
	s, err := c.vault.get(ctx)
	if err != nil {
		return "", err
	}
	s, err = c.renew(ctx, s)
	return s.Token, err
}

// fresh is the session, with a new token if the one there was is old. Many callers cause
// one refresh. One that fails is no failure of the call: the old token is still good.
func (c *AuthClient) fresh(ctx context.Context) (session, error) {
	s, err := c.vault.get(ctx)
	if err != nil || !s.old(c.now()) {
		return s, err
	}
	if err := c.refreshing.enter(ctx); err != nil {
		return session{}, err
	}
	defer c.refreshing.leave()
	s, err = c.vault.get(ctx)
	if err != nil || !s.old(c.now()) || c.vault.resting(ctx, c.now()) {
		return s, err
	}
	renewed, err := c.renew(ctx, s)
	if err == nil {
		return renewed, nil
	}
	if ctx.Err() != nil {
		return session{}, err
	}
	c.vault.rest(ctx, c.now().Add(afterFailedRefresh))
	c.log.DebugContext(ctx, "authing refresh failed", "err", err)
	return s, nil
}

// renew exchanges the token of s.
func (c *AuthClient) renew(ctx context.Context, s session) (session, error) {
	data, err := c.send(ctx, request{
		method: http.MethodPost, path: "/api/v2/users/refresh-token", body: members{},
		bearer: s.Token, repeatable: true, // the old token stays good
	})
	if err != nil {
		return session{}, err
	}
	var fresh struct {
		Token string `json:"token"`
	}
	if err := json.Unmarshal(data, &fresh); err != nil || fresh.Token == "" {
		return session{}, errors.New("authing: refresh: the answer has no token")
	}
	renewed := c.newSession(fresh.Token, s.User)
	return renewed, c.vault.change(ctx, func(now session) (session, bool) {
		return renewed, now.Token == s.Token
	})
}

// enter sends a registration or a sign-in and keeps its session.
func (c *AuthClient) enter(ctx context.Context, path string, body members, in reading) (*User, error) {
	s, err := c.vault.get(ctx)
	if err != nil {
		return nil, err
	}
	// Whoever is signed in says so, as in the vendor's clients: it is the same person who
	// proves another address then.
	r := request{method: http.MethodPost, path: path, body: body, bearer: s.Token}
	data, err := c.send(ctx, r.read(in))
	if c.solve != nil && errors.Is(err, ErrCaptchaRequired) {
		if in, err = c.solved(ctx); err != nil {
			return nil, err
		}
		data, err = c.send(ctx, r.read(in))
	}
	if errors.Is(err, ErrPasswordUnreadable) {
		c.forgetKey(ctx)
	}
	if err != nil {
		return nil, err
	}
	user, err := readUser(data, r)
	if err != nil {
		return nil, err
	}
	return user, c.vault.change(ctx, func(session) (session, bool) {
		return c.newSession(user.Token, user.clone()), true
	})
}

// own sends a request of the person who is signed in, and keeps what it says of them. An
// answer without a token leaves the one there is.
func (c *AuthClient) own(ctx context.Context, r request) (*User, error) {
	s, err := c.fresh(ctx)
	if err != nil {
		return nil, err
	}
	r.bearer = s.Token
	data, err := c.send(ctx, r)
	if errors.Is(err, ErrPasswordUnreadable) {
		c.forgetKey(ctx)
	}
	if err != nil {
		return nil, err
	}
	user, err := readUser(data, r)
	if err != nil {
		return nil, err
	}
	return user, c.vault.change(ctx, func(now session) (session, bool) {
		if now.Token != s.Token {
			return now, false // somebody signed in or out meanwhile
		}
		if user.Token != "" && user.Token != now.Token {
			now = c.newSession(user.Token, nil)
		}
		now.User = user.clone()
		return now, true
	})
}

// tell sends a request whose answer is only whether it worked.
func (c *AuthClient) tell(ctx context.Context, path string, body members) error {
	s, err := c.vault.get(ctx)
	if err != nil {
		return err
	}
	_, err = c.send(ctx, request{method: http.MethodPost, path: path, body: body, bearer: s.Token})
	if errors.Is(err, ErrPasswordUnreadable) {
		c.forgetKey(ctx)
	}
	return err
}

func readUser(data json.RawMessage, r request) (*User, error) {
	var user *User
	if err := json.Unmarshal(data, &user); err != nil || user == nil {
		return nil, fmt.Errorf("authing: %s: the answer has no user", r.endpoint())
	}
	return user, nil
}
