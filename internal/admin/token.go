package admin

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"

	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/caller"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/limit"
	"github.com/tigertally/tigertally/internal/secret"
)

const (
	// tokenType is the typ header of management tokens. No other token has it, and none
	// that has it is taken for anything else.
	tokenType = "mgmt+jwt" //nolint:gosec // a type, not a token.
	// tokenLife is more than an hour, because clients fetch a new one an hour before
	// their token ends.
	tokenLife = 2 * time.Hour
	// leeway is how far another node's clock may be off.
	leeway = 30 * time.Second
)

// Token is what a pool secret buys.
type Token struct {
	Access              string
	IssuedAt, ExpiresAt time.Time
}

// claims are what a management token says.
type claims struct {
	Issuer   string `json:"iss"`
	Audience string `json:"aud"` // the pool
	Subject  string `json:"sub"`
	Expires  int64  `json:"exp"`
	IssuedAt int64  `json:"iat"`
	ID       string `json:"jti"`
	Secret   string `json:"psid"` // the id of the secret, which takes its tokens along
}

// Token makes a management token of a pool. Wrong secrets are counted by the address they
// come from; that never refuses the right one.
//
// Errors: PoolSecretWrong, TooManyRequests.
func (s *Service) Token(ctx context.Context, poolID, poolSecret string) (Token, error) {
	secretID, err := s.d.Pools.CheckSecret(ctx, poolID, poolSecret)
	if errs.CodeOf(err) == errs.PoolSecretWrong {
		return Token{}, s.wrong(ctx, poolID, err)
	}
	if err != nil {
		return Token{}, err
	}
	return s.issue(ctx, poolID, secretID)
}

// Renew makes another management token for one that is still good, of the same secret.
// Errors: SessionInvalid.
func (s *Service) Renew(ctx context.Context, token string) (Token, error) {
	c, err := s.verify(ctx, token)
	if err != nil {
		return Token{}, err
	}
	return s.issue(ctx, c.Audience, c.Secret)
}

func (s *Service) issue(ctx context.Context, poolID, secretID string) (Token, error) {
	now := s.d.Now()
	c := claims{
		Issuer: s.d.Issuer(poolID), Audience: poolID, Subject: actor(poolID), ID: secret.ID(), Secret: secretID,
		IssuedAt: now.Unix(), Expires: now.Add(tokenLife).Unix(),
	}
	signed, err := s.d.Keys.Sign(ctx, poolID, tokenType, c)
	if err != nil {
		return Token{}, err
	}
	err = s.done(ctx, Manager{PoolID: poolID, Actor: c.Subject}, audit.ManageToken, "", map[string]string{"secret": secretID})
	if err != nil {
		return Token{}, err
	}
	return Token{Access: signed, IssuedAt: time.Unix(c.IssuedAt, 0).UTC(), ExpiresAt: time.Unix(c.Expires, 0).UTC()}, nil
}

// wrong counts and records a wrong secret, so many that somebody notices and not so many
// that the record fills up.
func (s *Service) wrong(ctx context.Context, poolID string, refusal error) error {
	key := limit.WrongSecrets.Over(caller.From(ctx).Prefix())
	if err := s.d.Limits.Take(ctx, key, limit.SecretAddress()); err != nil {
		return err
	}
	if _, err := s.d.Pools.Get(ctx, poolID); err != nil { // there is no record to write in
		return refusal
	}
	if err := s.d.Audit.Record(ctx, audit.Event{
		PoolID: poolID, Action: audit.ManageToken, Result: string(errs.PoolSecretWrong), Actor: actor(poolID),
	}); err != nil {
		return err
	}
	return refusal
}

// Verify returns who a management token speaks for, when it is one of ours, not expired
// and the secret it was bought with still good. Anything else is SessionInvalid.
func (s *Service) Verify(ctx context.Context, token string) (Manager, error) {
	c, err := s.verify(ctx, token)
	if err != nil {
		return Manager{}, err
	}
	return Manager{PoolID: c.Audience, Actor: actor(c.Audience)}, nil
}

func (s *Service) verify(ctx context.Context, token string) (claims, error) {
	refused := errs.New(errs.SessionInvalid)
	poolID, ok := claimedPool(token)
	if !ok {
		return claims{}, refused
	}
	var c claims
	if err := s.d.Keys.Verify(ctx, poolID, token, tokenType, &c); err != nil {
		return claims{}, err
	}
	now := s.d.Now()
	if c.Audience != poolID || c.Issuer != s.d.Issuer(poolID) ||
		now.After(time.Unix(c.Expires, 0).Add(leeway)) || time.Unix(c.IssuedAt, 0).After(now.Add(leeway)) {
		return claims{}, refused
	}
	live, err := s.d.Pools.HasSecret(ctx, poolID, c.Secret)
	if err != nil {
		return claims{}, err
	}
	if !live {
		return claims{}, refused
	}
	return c, nil
}

// claimedPool reads whose keys to try; nothing is believed yet. What names no secret is a
// token of a person: to look for its key among ours would read all keys again.
func claimedPool(token string) (string, bool) {
	_, rest, _ := strings.Cut(token, ".")
	payload, _, ok := strings.Cut(rest, ".")
	if !ok || len(payload) > 2<<10 {
		return "", false
	}
	raw, err := base64.RawURLEncoding.DecodeString(payload)
	if err != nil {
		return "", false
	}
	var c claims
	if json.Unmarshal(raw, &c) != nil || c.Audience == "" || c.Secret == "" {
		return "", false
	}
	return c.Audience, true
}

// actor is the name of a customer's server in the record.
func actor(poolID string) string { return "manage:" + poolID }
