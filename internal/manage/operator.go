package manage

import (
	"context"
	"net/netip"
	"slices"
	"time"

	"github.com/tigertally/tigertally/api"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/operator"
	"github.com/tigertally/tigertally/internal/secret"
)

// What can be done with administrators and their API keys. A lost factor and a lost
// password are helped on the host alone (AD-02), so they are no operations.
const (
	OperatorList       Op = "operator.list"
	OperatorGet        Op = "operator.get"
	OperatorCreate     Op = "operator.create"
	OperatorSetRole    Op = "operator.set-role"
	OperatorDisable    Op = "operator.disable"
	OperatorEnable     Op = "operator.enable"
	OperatorRemove     Op = "operator.remove"
	OperatorSessions   Op = "operator.sessions"
	OperatorEndSession Op = "operator.end-session"
	APIKeyList         Op = "api-key.list"   //nolint:gosec // a name, not a key
	APIKeyCreate       Op = "api-key.create" //nolint:gosec // a name, not a key
	APIKeyRevoke       Op = "api-key.revoke" //nolint:gosec // a name, not a key
)

// operatorOperations are what can be done with administrators and their API keys. The
// operator service asks Principal.Can and Principal.Fresh about the same scopes once more,
// so that there is one rule and no way around it.
func operatorOperations() []Operation {
	return []Operation{
		{OperatorList, operator.AdminsRead, "List the administrators"},
		{OperatorGet, operator.AdminsRead, "Show an administrator"},
		{OperatorCreate, operator.AdminsWrite, "Add an administrator"},
		{OperatorSetRole, operator.AdminsWrite, "Change what an administrator may do"},
		{OperatorDisable, operator.AdminsWrite, "Keep an administrator out and end their sessions"},
		{OperatorEnable, operator.AdminsWrite, "Let a disabled administrator in again"},
		{OperatorRemove, operator.AdminsWrite, "Remove an administrator"},
		{OperatorSessions, operator.AdminsRead, "List the sessions of an administrator"},
		{OperatorEndSession, operator.AdminsWrite, "End a session of an administrator, or all"},
		{APIKeyList, operator.AdminsRead, "List the API keys"},
		{APIKeyCreate, operator.AdminsWrite, "Make an API key"},
		{APIKeyRevoke, operator.AdminsWrite, "End an API key"},
	}
}

// allSessions stands for every session of an administrator.
const allSessions = "all"

// Administrators lists the administrators by name. There are few: they are not paged.
func (s *Service) Administrators(ctx context.Context, p operator.Principal, _ api.None) (list api.List[api.Administrator], err error) {
	if _, err := s.may(ctx, p, OperatorList, ""); err != nil {
		return list, err
	}
	all, err := s.d.Operators.List(ctx, p)
	list.Items = make([]api.Administrator, len(all))
	for i, v := range all {
		list.Items[i] = administratorView(v)
	}
	return list, err
}

// Administrator returns one administrator. Errors: OperatorNotFound.
func (s *Service) Administrator(ctx context.Context, p operator.Principal, in api.AdministratorRef) (api.Administrator, error) {
	if _, err := s.may(ctx, p, OperatorGet, ""); err != nil {
		return api.Administrator{}, err
	}
	v, err := s.d.Operators.Get(ctx, p, in.Operator)
	return administratorView(v), err
}

// AddAdministrator adds an administrator, who sets up a second factor at the first sign-in.
// Errors: OperatorName, OperatorTaken, BadRequest and those of a password.
func (s *Service) AddAdministrator(ctx context.Context, p operator.Principal, in api.NewAdministrator) (out api.AddedAdministrator, err error) {
	if _, err := s.may(ctx, p, OperatorCreate, ""); err != nil {
		return out, err
	}
	if err := s.knownPools(ctx, in.Pools); err != nil {
		return out, err
	}
	if in.Password == "" {
		in.Password = secret.Token("first")
		out.Password = in.Password
	}
	v, err := s.d.Operators.Create(ctx, p, operator.NewPerson{
		Name: in.Name, Password: in.Password, Role: operator.Role(in.Role), Pools: in.Pools,
	})
	if err != nil {
		return api.AddedAdministrator{}, err
	}
	out.Administrator = administratorView(v)
	return out, nil
}

// SetAdministratorRole changes what an administrator may do, in the sessions they have too.
// Errors: OperatorNotFound, LastOwner, BadRequest.
func (s *Service) SetAdministratorRole(ctx context.Context, p operator.Principal, in api.AdministratorRole) (api.Administrator, error) {
	return s.changeOperator(ctx, p, OperatorSetRole, in.AdministratorRef, func(ctx context.Context) error {
		if err := s.knownPools(ctx, in.Pools); err != nil {
			return err
		}
		return s.d.Operators.SetRole(ctx, p, in.Operator, operator.Role(in.Role), in.Pools)
	})
}

// DisableAdministrator keeps an administrator out. Errors: OperatorNotFound, LastOwner.
func (s *Service) DisableAdministrator(ctx context.Context, p operator.Principal, in api.AdministratorRef) (api.Administrator, error) {
	return s.changeOperator(ctx, p, OperatorDisable, in, func(ctx context.Context) error {
		return s.d.Operators.Disable(ctx, p, in.Operator)
	})
}

// EnableAdministrator lets a disabled administrator in again. Errors: OperatorNotFound.
func (s *Service) EnableAdministrator(ctx context.Context, p operator.Principal, in api.AdministratorRef) (api.Administrator, error) {
	return s.changeOperator(ctx, p, OperatorEnable, in, func(ctx context.Context) error {
		return s.d.Operators.Enable(ctx, p, in.Operator)
	})
}

// changeOperator runs a change, which the operator service records, and returns its outcome.
func (s *Service) changeOperator(ctx context.Context, p operator.Principal, op Op, in api.AdministratorRef,
	change func(context.Context) error,
) (api.Administrator, error) {
	if _, err := s.may(ctx, p, op, ""); err != nil {
		return api.Administrator{}, err
	}
	if err := change(ctx); err != nil {
		return api.Administrator{}, err
	}
	if p.ID == in.Operator { // who has just given up a right cannot ask any more
		p = operator.Local(p.Actor())
	}
	v, err := s.d.Operators.Get(ctx, p, in.Operator)
	return administratorView(v), err
}

// RemoveAdministrator deletes an administrator with their sessions.
// Errors: OperatorNotFound, LastOwner.
func (s *Service) RemoveAdministrator(ctx context.Context, p operator.Principal, in api.AdministratorRef) (api.None, error) {
	if _, err := s.may(ctx, p, OperatorRemove, ""); err != nil {
		return api.None{}, err
	}
	return api.None{}, s.d.Operators.Remove(ctx, p, in.Operator)
}

// AdministratorSessions lists the sessions of an administrator, newest first.
// Errors: OperatorNotFound.
func (s *Service) AdministratorSessions(ctx context.Context, p operator.Principal, in api.AdministratorRef) (list api.List[api.AdministratorSession], err error) {
	if _, err := s.may(ctx, p, OperatorSessions, ""); err != nil {
		return list, err
	}
	if _, err := s.d.Operators.Get(ctx, p, in.Operator); err != nil {
		return list, err
	}
	all, err := s.d.Operators.Sessions(ctx, p, in.Operator)
	list.Items = make([]api.AdministratorSession, len(all))
	for i, v := range all {
		list.Items[i] = api.AdministratorSession{
			ID: v.ID, IP: v.IP, UserAgent: v.UserAgent, Factor: v.Factor,
			CreatedAt: v.CreatedAt.UTC(), SeenAt: v.SeenAt.UTC(), ExpiresAt: v.ExpiresAt.UTC(),
		}
	}
	return list, err
}

// EndAdministratorSession ends a session of an administrator, or all of them; one that is
// over already is no error. Errors: OperatorNotFound.
func (s *Service) EndAdministratorSession(ctx context.Context, p operator.Principal, in api.AdministratorSessionRef) (api.None, error) {
	if _, err := s.may(ctx, p, OperatorEndSession, ""); err != nil {
		return api.None{}, err
	}
	if _, err := s.d.Operators.Get(ctx, p, in.Operator); err != nil {
		return api.None{}, err
	}
	if in.Session == allSessions {
		in.Session = ""
	}
	return api.None{}, s.d.Operators.EndSession(ctx, p, in.Operator, in.Session)
}

// knownPools refuses a list with a pool that does not exist, and one without any: it would
// confine somebody to nothing.
func (s *Service) knownPools(ctx context.Context, pools []string) error {
	if pools == nil {
		return nil
	}
	refused := errs.New(errs.BadRequest, "field", "pools")
	all, err := s.d.Pools.List(ctx)
	if err != nil {
		return err
	}
	if len(pools) == 0 {
		return refused
	}
	for _, id := range pools {
		found := false
		for _, v := range all {
			found = found || v.ID == id
		}
		if !found {
			return refused
		}
	}
	return nil
}

// APIKeys lists the API keys, newest first. They are few: they are not paged.
func (s *Service) APIKeys(ctx context.Context, p operator.Principal, _ api.None) (list api.List[api.APIKey], err error) {
	if _, err := s.may(ctx, p, APIKeyList, ""); err != nil {
		return list, err
	}
	all, err := s.d.Operators.Keys(ctx, p)
	list.Items = make([]api.APIKey, len(all))
	for i, v := range all {
		list.Items[i] = apiKeyView(v)
	}
	return list, err
}

// CreateAPIKey makes an API key. Errors: BadRequest with the field.
func (s *Service) CreateAPIKey(ctx context.Context, p operator.Principal, in api.NewAPIKey) (out api.MadeAPIKey, err error) {
	if _, err := s.may(ctx, p, APIKeyCreate, ""); err != nil {
		return out, err
	}
	if err := s.knownPools(ctx, in.Pools); err != nil {
		return out, err
	}
	networks, err := networks(in.Addresses)
	if err != nil {
		return out, err
	}
	const day = 24 * time.Hour
	if in.Days < 0 || in.Days > int(operator.MaxKeyLife/day) {
		return out, errs.New(errs.BadRequest, "field", "days")
	}
	k := operator.NewKey{
		Name: in.Name, Role: operator.Role(in.Role), Pools: in.Pools, Addresses: networks, Life: time.Duration(in.Days) * day,
	}
	for _, scope := range in.Scopes {
		k.Scopes = append(k.Scopes, operator.Scope(scope))
	}
	text, made, err := s.d.Operators.NewKey(ctx, p, k)
	if err != nil {
		return out, err
	}
	return api.MadeAPIKey{APIKey: apiKeyView(made), Key: text}, nil
}

// networks reads addresses and networks.
func networks(texts []string) ([]netip.Prefix, error) {
	var all []netip.Prefix
	for _, text := range texts {
		network, err := netip.ParsePrefix(text)
		if err != nil {
			addr, err := netip.ParseAddr(text)
			if err != nil {
				return nil, errs.New(errs.BadRequest, "field", "addresses").Because(err)
			}
			network = netip.PrefixFrom(addr, addr.BitLen())
		}
		all = append(all, network)
	}
	return all, nil
}

// RevokeAPIKey ends an API key at once. Errors: APIKeyNotFound, also for one that has ended.
func (s *Service) RevokeAPIKey(ctx context.Context, p operator.Principal, in api.APIKeyRef) (api.None, error) {
	if _, err := s.may(ctx, p, APIKeyRevoke, ""); err != nil {
		return api.None{}, err
	}
	return api.None{}, s.d.Operators.RevokeKey(ctx, p, in.Key)
}

func administratorView(v operator.Person) api.Administrator {
	return api.Administrator{
		ID: v.ID, Name: v.Name, Role: string(v.Role), Pools: slices.Clone(v.Pools), Disabled: v.Disabled, Factor: v.Factor,
		RecoveryCodes: v.Recovery, CreatedAt: v.CreatedAt.UTC(), LastSignInAt: moment(v.LastSignIn),
	}
}

func apiKeyView(v operator.Key) api.APIKey {
	k := api.APIKey{
		ID: v.ID, Name: v.Name, Role: string(v.Role), Scopes: []string{}, Pools: slices.Clone(v.Pools), CreatedBy: v.CreatedBy,
		CreatedAt: v.CreatedAt.UTC(), ExpiresAt: v.ExpiresAt.UTC(), LastUsedAt: moment(v.LastUsed), LastIP: v.LastIP,
		RevokedAt: moment(v.RevokedAt),
	}
	for _, scope := range v.Scopes {
		k.Scopes = append(k.Scopes, string(scope))
	}
	for _, network := range v.Addresses {
		k.Addresses = append(k.Addresses, network.String())
	}
	return k
}
