// Package job owns the durable queue: work that must happen once its transaction has
// committed, such as sending a message, and work that happens every so often. It knows
// how to run a kind of work again, not what the work is.
package job

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/secret"
)

// Handler does one job. It may run more than once for one job, so it must not mind. An
// error runs it again later; it is stored, so it names no phone number and no code.
type Handler func(ctx context.Context, payload []byte) error

// Service queues jobs and runs them.
type Service struct {
	db     *db.DB
	ring   *secret.Keyring
	now    func() time.Time
	logger *slog.Logger

	wake  chan struct{}
	slots chan struct{}
	stop  context.CancelFunc // nil until Start
	work  sync.WaitGroup

	mu       sync.Mutex
	handlers map[string]Handler
	patience map[string]int // attempts of kinds that have their own
	periods  map[string]period
	running  map[string]bool // ids this process works on
}

type period struct {
	interval time.Duration
	run      func(ctx context.Context) error
}

// New returns a Service that seals payloads under ring. Nothing runs before Start.
func New(d *db.DB, ring *secret.Keyring, now func() time.Time, logger *slog.Logger) *Service {
	return &Service{
		db: d, ring: ring, now: now, logger: logger,
		wake:     make(chan struct{}, 1),
		slots:    make(chan struct{}, workers),
		handlers: make(map[string]Handler),
		patience: make(map[string]int),
		periods:  make(map[string]period),
		running:  make(map[string]bool),
	}
}

// OneByOne makes jobs run one after the other, the oldest first, where their order is
// worth more than their number. Call it before Start.
func (s *Service) OneByOne() { s.slots = make(chan struct{}, 1) }

// Handle names the handler of a kind. Call it before Start. Jobs of a kind without a
// handler wait for a process that has one.
func (s *Service) Handle(kind string, h Handler) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.handlers[kind] = h
}

// Persist makes jobs of a kind run so many times before they are given up, for what must
// happen however long a vendor is down. Runs that failed often come again each quarter of
// an hour. Call it before Start.
func (s *Service) Persist(kind string, attempts int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.patience[kind] = attempts
}

// Every runs fn each interval, by one process at a time, however many share the
// database. Call it before Start. A failed run is logged and not repeated early.
func (s *Service) Every(name string, interval time.Duration, fn func(ctx context.Context) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.periods[periodPrefix+name] = period{interval: interval, run: fn}
}

// Enqueue stores a job that runs as soon as the transaction of ctx has committed, and
// never when it does not. The payload becomes JSON and is sealed at rest.
func (s *Service) Enqueue(ctx context.Context, kind string, payload any) error {
	plain, err := json.Marshal(payload)
	if err != nil {
		return fmt.Errorf("encoding a %s job: %w", kind, err)
	}
	id := secret.ID()
	sealed, err := s.ring.Seal(plain, aad(id))
	if err != nil {
		return fmt.Errorf("sealing a %s job: %w", kind, err)
	}
	if err := s.insert(ctx, id, kind, sealed); err != nil {
		return err
	}
	db.AfterCommit(ctx, s.nudge)
	return nil
}

// Recover lets the jobs run at once that a process was running when it died; otherwise they
// wait until its leases end. Call it before Start, and only when no other process works on
// the database: db.Alone.
func (s *Service) Recover(ctx context.Context) error { return s.release(ctx) }

// Start runs jobs until Stop or until ctx ends.
func (s *Service) Start(ctx context.Context) error {
	for kind := range s.periods {
		if err := s.ensurePeriod(ctx, kind); err != nil {
			return err
		}
	}
	ctx, s.stop = context.WithCancel(ctx)
	s.work.Go(func() { s.dispatch(ctx) })
	return nil
}

// Stop takes no new jobs, waits for those that run and returns when nothing does.
func (s *Service) Stop() {
	if s.stop != nil {
		s.stop()
	}
	s.work.Wait()
}

// Stats says what is in the queue.
type Stats struct {
	Waiting int // jobs to run, periodic ones apart
	Dead    int // jobs given up
}

// Stats counts the queue.
func (s *Service) Stats(ctx context.Context) (Stats, error) { return s.stats(ctx) }

// Sweep deletes dead jobs older than a month and returns how many.
func (s *Service) Sweep(ctx context.Context) (int64, error) {
	return s.deleteDead(ctx, s.now().Add(-keepDead))
}

func (s *Service) nudge() {
	select {
	case s.wake <- struct{}{}:
	default: // a wake-up is already on its way
	}
}

func aad(id string) string { return "jobs|sealed|" + id }
