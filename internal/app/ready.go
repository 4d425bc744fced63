package app

import (
	"cmp"
	"context"
	"slices"

	"github.com/tigertally/tigertally/internal/channel"
	"github.com/tigertally/tigertally/internal/config"
	"github.com/tigertally/tigertally/internal/manage"
)

// ready says what a pool can do already, from what is configured and switched on. Its own
// vendors are asked before those of the server.
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
	drivers, err := s.Channels.List(ctx, poolID, "")
	if err != nil {
		return out, err
	}
	for _, d := range slices.Backward(drivers) { // the first to be asked is named
		switch {
		case !d.Enabled:
		case d.Channel == channel.SMS:
			out.SMS = d.ID
		default:
			out.Mail = d.ID
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
