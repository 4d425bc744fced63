package oauth

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"maps"
	"strings"
	"time"

	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/keys"
	"github.com/tigertally/tigertally/internal/limit"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/secret"
	"github.com/tigertally/tigertally/internal/session"
	"github.com/tigertally/tigertally/internal/ticket"
)

// Code exchanges an authorization code for tokens, once. A code that is shown a second
// time was stolen from somebody: what it bought the first time ends (OA-02).
//
// Errors: GrantInvalid, whatever does not match; PipelineDenied, PipelineFailed.
func (s *Service) Code(ctx context.Context, c pool.Client, code, verifier, redirectURI string) (Grant, error) {
	t, err := s.Tickets.Peek(ctx, ticket.AuthCode, c.Pool.ID, code)
	if errs.CodeOf(err) == errs.TokenInvalid {
		return Grant{}, s.reused(ctx, c, code)
	}
	if err != nil {
		return Grant{}, err
	}
	if t.ClientID != c.ID || t.Binding["redirect_uri"] != redirectURI || !proves(t.Binding["challenge"], verifier) {
		return Grant{}, errs.New(errs.GrantInvalid)
	}
	scope := t.Binding["scope"]
	p, err := s.person(ctx, c, t.UserID, scope)
	if err != nil {
		return Grant{}, err
	}
	who, err := signedIn(t)
	if err != nil {
		return Grant{}, err
	}
	var tokens session.Tokens
	err = s.DB.InTx(ctx, func(ctx context.Context) error {
		if _, err := s.Tickets.Spend(ctx, ticket.AuthCode, c.Pool.ID, code); err != nil {
			return err
		}
		var err error
		tokens, err = s.Sessions.Replace(ctx, who, "token_grant", session.Start{
			ID: t.Binding["session"], Pool: c.Pool, ClientID: c.ID, Scope: scope,
			Style: p.style(),
		})
		if err != nil {
			return err
		}
		return s.record(ctx, c, tokens, "authorization_code")
	})
	switch errs.CodeOf(err) { //nolint:exhaustive // the rest are what they are
	case "":
		return s.grant(ctx, c, p, tokens, t.Binding["nonce"])
	case errs.TokenInvalid:
		return Grant{}, s.reused(ctx, c, code)
	case errs.SessionInvalid:
		return Grant{}, errs.New(errs.GrantInvalid).Because(err)
	}
	return Grant{}, err
}

// signedIn is the session a code stands for.
func signedIn(t ticket.Ticket) (session.Principal, error) {
	at, err := time.Parse(time.RFC3339Nano, t.Binding["auth_at"])
	return session.Principal{
		PoolID: t.PoolID, UserID: t.UserID, SessionID: t.SessionID, ClientID: t.ClientID,
		AMR: strings.Fields(t.Binding["amr"]), AuthAt: at,
	}, err
}

// proves reports whether verifier made challenge. One without the other is refused, so
// that PKCE cannot be taken away from a request (OA-03).
func proves(challenge, verifier string) bool {
	if challenge == "" || verifier == "" {
		return challenge == verifier
	}
	sum := sha256.Sum256([]byte(verifier))
	return secret.Equal([]byte(base64.RawURLEncoding.EncodeToString(sum[:])), []byte(challenge))
}

// reused refuses a code that is no good, and ends what it bought when it was spent
// before by this application.
func (s *Service) reused(ctx context.Context, c pool.Client, code string) error {
	refused := errs.New(errs.GrantInvalid)
	t, err := s.Tickets.Spent(ctx, ticket.AuthCode, c.Pool.ID, code)
	if errs.CodeOf(err) == errs.TokenInvalid || (err == nil && t.ClientID != c.ID) {
		return refused
	}
	if err != nil {
		return err
	}
	err = s.DB.InTx(ctx, func(ctx context.Context) error {
		if err := s.Sessions.Revoke(ctx, t.Binding["session"], "code_reuse"); err != nil {
			return err
		}
		return s.Audit.Record(ctx, audit.Event{
			PoolID: c.Pool.ID, Action: audit.CodeReuse, Result: string(errs.GrantInvalid), UserID: t.UserID,
			ClientID: c.ID, SessionID: t.Binding["session"],
		})
	})
	if err != nil {
		return err
	}
	return refused
}

// Exchange turns a login token of the same application into tokens of a session of
// their own, which lasts no longer than the one of the login token. They live as long as
// a login token does: the apps that come this way keep them for as long and show the ID
// token in the login token's place.
//
// Errors: GrantInvalid, ScopeInvalid, TooManyRequests, PipelineDenied, PipelineFailed.
func (s *Service) Exchange(ctx context.Context, c pool.Client, loginToken, scope string) (Grant, error) {
	scope, err := granted(scope, ScopeOpenID)
	if err != nil {
		return Grant{}, err
	}
	who, err := s.Sessions.VerifyLogin(ctx, loginToken)
	if errs.CodeOf(err) == errs.SessionInvalid || (err == nil && (who.PoolID != c.Pool.ID || who.ClientID != c.ID)) {
		return Grant{}, errs.New(errs.GrantInvalid)
	}
	if err != nil {
		return Grant{}, err
	}
	if c.Pool.Settings.Limits {
		if err := s.Limits.Take(ctx, limit.Key("exchange", who.SessionID), limit.ExchangeSession()); err != nil {
			return Grant{}, err
		}
	}
	p, err := s.person(ctx, c, who.UserID, scope)
	if err != nil {
		return Grant{}, err
	}
	var tokens session.Tokens
	err = s.DB.InTx(ctx, func(ctx context.Context) error {
		var err error
		tokens, err = s.Sessions.Fork(ctx, who, session.Start{
			Pool: c.Pool, ClientID: c.ID, Scope: scope, AccessLife: c.Pool.Settings.LoginLife,
			Style: p.style(),
		})
		if err != nil {
			return err
		}
		return s.record(ctx, c, tokens, "authing_token")
	})
	if errs.CodeOf(err) == errs.SessionInvalid { // it has ended meanwhile
		err = errs.New(errs.GrantInvalid).Because(err)
	}
	if err != nil {
		return Grant{}, err
	}
	return s.grant(ctx, c, p, tokens, "")
}

// Refresh replaces a refresh token. See ADR 7 for why a used one is refused at once
// unless the application asks for a grace: its session ends.
//
// Errors: GrantInvalid, ScopeInvalid, PipelineDenied, PipelineFailed.
func (s *Service) Refresh(ctx context.Context, c pool.Client, refresh, scope string) (Grant, error) {
	row, _, err := s.Sessions.Peek(ctx, c.Pool.ID, refreshFamily, refresh)
	if err != nil {
		return Grant{}, spent(err)
	}
	if row.ClientID != c.ID {
		return Grant{}, errs.New(errs.GrantInvalid)
	}
	for name := range strings.FieldsSeq(scope) {
		if !has(row.Scope, name) && has(strings.Join(Scopes(), " "), name) {
			return Grant{}, errs.New(errs.ScopeInvalid)
		}
	}
	p, err := s.person(ctx, c, row.UserID, row.Scope)
	if err != nil {
		return Grant{}, err
	}
	pl := c.Pool
	pl.Settings.RefreshGrace = grace(c.App)
	tokens, err := s.Sessions.RotateAs(ctx, pl, c.ID, refresh, p.style())
	if err != nil {
		return Grant{}, spent(err)
	}
	g, err := s.grant(ctx, c, p, tokens, "")
	g.Refresh = tokens.Refresh
	return g, err
}

// grace is how long a used refresh token is answered; negative is never.
func grace(a pool.App) time.Duration {
	if a.Settings.RefreshGrace <= 0 {
		return -1
	}
	return min(time.Duration(a.Settings.RefreshGrace)*time.Second, time.Minute)
}

func spent(err error) error {
	if errs.CodeOf(err) == errs.RefreshInvalid {
		return errs.New(errs.GrantInvalid).Because(err)
	}
	return err
}

// machine is what the access token of an application itself says. It has no session,
// so nothing that belongs to a person takes it (OA-05).
type machine struct {
	Issuer   string `json:"iss"`
	Subject  string `json:"sub"`
	Audience string `json:"aud"`
	Client   string `json:"client_id"`
	Expires  int64  `json:"exp"`
	IssuedAt int64  `json:"iat"`
	ID       string `json:"jti"`
	Scope    string `json:"scope"`
	Session  string `json:"sid,omitempty"` // never set; read to tell the tokens of people
}

// Machine gives an application with a secret a token for itself. Its scope is empty:
// no scope we know means anything without a person.
//
// Errors: GrantUnsupported, ScopeInvalid, PipelineDenied, PipelineFailed.
func (s *Service) Machine(ctx context.Context, c pool.Client, scope string) (Grant, error) {
	if !c.App.Confidential() {
		return Grant{}, errs.New(errs.GrantUnsupported)
	}
	if _, err := granted(scope, ""); err != nil {
		return Grant{}, err
	}
	extra, err := s.accessClaims(ctx, c, nil, nil)
	if err != nil {
		return Grant{}, err
	}
	now, life := s.Now(), c.Pool.Settings.AccessLife
	all := map[string]any{}
	for name, value := range extra.Set {
		if !session.Reserved(name) {
			all[name] = value
		}
	}
	maps.Copy(all, map[string]any{
		"iss": s.Issuer(c.Pool.ID), "sub": c.ID, "aud": c.ID, "client_id": c.ID, "exp": now.Add(life).Unix(),
		"iat": now.Unix(), "jti": secret.ID(), "scope": "",
	})
	token, err := s.Keys.SignWith(ctx, c.Pool.ID, keys.ES256, session.TypAccess, all)
	if err != nil {
		return Grant{}, err
	}
	return Grant{Access: token, TokenType: Bearer, ExpiresIn: life}, nil
}
