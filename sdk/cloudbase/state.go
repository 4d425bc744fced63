package cloudbase

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"time"
)

// LoginState says that somebody is signed in.
type LoginState struct {
	user *User
}

// User returns who is signed in, as far as is known here; see [User.Refresh].
func (s *LoginState) User() *User { return s.user }

// HasLoginState reports who is signed in according to the Storage. It sends nothing and
// does not look at whether the access token has expired.
func (a *Auth) HasLoginState(ctx context.Context) (*LoginState, bool) {
	c, err := a.app.load(ctx)
	if err != nil {
		a.app.log.WarnContext(ctx, "storage not readable", "err", err)
	}
	if c == nil {
		return nil, false
	}
	s, err := a.known(ctx)
	return s, err == nil
}

// GetLoginState is HasLoginState for sessions that are alive: an access token that has
// expired is replaced first. The error is ErrUnauthenticated when nobody is signed in.
func (a *Auth) GetLoginState(ctx context.Context) (*LoginState, error) {
	if _, err := a.app.current(ctx); err != nil {
		return nil, err
	}
	return a.known(ctx)
}

func (a *Auth) known(ctx context.Context) (*LoginState, error) {
	info, err := a.app.cachedUser(ctx)
	if err != nil {
		return nil, err
	}
	return &LoginState{user: &User{app: a.app, info: info}}, nil
}

// GetCurrentUser asks the server who is signed in. The error is ErrUnauthenticated when
// nobody is.
func (a *Auth) GetCurrentUser(ctx context.Context) (*User, error) {
	u := &User{app: a.app}
	if err := u.load(ctx, V1); err != nil {
		return nil, err
	}
	return u, nil
}

// GetUserInfo is GetCurrentUser for those who want the profile only.
func (a *Auth) GetUserInfo(ctx context.Context) (*UserInfo, error) {
	u := &User{app: a.app}
	return u.Refresh(ctx)
}

// AccessToken is a token other services of the environment take.
type AccessToken struct {
	AccessToken string
	Env         string
}

// GetAccessToken returns an access token that is good for a while. The error is
// ErrUnauthenticated when nobody is signed in.
func (a *Auth) GetAccessToken(ctx context.Context) (*AccessToken, error) {
	c, err := a.app.current(ctx)
	if err != nil {
		return nil, err
	}
	return &AccessToken{AccessToken: c.AccessToken, Env: a.app.env}, nil
}

// LoginScope returns what the session is good for: "anonymous" for an anonymous one. It
// sends nothing. The error is ErrUnauthenticated when nobody is signed in.
func (a *Auth) LoginScope(ctx context.Context) (string, error) {
	c, err := a.app.load(ctx)
	if err == nil && c == nil {
		err = unauthenticated("nobody is signed in")
	}
	if err != nil {
		return "", err
	}
	return c.Scope, nil
}

// UserInfo is a profile. What is unknown is empty.
type UserInfo struct {
	UID           string // the id of the account
	Sub           string // the same
	Username      string // to sign in with
	Name          string // to be shown
	Picture       string // an address
	Email         string
	EmailVerified bool
	PhoneNumber   string // "+86 13800000000"
	Gender        string // "MALE", "FEMALE" or "UNKNOWN"
	Birthdate     string
	Zoneinfo      string
	Locale        string
	CreatedFrom   string
	CreatedAt     time.Time
	UpdatedAt     time.Time
	HasPassword   bool
	Groups        []Group
	Providers     []UserProfileProvider
}

// Group is a group somebody belongs to.
type Group struct {
	ID string
}

// UserProfileProvider is a provider an account is linked to.
type UserProfileProvider struct {
	ID             string
	ProviderUserID string
	Name           string
}

// User is somebody who is signed in, with the profile that was read last.
type User struct {
	app *App

	mu   sync.Mutex
	info UserInfo
}

// Info returns the profile that was read last. It sends nothing.
func (u *User) Info() UserInfo {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.info
}

// Refresh reads the profile again, which may have been changed elsewhere.
func (u *User) Refresh(ctx context.Context) (*UserInfo, error) {
	if err := u.load(ctx, V1); err != nil {
		return nil, err
	}
	info := u.Info()
	return &info, nil
}

// UserUpdate are the parts of a profile to change: those that are not nil, such as
// Gender: new("MALE").
type UserUpdate struct {
	Name      *string `json:"name,omitempty"`
	Username  *string `json:"username,omitempty"`
	Gender    *string `json:"gender,omitempty"` // "MALE", "FEMALE" or "UNKNOWN"
	Picture   *string `json:"picture,omitempty"`
	Birthdate *string `json:"birthdate,omitempty"`
	Zoneinfo  *string `json:"zoneinfo,omitempty"`
	Locale    *string `json:"locale,omitempty"`
}

// Update changes the profile.
func (u *User) Update(ctx context.Context, r UserUpdate) error {
	if err := u.fetch(ctx, call{method: http.MethodPatch, path: "/v1/user/profile", body: r, who: bearer}); err != nil {
		return err
	}
	u.app.events.tell(ctx, Event{Type: UserUpdated})
	return nil
}

func (u *User) load(ctx context.Context, v Version) error {
	path := "/v1/user/me"
	if v == V2 {
		path = "/v2/user/me"
	}
	return u.fetch(ctx, call{method: http.MethodGet, path: path, who: bearer})
}

// fetch sends a request that is answered with the profile and keeps it.
func (u *User) fetch(ctx context.Context, c call) error {
	var raw json.RawMessage
	if err := u.app.do(ctx, c, &raw); err != nil {
		return err
	}
	var p profile
	if err := json.Unmarshal(raw, &p); err != nil {
		return &Error{Name: ErrUnknown, Description: "the profile has another form than expected", cause: err}
	}
	u.mu.Lock()
	u.info = p.info()
	u.mu.Unlock()
	return u.app.storage.write(ctx, u.app.userKey(), cachedUser{cacheVersion, raw})
}
