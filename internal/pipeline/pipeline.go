// Package pipeline owns the functions a pool's owner writes to look into sign-ups,
// sign-ins and tokens: their versions, their order, their settings, what they are shown
// and what of their answer counts. Where they run is package sandbox's, and writing an
// effect to a person or a token is the caller's.
package pipeline

import (
	"context"
	"log/slog"
	"time"

	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/secret"
)

// Point names a moment at which functions run.
type Point string

// The points, in the order a request passes them.
const (
	PreRegister        Point = "PRE_REGISTER"
	PostRegister       Point = "POST_REGISTER"
	PreAuthentication  Point = "PRE_AUTHENTICATION"
	PostAuthentication Point = "POST_AUTHENTICATION"
	PreIDToken         Point = "PRE_OIDCTOKENISSUED"
	PreAccessToken     Point = "PRE_OIDC_ACCESS_TOKEN_ISSUED"
)

// Points lists every point.
func Points() []Point {
	return []Point{PreRegister, PostRegister, PreAuthentication, PostAuthentication, PreIDToken, PreAccessToken}
}

// after says that the point's effect on the world has happened already: a function that
// breaks there is passed over (JS-05).
func (p Point) after() bool { return p == PostRegister || p == PostAuthentication }

// Input is one request as functions see it.
type Input struct {
	Client pool.Client
	User   map[string]any // see UserView; nil for a machine
	// Protocol is "password", "sms", "social", "ldap", "saml" or "oidc"; Connection names
	// the identity source and is empty for local accounts.
	Protocol, Connection string
	IP                   string
	Body, Query          map[string]any
	// RequestContext is what the app sent as context: text or an object, at most 8 KiB.
	RequestContext any
	// AccessTokenTarget is "user" or "programmaticAccount" at PreAccessToken.
	AccessTokenTarget string
	// Carry links the points of one request; nil links nothing.
	Carry *Carry
}

// Effect is what a chain of functions asked for. Only what the point allows is in it.
type Effect struct {
	User                 map[string]any // changed plain properties, see Profile
	CustomData           map[string]any
	IDToken, AccessToken Claims
	Context              map[string]any
}

// Claims are changes of a token's claims; none of them is a protected one.
type Claims struct {
	Set    map[string]any
	Remove []string
}

// Options configure a Service.
type Options struct {
	// Command starts a worker process: the program and its arguments.
	Command []string
	Workers int // 2 by default
	// Clock measures; it is the real clock even where now is a moved one.
	Clock func() time.Time
	// LogLevel is the level at which lines that functions log are logged.
	LogLevel slog.Level
}

// Service keeps and runs functions.
type Service struct {
	db    *db.DB
	ring  *secret.Keyring
	audit *audit.Service
	now   func() time.Time
	log   *slog.Logger
	o     Options
}

// New makes the service. No worker starts before a pool has a function.
func New(d *db.DB, ring *secret.Keyring, a *audit.Service, now func() time.Time, log *slog.Logger, o Options) *Service {
	return &Service{db: d, ring: ring, audit: a, now: now, log: log, o: o}
}

// Close stops the workers and what runs in the background.
func (s *Service) Close() error { return nil }

// Active says whether a pool has a function to run at a point. It reads memory only.
func (s *Service) Active(ctx context.Context, poolID string, p Point) bool { return false }

// Run runs the functions of a point, each with the answer of the one before. Without
// any it does nothing. It is called outside transactions. A function that refuses is
// PipelineDenied; one that breaks is PipelineFailed before the event and nothing after.
func (s *Service) Run(ctx context.Context, p Point, in Input) (Effect, error) {
	return Effect{}, nil
}
