// Package pipeline owns the functions a pool's owner writes to look into sign-ups,
// sign-ins and tokens: their versions, their order, their settings, what they are shown
// and what of their answer counts. Where they run is package sandbox's, and writing an
// effect to a person or a token is the caller's.
package pipeline

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/pipeline/sandbox"
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
	PreIDToken         Point = "PRE_OIDCTOKENISSUED"          //nolint:gosec // no credential.
	PreAccessToken     Point = "PRE_OIDC_ACCESS_TOKEN_ISSUED" //nolint:gosec // no credential.
)

// Points lists every point.
func Points() []Point {
	return []Point{PreRegister, PostRegister, PreAuthentication, PostAuthentication, PreIDToken, PreAccessToken}
}

// after says that the event has happened already: a function that breaks then is passed
// over (JS-05).
func (p Point) after() bool { return p == PostRegister || p == PostAuthentication }

// token says that a token is about to be signed.
func (p Point) token() bool { return p == PreIDToken || p == PreAccessToken }

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
	User                 map[string]any // changed plain properties; Profile has them typed
	CustomData           map[string]any // not yet checked against the fields of the pool
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
	// Command starts a worker process: a program that calls sandbox.Worker, and its
	// arguments. Without it every function fails.
	Command []string
	Workers int    // 2 by default
	Dir     string // kept for workers: see sandbox.Options
	// Clock measures; it is the real clock even where now is a moved one.
	Clock func() time.Time
	// LogLevel is the level at which lines that functions log are logged.
	LogLevel slog.Level
}

// maxBackground bounds the functions that wait to run in the background.
const maxBackground = 128

// Service keeps and runs functions.
type Service struct {
	db      *db.DB
	ring    *secret.Keyring
	audit   *audit.Service
	now     func() time.Time
	log     *slog.Logger
	level   slog.Level
	cache   *db.Cached[snapshot]
	sandbox *sandbox.Sandbox

	background chan func()
	closing    chan struct{}
	close      sync.Once
	done       sync.WaitGroup
}

// New makes the service. No worker starts before a pool has a function.
func New(d *db.DB, ring *secret.Keyring, a *audit.Service, now func() time.Time, log *slog.Logger, o Options) *Service {
	s := &Service{
		db: d, ring: ring, audit: a, now: now, log: log, level: o.LogLevel,
		sandbox:    sandbox.New(sandbox.Options{Command: o.Command, Workers: o.Workers, Dir: o.Dir, Clock: o.Clock, Logger: log}),
		background: make(chan func(), maxBackground), closing: make(chan struct{}),
	}
	s.cache = db.NewCached(d, now, metaGeneration, s.load)
	s.done.Go(s.work)
	return s
}

// Warm starts a worker when any pool has a function, so that the first sign-in need not
// wait for it.
func (s *Service) Warm(ctx context.Context) error {
	snap, err := s.cache.Get(ctx)
	if err == nil && len(snap.pools) > 0 {
		s.sandbox.Warm()
	}
	return err
}

// Close stops the workers and forgets what waits in the background.
func (s *Service) Close() error {
	s.close.Do(func() { close(s.closing) })
	err := s.sandbox.Close()
	s.done.Wait()
	return err
}

// work runs what nobody waits for, one at a time: a flood of it delays only itself.
func (s *Service) work() {
	for {
		select {
		case run := <-s.background:
			run()
		case <-s.closing:
			return
		}
	}
}
