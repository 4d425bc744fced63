// Package federation owns the way to an identity provider and back: addresses that begin
// a sign-in elsewhere, callbacks, and the exchange of what the provider handed out for a
// token of ours. Whom that token lets in, and as whom, belongs to signin and account.
package federation

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/connection"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/limit"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/revocation"
	"github.com/tigertally/tigertally/internal/secret"
	"github.com/tigertally/tigertally/internal/session"
	"github.com/tigertally/tigertally/internal/signin"
	"github.com/tigertally/tigertally/internal/ticket"
)

// Deps are the services a Service is made of; all are required.
type Deps struct {
	DB          *db.DB
	Ring        *secret.Keyring
	Pools       *pool.Service
	Connections *connection.Service
	Tickets     *ticket.Service
	Sessions    *session.Service
	Limits      *limit.Service
	Proofs      *signin.Proofs
	Audit       *audit.Service
	Revocations *revocation.Service
	Now         func() time.Time
	Logger      *slog.Logger

	// Open makes the vendor's driver from settings of a connection.
	Open func(c connection.Connection, settings map[string]string) (Vendor, error)
	// PublicURL is our own origin.
	PublicURL string
}

// Service takes people to identity providers and back.
type Service struct {
	Deps
	mu      sync.Mutex
	vendors map[string]opened
	flights map[string]chan struct{}
}

// New makes a Service.
func New(d Deps) *Service {
	s := &Service{Deps: d, vendors: make(map[string]opened), flights: make(map[string]chan struct{})}
	d.Revocations.Handle(s.revoke)
	return s
}

// The paths an edge serves for Follow and Callback. What follows each needs no escape.
const (
	StartPath    = "/auth/v1/provider/start/"    // + opaque
	CallbackPath = "/auth/v1/provider/callback/" // + provider id
)

// StartInput asks for the address of a provider's page.
type StartInput struct {
	ProviderID string
	// RedirectURI is the page of the application people come back to, with a code and State
	// in its query. It must be registered, or on a registered origin.
	RedirectURI string
	State       string
	Scope       string // "" is the provider's own
	// SignOutURI is where people may go after signing out, "" for nowhere.
	SignOutURI string
	Lang       string
	LoginHint  string
	// Own says that RedirectURI is a page of this server, which the caller has made.
	Own bool
}

// Started is where to send the browser.
type Started struct {
	// URL is on our own origin and has no percent escape, because some clients decode it
	// once too often.
	URL        string
	SignOutURL string
}

// CallbackInput is what a provider sent a browser, or posted, to our callback with.
type CallbackInput struct {
	ProviderID string            // of the address
	Params     map[string]string // query or form, state included
}

// GrantInput is what an application got from a provider. One of Code, AccessToken,
// IDToken and RequestToken is set.
type GrantInput struct {
	ProviderID  string
	Code        string // of the provider, or the one our callback made
	RedirectURI string
	AccessToken string
	IDToken     string
	// RequestToken and TokenSecret are OAuth 1.0a's.
	RequestToken, TokenSecret string
	// Native says that an app's own library got the code, so that there was no page.
	Native bool
	// Own says that RedirectURI is a page of this server, which the caller has made.
	Own bool
	// Bearer is an access token the client happens to hold, "" for none. What comes of the
	// grant can then be linked to that session's account alone (LK-07).
	Bearer string

	CodeType          string // mini-programs: open_id, union_id or phone
	PhoneCode         string
	EncryptedData, IV string
	AppID             string // whose the client says the code is
	Nonce             string // the client's own, for IDToken
}

// Granted is a provider token, and whom it is for.
type Granted struct {
	Token     string
	ExpiresIn time.Duration
	Profile   signin.Voucher
}

// Ways lists the enabled connections of a pool, for buttons.
func (s *Service) Ways(ctx context.Context, poolID string) ([]connection.Connection, error) {
	list, err := s.Connections.List(ctx, poolID)
	if err != nil {
		return nil, err
	}
	ways := make([]connection.Connection, 0, len(list))
	for _, c := range list {
		if c.Enabled {
			ways = append(ways, c)
		}
	}
	return ways, nil
}
