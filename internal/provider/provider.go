// Package provider owns the drivers that sign people in with somebody else's account: it
// turns what a vendor's page or library handed out into who the person is there. It opens
// no session, stores nothing and knows no user of ours.
package provider

import (
	"context"
	"net/http"
	"time"

	"github.com/tigertally/tigertally/internal/driver"
)

// AuthorizeRequest is what goes into the address of a vendor's sign-in page.
type AuthorizeRequest struct {
	RedirectURI string
	State       string
	Nonce       string // OIDC only
	Challenge   string // PKCE S256; drivers whose vendor knows none leave it out
	Scope       string // "" for the driver's own
	Lang        string // BCP 47
	LoginHint   string
}

// Credential is what the vendor gave the client. Each driver takes the fields it knows.
type Credential struct {
	Code        string
	CodeType    string // mini-programs: "open_id", "union_id" or "phone"
	RedirectURI string
	Verifier    string // PKCE
	Nonce       string
	AccessToken string
	IDToken     string
	// Subject is who it must be where the provider's account is known already; "" for
	// anybody. Drivers of OpenID providers and mini-programs check it. A mini-program reads
	// the phone number of a known Subject without a Code.
	Subject string
	// RequestToken and TokenSecret are OAuth 1.0a's.
	RequestToken, TokenSecret string

	PhoneCode, EncryptedData, IV string

	// Session tells one browser or device from another, for a vendor that can bind what it
	// gives out to one.
	Session string
	// Params are everything else the vendor put on its callback, by the vendor's names.
	Params map[string]string
}

// Profile is who the vendor says it is. Only Subject is always there.
type Profile struct {
	Subject string
	UnionID string // one person over the apps of one Open Platform account
	AppID   string
	Name    string
	Picture string
	Email   string
	// Phone is an E.164 number the vendor vouches for.
	Phone         string
	EmailVerified bool
	// Snapshot marks a made-up person of a preview page, who must not sign in.
	Snapshot bool
	Extra    map[string]string
	// Revocable is what Revoke takes when the account is removed, "" for nothing. It is a
	// secret: keep it sealed or not at all.
	Revocable string
}

// Driver talks to one vendor with one app's keys. It is safe for concurrent use and meant
// to be kept as long as its settings hold, for it remembers what the vendor publishes.
//
// Errors are ProviderRefused for a code that is wrong, used or expired, ProviderDenied
// when the person or the vendor's own rules said no, ProviderMisconfigured when the
// operator must act, TooManyRequests for the vendor's limits and Unavailable when nobody
// can say. None names a code, a token or a secret.
type Driver interface {
	// Authorize returns the address of the vendor's page. Drivers without one answer
	// GrantUnsupported.
	Authorize(ctx context.Context, r AuthorizeRequest) (string, error)
	// Exchange finds out who is behind c. After a failure the client needs a new code,
	// unless the error is driver.ErrUnsent.
	Exchange(ctx context.Context, c Credential) (Profile, error)
}

// Revoker is a driver whose vendor wants to hear that an account was removed.
type Revoker interface {
	Revoke(ctx context.Context, revocable string) error
}

// TokenCache keeps the tokens a vendor gives an application, shared between nodes. Fetch
// is called by one caller at a time for each name.
type TokenCache interface {
	Get(ctx context.Context, name string, fetch func(ctx context.Context) (token string, life time.Duration, err error)) (string, error)
	// Drop forgets the token if it is still the one kept.
	Drop(ctx context.Context, name, token string) error
}

// Env is what drivers need besides their settings.
type Env struct {
	Now    func() time.Time
	HTTP   *http.Client // made by driver.NewClient
	Tokens TokenCache
}

// Opener makes a driver from settings that were checked.
type Opener func(Env) (Driver, error)

// Kind is a vendor one can sign in with.
type Kind = driver.Kind[Opener]

// Open makes the driver called kind from its settings.
func Open(kind string, set map[string]string, env Env) (Driver, error) {
	open, err := driver.Open("provider", Kinds(), kind, set, env.Now)
	if err != nil {
		return nil, err
	}
	return open(env)
}

// vendor makes one line of Kinds.
func vendor(name, doc string, options []driver.Option, open func(map[string]string, Env) (Driver, error)) Kind {
	return Kind{
		Name: name, Doc: doc, Options: options,
		Open: func(set map[string]string, _ func() time.Time) (Opener, error) {
			return func(env Env) (Driver, error) { return open(set, env) }, nil
		},
	}
}
