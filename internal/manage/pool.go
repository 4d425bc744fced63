package manage

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/tigertally/tigertally/api"
	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/operator"
	"github.com/tigertally/tigertally/internal/pool"
)

// What can be done with pools.
const (
	PoolList        Op = "pool.list"
	PoolGet         Op = "pool.get"
	PoolCreate      Op = "pool.create"
	PoolUpdate      Op = "pool.update"
	PoolSettings    Op = "pool.settings"
	PoolSetSettings Op = "pool.set-settings"
)

func poolOperations() []Operation {
	return []Operation{
		{PoolList, operator.PoolsRead, "List the user pools"},
		{PoolGet, operator.PoolsRead, "Show a user pool"},
		{PoolCreate, operator.PoolsCreate, "Make a user pool with strict settings, and its first application"},
		{PoolUpdate, operator.PoolsWrite, "Rename a user pool"},
		{PoolSettings, operator.PoolsRead, "Show the settings of a user pool"},
		{PoolSetSettings, operator.PoolsWrite, "Change settings of a user pool"},
	}
}

// Pools lists the pools p reaches, oldest first. There are few: they are not paged.
func (s *Service) Pools(ctx context.Context, p operator.Principal, _ api.None) (api.List[api.Pool], error) {
	all, err := s.d.Pools.List(ctx)
	if err != nil {
		return api.List[api.Pool]{}, err
	}
	list := api.List[api.Pool]{Items: []api.Pool{}}
	for _, v := range all {
		if _, err := s.may(ctx, p, PoolList, v.ID); err == nil {
			list.Items = append(list.Items, poolView(v))
		}
	}
	if len(list.Items) == 0 && !s.Allowed(p, PoolList, "") {
		return list, errs.New(errs.PermissionDenied)
	}
	return list, nil
}

// Pool returns one pool.
func (s *Service) Pool(ctx context.Context, p operator.Principal, in api.PoolRef) (api.Pool, error) {
	if _, err := s.may(ctx, p, PoolGet, in.Pool); err != nil {
		return api.Pool{}, err
	}
	return s.pool(ctx, in.Pool)
}

func (s *Service) pool(ctx context.Context, id string) (api.Pool, error) {
	v, err := s.d.Pools.Get(ctx, id)
	return poolView(v), err
}

// CreatePool makes a pool with strict settings, and its first application under the same
// id. Errors: PoolTaken, BadRequest.
func (s *Service) CreatePool(ctx context.Context, p operator.Principal, in api.NewPool) (made api.Pool, err error) {
	m, err := s.may(ctx, p, PoolCreate, "")
	if err != nil {
		return api.Pool{}, err
	}
	if in.Name == "" {
		in.Name = in.ID
	}
	err = s.d.DB.InTx(ctx, func(ctx context.Context) error {
		v, err := s.d.Pools.Create(ctx, in.ID, in.Name, pool.Settings{})
		if err != nil {
			return err
		}
		if err := s.d.Pools.SetOrigins(ctx, in.ID, in.Origins); err != nil {
			return err
		}
		made, m.PoolID = poolView(v), v.ID
		return s.record(ctx, m, audit.PoolCreate, "", map[string]string{"name": in.Name})
	})
	return made, err
}

// UpdatePool changes what is given of a pool. Errors: EditConflict, FieldTooLong.
func (s *Service) UpdatePool(ctx context.Context, p operator.Principal, in api.PoolChange) (api.Pool, error) {
	m, err := s.may(ctx, p, PoolUpdate, in.Pool)
	if err != nil {
		return api.Pool{}, err
	}
	if in.Name != nil {
		err = s.changed(ctx, m, audit.PoolChange, map[string]string{"name": *in.Name}, func(ctx context.Context) error {
			now, err := s.pool(ctx, in.Pool)
			if err != nil {
				return err
			}
			if err := match(in.Guarded, now); err != nil {
				return err
			}
			return s.d.Pools.Rename(ctx, in.Pool, *in.Name)
		})
		if err != nil {
			return api.Pool{}, err
		}
	}
	return s.pool(ctx, in.Pool)
}

// PoolSettings returns the settings of a pool.
func (s *Service) PoolSettings(ctx context.Context, p operator.Principal, in api.PoolRef) (api.PoolSettings, error) {
	if _, err := s.may(ctx, p, PoolSettings, in.Pool); err != nil {
		return api.PoolSettings{}, err
	}
	v, err := s.d.Pools.Get(ctx, in.Pool)
	if err != nil {
		return api.PoolSettings{}, err
	}
	return settingsView(v.Settings)
}

// SetPoolSettings changes the named settings of a pool, all of them or none.
// Errors: EditConflict, BadRequest with the setting as field.
func (s *Service) SetPoolSettings(ctx context.Context, p operator.Principal, in api.PoolSettingsChange) (out api.PoolSettings, err error) {
	m, err := s.may(ctx, p, PoolSetSettings, in.Pool)
	if err != nil {
		return out, err
	}
	names := slices.Sorted(maps.Keys(in.Settings))
	detail := map[string]string{"settings": strings.Join(names, " ")}
	err = s.changed(ctx, m, audit.PoolChange, detail, func(ctx context.Context) error {
		return s.d.Pools.ChangeSettings(ctx, in.Pool, func(set *pool.Settings) error {
			now, err := settingsView(*set)
			if err != nil {
				return err
			}
			if err := match(in.Guarded, now); err != nil {
				return err
			}
			for _, name := range names {
				if *set, err = set.Set(name, string(in.Settings[name])); err != nil {
					return errs.New(errs.BadRequest, "field", name).Because(err)
				}
			}
			out, err = settingsView(*set)
			return err
		})
	})
	return out, err
}

func poolView(v pool.Pool) api.Pool {
	return api.Pool{ID: v.ID, Name: v.Name, CreatedAt: v.CreatedAt.UTC()}
}

func settingsView(v pool.Settings) (api.PoolSettings, error) {
	list, err := v.Listed()
	return api.PoolSettings{Settings: list}, err
}
