// Package webhook owns the addresses at which a pool's owner hears what happened: which
// events they are, how each is signed, when it is sent again, and the record of that. It
// hears of events through the audit trail, in the transaction of their effect, and opens
// no connection itself.
package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/driver"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/job"
	"github.com/tigertally/tigertally/internal/secret"
	"github.com/tigertally/tigertally/internal/user"
)

// The bounds of what an owner may ask for.
const (
	maxName  = 100
	maxURL   = 1024
	maxHooks = 20 // of a pool
)

// Why the server switched a webhook off.
const (
	StoppedFailing = "failing" // nothing arrived for days
	StoppedGone    = "gone"    // it answered 410
)

// Hook is an address that hears what happened in a pool.
type Hook struct {
	ID, PoolID string
	Name       string // for people; may be empty
	URL        string
	Events     []string // names of Events; none is all
	// Contacts sends mail addresses and phone numbers in clear instead of masked.
	Contacts bool
	Enabled  bool
	// Stopped says why the server itself switched the webhook off, "" when it did not.
	Stopped              string
	FailingSince         time.Time // of the first failure since the last success; zero for none
	CreatedAt, UpdatedAt time.Time

	sealed []byte
}

// hears reports whether the hook wants an event.
func (h Hook) hears(name string) bool {
	return h.Enabled && (len(h.Events) == 0 || slices.Contains(h.Events, name))
}

// Deps are what a Service is made of; all are required.
type Deps struct {
	DB    *db.DB
	Ring  *secret.Keyring
	Users *user.Service
	Audit *audit.Service
	// Jobs carry the deliveries. They are a queue of its own, so that receivers that take
	// their time keep nothing else waiting.
	Jobs   *job.Service
	Now    func() time.Time
	Logger *slog.Logger
	// Send hands one request to the outside world, and never to a private address.
	Send func(ctx context.Context, r Request) (Answer, error)
	// Local lets webhooks be on this machine, over http: for development.
	Local bool
}

// Service keeps webhooks and delivers to them.
type Service struct {
	d     Deps
	cache *db.Cached[snapshot]
}

// snapshot has the enabled hooks by pool.
type snapshot struct{ pools map[string][]Hook }

// metaGeneration is the row of meta this package owns.
const metaGeneration = "webhook_generation"

// New makes the service and lets it hear what the audit trail records.
func New(d Deps) *Service {
	s := &Service{d: d}
	s.cache = db.NewCached(d.DB, d.Now, metaGeneration, func(ctx context.Context, _ *snapshot) (*snapshot, error) {
		pools, err := s.enabled(ctx)
		return &snapshot{pools}, err
	})
	d.Audit.Heard = s.heard
	d.Jobs.Handle(jobKind, s.deliver)
	d.Jobs.Every("webhook_retry", retryEvery, s.retry)
	d.Jobs.Every("sweep_webhooks", 6*time.Hour, s.sweep)
	return s
}

// List returns the webhooks of a pool, oldest first.
func (s *Service) List(ctx context.Context, poolID string) ([]Hook, error) {
	all, err := s.list(ctx, poolID)
	if err != nil {
		return nil, fmt.Errorf("list webhooks: %w", err)
	}
	return all, nil
}

// Get returns a webhook of a pool, or says WebhookNotFound.
func (s *Service) Get(ctx context.Context, poolID, id string) (Hook, error) {
	h, err := s.get(ctx, poolID, id)
	if errors.Is(err, db.ErrNoRows) {
		return h, errs.New(errs.WebhookNotFound)
	}
	if err != nil {
		return h, fmt.Errorf("read webhook: %w", err)
	}
	return h, nil
}

// Create makes a webhook and returns it with the secret it is signed with, which is not
// shown again.
//
// Errors: BadRequest, FieldMissing, FieldTooLong, WebhookLimit.
func (s *Service) Create(ctx context.Context, h Hook) (Hook, string, error) {
	if err := s.check(&h); err != nil {
		return h, "", err
	}
	h.ID, h.Enabled, h.Stopped = secret.ID(), true, ""
	h.CreatedAt = db.Clock(s.d.Now)()
	h.UpdatedAt = h.CreatedAt
	text := newSecret()
	var err error
	if h.sealed, err = s.seal(h.ID, []key{{Secret: text}}); err != nil {
		return h, "", err
	}
	err = s.cache.Change(ctx, secret.ID(), func(ctx context.Context) error {
		n, err := s.count(ctx, h.PoolID)
		if err != nil {
			return err
		}
		if n >= maxHooks {
			return errs.New(errs.WebhookLimit, "max", fmt.Sprint(maxHooks))
		}
		return s.insert(ctx, h)
	})
	if err != nil {
		return h, "", fmt.Errorf("make webhook: %w", err)
	}
	return h, text, nil
}

// Update replaces what an owner chose: name, address, events, contacts and whether it is
// enabled. Switching it on forgets why it was off.
//
// Errors: BadRequest, FieldMissing, FieldTooLong, WebhookNotFound.
func (s *Service) Update(ctx context.Context, h Hook) error {
	if err := s.check(&h); err != nil {
		return err
	}
	return s.change(ctx, "change webhook", func(ctx context.Context) (int64, error) {
		n, err := s.update(ctx, h)
		if err == nil && n == 1 && !h.Enabled {
			err = s.abandon(ctx, h.ID)
		}
		return n, err
	})
}

// Remove ends a webhook and forgets what it was sent, or says WebhookNotFound.
func (s *Service) Remove(ctx context.Context, poolID, id string) error {
	return s.change(ctx, "remove webhook", func(ctx context.Context) (int64, error) { return s.remove(ctx, poolID, id) })
}

func (s *Service) change(ctx context.Context, what string, write func(context.Context) (int64, error)) error {
	err := s.cache.Change(ctx, secret.ID(), func(ctx context.Context) error {
		n, err := write(ctx)
		if err == nil && n == 0 {
			return errs.New(errs.WebhookNotFound)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// check says what is wrong with what an owner chose, and sorts its events.
func (s *Service) check(h *Hook) error {
	h.Name, h.URL = strings.TrimSpace(h.Name), strings.TrimSpace(h.URL)
	switch {
	case len(h.Name) > maxName:
		return errs.New(errs.FieldTooLong, "field", "name", "max", fmt.Sprint(maxName))
	case h.URL == "":
		return errs.New(errs.FieldMissing, "field", "url")
	case len(h.URL) > maxURL:
		return errs.New(errs.FieldTooLong, "field", "url", "max", fmt.Sprint(maxURL))
	}
	u, err := url.Parse(h.URL)
	if err != nil || driver.CheckURL(h.URL) != nil || u.User != nil || u.Fragment != "" || (u.Scheme != "https" && !s.d.Local) {
		return errs.New(errs.BadRequest, "field", "url").Because(err)
	}
	known := Events()
	for _, name := range h.Events {
		if !slices.Contains(known, name) {
			return errs.New(errs.BadRequest, "field", "events")
		}
	}
	slices.Sort(h.Events)
	h.Events = slices.Compact(h.Events)
	return nil
}

// encode writes a list of names for the database.
func encode(names []string) (string, error) {
	if names == nil {
		names = []string{}
	}
	text, err := json.Marshal(names)
	return string(text), err
}
