package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/tigertally/tigertally/internal/callback"
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

// post hands messages to the configured drivers.
type post struct {
	texts *sms.Router
	mails mail.Driver
	inbox func(m notify.Message) // development only; sees what was sent
	lanes map[string]chan struct{}
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

// outside reports whether any message leaves this machine.
func (p *post) outside() bool { return p.texts != nil || p.mails != nil }

func (p *post) carry(ctx context.Context, m notify.Message) (driver.Receipt, error) {
	if p.outside() {
		leave, err := p.enter(ctx, m.Channel)
		if err != nil {
			return driver.Receipt{}, err
		}
		defer leave()
	}
	receipt, err := p.send(ctx, m)
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

func (p *post) send(ctx context.Context, m notify.Message) (driver.Receipt, error) {
	switch {
	case m.Channel == notify.SMS && p.texts != nil:
		return p.texts.Send(ctx, sms.Message{
			ID: m.ID, To: m.To, Template: m.Template, Lang: m.Lang, Params: m.Params, Text: m.Text,
		})
	case m.Channel == notify.Email && p.mails != nil:
		return p.mails.Send(ctx, mail.Message{
			ID: m.ID, To: m.To, Template: m.Template, Lang: m.Lang, Subject: m.Subject, Text: m.Text, HTML: m.HTML,
		})
	case p.inbox != nil:
		return driver.Receipt{Driver: "inbox", VendorID: m.ID}, nil
	}
	return driver.Receipt{}, &driver.Failure{Vendor: m.Channel, Class: driver.Misconfigured, Err: errors.New("no driver is configured")}
}

// deliverer notes each message before and after it is handed over, so that one that may
// have gone out never goes again, whenever the server stops. What stays on this machine
// costs nothing and is not noted.
func (s *services) deliverer(p *post) notify.Deliverer {
	if !p.outside() {
		return func(ctx context.Context, m notify.Message) error {
			_, err := p.carry(ctx, m)
			return err
		}
	}
	return func(ctx context.Context, m notify.Message) error {
		fresh, err := s.Deliveries.Begin(ctx, delivery.Message{ID: m.ID, PoolID: m.PoolID, Channel: m.Channel, To: m.To})
		if err != nil {
			return &driver.Failure{Vendor: m.Channel, Class: driver.Unavailable, Err: err}
		}
		if !fresh {
			return &driver.Failure{Vendor: m.Channel, Class: driver.Unavailable, Maybe: true, Err: errors.New("handed over before")}
		}
		receipt, err := s.unlessBounced(ctx, p, m)
		// The vendor has taken its time; what it said is noted all the same.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		if err != nil {
			f := driver.FailureOf(err)
			return errors.Join(f, s.Deliveries.Refused(ctx, m.ID, f), s.Deliveries.Bounced(ctx, m.To, f.Status))
		}
		if err := s.Deliveries.Took(ctx, m.ID, receipt); err != nil {
			s.log.ErrorContext(ctx, "receipt not noted", slog.String("message", m.ID), slog.Any("err", err))
		}
		return nil
	}
}

// unlessBounced hands a message over, except mail to an address that it came back from.
func (s *services) unlessBounced(ctx context.Context, p *post, m notify.Message) (driver.Receipt, error) {
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
	return p.carry(ctx, m)
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
