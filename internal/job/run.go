package job

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/tigertally/tigertally/internal/secret"
)

const (
	workers      = 32
	poll         = time.Second      // how long a job of another process may wait here
	deadline     = 30 * time.Second // of one run
	lease        = 2 * time.Minute  // longer than any run, so a lease outlives its work
	maxAttempts  = 10
	firstBackoff = 5 * time.Second
	maxBackoff   = 15 * time.Minute
	keepDead     = 30 * 24 * time.Hour
	maxError     = 300
	periodPrefix = "every."
)

// due is a job that may run.
type due struct {
	ID, Kind string
	Sealed   []byte
	Attempts int
}

// dispatch hands due jobs to workers. The timer is real and due-ness is by the service's
// clock, so a clock that jumps makes jobs due and stops nothing.
func (s *Service) dispatch(ctx context.Context) {
	ticker := time.NewTicker(poll)
	defer ticker.Stop()
	for {
		if err := s.round(ctx); err != nil && ctx.Err() == nil {
			s.logger.ErrorContext(ctx, "jobs could not be read", slog.Any("err", err))
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		case <-s.wake:
		}
	}
}

// round starts a worker for each due job while there are free ones.
func (s *Service) round(ctx context.Context) error {
	jobs, err := s.due(ctx, s.kinds(), 2*workers)
	if err != nil {
		return err
	}
	for _, j := range jobs {
		if !s.begin(j.ID) {
			continue
		}
		select {
		case <-ctx.Done():
			s.end(j.ID)
			return nil
		case s.slots <- struct{}{}:
		}
		s.work.Go(func() {
			progress := s.runOne(ctx, j)
			<-s.slots
			s.end(j.ID)
			if progress {
				s.nudge() // there may be more than one round could take
			}
		})
	}
	return nil
}

// begin reports whether this process does not work on id yet. The lease says so too,
// but a lease ends when a virtual clock jumps.
func (s *Service) begin(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running[id] {
		return false
	}
	s.running[id] = true
	return true
}

func (s *Service) end(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.running, id)
}

func (s *Service) kinds() []any {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]any, 0, len(s.handlers)+len(s.periods))
	for kind := range s.handlers {
		all = append(all, kind)
	}
	for kind := range s.periods {
		all = append(all, kind)
	}
	return all
}

// runOne claims a job, runs it and stores how it went, and reports whether it did. It is
// detached from the cancel of Stop: a message that is half sent is finished, within the
// deadline.
func (s *Service) runOne(ctx context.Context, j due) bool {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), deadline)
	defer cancel()
	owner := secret.ID()
	won, err := s.claim(ctx, j.ID, owner)
	if err != nil {
		s.logger.ErrorContext(ctx, "job could not be claimed", slog.String("kind", j.Kind), slog.Any("err", err))
		return false
	}
	if !won {
		return false
	}
	runErr := s.run(ctx, j)
	// The run may have used up its deadline; its result must be stored all the same.
	ctx, cancelStore := context.WithTimeout(context.WithoutCancel(ctx), deadline)
	defer cancelStore()
	if err := s.settle(ctx, j, owner, runErr); err != nil {
		s.logger.ErrorContext(ctx, "job could not be settled", slog.String("kind", j.Kind), slog.Any("err", err))
		return false
	}
	return true
}

// run calls the handler. A panic is an error of that job, not the end of the server.
func (s *Service) run(ctx context.Context, j due) (err error) {
	defer func() {
		if p := recover(); p != nil {
			s.logger.ErrorContext(ctx, "job panicked", slog.String("kind", j.Kind),
				slog.String("stack", string(debug.Stack())))
			err = errors.New("handler panicked")
		}
	}()
	s.mu.Lock()
	handle, periodic := s.handlers[j.Kind], s.periods[j.Kind]
	s.mu.Unlock()
	if periodic.run != nil {
		return periodic.run(ctx)
	}
	payload, err := s.ring.Open(j.Sealed, aad(j.ID))
	if err != nil {
		return fmt.Errorf("opening a %s job: %w", j.Kind, err)
	}
	return handle(ctx, payload)
}

// settle stores the end of a run, unless the lease has gone to somebody else.
func (s *Service) settle(ctx context.Context, j due, owner string, runErr error) error {
	s.mu.Lock()
	p, periodic := s.periods[j.Kind]
	most := cmp.Or(s.patience[j.Kind], maxAttempts)
	s.mu.Unlock()
	attempts := j.Attempts + 1
	log := s.logger.With(slog.String("kind", j.Kind), slog.String("job", j.ID), slog.Int("attempts", attempts))
	switch {
	case periodic:
		if runErr != nil {
			log.ErrorContext(ctx, "periodic job failed", slog.Any("err", runErr))
		}
		return s.again(ctx, j.ID, owner, s.now().Add(p.interval), message(runErr))
	case runErr == nil:
		return s.done(ctx, j.ID, owner)
	case attempts >= most || errors.As(runErr, new(*permanentError)):
		log.ErrorContext(ctx, "job given up", slog.Any("err", runErr))
		return s.bury(ctx, j.ID, owner, message(runErr))
	}
	log.WarnContext(ctx, "job failed", slog.Any("err", runErr))
	return s.again(ctx, j.ID, owner, s.now().Add(backoff(attempts)), message(runErr))
}

// backoff doubles from firstBackoff to maxBackoff.
func backoff(attempts int) time.Duration {
	d := firstBackoff
	for range attempts - 1 {
		if d *= 2; d >= maxBackoff {
			return maxBackoff
		}
	}
	return d
}

func message(err error) string {
	if err == nil {
		return ""
	}
	m := err.Error()
	if len(m) > maxError {
		m = m[:maxError]
	}
	return m
}

// Permanent marks an error that another run cannot mend; the job is given up at once.
func Permanent(err error) error { return &permanentError{err} }

type permanentError struct{ err error }

func (e *permanentError) Error() string { return e.err.Error() }
func (e *permanentError) Unwrap() error { return e.err }
