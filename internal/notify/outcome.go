package notify

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/tigertally/tigertally/internal/driver"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/job"
	"github.com/tigertally/tigertally/internal/limit"
	"github.com/tigertally/tigertally/internal/secret"
)

// retryAfter is what somebody is told to wait whom a vendor had enough of; vendors say
// no time, and half a minute is the shortest of their windows.
const retryAfter = 30 * time.Second

// Bounced is the code of a driver.Failure about an address that nothing is sent to,
// because mail came back from it.
const Bounced = "bounced"

// Pending is a message somebody waits for. The wait costs nothing but time: a message
// whose end is not known in time goes on its way.
type Pending struct {
	id   string
	ends *ends
	end  chan error
}

// ends are the messages people wait for, by id.
type ends struct {
	mu      sync.Mutex
	waiting map[string]chan error
}

// Expect makes a message's id, to be put into its Notice, before it is queued. Forget it
// in any case.
func (s *Service) Expect() *Pending {
	p := &Pending{id: secret.ID(), ends: &s.ends, end: make(chan error, 1)}
	if s.Patience > 0 {
		s.ends.mu.Lock()
		defer s.ends.mu.Unlock()
		if s.ends.waiting == nil {
			s.ends.waiting = map[string]chan error{}
		}
		s.ends.waiting[p.id] = p.end
	}
	return p
}

// ID is the message's.
func (p *Pending) ID() string { return p.id }

// Forget ends the wait.
func (p *Pending) Forget() {
	p.ends.mu.Lock()
	defer p.ends.mu.Unlock()
	delete(p.ends.waiting, p.id)
}

// Wait returns why a message that has been queued was not sent; nil when it was, or when
// that is not known soon.
//
// Errors: TooManyRequests, PhoneInvalid, PhoneCountry, EmailInvalid, EmailBounced,
// SendMisconfigured, SendFailed.
func (s *Service) Wait(ctx context.Context, p *Pending) error {
	if s.Patience <= 0 {
		return nil
	}
	timer := time.NewTimer(s.Patience)
	defer timer.Stop()
	select {
	case err := <-p.end:
		return err
	case <-timer.C:
	case <-ctx.Done():
	}
	return nil
}

func (s *Service) awaited(id string) bool {
	s.ends.mu.Lock()
	defer s.ends.mu.Unlock()
	return s.ends.waiting[id] != nil
}

// ended tells whoever waits.
func (s *Service) ended(id string, err error) {
	s.ends.mu.Lock()
	defer s.ends.mu.Unlock()
	if end := s.ends.waiting[id]; end != nil {
		end <- err
		delete(s.ends.waiting, id)
	}
}

// failed decides what becomes of a message that was not handed over: another run later,
// or the end of it. It comes again only when it certainly was not sent and the reason may
// pass by itself, and not behind the back of somebody who waits for it now. A mail
// server's "not yet" passes in minutes and by no other way.
func (s *Service) failed(ctx context.Context, q queued, err error) error {
	f := driver.FailureOf(err)
	later := q.Channel == Email && f.Code != ""
	if !f.Maybe && f.Class == driver.Unavailable && (later || !s.awaited(q.ID)) {
		return err
	}
	if !f.Maybe {
		s.refund(ctx, q)
	}
	s.ended(q.ID, refusal(q.Channel, f))
	return job.Permanent(err)
}

// refund gives back what the person's own limits were charged for a message that was not
// sent. Those of addresses and applications stay: they are not about the person.
func (s *Service) refund(ctx context.Context, q queued) {
	if s.Refund == nil || len(q.Charges) == 0 {
		return
	}
	if err := s.Refund(ctx, q.Charges); err != nil && s.Logger != nil {
		s.Logger.ErrorContext(ctx, "limits not refunded", slog.String("job", q.ID), slog.Any("err", err))
	}
}

// refusal is a failure in our words.
func refusal(channel string, f *driver.Failure) error {
	switch f.Class {
	case driver.RateLimited, driver.Exhausted:
		return errs.New(errs.TooManyRequests).After(retryAfter).Because(f)
	case driver.BadAddress:
		if channel == Email && f.Code == Bounced {
			return errs.New(errs.EmailBounced).Because(f)
		}
		if channel == Email {
			return errs.New(errs.EmailInvalid).Because(f)
		}
		return errs.New(errs.PhoneInvalid).Because(f)
	case driver.NoRoute:
		return errs.New(errs.PhoneCountry).Because(f)
	case driver.Misconfigured:
		return errs.New(errs.SendMisconfigured).Because(f)
	case driver.Unavailable:
	}
	return errs.New(errs.SendFailed).Because(f)
}

// Charges are limits a message was charged to.
type Charges = []limit.Charge
