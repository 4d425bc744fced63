package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/tigertally/tigertally/internal/callback"
	"github.com/tigertally/tigertally/internal/channel"
	"github.com/tigertally/tigertally/internal/config"
	"github.com/tigertally/tigertally/internal/driver"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/mail"
	"github.com/tigertally/tigertally/internal/manage"
	"github.com/tigertally/tigertally/internal/notify"
	"github.com/tigertally/tigertally/internal/sms"
	"github.com/tigertally/tigertally/internal/upsim"
)

// testPatience is how long an operator waits for what a vendor says to a test message.
const testPatience = 20 * time.Second

// messengers makes what opens the drivers that pools store, and what shows them to
// administrators.
func (s *services) messengers(conf config.Config, o outside) (*messengers, error) {
	allow, err := driver.ParseRanges(strings.Join(conf.OutboundAllow, ","))
	if err != nil {
		return nil, fmt.Errorf("outbound_allow: %w", err)
	}
	s.carriers = carriers{s, conf, o.upstreams}
	return &messengers{
		channels: s.Channels, allow: allow, log: o.log, now: o.now, opened: map[string]*messenger{},
		callback: s.reportAddress(conf.Secure()),
		check: func(set map[string]string) error {
			if o.inbox != nil { // development, where the simulator is the vendor
				return nil
			}
			return s.earnest.check("settings", set)
		},
	}, nil
}

// checkMessengers reports every driver of a pool whose settings are of development,
// whoever has put them there.
func (s *Store) checkMessengers(ctx context.Context) error {
	pools, err := s.Channels.All(ctx)
	if err != nil {
		return err
	}
	var problems []error
	for _, list := range pools {
		for _, d := range list {
			if !d.Enabled {
				continue
			}
			set, err := s.Channels.Settings(d)
			if err != nil {
				return err
			}
			problems = append(problems, s.earnest.check("pool "+d.PoolID+", message driver "+d.ID, set))
		}
	}
	return errors.Join(problems...)
}

// words returns what a pool has people read instead of a built-in template.
func (s *Store) words(ctx context.Context, poolID, template, name, lang string) (notify.Words, bool, error) {
	w, ok, err := s.Channels.Words(ctx, poolID, template, name, lang)
	return notify.Words{Subject: w.Subject, Body: w.Body}, ok, err
}

// carriers lets administrators see and try the vendors of messages.
type carriers struct {
	s    *services
	conf config.Config
	sim  *upsim.Server
}

// Kinds lists what a pool may use. In development each comes with settings for the
// simulator.
func (c carriers) Kinds() []channel.Kind {
	all := kindsOfMessenger()
	if c.sim == nil {
		return all
	}
	for i := range all {
		all[i].Simulated = simulatedVendor(all[i].Name, c.sim)
	}
	return all
}

// simulatedVendor are the settings of a vendor that the simulator plays, with the account
// it has from the start.
func simulatedVendor(kind string, sim *upsim.Server) map[string]string {
	const key = "sim-secret-key-0000000000000001"
	at := sim.Bases()
	switch kind {
	case "tencent":
		return map[string]string{
			"secret_id": "AKIDsim00000000000000000000000001", "secret_key": key, "app_id": "1400006666",
			"sign_name": simulatedSign, "templates": "default=1234(code,minutes)", "base": at.Tencent,
		}
	case "aliyun":
		return map[string]string{
			"access_key_id": "LTAIsim0000000000000001", "access_key_secret": key,
			"sign_name": simulatedSign, "templates": "default=SMS_000000001(code)", "base": at.Aliyun,
		}
	case "twilio":
		return map[string]string{ // the simulator's own
			"account_sid": "ACsim00000000000000000000000000001", "auth_token": "simtwilioauthtoken00000000000001",
			"from": "+15005550006", "base": at.Twilio,
		}
	case "webhook":
		return map[string]string{"url": at.Webhook, "secret": "sim-webhook-secret-0000000000001", "sign_name": "Tigertally"} // the simulator's own
	case mail.SMTP:
		_, port, err := net.SplitHostPort(at.SMTP)
		if err != nil {
			return nil
		}
		return map[string]string{ // the simulator's own
			"host": "localhost", "port": port, "tls": "starttls", "ca": string(sim.CA()), "from": "Tigertally <no-reply@example.test>",
			"username": "sim-mailer@example.test", "password": "sim-mail-password-0001",
		}
	}
	return nil
}

// simulatedSign is the signature that the simulated vendors have approved.
const simulatedSign = "\u6a21\u62df\u7b7e\u540d"

// Server names the server's own drivers of a channel, in the order they are asked.
func (c carriers) Server(name string) []string {
	names := c.conf.SMS.Name
	if name == channel.Email {
		names = c.conf.Mail.Name
	}
	return strings.FieldsFunc(names, func(r rune) bool { return r == ',' || r == ' ' })
}

// Check says why a driver cannot be used with settings. It asks no vendor.
func (c carriers) Check(d channel.Driver, set map[string]string) error {
	if _, err := c.s.post.stored.build(d, set); err != nil {
		return errs.New(errs.MessageDriverInvalid, "reason", err.Error())
	}
	return nil
}

// Approved says with which of the vendor's approved templates a message would be sent.
func (c carriers) Approved(set map[string]string, m notify.Message) string {
	return sms.Approved(set["templates"], textOf(m))
}

// Reports is where the driver's vendor may report what became of messages; "" when it
// does not, or could not reach this server safely.
func (c carriers) Reports(d channel.Driver) string {
	if !slices.Contains(append(sms.Reporting(), mail.SMTP), d.Kind) || !c.conf.Secure() {
		return ""
	}
	return callback.Address(c.s.publicURL, c.s.Deliveries, d.Mark())
}

// Try hands a message to one driver, enabled or not, and waits for what the vendor says.
// It is noted like any other.
func (c carriers) Try(ctx context.Context, d channel.Driver, m notify.Message) (manage.Tried, error) {
	ctx, cancel := context.WithTimeout(ctx, testPatience)
	defer cancel()
	p, begun := c.s.post, c.s.now()
	receipt, err := c.s.handOver(ctx, m, func(ctx context.Context) (driver.Receipt, error) {
		receipt, err := p.stored.sendBy(ctx, d, m)
		if err == nil && p.inbox != nil {
			p.inbox(m)
		}
		return receipt, err
	})
	tried := manage.Tried{VendorID: receipt.VendorID, Units: receipt.Units, Took: c.s.now().Sub(begun)}
	if err != nil {
		f, ok := errors.AsType[*driver.Failure](err)
		if !ok {
			return tried, err
		}
		tried.Failure = f
	}
	return tried, nil
}

// followSimulator tells the vendors of pools that the simulator plays where it is now. One
// that somebody has pointed elsewhere stays as it is.
func (a *App) followSimulator(ctx context.Context) error {
	if a.carriers.sim == nil {
		return nil
	}
	pools, err := a.Channels.All(ctx)
	if err != nil {
		return err
	}
	for _, list := range pools {
		for _, d := range list {
			set, err := a.Channels.Settings(d)
			if err != nil {
				return err
			}
			now := simulatedVendor(d.Kind, a.carriers.sim)
			if !onThisMachine(cmp.Or(set["base"], set["url"], "smtp://"+set["host"])) || now == nil {
				continue
			}
			for _, name := range []string{"base", "url", "host", "port", "ca"} {
				if now[name] != "" {
					set[name] = now[name]
				}
			}
			if _, err := a.Channels.Put(ctx, d, set); err != nil {
				return err
			}
		}
	}
	return nil
}
