package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tigertally/tigertally/internal/callback"
	"github.com/tigertally/tigertally/internal/channel"
	"github.com/tigertally/tigertally/internal/driver"
	"github.com/tigertally/tigertally/internal/mail"
	"github.com/tigertally/tigertally/internal/notify"
	"github.com/tigertally/tigertally/internal/sms"
)

// ownLanes is how many messages of one pool's driver are handed over at once, so that one
// tenant's vendor that hangs does not hold up the others.
const ownLanes = 4

// The options that are not for whoever runs a pool: they would lead around the guard of
// outbound calls, or are known here.
const (
	optionAllow    = "allow"
	optionCallback = "callback"
)

// messengers are the drivers that pools have stored, each opened once for each version.
type messengers struct {
	channels *channel.Service
	check    func(settings map[string]string) error // what is none of a server in earnest
	allow    []netip.Prefix                         // of the installation
	callback func(name string) string
	log      *slog.Logger
	now      func() time.Time

	mu     sync.Mutex
	opened map[string]*messenger // by mark
}

// messenger is an open driver; err is why it could not be opened.
type messenger struct {
	version string
	text    sms.Driver
	mail    mail.Driver
	lane    chan struct{}
	err     error
}

// kindsOfMessenger lists what pools may use. The driver that writes files is not theirs.
func kindsOfMessenger() []channel.Kind {
	var all []channel.Kind
	for _, k := range sms.Drivers() {
		if k.Name != "log" {
			all = append(all, channel.Kind{Channel: channel.SMS, Name: k.Name, Doc: k.Doc, Options: ownOptions(k.Options)})
		}
	}
	for _, k := range mail.Drivers() {
		all = append(all, channel.Kind{Channel: channel.Email, Name: k.Name, Doc: k.Doc, Options: ownOptions(k.Options)})
	}
	return all
}

func ownOptions(all []driver.Option) []driver.Option {
	return slices.DeleteFunc(slices.Clone(all), func(o driver.Option) bool { return o.Name == optionAllow || o.Name == optionCallback })
}

// route lists the drivers of a pool that are asked for a message, in order. own is false
// for a pool that has none of its own on the channel.
func (s *messengers) route(ctx context.Context, poolID, name, to string) (list []channel.Driver, own bool, err error) {
	all, err := s.channels.List(ctx, poolID, name)
	for _, d := range all {
		if !d.Enabled {
			continue
		}
		own = true
		if d.Serves(to) {
			list = append(list, d)
		}
	}
	return list, own, err
}

// send asks one driver after another, the next one only when the last certainly did not
// send and another may.
func (s *messengers) send(ctx context.Context, list []channel.Driver, m notify.Message) (driver.Receipt, error) {
	failed := &driver.Failure{Vendor: m.Channel, Class: driver.NoRoute}
	for _, d := range list {
		receipt, err := s.sendBy(ctx, d, m)
		if err == nil {
			return receipt, nil
		}
		failed = driver.FailureOf(err)
		if failed.Maybe || failed.Class == driver.BadAddress || failed.Class == driver.RateLimited || ctx.Err() != nil {
			break
		}
		s.log.WarnContext(ctx, "message driver failed", slog.String("driver", d.Mark()), slog.Any("err", failed))
	}
	return driver.Receipt{}, failed
}

// sendBy asks one driver. What it answers names the driver among those of all pools.
func (s *messengers) sendBy(ctx context.Context, d channel.Driver, m notify.Message) (driver.Receipt, error) {
	by := s.open(ctx, d)
	receipt, err := by.send(ctx, m)
	if err != nil {
		f := *driver.FailureOf(err)
		f.Vendor = d.Mark()
		return driver.Receipt{}, &f
	}
	receipt.Driver = d.Mark()
	return receipt, nil
}

func (m *messenger) send(ctx context.Context, msg notify.Message) (driver.Receipt, error) {
	if m.err != nil {
		return driver.Receipt{}, &driver.Failure{Class: driver.Misconfigured, Err: m.err}
	}
	wait, cancel := context.WithTimeout(ctx, laneWait)
	defer cancel()
	select {
	case m.lane <- struct{}{}:
		defer func() { <-m.lane }()
	case <-wait.Done():
		return driver.Receipt{}, &driver.Failure{Class: driver.Unavailable, Err: errors.New("too many messages at once")}
	}
	if m.text != nil {
		return m.text.Send(ctx, textOf(msg))
	}
	return m.mail.Send(ctx, mailOf(msg))
}

// open returns the open driver of d's version. Clients and breakers live as long.
func (s *messengers) open(ctx context.Context, d channel.Driver) *messenger {
	s.mu.Lock()
	m := s.opened[d.Mark()]
	s.mu.Unlock()
	if m != nil && m.version == d.Version() {
		return m
	}
	m = &messenger{}
	set, err := s.channels.Settings(d)
	if err == nil {
		m, err = s.build(d, set)
	}
	m.version, m.err, m.lane = d.Version(), err, make(chan struct{}, ownLanes)
	all, err := s.channels.All(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	if other := s.opened[d.Mark()]; other != nil && other.version == m.version {
		return other
	}
	if err == nil {
		s.forget(all)
	}
	s.opened[d.Mark()] = m
	return m
}

// forget drops what was open of drivers that are no more.
func (s *messengers) forget(all map[string][]channel.Driver) {
	known := map[string]bool{}
	for _, list := range all {
		for _, d := range list {
			known[d.Mark()] = true
		}
	}
	maps.DeleteFunc(s.opened, func(mark string, _ *messenger) bool { return !known[mark] })
}

// build opens a driver from settings.
func (s *messengers) build(d channel.Driver, set map[string]string) (*messenger, error) {
	m := &messenger{}
	kinds := kindsOfMessenger()
	i := slices.IndexFunc(kinds, func(k channel.Kind) bool { return k.Channel == d.Channel && k.Name == d.Kind })
	if i < 0 {
		return m, fmt.Errorf("no %s driver of a pool is called %q", d.Channel, d.Kind)
	}
	for name := range set {
		if !slices.ContainsFunc(kinds[i].Options, func(o driver.Option) bool { return o.Name == name }) {
			return m, fmt.Errorf("there is no option %q", name)
		}
	}
	if err := s.check(set); err != nil {
		return m, err
	}
	var err error
	if d.Channel == channel.Email {
		m.mail, err = mail.Guarded(d.Kind, set, s.allow, s.now)
		return m, err
	}
	m.text, err = sms.New(d.Kind, s.completed(d, set), s.now)
	return m, err
}

// completed adds the options that are not the pool's to set.
func (s *messengers) completed(d channel.Driver, set map[string]string) map[string]string {
	all := map[string]string{}
	for name, value := range set {
		if value != "" {
			all[name] = value
		}
	}
	for _, k := range sms.Drivers() {
		for _, o := range k.Options {
			switch {
			case k.Name != d.Kind:
			case o.Name == optionAllow && len(s.allow) > 0:
				all[optionAllow] = joined(s.allow)
			case o.Name == optionCallback:
				if address := s.callback(d.Mark()); address != "" {
					all[optionCallback] = address
				}
			}
		}
	}
	return all
}

func joined(ranges []netip.Prefix) string {
	var b strings.Builder
	for _, r := range ranges {
		b.WriteString(r.String() + " ")
	}
	return b.String()
}

// textOf is a message as a text message.
func textOf(m notify.Message) sms.Message {
	return sms.Message{ID: m.ID, To: m.To, Template: m.Template, Lang: m.Lang, Params: m.Params, Text: m.Text}
}

// mailOf is a message as a mail.
func mailOf(m notify.Message) mail.Message {
	return mail.Message{ID: m.ID, To: m.To, Template: m.Template, Lang: m.Lang, Subject: m.Subject, Text: m.Text, HTML: m.HTML}
}

// reporter finds the open driver whose vendor reports deliveries by what is true of its
// mark; nil for none.
func (s *messengers) reporter(ctx context.Context, is func(mark string) bool) (string, callback.Reporter) {
	all, err := s.channels.All(ctx)
	if err != nil {
		s.log.ErrorContext(ctx, "message drivers not read", slog.Any("err", err))
		return "", nil
	}
	for _, list := range all {
		for _, d := range list {
			if !is(d.Mark()) {
				continue
			}
			m := s.open(ctx, d)
			if r, ok := m.text.(callback.Reporter); ok {
				return d.Mark(), r
			}
			if r, ok := m.mail.(callback.Reporter); ok {
				return d.Mark(), r
			}
			return "", nil
		}
	}
	return "", nil
}
