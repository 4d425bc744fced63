// Package channel owns what a pool has decided about its messages: the vendors they
// travel by, in which order, with sealed settings that it does not understand, and the
// words it has instead of the built-in ones. It sends nothing and knows no vendor.
package channel

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/tigertally/tigertally/internal/contact"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/driver"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/secret"
)

// The channels a message travels by.
const (
	SMS   = "sms"
	Email = "email"
)

// The bounds of what an operator may configure.
const (
	maxDrivers   = 10 // of a channel
	maxName      = 64
	maxSettings  = 32 << 10
	maxCountries = 50
)

// Kind is a driver that a pool may use.
type Kind struct {
	Channel string
	Name    string
	Doc     string
	Options []driver.Option
	// Simulated are settings with which the simulator of a development server takes its
	// messages; nil in production.
	Simulated map[string]string
}

// Driver is one vendor a pool's messages travel by. Its settings are opened on demand
// only: see Service.Settings.
type Driver struct {
	PoolID  string
	ID      string // the operator's name of it, such as tencent
	Channel string
	Kind    string // of the driver
	Name    string // for people; "" is the kind
	// Countries are the dialling codes, such as +86, whose numbers it is asked for; empty
	// is every one.
	Countries []string
	Enabled   bool
	CreatedAt time.Time
	UpdatedAt time.Time

	sealed []byte
}

// Version differs whenever the driver was put with other settings.
func (d Driver) Version() string { return d.Kind + string(secret.Hash(string(d.sealed))) }

// Mark names the driver among those of all pools: in what is noted of a message and in
// the address its vendor reports to. No driver of the server's own has a slash.
func (d Driver) Mark() string { return d.PoolID + "/" + d.ID }

// Serves reports whether messages to an address may travel by the driver.
func (d Driver) Serves(address string) bool {
	if len(d.Countries) == 0 || !strings.HasPrefix(address, "+") {
		return true
	}
	country, _ := contact.SplitPhone(address)
	return slices.Contains(d.Countries, country)
}

// Service keeps the drivers and words of all pools. They are answered from memory.
type Service struct {
	db    *db.DB
	ring  *secret.Keyring
	now   func() time.Time
	cache *db.Cached[snapshot]
}

// snapshot has the drivers by pool, in the order they are asked, and the words.
type snapshot struct {
	pools map[string][]Driver
	words map[wordsKey]Words
}

// metaGeneration is the row of meta this package owns.
const metaGeneration = "channel_generation"

// New makes the service.
func New(d *db.DB, ring *secret.Keyring, now func() time.Time) *Service {
	s := &Service{db: d, ring: ring, now: now}
	s.cache = db.NewCached(d, now, metaGeneration, func(ctx context.Context, _ *snapshot) (*snapshot, error) {
		pools, err := s.all(ctx)
		if err != nil {
			return nil, err
		}
		words, err := s.allWords(ctx)
		return &snapshot{pools, words}, err
	})
	return s
}

// List returns the drivers of a pool for a channel, "" for all, disabled ones too, in the
// order they are asked.
func (s *Service) List(ctx context.Context, poolID, channel string) ([]Driver, error) {
	snap, err := s.cache.Get(ctx)
	if err != nil {
		return nil, fmt.Errorf("list message drivers: %w", err)
	}
	var all []Driver
	for _, d := range snap.pools[poolID] {
		if channel == "" || d.Channel == channel {
			all = append(all, d)
		}
	}
	return all, nil
}

// All returns the drivers of every pool, by pool; do not write to it.
func (s *Service) All(ctx context.Context) (map[string][]Driver, error) {
	snap, err := s.cache.Get(ctx)
	if err != nil {
		return nil, fmt.Errorf("list message drivers: %w", err)
	}
	return snap.pools, nil
}

// Get returns one driver, or MessageDriverNotFound.
func (s *Service) Get(ctx context.Context, poolID, id string) (Driver, error) {
	list, err := s.List(ctx, poolID, "")
	if err != nil {
		return Driver{}, err
	}
	i := slices.IndexFunc(list, func(d Driver) bool { return d.ID == id })
	if i < 0 {
		return Driver{}, errs.New(errs.MessageDriverNotFound)
	}
	return list[i], nil
}

// Settings opens the settings of a driver, secrets and all.
func (s *Service) Settings(d Driver) (map[string]string, error) {
	plain, err := s.ring.Open(d.sealed, place(d.PoolID, d.ID))
	if err != nil {
		return nil, fmt.Errorf("settings of message driver %s: %w", d.ID, err)
	}
	var set map[string]string
	if err := json.Unmarshal(plain, &set); err != nil {
		return nil, fmt.Errorf("settings of message driver %s: %w", d.ID, err)
	}
	return set, nil
}

// ids can stand in an address without an escape.
var ids = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,31}$`)

var dialling = regexp.MustCompile(`^\+[1-9][0-9]{0,3}$`)

// Put makes a driver, the last to be asked on its channel, or replaces it where it stands,
// settings and all. Whoever calls it has checked that its kind takes the settings.
//
// Errors: BadRequest, FieldTooLong, MessageDriverLimit.
func (s *Service) Put(ctx context.Context, d Driver, settings map[string]string) (Driver, error) {
	plain, err := json.Marshal(settings)
	switch {
	case err != nil:
		return Driver{}, fmt.Errorf("put message driver: %w", err)
	case !ids.MatchString(d.ID):
		return Driver{}, errs.New(errs.BadRequest, "field", "id")
	case d.Channel != SMS && d.Channel != Email:
		return Driver{}, errs.New(errs.BadRequest, "field", "channel")
	case len(d.Name) > maxName:
		return Driver{}, errs.New(errs.FieldTooLong, "field", "name", "max", fmt.Sprint(maxName))
	case len(plain) > maxSettings:
		return Driver{}, errs.New(errs.FieldTooLong, "field", "settings", "max", fmt.Sprint(maxSettings))
	case len(d.Countries) > maxCountries || slices.ContainsFunc(d.Countries, func(c string) bool { return !dialling.MatchString(c) }):
		return Driver{}, errs.New(errs.BadRequest, "field", "countries")
	}
	if d.sealed, err = s.ring.Seal(plain, place(d.PoolID, d.ID)); err != nil {
		return Driver{}, fmt.Errorf("seal settings: %w", err)
	}
	err = s.cache.Change(ctx, secret.ID(), func(ctx context.Context) error {
		if err := s.upsert(ctx, d); err != nil {
			return err
		}
		n, err := s.count(ctx, d.PoolID, d.Channel)
		if err == nil && n > maxDrivers {
			return errs.New(errs.MessageDriverLimit, "max", fmt.Sprint(maxDrivers))
		}
		return err
	})
	if err != nil {
		return Driver{}, fmt.Errorf("put message driver: %w", err)
	}
	return d, nil
}

// Switch turns a driver on or off. Errors: MessageDriverNotFound.
func (s *Service) Switch(ctx context.Context, poolID, id string, on bool) error {
	return s.change(ctx, func(ctx context.Context) (int64, error) { return s.enable(ctx, poolID, id, on) })
}

// Move makes a driver the one that is asked n-th on its channel, counted from 1. A number
// that is too large means the last. Errors: MessageDriverNotFound.
func (s *Service) Move(ctx context.Context, poolID, id string, n int) error {
	return s.change(ctx, func(ctx context.Context) (int64, error) {
		order, err := s.order(ctx, poolID, id)
		if err != nil || len(order) == 0 {
			return 0, err
		}
		order = slices.DeleteFunc(order, func(other string) bool { return other == id })
		order = slices.Insert(order, min(max(n-1, 0), len(order)), id)
		return s.arrange(ctx, poolID, order)
	})
}

// Remove ends a driver and forgets its settings. Errors: MessageDriverNotFound.
func (s *Service) Remove(ctx context.Context, poolID, id string) error {
	return s.change(ctx, func(ctx context.Context) (int64, error) { return s.remove(ctx, poolID, id) })
}

// change makes a change that says how many drivers it was about.
func (s *Service) change(ctx context.Context, change func(context.Context) (int64, error)) error {
	err := s.cache.Change(ctx, secret.ID(), func(ctx context.Context) error {
		n, err := change(ctx)
		if err == nil && n == 0 {
			return errs.New(errs.MessageDriverNotFound)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("change a message driver: %w", err)
	}
	return nil
}

// place is what settings are sealed for.
func place(poolID, id string) string { return "message_drivers.settings:" + poolID + "/" + id }
