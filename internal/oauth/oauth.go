// Package oauth owns what OpenID Connect clients are granted: authorization requests
// and their codes, the exchange of codes, login tokens and refresh tokens for tokens,
// and what a token says when asked. How a request looks on the wire is the edge's
// business, and proving who somebody is belongs to signin.
package oauth

import (
	"context"
	"fmt"
	"time"

	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/caller"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/keys"
	"github.com/tigertally/tigertally/internal/limit"
	"github.com/tigertally/tigertally/internal/pipeline"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/session"
	"github.com/tigertally/tigertally/internal/ticket"
	"github.com/tigertally/tigertally/internal/user"
)

// Deps are the services the flow works with.
type Deps struct {
	DB        *db.DB
	Pools     *pool.Service
	Users     *user.Service
	Sessions  *session.Service
	Keys      *keys.Service
	Tickets   *ticket.Service
	Limits    *limit.Service
	Pipelines *pipeline.Service
	Audit     *audit.Service
	// Issuer names a pool in its tokens.
	Issuer func(poolID string) string
	Now    func() time.Time
}

// Service grants tokens.
type Service struct {
	Deps
}

// New makes the service.
func New(d Deps) *Service { return &Service{d} }

// Bearer is the type of every access token.
const Bearer = "Bearer"

// Grant is what a client gets. ID and Refresh are empty when the scope asks for none.
type Grant struct {
	Access, ID, Refresh, TokenType, Scope string
	ExpiresIn                             time.Duration
}

// Client finds a registered application and checks that it is the one that speaks: by
// its secret when it has one.
//
// Errors: ClientUnknown, for a wrong secret too.
func (s *Service) Client(ctx context.Context, id, secret string) (pool.Client, error) {
	c, err := s.Pools.AppOf(ctx, id)
	if err != nil {
		return pool.Client{}, err
	}
	if c.App.Confidential() {
		if err := c.App.CheckSecret(secret); err != nil {
			return pool.Client{}, err
		}
	}
	return c, nil
}

// person is whose tokens are made and what the pool's functions add to them.
type person struct {
	user       user.User
	id, access pipeline.Claims
}

// refreshFamily is that of the refresh tokens of this flow. Elsewhere no application proves
// itself for one, no function runs and a used one has a grace.
const refreshFamily = ".oauth"

// style is the form of the tokens of the person.
func (p person) style() session.Style {
	return session.Style{Claims: p.access.Set, Family: refreshFamily}
}

// person loads the user of a grant and runs the pool's functions. Call it outside
// transactions and before anything is spent.
func (s *Service) person(ctx context.Context, c pool.Client, userID, scope string) (person, error) {
	u, err := s.Users.ByID(ctx, c.Pool.ID, userID)
	if err != nil {
		if errs.CodeOf(err) == errs.UserNotFound {
			err = errs.New(errs.GrantInvalid).Because(err)
		}
		return person{}, err
	}
	p := person{user: u}
	carry := &pipeline.Carry{}
	if has(scope, ScopeOpenID) && s.Pipelines.Active(ctx, c.Pool.ID, pipeline.PreIDToken) {
		effect, err := s.Pipelines.Run(ctx, pipeline.PreIDToken, s.input(ctx, c, &u, carry))
		if err != nil {
			return person{}, err
		}
		p.id = effect.IDToken
	}
	p.access, err = s.accessClaims(ctx, c, &u, carry)
	return p, err
}

// accessClaims runs the functions for access tokens; u is nil for a machine.
func (s *Service) accessClaims(ctx context.Context, c pool.Client, u *user.User, carry *pipeline.Carry) (pipeline.Claims, error) {
	if !s.Pipelines.Active(ctx, c.Pool.ID, pipeline.PreAccessToken) {
		return pipeline.Claims{}, nil
	}
	effect, err := s.Pipelines.Run(ctx, pipeline.PreAccessToken, s.input(ctx, c, u, carry))
	return effect.AccessToken, err
}

func (s *Service) input(ctx context.Context, c pool.Client, u *user.User, carry *pipeline.Carry) pipeline.Input {
	in := pipeline.Input{
		Client: c, Protocol: "oidc", IP: caller.From(ctx).IP(), Carry: carry,
		AccessTokenTarget: "programmaticAccount",
	}
	if u != nil {
		in.User, in.AccessTokenTarget = pipeline.UserView(*u, c.Pool.ID), "user"
	}
	return in
}

// grant makes what the client gets of the tokens of a session. The ID token is signed
// here, after the transaction, because RSA takes its time.
func (s *Service) grant(ctx context.Context, c pool.Client, p person, t session.Tokens, nonce string) (Grant, error) {
	g := Grant{Access: t.Access, TokenType: Bearer, Scope: t.Scope, ExpiresIn: t.ExpiresIn}
	if has(t.Scope, ScopeOfflineAccess) {
		g.Refresh = t.Refresh
	}
	if !has(t.Scope, ScopeOpenID) {
		return g, nil
	}
	var err error
	g.ID, err = s.Keys.SignWith(ctx, c.Pool.ID, keys.RS256, session.TypLogin, s.idClaims(c, p, t, nonce))
	if err != nil {
		return Grant{}, fmt.Errorf("make ID token: %w", err)
	}
	return g, nil
}

// record notes a grant in the transaction that makes it.
func (s *Service) record(ctx context.Context, c pool.Client, t session.Tokens, how string) error {
	return s.Audit.Record(ctx, audit.Event{
		PoolID: c.Pool.ID, Action: audit.TokenGrant, UserID: t.Sub, ClientID: c.ID, SessionID: t.SessionID,
		Detail: map[string]string{"grant": how},
	})
}
