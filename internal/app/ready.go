package app

import (
	"cmp"
	"context"

	"github.com/tigertally/tigertally/internal/config"
	"github.com/tigertally/tigertally/internal/manage"
)

// ready says what a pool can do already, from what is configured and switched on.
func (s *services) ready(ctx context.Context, poolID string) (manage.Ready, error) {
	out := s.vendors
	all, err := s.Connections.List(ctx, poolID)
	if err != nil {
		return out, err
	}
	for _, c := range all {
		if c.Enabled {
			out.Provider = c.ID
			break
		}
	}
	return out, nil
}

// readiness is what every pool of a server can do. In development messages have an inbox
// where no vendor is configured.
func readiness(conf config.Config, o outside) manage.Ready {
	r := manage.Ready{SMS: conf.SMS.Name, Mail: conf.Mail.Name, OneTap: o.oneTap != nil}
	if o.inbox != nil {
		r.SMS, r.Mail = cmp.Or(r.SMS, inboxName), cmp.Or(r.Mail, inboxName)
	}
	return r
}

// inboxName stands for the vendor of messages that end in the inbox of development.
const inboxName = "inbox"
