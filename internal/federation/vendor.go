package federation

import (
	"context"
	"fmt"

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
	Code                         string
	CodeType                     string
	RedirectURI                  string
	Verifier                     string // PKCE
	Nonce                        string
	AccessToken                  string
	IDToken                      string
	RequestToken, TokenSecret    string
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

// The settings of a connection that are ours and not the driver's.
const (
	// SettingTokens set to "on" takes access and ID tokens that clients got by themselves;
	// otherwise they are refused (SO-02).
	SettingTokens = "accept_tokens"
	// SettingCallback set to "server" lets a vendor that would send its code to the
	// application's page send it to our callback, where state, browser and application can
	// be held against each other; its console must then name our domain (SO-01).
	SettingCallback = "callback"
)

// opened is a driver and what we need to know beside it.
type opened struct {
	Vendor
	connection.Connection
	version string
	relayed bool
	tokens  bool
}

// open returns the driver of an enabled connection. It is kept until the connection is put
// again, for it remembers what its vendor publishes.
func (s *Service) open(ctx context.Context, poolID, id string) (opened, error) {
	c, err := s.Connections.Enabled(ctx, poolID, id)
	if err != nil {
		return opened{}, err
	}
	key, version := poolID+"/"+id, c.Version()
	s.mu.Lock()
	defer s.mu.Unlock()
	if v, ok := s.vendors[key]; ok && v.version == version {
		return v, nil
	}
	set, err := s.Connections.Settings(c)
	if err != nil {
		return opened{}, err
	}
	v := opened{Connection: c, version: version, tokens: set[SettingTokens] == "on"}
	if v.Vendor, err = s.Open(c, DriverSettings(set)); err != nil {
		return opened{}, errs.New(errs.ProviderMisconfigured).Because(fmt.Errorf("connection %s: %w", id, err))
	}
	v.relayed = v.Relayed() && set[SettingCallback] != "server"
	s.vendors[key] = v
	return v, nil
}

// DriverSettings returns the settings a driver knows.
func DriverSettings(settings map[string]string) map[string]string {
	own := make(map[string]string, len(settings))
	for name, value := range settings {
		if name != SettingTokens && name != SettingCallback {
			own[name] = value
		}
	}
	return own
}
