package console

import (
	"context"
	"net/http"
	"slices"
	"strconv"

	"github.com/tigertally/tigertally/api"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/manage"
	"github.com/tigertally/tigertally/internal/operator"
)

// operatorRoutes are the pages about administrators, their API keys and one's own account.
func (c *Console) operatorRoutes() []route {
	const people, one, keys = "/operators", "/operators/{operator}", "/api-keys"
	return []route{
		{method: http.MethodGet, path: people, ops: []manage.Op{manage.OperatorList}, handle: showOperators},
		{method: http.MethodGet, path: people + "/new", handle: newOperator},
		{method: http.MethodPost, path: people + "/new", ops: []manage.Op{manage.OperatorCreate}, handle: addOperator},
		{method: http.MethodGet, path: one, ops: []manage.Op{manage.OperatorGet, manage.OperatorSessions}, handle: showOperator},
		{method: http.MethodPost, path: one, ops: []manage.Op{
			manage.OperatorSetRole, manage.OperatorDisable, manage.OperatorEnable, manage.OperatorRemove, manage.OperatorEndSession,
		}, handle: changeOperator},
		{method: http.MethodGet, path: keys, ops: []manage.Op{manage.APIKeyList}, handle: showAPIKeys},
		{method: http.MethodPost, path: keys, ops: []manage.Op{manage.APIKeyRevoke}, handle: endAPIKey},
		{method: http.MethodGet, path: keys + "/new", handle: newAPIKey},
		{method: http.MethodPost, path: keys + "/new", ops: []manage.Op{manage.APIKeyCreate}, handle: makeAPIKey},
		{method: http.MethodGet, path: "/account", handle: showAccount},
		{method: http.MethodPost, path: "/account", handle: changeAccount},
	}
}

func showOperators(ctx context.Context, p *page) error {
	list, err := p.c.Manage.Administrators(ctx, p.who, api.None{})
	if err != nil {
		return err
	}
	return p.show(ctx, "menu_operators", operatorsPage(p, list.Items))
}

// newOperator shows the empty form, to those who could send it.
func newOperator(ctx context.Context, p *page) error {
	if err := p.needs(manage.OperatorCreate); err != nil {
		return err
	}
	return p.show(ctx, "operator_new", newOperatorPage(p, api.NewAdministrator{Role: string(operator.Support)}))
}

// needs refuses who may not do op with the installation, and asks for fresh proof before
// a form is filled in rather than after.
func (p *page) needs(op manage.Op) error {
	switch {
	case !p.c.Manage.Allowed(p.who, op, ""):
		return errs.New(errs.PermissionDenied)
	case !p.who.Fresh(operator.AdminsWrite, p.now):
		return errs.New(errs.SudoRequired)
	}
	return nil
}

func addOperator(ctx context.Context, p *page) error {
	in := api.NewAdministrator{Name: p.r.PostFormValue("name"), Role: p.r.PostFormValue("role"), Pools: p.reach()}
	made, err := p.c.Manage.AddAdministrator(ctx, p.who, in)
	if err != nil {
		if err := p.refuse(err); err != nil {
			return err
		}
		return p.show(ctx, "operator_new", newOperatorPage(p, in))
	}
	return p.show(ctx, "operator_added", addedOperatorPage(p, made))
}

// reach reads to which pools a form confines somebody; nil for all.
func (p *page) reach() []string {
	if p.r.PostFormValue("reach") != "some" {
		return nil
	}
	pools := p.r.PostForm["pools"]
	if pools == nil {
		pools = []string{}
	}
	return pools
}

func (p *page) operatorRef() api.AdministratorRef {
	return api.AdministratorRef{Operator: p.r.PathValue("operator")}
}

func showOperator(ctx context.Context, p *page) error {
	v, err := p.c.Manage.Administrator(ctx, p.who, p.operatorRef())
	if err != nil {
		return err
	}
	sessions, err := p.c.Manage.AdministratorSessions(ctx, p.who, p.operatorRef())
	if err != nil {
		return err
	}
	return p.show(ctx, "operator", operatorPage(p, v, sessions.Items))
}

func changeOperator(ctx context.Context, p *page) error {
	m, ref := p.c.Manage, p.operatorRef()
	back, notice := p.global("operators", ref.Operator), "saved"
	var err error
	switch p.r.PostFormValue("do") {
	case "role":
		_, err = m.SetAdministratorRole(ctx, p.who, api.AdministratorRole{
			AdministratorRef: ref, Role: p.r.PostFormValue("role"), Pools: p.reach(),
		})
	case "disable":
		_, err = m.DisableAdministrator(ctx, p.who, ref)
		notice = "operator_disabled_done"
	case "enable":
		_, err = m.EnableAdministrator(ctx, p.who, ref)
		notice = "operator_enabled_done"
	case "remove":
		_, err = m.RemoveAdministrator(ctx, p.who, ref)
		back, notice = p.global("operators"), "operator_removed"
	case "end":
		_, err = m.EndAdministratorSession(ctx, p.who, api.AdministratorSessionRef{
			AdministratorRef: ref, Session: p.r.PostFormValue("session"),
		})
		notice = "operator_ended"
	default:
		err = errs.New(errs.BadRequest, "field", "do")
	}
	if err != nil {
		if err := p.refuse(err); err != nil {
			return err
		}
		return showOperator(ctx, p)
	}
	if ref.Operator == p.who.ID { // who may no longer look at administrators lands elsewhere
		back = Prefix
	}
	return p.done(back, notice)
}

func showAPIKeys(ctx context.Context, p *page) error {
	list, err := p.c.Manage.APIKeys(ctx, p.who, api.None{})
	if err != nil {
		return err
	}
	return p.show(ctx, "menu_api_keys", apiKeysPage(p, list.Items))
}

func endAPIKey(ctx context.Context, p *page) error {
	_, err := p.c.Manage.RevokeAPIKey(ctx, p.who, api.APIKeyRef{Key: p.r.PostFormValue("id")})
	if err != nil {
		if err := p.refuse(err); err != nil {
			return err
		}
		return showAPIKeys(ctx, p)
	}
	return p.done(p.global("api-keys"), "api_key_ended_done")
}

// newAPIKey shows the form for a key of one role, whose scopes are to choose from.
func newAPIKey(ctx context.Context, p *page) error {
	if err := p.needs(manage.APIKeyCreate); err != nil {
		return err
	}
	in := api.NewAPIKey{Role: p.r.FormValue("role"), Days: 90}
	if in.Role == "" {
		in.Role = string(operator.ReadOnly)
	}
	return p.show(ctx, "api_key_new", newAPIKeyPage(p, in))
}

func makeAPIKey(ctx context.Context, p *page) error {
	f := p.r.PostForm
	days, err := strconv.Atoi(f.Get("days"))
	if err != nil {
		return errs.New(errs.BadRequest, "field", "days").Because(err)
	}
	in := api.NewAPIKey{
		Name: f.Get("name"), Role: f.Get("role"), Pools: p.reach(), Addresses: list(f.Get("addresses")), Days: days,
	}
	if f.Get("may") == "some" {
		in.Scopes = append([]string{}, f["scopes"]...)
	}
	if in.Scopes != nil && len(in.Scopes) == 0 {
		p.problem = p.say("api_key_no_scope")
		return p.show(ctx, "api_key_new", newAPIKeyPage(p, in))
	}
	made, err := p.c.Manage.CreateAPIKey(ctx, p.who, in)
	if err != nil {
		if err := p.refuse(err); err != nil {
			return err
		}
		return p.show(ctx, "api_key_new", newAPIKeyPage(p, in))
	}
	return p.show(ctx, "api_key_made", madeAPIKeyPage(p, made))
}

// scopeGroup is scopes that people think of together; its words are scopes_<name>.
type scopeGroup struct {
	name   string
	scopes []operator.Scope
}

// scopeGroups lists what a key of a role may be given.
func scopeGroups(role operator.Role) []scopeGroup {
	groups := []scopeGroup{
		{"people", []operator.Scope{operator.UsersRead, operator.UsersHelp, operator.UsersWrite, operator.UsersDelete, operator.UsersImport, operator.UsersExport, operator.LimitsRead, operator.LimitsRelease}},
		{"pools", []operator.Scope{operator.PoolsRead, operator.PoolsWrite, operator.PoolsCreate, operator.AppsRead, operator.AppsWrite, operator.ProvidersRead, operator.ProvidersWrite, operator.KeysRead, operator.KeysWrite}},
		{"messages", []operator.Scope{operator.MessagesRead, operator.MessagesWrite}},
		{"code", []operator.Scope{operator.PipelinesRead, operator.PipelinesWrite, operator.WebhooksRead, operator.WebhooksWrite}},
		{"watch", []operator.Scope{operator.MetricsRead, operator.AuditRead, operator.AuditExport}},
		{"server", []operator.Scope{operator.SettingsRead, operator.SettingsWrite, operator.BackupsRead, operator.BackupsWrite, operator.AdminsRead}},
	}
	has := role.Scopes()
	var all []scopeGroup
	for _, g := range groups {
		var some []operator.Scope
		for _, scope := range g.scopes {
			if slices.Contains(has, scope) {
				some = append(some, scope)
			}
		}
		if some != nil {
			all = append(all, scopeGroup{g.name, some})
		}
	}
	return all
}
