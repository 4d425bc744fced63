package federation

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/tigertally/tigertally/internal/connection"
	"github.com/tigertally/tigertally/internal/errs"
)

// AuthorizeRequest is what goes into the address of a vendor's page.
type AuthorizeRequest struct {
	RedirectURI string
	State       string
	Nonce       string
	Challenge   string // PKCE S256
	Scope       string
	Lang        string
	LoginHint   string
}

// Credential is what a vendor gave somebody to show us.
type Credential struct {
	Code                      string
	CodeType                  string
	RedirectURI               string
	Verifier                  string // PKCE
	Nonce                     string
	AccessToken               string
	IDToken                   string
	Subject                   string // who it must be, "" for anybody
	RequestToken, TokenSecret string

	PhoneCode, EncryptedData, IV string

	// Session tells one browser or device from another.
	Session string
	Params  map[string]string
}

// Profile is who a vendor says somebody is.
type Profile struct {
	Subject       string
	UnionID       string
	AppID         string
	Name          string
	Picture       string
	Email         string
	Phone         string // E.164, vouched for
	EmailVerified bool
	Snapshot      bool
	Extra         map[string]string
	Revocable     string
}

// Vendor talks to one identity provider with the keys of one connection. An error names no
// code, token or secret.
type Vendor interface {
	// Relayed reports that the vendor sends its code to the application's own page.
	Relayed() bool
	Authorize(ctx context.Context, r AuthorizeRequest) (url string, err error)
	Exchange(ctx context.Context, c Credential) (Profile, error)
}

// Revoker is a Vendor that wants to hear when an identity is not linked any more. revocable
// is what a Profile of its own said.
type Revoker interface {
	Revoke(ctx context.Context, revocable string) error
}

// SettingCallback is the setting of a connection that is ours and not the driver's. Set to
// "server" it lets a vendor that would send its code to the application's page send it to
// our callback, where state, browser and application are held against each other; the
// vendor's console must then name our domain (SO-01).
const SettingCallback = "callback"

// DriverSettings returns the settings a driver knows.
func DriverSettings(settings map[string]string) map[string]string {
	rest := make(map[string]string, len(settings))
	for name, value := range settings {
		if name != SettingCallback {
			rest[name] = value
		}
	}
	return rest
}

// opened is a driver and what we need to know beside it.
type opened struct {
	Vendor

	connection connection.Connection
	version    string
	relayed    bool
	issuer     string
}

// open returns the driver of an enabled connection. It is kept until the connection is put
// again, for it remembers what its vendor publishes.
func (s *Service) open(ctx context.Context, poolID, id string) (opened, error) {
	c, err := s.Connections.Enabled(ctx, poolID, id)
	if err != nil {
		return opened{}, err
	}
	return s.opened(c)
}

func (s *Service) opened(c connection.Connection) (opened, error) {
	key, version := c.PoolID+"/"+c.ID, c.Version()
	s.mu.Lock()
	defer s.mu.Unlock()
	if v, ok := s.vendors[key]; ok && v.version == version {
		v.connection = c
		return v, nil
	}
	set, err := s.Connections.Settings(c)
	if err != nil {
		return opened{}, err
	}
	v := opened{connection: c, version: version, issuer: set["issuer"]}
	if v.Vendor, err = s.Open(c, DriverSettings(set)); err != nil {
		return opened{}, errs.New(errs.ProviderMisconfigured).Because(fmt.Errorf("connection %s: %w", c.ID, err))
	}
	v.relayed = v.Relayed() && set[SettingCallback] != "server"
	s.vendors[key] = v
	return v, nil
}

// patience is how long a vendor may keep a person waiting, however many calls it takes.
const patience = 2800 * time.Millisecond

// within runs a question to a vendor and makes an end of it when patience does.
func within[T any](ctx context.Context, ask func(ctx context.Context) (T, error)) (T, error) {
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	answer, err := ask(limited)
	if err != nil && ctx.Err() == nil && limited.Err() != nil {
		err = errs.New(errs.Unavailable).Because(err)
	}
	return answer, err
}

// exchange asks the vendor who is behind a credential, and refuses who must not sign in.
func (s *Service) exchange(ctx context.Context, v opened, c Credential) (Profile, error) {
	p, err := within(ctx, func(ctx context.Context) (Profile, error) { return v.Exchange(ctx, c) })
	if err != nil {
		s.alert(ctx, v.connection, err)
		return Profile{}, err
	}
	p.AppID = cmp.Or(p.AppID, v.issuer)
	// A phone code is proof of the number; one that the vendor merely says is believed of
	// a connection that may link by it, and of no other (LK-05).
	if c.PhoneCode == "" && c.EncryptedData == "" && !v.connection.LinkPhone {
		p.Phone = ""
	}
	switch {
	case p.Snapshot:
		return Profile{}, errs.New(errs.ProviderSnapshot)
	case p.Subject == "":
		return Profile{}, errs.New(errs.Unavailable).Because(fmt.Errorf("connection %s: the vendor named nobody", v.connection.ID))
	}
	return p, nil
}

// alert tells the operator of what only they can mend. The cause has no secret in it.
func (s *Service) alert(ctx context.Context, c connection.Connection, err error) {
	if errs.CodeOf(err) == errs.ProviderMisconfigured {
		s.Logger.ErrorContext(ctx, "provider needs its operator", "pool", c.PoolID, "provider", c.ID, "kind", c.Kind, "err", err)
	}
}
