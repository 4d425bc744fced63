// Package connection owns the identity providers a pool's people may sign in with: their
// sealed settings, which it does not understand, and the tokens their vendors give us as
// an application. It talks to no vendor and knows no person.
package connection

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/i18n"
	"github.com/tigertally/tigertally/internal/secret"
)

// The bounds of what an operator may configure.
const (
	maxName     = 128
	maxSettings = 32 << 10
)

// Connection is one identity provider of a pool. Its settings are opened on demand only:
// see Service.Settings.
type Connection struct {
	PoolID string
	// ID is what clients call it: wx_open, the app id of a mini-program, a name of the
	// operator's. It is also the provider of the identities it vouches for.
	ID   string
	Kind string // of the driver
	// Name is what people see, "" the vendor's in their own language: see Title.
	Name string
	// UnionGroup joins connections whose vendor knows a person by one id over all of them,
	// such as the WeChat apps of one Open Platform account; "" joins none.
	UnionGroup string

	Enabled bool
	// SignUp makes an account for somebody nobody knows.
	SignUp bool
	// TrustEmail believes this provider which email addresses are verified (LK-05).
	TrustEmail bool
	// LinkPhone believes this provider which phone number is whose, and signs people in to
	// the account that owns it.
	LinkPhone bool

	sealed []byte
}

// Title is what people who read lang call the connection.
func (c Connection) Title(lang string) string {
	return cmp.Or(c.Name, i18n.Vendor(lang, c.Kind), c.ID)
}

// Version differs whenever the connection was put again.
func (c Connection) Version() string { return string(secret.Hash(string(c.sealed))) }

// Service keeps the connections of all pools. They are answered from memory.
type Service struct {
	db      *db.DB
	ring    *secret.Keyring
	now     func() time.Time
	cache   *db.Cached[snapshot]
	flights flights
}

// snapshot has the connections by pool, oldest first.
type snapshot struct{ pools map[string][]Connection }

// metaGeneration is the row of meta this package owns.
const metaGeneration = "connection_generation"

// New makes the service.
func New(d *db.DB, ring *secret.Keyring, now func() time.Time) *Service {
	s := &Service{db: d, ring: ring, now: now}
	s.cache = db.NewCached(d, now, metaGeneration, func(ctx context.Context, _ *snapshot) (*snapshot, error) {
		pools, err := s.all(ctx)
		return &snapshot{pools}, err
	})
	return s
}

// List returns the connections of a pool, disabled ones too, in the order they were made;
// do not write to it.
func (s *Service) List(ctx context.Context, poolID string) ([]Connection, error) {
	snap, err := s.cache.Get(ctx)
	if err != nil {
		return nil, fmt.Errorf("list connections: %w", err)
	}
	return snap.pools[poolID], nil
}

// Get returns one connection, or ProviderUnknown.
func (s *Service) Get(ctx context.Context, poolID, id string) (Connection, error) {
	return s.first(ctx, poolID, func(c Connection) bool { return c.ID == id })
}

// Enabled is Get for somebody who wants to use it: ProviderUnknown as well when it is
// switched off (SO-06).
func (s *Service) Enabled(ctx context.Context, poolID, id string) (Connection, error) {
	return s.first(ctx, poolID, func(c Connection) bool { return c.ID == id && c.Enabled })
}

// ByKind returns the oldest enabled connection of a kind, or ProviderUnknown. It is for
// protocols that name a vendor and no connection.
func (s *Service) ByKind(ctx context.Context, poolID, kind string) (Connection, error) {
	return s.first(ctx, poolID, func(c Connection) bool { return c.Kind == kind && c.Enabled })
}

func (s *Service) first(ctx context.Context, poolID string, match func(Connection) bool) (Connection, error) {
	at, list := -1, []Connection(nil)
	err := s.cache.Find(ctx, func(snap *snapshot) bool {
		list = snap.pools[poolID]
		at = slices.IndexFunc(list, match)
		return at >= 0
	})
	if err != nil {
		return Connection{}, fmt.Errorf("find connection: %w", err)
	}
	if at < 0 {
		return Connection{}, errs.New(errs.ProviderUnknown)
	}
	return list[at], nil
}

// Settings opens the settings of a connection, secrets and all.
func (s *Service) Settings(c Connection) (map[string]string, error) {
	plain, err := s.ring.Open(c.sealed, place(c.PoolID, c.ID))
	if err != nil {
		return nil, fmt.Errorf("settings of connection %s: %w", c.ID, err)
	}
	var set map[string]string
	if err := json.Unmarshal(plain, &set); err != nil {
		return nil, fmt.Errorf("settings of connection %s: %w", c.ID, err)
	}
	return set, nil
}

// ids can stand in an address without an escape.
var ids = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$`)

// Put makes a connection or replaces it, settings and all.
//
// Errors: BadRequest, FieldTooLong.
func (s *Service) Put(ctx context.Context, c Connection, settings map[string]string) (Connection, error) {
	plain, err := json.Marshal(settings)
	switch {
	case err != nil:
		return Connection{}, fmt.Errorf("put connection: %w", err)
	case !ids.MatchString(c.ID) || reserved(c.ID):
		return Connection{}, errs.New(errs.BadRequest, "field", "id")
	case c.Kind == "":
		return Connection{}, errs.New(errs.BadRequest, "field", "kind")
	case len(c.Name) > maxName:
		return Connection{}, errs.New(errs.FieldTooLong, "field", "name", "max", fmt.Sprint(maxName))
	case len(plain) > maxSettings:
		return Connection{}, errs.New(errs.FieldTooLong, "field", "settings", "max", fmt.Sprint(maxSettings))
	}
	if c.sealed, err = s.ring.Seal(plain, place(c.PoolID, c.ID)); err != nil {
		return Connection{}, fmt.Errorf("seal settings: %w", err)
	}
	err = s.cache.Change(ctx, secret.ID(), func(ctx context.Context) error { return s.upsert(ctx, c) })
	if err != nil {
		return Connection{}, fmt.Errorf("put connection: %w", err)
	}
	return c, nil
}

// reserved reports whether id is a provider of the core's own, whose identities no vendor
// may vouch for.
func reserved(id string) bool { return id == "anonymous" || id == "custom" }

// Remove ends a connection, or says ProviderUnknown. The identities it has vouched for
// stay with their people and work again if it comes back.
func (s *Service) Remove(ctx context.Context, poolID, id string) error {
	err := s.cache.Change(ctx, secret.ID(), func(ctx context.Context) error {
		n, err := s.remove(ctx, poolID, id)
		if err == nil && n == 0 {
			return errs.New(errs.ProviderUnknown)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("remove connection: %w", err)
	}
	return nil
}

// place is what settings are sealed for.
func place(poolID, id string) string { return "connections.settings:" + poolID + "/" + id }
