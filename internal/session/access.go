package session

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/secret"
)

// leeway is how far another node's clock may be off. A token never dies before its
// time for it.
const leeway = 30 * time.Second

// Principal is whom an access token speaks for.
type Principal struct {
	PoolID, UserID, SessionID, ClientID, Scope string
	TokenID, Use                               string // Use is UseID for an ID token
	Login                                      bool   // the token is a login token
	AMR                                        []string
	AuthAt, IssuedAt, ExpiresAt                time.Time
	Refreshed                                  bool // the session was refreshed before
}

// claims are what an access token says. Those of CloudBase keep their names.
type claims struct {
	Issuer       string   `json:"iss"`
	Subject      string   `json:"sub"`
	Audience     string   `json:"aud"`
	Expires      int64    `json:"exp"`
	IssuedAt     int64    `json:"iat"`
	ID           string   `json:"jti"`
	Session      string   `json:"sid"`
	Scope        string   `json:"scope"`
	Project      string   `json:"project_id"`
	AuthTime     int64    `json:"auth_time"`
	AMR          []string `json:"amr,omitempty"`
	ProviderType string   `json:"provider_type,omitempty"`
	UserType     string   `json:"user_type"`
	Meta         meta     `json:"meta"`
	Name         string   `json:"name,omitempty"`
	Generation   int64    `json:"gen,omitempty"`
	Use          string   `json:"token_use,omitempty"`
}

// meta is always there for CloudBase apps that read through it.
type meta struct {
	WxOpenID  string `json:"wxOpenId"`
	WxUnionID string `json:"wxUnionId"`
}

func (s *Service) access(ctx context.Context, row Session, generation int64, now time.Time,
	life time.Duration, st Style,
) (string, error) {
	c := claims{
		Issuer: s.issuer(row.PoolID), Subject: row.UserID, Audience: row.ClientID,
		Expires: now.Add(life).Unix(), IssuedAt: now.Unix(), ID: secret.ID(), Session: row.ID,
		Scope: row.Scope, Project: row.PoolID, AuthTime: row.AuthAt.Unix(), AMR: row.AMR,
		ProviderType: row.ProviderType, Generation: generation,
	}
	if row.Scope == ScopeAnonymous {
		c.Name = "Anonymous"
	}
	token, err := s.keys.SignWith(ctx, row.PoolID, st.alg(), st.typ(), extended{c, st.Claims})
	if err != nil {
		return "", fmt.Errorf("make access token: %w", err)
	}
	return token, nil
}

// Verify returns whom an access token speaks for, when it is one of ours, not expired,
// its session not ended and its user active. Anything else is SessionInvalid.
func (s *Service) Verify(ctx context.Context, access string) (Principal, error) {
	return s.verify(ctx, access, TypAccess)
}

// VerifyAny is Verify for protocols whose clients show a login token, an ID token or an
// access token alike.
func (s *Service) VerifyAny(ctx context.Context, token string) (Principal, error) {
	return s.verify(ctx, token, TypLogin, TypAccess)
}

// VerifyLogin is Verify for login tokens alone.
func (s *Service) VerifyLogin(ctx context.Context, token string) (Principal, error) {
	p, err := s.verify(ctx, token, TypLogin)
	if err == nil && !p.Login {
		return Principal{}, errs.New(errs.SessionInvalid)
	}
	return p, err
}

func (s *Service) verify(ctx context.Context, token string, typs ...string) (Principal, error) {
	f, err := s.inspect(ctx, token, typs...)
	if err != nil {
		return Principal{}, err
	}
	p, now := f.principal, s.now()
	if now.After(p.ExpiresAt.Add(leeway)) || p.IssuedAt.After(now.Add(leeway)) {
		return Principal{}, errs.New(errs.SessionInvalid)
	}
	err = s.alive(ctx, p)
	if errors.Is(err, db.ErrNoRows) {
		return Principal{}, errs.New(errs.SessionInvalid)
	}
	if err != nil {
		return Principal{}, fmt.Errorf("look up session: %w", err)
	}
	return p, nil
}

// Inspect returns whom an access token of ours speaks for, expired or not and whatever
// became of its session. It proves nothing but that we once said so.
func (s *Service) Inspect(ctx context.Context, access string) (Principal, error) {
	f, err := s.inspect(ctx, access, TypAccess)
	return f.principal, err
}

// InspectHint is Inspect for login tokens and ID tokens.
func (s *Service) InspectHint(ctx context.Context, token string) (Principal, error) {
	f, err := s.inspect(ctx, token, TypLogin)
	return f.principal, err
}

// inspect checks that we signed token as one of the given types.
func (s *Service) inspect(ctx context.Context, token string, typs ...string) (fact, error) {
	version, err := s.keys.Version(ctx)
	if err != nil {
		return fact{}, fmt.Errorf("read keys: %w", err)
	}
	hash := [32]byte(secret.Hash(token))
	if f, ok := s.seen.get(hash, version); ok && slices.Contains(typs, f.typ) {
		return f, nil
	}
	refused := errs.New(errs.SessionInvalid)
	poolID, ok := claimedPool(token)
	if !ok {
		return fact{}, refused
	}
	var c claims
	typ, err := s.signed(ctx, poolID, token, typs, &c)
	if err != nil {
		return fact{}, err
	}
	if c.Project != poolID || c.Issuer != s.issuer(poolID) || c.Session == "" {
		return fact{}, refused
	}
	f := fact{hash: hash, version: version, typ: typ, principal: Principal{
		PoolID: poolID, UserID: c.Subject, SessionID: c.Session, ClientID: c.Audience, Scope: c.Scope,
		TokenID: c.ID, Use: c.Use, Login: typ == TypLogin && c.Use == "", AMR: c.AMR, AuthAt: time.Unix(c.AuthTime, 0), IssuedAt: time.Unix(c.IssuedAt, 0),
		ExpiresAt: time.Unix(c.Expires, 0), Refreshed: c.Generation > 0,
	}}
	s.seen.put(f)
	return f, nil
}

// signed finds out as which of the types we signed token. The header is never read for
// it: the keys compare it as a whole.
func (s *Service) signed(ctx context.Context, poolID, token string, typs []string, c *claims) (string, error) {
	var refusal error
	for _, typ := range typs {
		err := s.keys.Verify(ctx, poolID, token, typ, c)
		if errs.CodeOf(err) != errs.SessionInvalid {
			return typ, err
		}
		refusal = err
	}
	return "", refusal
}

// claimedPool reads which pool a token says it is of, to know whose keys to try. The
// signature then proves it.
func claimedPool(token string) (string, bool) {
	if len(token) > 8<<10 {
		return "", false
	}
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return "", false
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return "", false
	}
	var c struct {
		Project string `json:"project_id"`
	}
	return c.Project, json.Unmarshal(raw, &c) == nil && c.Project != ""
}
