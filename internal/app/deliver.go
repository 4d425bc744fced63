package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/tigertally/tigertally/internal/callback"
	"github.com/tigertally/tigertally/internal/channel"
	"github.com/tigertally/tigertally/internal/config"
	"github.com/tigertally/tigertally/internal/delivery"
	"github.com/tigertally/tigertally/internal/driver"
	"github.com/tigertally/tigertally/internal/mail"
	"github.com/tigertally/tigertally/internal/notify"
	"github.com/tigertally/tigertally/internal/sms"
)

const (
	// patience is how long who asks for a code waits for what the vendor says.
	patience = 2800 * time.Millisecond
	// lanes is how many messages of one channel are handed over at once: fewer than there
	// are workers, so that a vendor that hangs does not hold up the other channel.
	lanes    = 12
	laneWait = time.Second
)

// post hands messages to drivers.
type post struct {
	texts *sms.Router
	mails mail.Driver
	inbox func(m notify.Message) // development only; sees what was sent
	lanes map[string]chan struct{}

	stored *messengers // of pools, which come before the server's
}

// drivers opens the configured message drivers. address is where a driver's vendor may
// report to, "" for nowhere.
func drivers(conf config.Config, log *slog.Logger, now func() time.Time, address func(name string) string) (*post, error) {
	p := &post{lanes: map[string]chan struct{}{
		notify.SMS: make(chan struct{}, lanes), notify.Email: make(chan struct{}, lanes),
	}}
	var err error
	if conf.SMS.Name != "" {
		p.texts, err = sms.Open(sms.Options{
			Names: conf.SMS.Name, Settings: conf.SMS.Options, Routes: conf.SMSRoutes,
			Callback: address, Logger: log, Now: now,
		})
		if err != nil {
			return nil, fmt.Errorf("sms: %w", err)
		}
	}
	if conf.Mail.Name != "" {
		if p.mails, err = mail.New(conf.Mail.Name, conf.Mail.Options, now); err != nil {
			return nil, fmt.Errorf("mail driver: %w", err)
		}
	}
	return p, nil
}

// outside reports whether any message leaves this machine by a driver of the server's own.
func (p *post) outside() bool { return p.texts != nil || p.mails != nil }

// way is how one message travels.
type way struct {
	own    []channel.Driver // of the pool, in the order they are asked
	isOwn  bool             // the pool has drivers of its own, whether or not they serve the address
	server bool             // by the server's own
}

// way finds how a message travels. It asks the database nothing that is not in memory.
func (p *post) way(ctx context.Context, m notify.Message) (w way, err error) {
	if w.own, w.isOwn, err = p.stored.route(ctx, m.PoolID, m.Channel, m.To); err != nil {
		return w, &driver.Failure{Vendor: m.Channel, Class: driver.Unavailable, Err: err}
	}
	w.server = !w.isOwn && (m.Channel == notify.SMS && p.texts != nil || m.Channel == notify.Email && p.mails != nil)
	return w, nil
}

// carry hands a message over. Development sees in its inbox what was sent.
func (p *post) carry(ctx context.Context, w way, m notify.Message) (receipt driver.Receipt, err error) {
	switch {
	case w.isOwn:
		receipt, err = p.stored.send(ctx, w.own, m)
	case w.server:
		receipt, err = p.send(ctx, m)
	case p.inbox != nil:
		receipt = driver.Receipt{Driver: "inbox", VendorID: m.ID}
	default:
		err = &driver.Failure{Vendor: m.Channel, Class: driver.Misconfigured, Err: errors.New("no driver is configured")}
	}
	if err == nil && p.inbox != nil {
		p.inbox(m)
	}
	return receipt, err
}

// enter waits a little for a lane of the channel.
func (p *post) enter(ctx context.Context, channel string) (leave func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, laneWait)
	defer cancel()
	lane := p.lanes[channel]
	select {
	case lane <- struct{}{}:
		return func() { <-lane }, nil
	case <-ctx.Done():
		return nil, &driver.Failure{Vendor: channel, Class: driver.Unavailable, Err: errors.New("too many messages at once")}
	}
}

// send hands a message to the server's own drivers.
func (p *post) send(ctx context.Context, m notify.Message) (driver.Receipt, error) {
	leave, err := p.enter(ctx, m.Channel)
	if err != nil {
		return driver.Receipt{}, err
	}
	defer leave()
	if m.Channel == notify.SMS {
		return p.texts.Send(ctx, textOf(m))
	}
	return p.mails.Send(ctx, mailOf(m))
}

// deliverer hands messages over the way their pool wants it.
func (s *services) deliverer(p *post) notify.Deliverer {
	return func(ctx context.Context, m notify.Message) error {
		w, err := p.way(ctx, m)
		if err != nil {
			return err
		}
		if p.inbox != nil && !w.isOwn && !w.server {
			_, err := p.carry(ctx, w, m) // what stays on this machine costs nothing and is not noted
			return err
		}
		_, err = s.handOver(ctx, m, func(ctx context.Context) (driver.Receipt, error) { return p.carry(ctx, w, m) })
		return err
	}
}

// handOver notes a message before and after it is handed over, so that one that may have
// gone out never goes again, whenever the server stops. An error is a *driver.Failure,
// perhaps among others.
func (s *services) handOver(ctx context.Context, m notify.Message, carry func(context.Context) (driver.Receipt, error)) (driver.Receipt, error) {
	fresh, err := s.Deliveries.Begin(ctx, delivery.Message{ID: m.ID, PoolID: m.PoolID, Channel: m.Channel, To: m.To})
	if err != nil {
		return driver.Receipt{}, &driver.Failure{Vendor: m.Channel, Class: driver.Unavailable, Err: err}
	}
	if !fresh {
		return driver.Receipt{}, &driver.Failure{Vendor: m.Channel, Class: driver.Unavailable, Maybe: true, Err: errors.New("handed over before")}
	}
	receipt, err := s.unlessBounced(ctx, m, carry)
	// The vendor has taken its time; what it said is noted all the same.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err != nil {
		f := driver.FailureOf(err)
		return driver.Receipt{}, errors.Join(f, s.Deliveries.Refused(ctx, m.ID, f), s.Deliveries.Bounced(ctx, m.To, f.Status))
	}
	if err := s.Deliveries.Took(ctx, m.ID, receipt); err != nil {
		s.log.ErrorContext(ctx, "receipt not noted", slog.String("message", m.ID), slog.Any("err", err))
	}
	return receipt, nil
}

// unlessBounced hands a message over, except mail to an address that it came back from.
func (s *services) unlessBounced(ctx context.Context, m notify.Message, carry func(context.Context) (driver.Receipt, error)) (driver.Receipt, error) {
	if m.Channel == notify.Email {
		blocked, err := s.Deliveries.Suppressed(ctx, m.To)
		if err != nil {
			return driver.Receipt{}, &driver.Failure{Vendor: m.Channel, Class: driver.Unavailable, Err: err}
		}
		if blocked {
			return driver.Receipt{}, &driver.Failure{
				Vendor: m.Channel, Class: driver.BadAddress, Code: notify.Bounced, Err: errors.New("mail to the address came back"),
			}
		}
	}
	return carry(ctx)
}

// proved forgives an address that somebody has just shown to get mail.
func (s *Store) proved(ctx context.Context, channel, target string) error {
	if channel != notify.Email {
		return nil
	}
	_, err := s.Deliveries.Forgive(ctx, target)
	return err
}

// reportAddress is where a driver's vendor may report to: nowhere from a server it could
// not reach safely.
func (s *services) reportAddress(secure bool) func(name string) string {
	return func(name string) string {
		if !secure {
			return ""
		}
		return callback.Address(s.publicURL, s.Deliveries, name)
	}
}

// reporters are the vendors that report deliveries.
func (p *post) reporters() map[string]callback.Reporter {
	all := map[string]callback.Reporter{}
	if p.texts != nil {
		for name, r := range p.texts.Reporters() {
			all[name] = r
		}
	}
	if r, ok := p.mails.(callback.Reporter); ok {
		all[mail.SMTP] = r
	}
	return all
}
