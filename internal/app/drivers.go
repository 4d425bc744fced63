package app

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/tigertally/tigertally/internal/config"
	"github.com/tigertally/tigertally/internal/driver"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/mail"
	"github.com/tigertally/tigertally/internal/notify"
	"github.com/tigertally/tigertally/internal/onetap"
	"github.com/tigertally/tigertally/internal/signin"
	"github.com/tigertally/tigertally/internal/sms"
)

// drivers opens the configured message drivers and returns what hands messages to them.
func drivers(conf config.Config) (notify.Deliverer, error) {
	var texts sms.Driver
	var mails mail.Driver
	var err error
	if conf.SMS.Name != "" {
		if texts, err = sms.New(conf.SMS.Name, conf.SMS.Options, time.Now); err != nil {
			return nil, fmt.Errorf("sms driver: %w", err)
		}
	}
	if conf.Mail.Name != "" {
		if mails, err = mail.New(conf.Mail.Name, conf.Mail.Options, time.Now); err != nil {
			return nil, fmt.Errorf("mail driver: %w", err)
		}
	}
	return func(ctx context.Context, m notify.Message) error {
		switch {
		case m.Channel == notify.SMS && texts != nil:
			_, err := texts.Send(ctx, sms.Message{
				ID: m.ID, To: m.To, Template: m.Template, Lang: m.Lang, Params: m.Params, Text: m.Text,
			})
			return err
		case m.Channel == notify.Email && mails != nil:
			return mails.Send(ctx, mail.Message{
				ID: m.ID, To: m.To, Template: m.Template, Lang: m.Lang, Subject: m.Subject, Text: m.Text, HTML: m.HTML,
			})
		}
		return errs.New(errs.SendFailed).Because(fmt.Errorf("no driver for channel %s", m.Channel))
	}, nil
}

// carrier asks one vendor for the people of every pool.
type carrier struct{ onetap.Verifier }

// Phone asks for the number behind the tokens of a one-tap sign-in.
func (c carrier) Phone(ctx context.Context, _, token, access string) (string, error) {
	return c.Verifier.Phone(ctx, token, access)
}

// oneTap opens the configured driver; without one the method is off.
func oneTap(conf config.Config) (signin.OneTap, error) {
	if conf.OneTap.Name == "" {
		return nil, nil
	}
	v, err := onetap.New(conf.OneTap.Name, conf.OneTap.Options, time.Now)
	if err != nil {
		return nil, err
	}
	return carrier{v}, nil
}

// outbound makes the client for calls to identity providers.
func outbound(conf config.Config, now func() time.Time) (*http.Client, error) {
	allow, err := driver.ParseRanges(strings.Join(conf.OutboundAllow, ","))
	if err != nil {
		return nil, fmt.Errorf("outbound_allow: %w", err)
	}
	return driver.NewClient(driver.ClientOptions{Now: now, Allow: allow}), nil
}
