package session

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/secret"
)

// accessType is the typ header of access tokens (RFC 9068 section 2.1).
const accessType = "at+jwt"

// leeway is how far another node's clock may be off. A token never dies before its
// time for it.
const leeway = 30 * time.Second

// Principal is whom an access token speaks for.
type Principal struct {
	PoolID, UserID, SessionID, ClientID, Scope string
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
}

// meta is always there for CloudBase apps that read through it.
type meta struct {
	WxOpenID  string `json:"wxOpenId"`
	WxUnionID string `json:"wxUnionId"`
}

func (s *Service) access(ctx context.Context, row Session, generation int64, now time.Time,
	life time.Duration,
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
	token, err := s.keys.Sign(ctx, row.PoolID, accessType, c)
	if err != nil {
		return "", fmt.Errorf("make access token: %w", err)
	}
	return token, nil
}

// Verify returns whom an access token speaks for, when it is one of ours, not expired,
// its session not ended and its user active. Anything else is SessionInvalid.
func (s *Service) Verify(ctx context.Context, access string) (Principal, error) {
	p, err := s.Inspect(ctx, access)
	if err != nil {
		return Principal{}, err
	}
	now := s.now()
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
	version, err := s.keys.Version(ctx)
	if err != nil {
		return Principal{}, fmt.Errorf("read keys: %w", err)
	}
	hash := [32]byte(secret.Hash(access))
	if p, ok := s.seen.get(hash, version); ok {
		return p, nil
	}
	poolID, ok := claimedPool(access)
	if !ok {
		return Principal{}, errs.New(errs.SessionInvalid)
	}
	var c claims
	if err := s.keys.Verify(ctx, poolID, access, accessType, &c); err != nil {
		return Principal{}, err
	}
	if c.Project != poolID || c.Issuer != s.issuer(poolID) {
		return Principal{}, errs.New(errs.SessionInvalid)
	}
	p := Principal{
		PoolID: poolID, UserID: c.Subject, SessionID: c.Session, ClientID: c.Audience, Scope: c.Scope,
		AMR: c.AMR, AuthAt: time.Unix(c.AuthTime, 0), IssuedAt: time.Unix(c.IssuedAt, 0),
		ExpiresAt: time.Unix(c.Expires, 0), Refreshed: c.Generation > 0,
	}
	s.seen.put(hash, version, p)
	return p, nil
}

// claimedPool reads which pool a token says it is of, to know whose keys to try. The
// signature then proves it.
func claimedPool(access string) (string, bool) {
	if len(access) > 8<<10 {
		return "", false
	}
	parts := strings.Split(access, ".")
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
