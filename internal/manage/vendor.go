package manage

import (
	"context"
	"errors"
	"maps"

	"github.com/tigertally/tigertally/api"
	"github.com/tigertally/tigertally/internal/admin"
	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/connection"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/federation"
	"github.com/tigertally/tigertally/internal/pool"
)

// Vendors are the drivers of identity providers, which are app's to know.
type Vendors struct {
	Kinds []api.ProviderKind
	// Check refuses settings that the driver of c does not take, and those of development
	// on a server in earnest. What it says names no secret.
	Check func(c connection.Connection, settings map[string]string) error
	// Ask finds out whether the vendor of c answers without using anything up. It is known
	// to know the app when proven is true. Errors are those of federation.Vendor.
	Ask func(ctx context.Context, c connection.Connection, settings map[string]string) (proven bool, err error)
}

// kind finds a vendor by its name.
func (v Vendors) kind(name string) (api.ProviderKind, bool) {
	for _, k := range v.Kinds {
		if k.Kind == name {
			return k, true
		}
	}
	return api.ProviderKind{}, false
}

// Providers owns the rules by which identity providers of a pool are made, changed and
// shown, whoever does it: an administrator or a command on the server's own files.
type Providers struct {
	Vendors

	DB          *db.DB
	Pools       *pool.Service
	Connections *connection.Service
	Audit       *audit.Service
	PublicURL   string // without a slash at the end
}

// Change changes the provider called id, or makes a new one that is enabled and takes
// people nobody knows. Of settings an empty one is taken away; others stay.
//
// Errors: ProviderSettings with what the driver said as reason; PoolNotFound, BadRequest,
// FieldTooLong.
func (s *Providers) Change(ctx context.Context, m admin.Manager, id string, settings map[string]string, edit func(*connection.Connection) error) error {
	return s.DB.InTx(ctx, func(ctx context.Context) error {
		ctx, err := turn(ctx, s.DB, m.PoolID)
		if err != nil {
			return err
		}
		return s.change(ctx, m, id, settings, edit)
	})
}

func (s *Providers) change(ctx context.Context, m admin.Manager, id string, settings map[string]string, edit func(*connection.Connection) error) error {
	c := connection.Connection{PoolID: m.PoolID, ID: id, Enabled: true, SignUp: true}
	all := map[string]string{}
	old, err := s.Connections.Get(ctx, m.PoolID, id)
	switch {
	case err == nil:
		if all, err = s.Connections.Settings(old); err != nil {
			return err
		}
		c = old
	case errs.CodeOf(err) != errs.ProviderUnknown:
		return err
	}
	if err := edit(&c); err != nil {
		return err
	}
	maps.Copy(all, settings)
	maps.DeleteFunc(all, func(_, value string) bool { return value == "" })
	return s.Put(ctx, m, c, all)
}

// Put makes or replaces a provider, settings and all. Errors: those of Change.
func (s *Providers) Put(ctx context.Context, m admin.Manager, c connection.Connection, settings map[string]string) error {
	if _, err := s.Pools.Get(ctx, c.PoolID); err != nil {
		return err
	}
	if err := s.Check(c, federation.DriverSettings(settings)); err != nil {
		return errs.New(errs.ProviderSettings, "reason", said(err)).Because(err)
	}
	detail := map[string]string{"provider": c.ID, "kind": c.Kind}
	return s.recorded(ctx, m, audit.ProviderPut, detail, func(ctx context.Context) error {
		_, err := s.Connections.Put(ctx, c, settings)
		return err
	})
}

// said is what an error says, without the code around it.
func said(err error) string {
	if e, ok := errors.AsType[*errs.Error](err); ok {
		if cause := e.Unwrap(); cause != nil {
			return cause.Error()
		}
	}
	return err.Error()
}

// Remove ends a provider. The identities people have there stay, and work again if it
// comes back. Errors: ProviderUnknown.
func (s *Providers) Remove(ctx context.Context, m admin.Manager, id string) error {
	return s.recorded(ctx, m, audit.ProviderRemove, map[string]string{"provider": id}, func(ctx context.Context) error {
		return s.Connections.Remove(ctx, m.PoolID, id)
	})
}

// recorded runs a change and records it in the same transaction.
func (s *Providers) recorded(ctx context.Context, m admin.Manager, action string, detail map[string]string,
	change func(context.Context) error,
) error {
	return s.DB.InTx(ctx, func(ctx context.Context) error {
		ctx, err := turn(ctx, s.DB, m.PoolID)
		if err != nil {
			return err
		}
		if err := change(ctx); err != nil {
			return err
		}
		return s.Audit.Record(ctx, audit.Event{PoolID: m.PoolID, Action: action, Actor: m.Actor, Detail: detail})
	})
}

// Show returns a provider as people may see it: of a secret only that it is set.
func (s *Providers) Show(c connection.Connection) (api.Provider, error) {
	settings, err := s.Connections.Settings(c)
	if err != nil {
		return api.Provider{}, err
	}
	v := api.Provider{
		ID: c.ID, Kind: c.Kind, Name: c.Name, UnionGroup: c.UnionGroup,
		Enabled: c.Enabled, SignUp: c.SignUp, TrustEmail: c.TrustEmail, LinkPhone: c.LinkPhone,
		Settings: settings,
	}
	kind, _ := s.kind(c.Kind)
	public := map[string]bool{federation.SettingCallback: true}
	for _, o := range kind.Settings {
		public[o.Name] = !o.Secret
	}
	for name := range settings {
		if !public[name] {
			settings[name] = api.SettingKept
		}
	}
	if kind.Callback == api.CallbackServer || settings[federation.SettingCallback] == "server" {
		v.Callback = s.Callback(c.ID)
	}
	return v, nil
}

// Callback is the address that the vendor's console must name for the provider called id.
func (s *Providers) Callback(id string) string { return s.PublicURL + federation.CallbackPath + id }
