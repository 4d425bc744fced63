// Package pool owns user pools, their applications and settings, the secrets their
// owners manage them with and the keys they sign custom sign-in tickets with. It answers
// which pool a client belongs to from memory. It knows nothing of people or sessions.
package pool

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/secret"
)

// maxClientID bounds what is looked up as a client id.
const maxClientID = 128

// maxName bounds, in bytes, the name of a pool or an application.
const maxName = 256

// Pool is one directory of people with one set of rules.
type Pool struct {
	ID        string
	Name      string
	Settings  Settings
	CreatedAt time.Time
}

// App is one application of a pool.
type App struct {
	ID       string
	PoolID   string
	Name     string
	Settings AppSettings
}

// AppSettings is what differs between the applications of a pool.
type AppSettings struct {
	// Origins are the web origins whose pages may call us; "*" allows all.
	Origins []string `json:"origins,omitempty"`
	// RedirectURIs are where people may be sent after signing in, LogoutURIs after signing
	// out. See App.AllowsRedirect.
	RedirectURIs []string `json:"redirect_uris,omitempty"`
	LogoutURIs   []string `json:"logout_uris,omitempty"`
	// LocalPages allows every page on this machine as well; it is for development.
	LocalPages bool `json:"local_pages,omitempty"`
	// SecretHashes are the hashes of the client secrets; a public client has none.
	SecretHashes []string `json:"secret_hashes,omitempty"`
	// RefreshGrace is for how many seconds a used refresh token of an OpenID Connect
	// client is still answered. See oauth.Service.Refresh.
	RefreshGrace int  `json:"refresh_grace,omitempty"`
	FirstParty   bool `json:"first_party,omitempty"`
}

// Client is an application as a request named it.
type Client struct {
	Pool Pool
	App  App
	ID   string // as sent
}

// Service keeps pools and applications. Pools it hands out share memory with its
// cache: do not write to them.
type Service struct {
	db    *db.DB
	now   func() time.Time
	cache *db.Cached[snapshot]
}

// New makes the service.
func New(d *db.DB, now func() time.Time) *Service {
	s := &Service{db: d, now: db.Clock(now)}
	s.cache = db.NewCached(d, now, metaGeneration, s.load)
	return s
}

// ids can stand in an address, on a command line and in the settings of an app.
var ids = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)

// Create makes a pool and its first application, both called id, which is of letters,
// digits, dots, underscores and hyphens. Unset durations, numbers and lists of set take
// their default; a wholly zero set is Defaults.
func (s *Service) Create(ctx context.Context, id, name string, set Settings) (Pool, error) {
	if len(id) > maxClientID || !ids.MatchString(id) {
		return Pool{}, errs.New(errs.BadRequest, "field", "id")
	}
	p := Pool{ID: id, Name: name, Settings: set.complete(), CreatedAt: s.now()}
	if err := p.Settings.Check(); err != nil {
		return Pool{}, err
	}
	err := s.cache.Change(ctx, secret.ID(), func(ctx context.Context) error {
		if n, err := s.insertPool(ctx, p); err != nil || n == 0 {
			return taken(err)
		}
		n, err := s.insertApp(ctx, App{ID: id, PoolID: id, Name: name, Settings: AppSettings{FirstParty: true}})
		if err != nil || n == 0 {
			return taken(err)
		}
		return nil
	})
	if err != nil {
		return Pool{}, fmt.Errorf("create pool: %w", err)
	}
	return p, nil
}

// CreateApp adds an application to a pool.
func (s *Service) CreateApp(ctx context.Context, a App) error {
	if a.ID == "" || len(a.ID) > maxClientID {
		return errs.New(errs.BadRequest, "field", "id")
	}
	err := s.cache.Change(ctx, secret.ID(), func(ctx context.Context) error {
		n, err := s.insertApp(ctx, a)
		if err != nil || n == 0 {
			return taken(err)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("create application: %w", err)
	}
	return nil
}

// Rename changes what administrators see of a pool. Errors: PoolNotFound, FieldMissing,
// FieldTooLong.
func (s *Service) Rename(ctx context.Context, id, name string) error {
	return s.renamed(ctx, "pools", id, name, errs.PoolNotFound)
}

// RenameApp changes what people see of an application. Errors: ClientUnknown,
// FieldMissing, FieldTooLong.
func (s *Service) RenameApp(ctx context.Context, id, name string) error {
	return s.renamed(ctx, "apps", id, name, errs.ClientUnknown)
}

func (s *Service) renamed(ctx context.Context, table, id, name string, absent errs.Code) error {
	switch {
	case name == "":
		return errs.New(errs.FieldMissing, "field", "name")
	case len(name) > maxName:
		return errs.New(errs.FieldTooLong, "field", "name", "max", strconv.Itoa(maxName))
	}
	return s.one(ctx, "rename", absent, func(ctx context.Context) (int64, error) { return s.rename(ctx, table, id, name) })
}

// RemoveApp removes an application. Errors: ClientUnknown.
func (s *Service) RemoveApp(ctx context.Context, id string) error {
	return s.one(ctx, "remove application", errs.ClientUnknown, func(ctx context.Context) (int64, error) { return s.deleteApp(ctx, id) })
}

// one changes one row and the cache with it.
func (s *Service) one(ctx context.Context, what string, absent errs.Code, change func(context.Context) (int64, error)) error {
	err := s.cache.Change(ctx, secret.ID(), func(ctx context.Context) error {
		n, err := change(ctx)
		if err == nil && n == 0 {
			return errs.New(absent)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// SetRefreshGrace changes for how many seconds, 0 to 60, a used refresh token of an
// application is still answered. Errors: BadRequest.
func (s *Service) SetRefreshGrace(ctx context.Context, id string, seconds int) error {
	if seconds < 0 || seconds > 60 {
		return errs.New(errs.BadRequest, "field", "refresh_grace")
	}
	return s.UpdateApp(ctx, id, func(set *AppSettings) { set.RefreshGrace = seconds })
}

// UpdateSettings changes a pool's settings. edit may run more than once.
func (s *Service) UpdateSettings(ctx context.Context, id string, edit func(*Settings)) error {
	return s.ChangeSettings(ctx, id, func(set *Settings) error {
		edit(set)
		return nil
	})
}

// ChangeSettings is UpdateSettings for an edit that may refuse; then nothing changes.
func (s *Service) ChangeSettings(ctx context.Context, id string, edit func(*Settings) error) error {
	err := s.cache.Change(ctx, secret.ID(), func(ctx context.Context) error {
		return s.swap(ctx, "pools", id, func(text string) (string, error) {
			set, err := parseSettings(text)
			if err != nil {
				return "", err
			}
			if err := edit(&set); err != nil {
				return "", err
			}
			set = set.complete()
			if err := set.Check(); err != nil {
				return "", err
			}
			return set.text()
		})
	})
	if err != nil {
		return fmt.Errorf("change settings of pool: %w", err)
	}
	return nil
}

// UpdateApp changes an application's settings. edit may run more than once.
func (s *Service) UpdateApp(ctx context.Context, id string, edit func(*AppSettings)) error {
	return s.ChangeApp(ctx, id, func(set *AppSettings) error {
		edit(set)
		return nil
	})
}

// ChangeApp is UpdateApp for an edit that may refuse; then nothing changes.
func (s *Service) ChangeApp(ctx context.Context, id string, edit func(*AppSettings) error) error {
	err := s.cache.Change(ctx, secret.ID(), func(ctx context.Context) error {
		return s.swap(ctx, "apps", id, func(text string) (string, error) {
			var set AppSettings
			if err := json.Unmarshal([]byte(text), &set); err != nil {
				return "", err
			}
			if err := edit(&set); err != nil {
				return "", err
			}
			b, err := json.Marshal(set)
			return string(b), err
		})
	})
	if err != nil {
		return fmt.Errorf("change settings of application: %w", err)
	}
	return nil
}

// SetDefault names the pool that answers requests without a client id. Until it is
// called that is the oldest pool.
func (s *Service) SetDefault(ctx context.Context, id string) error {
	if _, err := s.Get(ctx, id); err != nil {
		return err
	}
	err := s.cache.Change(ctx, secret.ID(), func(ctx context.Context) error {
		return s.db.SetMeta(ctx, metaDefault, id)
	})
	if err != nil {
		return fmt.Errorf("set default pool: %w", err)
	}
	return nil
}

// List returns every pool, oldest first.
func (s *Service) List(ctx context.Context) ([]Pool, error) {
	snap, err := s.cache.Get(ctx)
	if err != nil {
		return nil, err
	}
	pools := make([]Pool, 0, len(snap.order))
	for _, id := range snap.order {
		pools = append(pools, snap.pools[id])
	}
	return pools, nil
}

// Get returns one pool, or PoolNotFound.
func (s *Service) Get(ctx context.Context, id string) (Pool, error) {
	var p Pool
	found := false
	err := s.cache.Find(ctx, func(snap *snapshot) bool {
		p, found = snap.pools[id]
		return found
	})
	if err == nil && !found {
		err = errs.New(errs.PoolNotFound)
	}
	return p, err
}

// Apps returns a pool's applications.
func (s *Service) Apps(ctx context.Context, poolID string) ([]App, error) {
	snap, err := s.cache.Get(ctx)
	if err != nil {
		return nil, err
	}
	var apps []App
	for _, a := range snap.apps {
		if a.PoolID == poolID {
			apps = append(apps, a)
		}
	}
	return apps, nil
}

// Client returns the application a request names. No name means the default pool's
// own application; so does an unknown one when that pool has OpenClients, and
// otherwise it is ClientUnknown.
func (s *Service) Client(ctx context.Context, clientID string) (Client, error) {
	if len(clientID) > maxClientID {
		return Client{}, errs.New(errs.ClientUnknown)
	}
	return s.client(ctx, func(snap *snapshot) (Client, bool) {
		if a, ok := snap.apps[clientID]; ok {
			return Client{Pool: snap.pools[a.PoolID], App: a, ID: clientID}, true
		}
		p, ok := snap.pools[snap.fallback]
		if !ok || (clientID != "" && !p.Settings.OpenClients) {
			return Client{}, false
		}
		return Client{Pool: p, App: snap.apps[p.ID], ID: cmp.Or(clientID, p.ID)}, true
	})
}

// AppOf returns the application called id, or ClientUnknown, whether or not its pool has
// OpenClients.
func (s *Service) AppOf(ctx context.Context, id string) (Client, error) {
	return s.client(ctx, func(snap *snapshot) (Client, bool) {
		a, ok := snap.apps[id]
		return Client{Pool: snap.pools[a.PoolID], App: a, ID: id}, ok
	})
}

// client is what look finds, or ClientUnknown.
func (s *Service) client(ctx context.Context, look func(*snapshot) (Client, bool)) (Client, error) {
	var c Client
	found := false
	err := s.cache.Find(ctx, func(snap *snapshot) bool {
		c, found = look(snap)
		return found
	})
	if err != nil {
		return Client{}, err
	}
	if !found {
		return Client{}, errs.New(errs.ClientUnknown)
	}
	return c, nil
}

func taken(err error) error {
	if err != nil {
		return err
	}
	return errs.New(errs.PoolTaken)
}

// swap replaces a settings text by what edit makes of it, again and again until
// nobody else changed it in between.
func (s *Service) swap(ctx context.Context, table, id string, edit func(string) (string, error)) error {
	for range 8 {
		old, err := s.settings(ctx, table, id)
		if errors.Is(err, db.ErrNoRows) {
			return errs.New(errs.PoolNotFound)
		}
		if err != nil {
			return err
		}
		text, err := edit(old)
		if err != nil {
			return err
		}
		n, err := s.replaceSettings(ctx, table, id, old, text)
		if err != nil || n == 1 {
			return err
		}
	}
	return errs.New(errs.Unavailable)
}
