package app

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/tigertally/tigertally/internal/config"
	"github.com/tigertally/tigertally/internal/driver"
	"github.com/tigertally/tigertally/internal/job"
	"github.com/tigertally/tigertally/internal/webhook"
)

// listeners builds what tells pools' own servers what happened. They have a queue and a
// client of their own: one that is slow or dead holds up no message, and one that fails
// makes nobody stop asking a vendor. local lets them be on this machine, over http.
func (s *services) listeners(conf config.Config, local bool) error {
	allow, err := driver.ParseRanges(strings.Join(conf.OutboundAllow, ","))
	if err != nil {
		return fmt.Errorf("outbound_allow: %w", err)
	}
	client := driver.NewClient(driver.ClientOptions{Now: s.now, Allow: allow})
	s.hookJobs = job.New(s.db, s.ring, s.now, s.log)
	s.webhooks = webhook.New(webhook.Deps{
		DB: s.db, Ring: s.ring, Users: s.users, Audit: s.audit, Jobs: s.hookJobs, Now: s.now, Logger: s.log, Local: local,
		Send: func(ctx context.Context, r webhook.Request) (webhook.Answer, error) { return tell(ctx, client, r) },
	})
	return nil
}

// tell posts one request to a webhook.
func tell(ctx context.Context, client *http.Client, r webhook.Request) (webhook.Answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.URL, bytes.NewReader(r.Body))
	if err != nil {
		return webhook.Answer{}, err
	}
	for name, value := range r.Header {
		req.Header.Set(name, value)
	}
	answer, err := driver.Do(client, req)
	return webhook.Answer{Status: answer.Status, Body: answer.Body}, err
}
