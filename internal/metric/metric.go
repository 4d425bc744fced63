// Package metric owns the numbers over time that charts are made of: how often something
// happened in a pool in an hour. They are counted in memory and added to the database
// every few seconds, so that a sign-in waits for nothing; a process that is killed loses
// what it had not added yet. It owns no facts: the record of what happened is audit's.
package metric

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/db"
)

// What is counted.
const (
	SignIn     = "sign_in"     // label: the method; result: as in the audit trail
	SignUp     = "sign_up"     // label: the method
	CodeSend   = "code_send"   // label: the channel
	CodeVerify = "code_verify" // label: the channel
	// Latency counts sign-ins by how long they took; label: at most so many milliseconds.
	Latency = "latency"
)

// Retention is how long numbers are kept.
const Retention = 400 * 24 * time.Hour

const (
	// every is how often numbers are added to the database.
	every = 10 * time.Second
	// maxKeys bounds what is kept in memory while the database does not answer.
	maxKeys = 50_000
)

// key names one counter.
type key struct {
	pool                string
	hour                int64
	name, label, result string
}

// Service counts.
type Service struct {
	db  *db.DB
	now func() time.Time
	log *slog.Logger

	mu     sync.Mutex
	counts map[key]int64

	stop chan struct{}
	done chan struct{}
}

// New makes the service. Nothing is stored before Start or Flush.
func New(d *db.DB, now func() time.Time, log *slog.Logger) *Service {
	return &Service{db: d, now: now, log: log, counts: map[key]int64{}}
}

// Add counts n of something in the running hour.
func (s *Service) Add(poolID, name, label, result string, n int64) {
	k := key{poolID, hourOf(s.now()), name, label, result}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.add(k, n)
}

// add joins the caller's lock.
func (s *Service) add(k key, n int64) {
	if _, known := s.counts[k]; known || len(s.counts) < maxKeys {
		s.counts[k] += n
	}
}

// Event counts a record of the audit trail; call it once the record is durable.
func (s *Service) Event(e audit.Event) {
	switch e.Action {
	case audit.SignIn:
		s.Add(e.PoolID, SignIn, e.Detail["method"], e.Result, 1)
	case audit.SignUp:
		method := e.Detail["method"]
		s.Add(e.PoolID, SignUp, method, e.Result, 1)
		if e.SessionID != "" { // signed in with it, which has no record of its own
			s.Add(e.PoolID, SignIn, method, e.Result, 1)
		}
	case audit.CodeSend:
		s.Add(e.PoolID, CodeSend, e.Detail["channel"], e.Result, 1)
	case audit.CodeVerify:
		s.Add(e.PoolID, CodeVerify, e.Detail["channel"], e.Result, 1)
	}
}

// Took counts how long a sign-in took.
func (s *Service) Took(poolID string, d time.Duration) {
	s.Add(poolID, Latency, bucketOf(d), "", 1)
}

// Start adds what was counted to the database every few seconds until Stop. ctx bounds
// each addition but not their number.
func (s *Service) Start(ctx context.Context) {
	s.stop, s.done = make(chan struct{}), make(chan struct{})
	go func() {
		defer close(s.done)
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-s.stop:
				return
			case <-tick.C:
				if err := s.Flush(ctx); err != nil {
					s.log.WarnContext(ctx, "numbers not stored; they are kept for the next time", "err", err)
				}
			}
		}
	}()
}

// Stop ends what Start began and stores what is left.
func (s *Service) Stop(ctx context.Context) error {
	if s.stop != nil {
		close(s.stop)
		<-s.done
	}
	return s.Flush(ctx)
}

// Flush adds what was counted to the database. What cannot be stored is kept.
func (s *Service) Flush(ctx context.Context) error {
	s.mu.Lock()
	counts := s.counts
	s.counts = make(map[key]int64, len(counts))
	s.mu.Unlock()
	if len(counts) == 0 {
		return nil
	}
	err := s.db.InTx(ctx, func(ctx context.Context) error { return s.store(ctx, counts) })
	if err == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for k, n := range counts {
		s.add(k, n)
	}
	return fmt.Errorf("store numbers: %w", err)
}

// Sweep deletes what is older than Retention and returns how much.
func (s *Service) Sweep(ctx context.Context) (int64, error) {
	n, err := s.deleteBefore(ctx, hourOf(s.now().Add(-Retention)))
	if err != nil {
		return 0, fmt.Errorf("delete old numbers: %w", err)
	}
	return n, nil
}

// hourOf counts hours from 1970.
func hourOf(t time.Time) int64 { return t.Unix() / int64(time.Hour/time.Second) }
