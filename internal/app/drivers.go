package app

import (
	"context"
	"fmt"
	"time"

	"github.com/tigertally/tigertally/internal/config"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/mail"
	"github.com/tigertally/tigertally/internal/notify"
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
			return texts.Send(ctx, sms.Message{
				ID: m.ID, To: m.To, Template: m.Template, Lang: m.Lang, Params: m.Params, Text: m.Text,
			})
		case m.Channel == notify.Email && mails != nil:
			return mails.Send(ctx, mail.Message{
				ID: m.ID, To: m.To, Template: m.Template, Lang: m.Lang, Subject: m.Subject, Text: m.Text, HTML: m.HTML,
			})
		}
		return errs.New(errs.SendFailed).Because(fmt.Errorf("no driver for channel %s", m.Channel))
	}, nil
}
