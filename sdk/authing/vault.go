package authing

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// maxSaving bounds how long a change of the session waits for the storage.
const maxSaving = 10 * time.Second

// session is who is signed in.
type session struct {
	Host  string `json:"host"` // whose token it is
	Token string `json:"token"`
	User  *User  `json:"user,omitempty"`

	// Since is when the token was received, by the clock of this machine, and Life how
	// long it lasts, so that a clock that is wrong by minutes does no harm.
	Since time.Time     `json:"since"`
	Life  time.Duration `json:"life,omitempty"`
}

// newSession is the session of a token received now.
func (c *AuthClient) newSession(token string, user *User) session {
	_, life := lifeOf(token)
	return session{Host: c.base.String(), Token: token, User: user, Since: c.now(), Life: life}
}

// old reports whether the token is in the last quarter of its life.
func (s session) old(now time.Time) bool {
	return s.Token != "" && s.Life > 0 && now.Sub(s.Since) >= s.Life/4*3
}

// lifeOf reads when a token was made and how long it lasts; zero if it does not say.
func lifeOf(token string) (made time.Time, life time.Duration) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return time.Time{}, 0
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return time.Time{}, 0
	}
	var claims struct {
		IssuedAt  float64 `json:"iat"`
		ExpiresAt float64 `json:"exp"`
	}
	if json.Unmarshal(raw, &claims) != nil || claims.IssuedAt <= 0 || claims.ExpiresAt <= claims.IssuedAt {
		return time.Time{}, 0
	}
	seconds := int64(claims.ExpiresAt - claims.IssuedAt)
	return time.Unix(int64(claims.IssuedAt), 0), time.Duration(seconds) * time.Second
}

// vault is the session in memory and in the storage. The gate is held while the storage
// is used, so that it ends up with what is in memory.
type vault struct {
	gate
	host    string
	key     string
	storage Storage

	loaded  bool
	current session
	// calm is when a refresh may be tried again after one that failed.
	calm time.Time
}

// get returns the session, whose token is "" when nobody is signed in.
func (v *vault) get(ctx context.Context) (session, error) {
	if err := v.enter(ctx); err != nil {
		return session{}, err
	}
	defer v.leave()
	return v.current, v.load(ctx)
}

// load reads the storage the first time. A token of another server, which must not see
// it, or a form this version does not know counts as nothing.
func (v *vault) load(ctx context.Context) error {
	if v.loaded {
		return nil
	}
	raw, ok, err := v.storage.Get(ctx, v.key)
	if err != nil {
		return fmt.Errorf("authing: load the session: %w", err)
	}
	var kept session
	if ok && json.Unmarshal([]byte(raw), &kept) == nil && kept.Host == v.host {
		v.current = kept
	}
	v.loaded = true
	return nil
}

// change replaces the session by what next makes of it, if it says so. The server has
// acted by then, so that a context that ends does not keep the change from being saved.
func (v *vault) change(ctx context.Context, next func(now session) (session, bool)) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), maxSaving)
	defer cancel()
	if err := v.enter(ctx); err != nil {
		return err
	}
	defer v.leave()
	if err := v.load(ctx); err != nil {
		return err
	}
	replaced, ok := next(v.current)
	if !ok {
		return nil
	}
	if replaced.Token != v.current.Token {
		v.calm = time.Time{}
	}
	v.current = replaced
	if replaced.Token == "" {
		if err := v.storage.Delete(ctx, v.key); err != nil {
			return fmt.Errorf("authing: forget the session: %w", err)
		}
		return nil
	}
	raw, err := json.Marshal(replaced)
	if err == nil {
		err = v.storage.Set(ctx, v.key, string(raw))
	}
	if err != nil {
		return fmt.Errorf("authing: save the session: %w", err)
	}
	return nil
}

// rest puts the next refresh off after one that failed.
func (v *vault) rest(ctx context.Context, until time.Time) {
	if v.enter(ctx) == nil {
		v.calm = until
		v.leave()
	}
}

// resting reports whether a refresh failed a short while ago.
func (v *vault) resting(ctx context.Context, now time.Time) bool {
	if v.enter(ctx) != nil {
		return false
	}
	defer v.leave()
	return now.Before(v.calm)
}
