// Package session owns sign-in sessions and the two tokens of each: the access token,
// a signed JWT, and the refresh token, which is replaced at every use. It does not
// decide who may sign in.
package session

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/caller"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/keys"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/secret"
)

// ScopeAnonymous is the scope of people without an account.
const ScopeAnonymous = "anonymous"

// maxListed bounds List.
const maxListed = 200

// keepDead is how long an ended session's row answers "this token was used before".
const keepDead = 7 * 24 * time.Hour

// Session is one sign-in on one device.
type Session struct {
	ID, PoolID, UserID, ClientID, DeviceID, Scope string
	AMR                                           []string
	ProviderType                                  string
	IP, UserAgent                                 string
	AuthAt, CreatedAt, RotatedAt, ExpiresAt       time.Time
	Generation                                    int64

	accessLife time.Duration // 0: the pool's
}

// Tokens is what a client gets at sign-in and at every refresh.
type Tokens struct {
	Access, Refresh, Scope, Sub, SessionID, ClientID string
	ExpiresIn                                        time.Duration
	AMR                                              []string
	AuthAt, IssuedAt, ExpiresAt                      time.Time // the latter two of Access
	// Groups is for the flows to fill; a session knows no groups.
	Groups []string
}

// Start says what session to begin.
type Start struct {
	ID           string // of the session; "": a new one
	Pool         pool.Pool
	ClientID     string
	UserID       string
	DeviceID     string // the caller's when empty
	Scope        string
	AMR          []string
	ProviderType string // how they signed in, for the claim of that name
	// Name is not kept: the claim is set for anonymous people only.
	Name       string
	AccessLife time.Duration // 0: the pool's
	Life       time.Duration // 0: the pool's RefreshLife
	AuthAt     time.Time     // when they proved who they are; zero: now
	Style      Style         // form of the first access token
}

// Service keeps sessions.
type Service struct {
	db     *db.DB
	keys   *keys.Service
	ring   *secret.Keyring
	audit  *audit.Service
	now    func() time.Time
	issuer func(poolID string) string
	seen   *verified
}

// New makes the service. issuer names a pool in the tokens' iss claim.
func New(d *db.DB, ks *keys.Service, ring *secret.Keyring, now func() time.Time,
	issuer func(poolID string) string,
) *Service {
	return &Service{
		db: d, keys: ks, ring: ring, audit: audit.New(d, now), now: now, issuer: issuer,
		seen: newVerified(),
	}
}

// Ready makes the key that tokens of a style are signed with, unless there is one. Call it
// before the transaction of Start: an RSA key takes long to make.
func (s *Service) Ready(ctx context.Context, poolID string, st Style) error {
	return s.keys.Ready(ctx, poolID, st.alg())
}

// Start begins a session, in the transaction of ctx when there is one.
func (s *Service) Start(ctx context.Context, in Start) (Tokens, error) {
	now := s.now()
	life := in.Life
	if life <= 0 {
		life = in.Pool.Settings.RefreshLife
	}
	from := caller.From(ctx)
	if in.DeviceID == "" {
		in.DeviceID = from.DeviceID
	}
	if in.AuthAt.IsZero() {
		in.AuthAt = now
	}
	ip := ""
	if from.Addr.IsValid() {
		ip = from.Addr.Unmap().String()
	}
	row := Session{
		ID: cmp.Or(in.ID, secret.ID()), PoolID: in.Pool.ID, UserID: in.UserID, ClientID: in.ClientID,
		DeviceID: in.DeviceID, Scope: in.Scope, AMR: in.AMR, ProviderType: in.ProviderType,
		IP: ip, UserAgent: from.UserAgent, AuthAt: in.AuthAt, CreatedAt: now, RotatedAt: now,
		ExpiresAt: now.Add(life), accessLife: in.AccessLife,
	}
	t := refreshToken{session: row.ID, seed: [seedBytes]byte(secret.Bytes(seedBytes))}
	if err := s.insert(ctx, row, t.seedHash(), idleUntil(in.Pool, in.Style, now)); err != nil {
		return Tokens{}, fmt.Errorf("start session: %w", err)
	}
	return s.tokens(ctx, in.Pool, row, t, in.Style)
}

// idleUntil is when a session used now ends unused, which is not before its token: a
// login token has no refresh token beside it.
func idleUntil(p pool.Pool, st Style, now time.Time) time.Time {
	return now.Add(max(p.Settings.RefreshIdle, st.Life))
}

// Revoke ends one session; an unknown or ended one is no error.
func (s *Service) Revoke(ctx context.Context, sessionID, why string) error {
	if _, err := s.revoke(ctx, sessionID, why); err != nil {
		return fmt.Errorf("revoke session: %w", err)
	}
	return nil
}

// RevokeUser ends all sessions of a user but one, and says how many that were.
func (s *Service) RevokeUser(ctx context.Context, userID, exceptSessionID, why string) (int64, error) {
	n, err := twice(func() (int64, error) { return s.revokeUser(ctx, userID, exceptSessionID, why) })
	if err != nil {
		return 0, fmt.Errorf("revoke sessions of user: %w", err)
	}
	return n, nil
}

// twice runs a revocation of many sessions again. One that is being forked makes the
// first wait for it, and what came of it is only seen by the second.
func twice(revoke func() (int64, error)) (int64, error) {
	n, err := revoke()
	if err != nil {
		return n, err
	}
	more, err := revoke()
	return n + more, err
}

// RevokeClient ends all sessions of a user in one application.
func (s *Service) RevokeClient(ctx context.Context, userID, clientID, why string) (int64, error) {
	n, err := twice(func() (int64, error) { return s.revokeClient(ctx, userID, clientID, why) })
	if err != nil {
		return 0, fmt.Errorf("revoke sessions of application: %w", err)
	}
	return n, nil
}

// RevokeApp ends every session at an application, which is about to be removed. It reads
// all sessions.
func (s *Service) RevokeApp(ctx context.Context, poolID, clientID, why string) (int64, error) {
	n, err := s.revokeApp(ctx, poolID, clientID, why)
	if err != nil {
		return 0, fmt.Errorf("revoke sessions at application: %w", err)
	}
	return n, nil
}

// RevokeDevice ends all sessions of a user on one device.
func (s *Service) RevokeDevice(ctx context.Context, userID, deviceID string) (int64, error) {
	n, err := s.revokeDevice(ctx, userID, deviceID, "device")
	if err != nil {
		return 0, fmt.Errorf("revoke sessions of device: %w", err)
	}
	return n, nil
}

// List returns a user's live sessions, newest first.
func (s *Service) List(ctx context.Context, userID string) ([]Session, error) {
	list, err := s.list(ctx, userID, maxListed)
	if err != nil {
		return nil, fmt.Errorf("list sessions: %w", err)
	}
	return list, nil
}

// Sweep deletes sessions that ended some time ago.
func (s *Service) Sweep(ctx context.Context) error {
	if err := s.deleteDead(ctx, s.now().Add(-keepDead)); err != nil {
		return fmt.Errorf("sweep sessions: %w", err)
	}
	return nil
}

// tokens makes the token pair of a session.
func (s *Service) tokens(ctx context.Context, p pool.Pool, row Session, t refreshToken, st Style) (Tokens, error) {
	tokens, err := s.accessOnly(ctx, row, t.generation, cmp.Or(st.Life, row.accessLife, p.Settings.AccessLife), st)
	if err != nil {
		return Tokens{}, err
	}
	tokens.Refresh = t.encode(s.ring, p.ID, st.Family)
	return tokens, nil
}

// accessOnly makes an access token of a session.
func (s *Service) accessOnly(ctx context.Context, row Session, generation int64, life time.Duration, st Style,
) (Tokens, error) {
	now := s.now()
	life = min(life, keys.LongestToken, row.ExpiresAt.Sub(now)).Truncate(time.Second)
	if life <= 0 {
		return Tokens{}, errs.New(errs.RefreshInvalid)
	}
	access, err := s.access(ctx, row, generation, now, life, st)
	if err != nil {
		return Tokens{}, err
	}
	return Tokens{
		Access: access, Scope: row.Scope, Sub: row.UserID, SessionID: row.ID, ClientID: row.ClientID,
		ExpiresIn: life, AMR: row.AMR, AuthAt: row.AuthAt, IssuedAt: now, ExpiresAt: now.Add(life),
	}, nil
}
