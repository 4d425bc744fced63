package operator

import (
	"slices"
	"time"
)

// Role is what an operator is for.
type Role string

// The roles, from the one that may do everything to the one that may only look.
const (
	Owner    Role = "owner"     // everything, operators and backups included
	Operator Role = "operator"  // runs pools: settings, applications, providers, messages, people
	Support  Role = "support"   // helps people: finds them, unlocks them, ends their sessions
	ReadOnly Role = "read_only" // looks, and sees no person's data in bulk
)

// Scope is the permission one kind of operation needs.
type Scope string

// The scopes. The list is closed: whatever needs another permission adds a line here and
// to the matrix.
const (
	PoolsRead      Scope = "pools:read"
	PoolsWrite     Scope = "pools:write"  // settings and policies of a pool
	PoolsCreate    Scope = "pools:create" // and delete: a tenant
	AppsRead       Scope = "apps:read"
	AppsWrite      Scope = "apps:write"
	ProvidersRead  Scope = "providers:read"
	ProvidersWrite Scope = "providers:write"
	MessagesRead   Scope = "messages:read"
	MessagesWrite  Scope = "messages:write" // drivers, templates and test messages
	PipelinesRead  Scope = "pipelines:read"
	PipelinesWrite Scope = "pipelines:write"
	WebhooksRead   Scope = "webhooks:read"
	WebhooksWrite  Scope = "webhooks:write"
	UsersRead      Scope = "users:read"
	UsersHelp      Scope = "users:help" // block, unblock, force a password change, end sessions
	UsersWrite     Scope = "users:write"
	UsersDelete    Scope = "users:delete"
	UsersImport    Scope = "users:import"
	UsersExport    Scope = "users:export"
	LimitsRead     Scope = "limits:read"
	LimitsRelease  Scope = "limits:release"
	KeysRead       Scope = "keys:read"
	KeysWrite      Scope = "keys:write" // signing keys and pool secrets
	AuditRead      Scope = "audit:read"
	AuditExport    Scope = "audit:export"
	MetricsRead    Scope = "metrics:read"
	BackupsRead    Scope = "backups:read"
	BackupsWrite   Scope = "backups:write"
	AdminsRead     Scope = "admins:read"
	AdminsWrite    Scope = "admins:write" // operators and API keys; no API key has it
	SettingsRead   Scope = "settings:read"
	SettingsWrite  Scope = "settings:write" // of the installation
)

// rule is one line of the matrix.
type rule struct {
	scope Scope
	roles []Role // who has it besides the owner
	sudo  bool   // an operator must have shown the second factor just now
	whole bool   // concerns the installation, not one pool
}

// matrix is the only place that says who may do what. Whatever is not in it is refused.
func matrix() []rule {
	all := []Role{Operator, Support, ReadOnly}
	helps, runs := []Role{Operator, Support}, []Role{Operator}
	return []rule{
		{scope: PoolsRead, roles: all},
		{scope: PoolsWrite, roles: runs},
		{scope: PoolsCreate, sudo: true, whole: true},
		{scope: AppsRead, roles: all},
		{scope: AppsWrite, roles: runs},
		{scope: ProvidersRead, roles: all},
		{scope: ProvidersWrite, roles: runs, sudo: true},
		{scope: MessagesRead, roles: all},
		{scope: MessagesWrite, roles: runs},
		{scope: PipelinesRead, roles: []Role{Operator, ReadOnly}},
		{scope: PipelinesWrite, roles: runs, sudo: true},
		{scope: WebhooksRead, roles: []Role{Operator, ReadOnly}},
		{scope: WebhooksWrite, roles: runs},
		{scope: UsersRead, roles: all},
		{scope: UsersHelp, roles: helps},
		{scope: UsersWrite, roles: runs},
		{scope: UsersDelete, roles: runs},
		{scope: UsersImport, roles: runs, sudo: true},
		{scope: UsersExport, sudo: true},
		{scope: LimitsRead, roles: all},
		{scope: LimitsRelease, roles: helps},
		{scope: KeysRead, roles: []Role{Operator, ReadOnly}},
		{scope: KeysWrite, sudo: true},
		{scope: AuditRead, roles: all},
		{scope: AuditExport, roles: runs, sudo: true},
		{scope: MetricsRead, roles: all},
		{scope: BackupsRead, whole: true},
		{scope: BackupsWrite, sudo: true, whole: true},
		{scope: AdminsRead, whole: true},
		{scope: AdminsWrite, sudo: true, whole: true},
		{scope: SettingsRead, roles: []Role{Operator, ReadOnly}, whole: true},
		{scope: SettingsWrite, whole: true, sudo: true},
	}
}

// Roles lists the roles, the mightiest first.
func Roles() []Role { return []Role{Owner, Operator, Support, ReadOnly} }

// Scopes lists every scope in the order of the matrix.
func Scopes() []Scope {
	var all []Scope
	for _, r := range matrix() {
		all = append(all, r.scope)
	}
	return all
}

// Scopes lists what a role may do, nothing for a role that does not exist.
func (r Role) Scopes() []Scope {
	var all []Scope
	for _, line := range matrix() {
		if r == Owner || slices.Contains(line.roles, r) {
			all = append(all, line.scope)
		}
	}
	return all
}

// Sudo says whether an operator must have shown the second factor just now (AD-04).
func (s Scope) Sudo() bool {
	line, ok := s.line()
	return !ok || line.sudo
}

// Whole says whether the scope concerns the installation and not one pool.
func (s Scope) Whole() bool {
	line, ok := s.line()
	return !ok || line.whole
}

func (s Scope) line() (rule, bool) {
	for _, r := range matrix() {
		if r.scope == s {
			return r, true
		}
	}
	return rule{}, false
}

// The kinds of principal.
const (
	KindOperator = "operator" // a person with a session
	KindKey      = "key"      // an API key
	KindLocal    = "local"    // the command line on the server's own files
)

// Principal is who asks, once that is proven.
type Principal struct {
	Kind   string
	ID     string
	Name   string
	Role   Role
	Scopes []Scope  // of a key: what of its role it may use
	Pools  []string // nil: all pools of the installation

	// Of an operator's session.
	SessionID string
	SudoUntil time.Time
	MFA       bool // the second factor was shown
}

// Local is the command line on the server's own files: whoever reaches those may do
// everything. name is for the record.
func Local(name string) Principal {
	return Principal{Kind: KindLocal, ID: name, Name: name, Role: Owner, MFA: true}
}

// Actor is how the audit trail names the principal.
func (p Principal) Actor() string {
	if p.Kind == KindLocal {
		return p.ID
	}
	return p.Kind + ":" + p.ID
}

// Can says whether p may do s in a pool; poolID "" is the installation as a whole, which
// nobody who is confined to some pools may touch. An operator without a second factor may
// do nothing. It does not look at Fresh.
func (p Principal) Can(s Scope, poolID string) bool {
	line, ok := s.line()
	if !ok || !slices.Contains(p.Role.Scopes(), s) {
		return false
	}
	switch p.Kind {
	case KindLocal:
		return true
	case KindKey:
		if s == AdminsWrite || !slices.Contains(p.Scopes, s) {
			return false
		}
	case KindOperator:
		if !p.MFA {
			return false
		}
	default:
		return false
	}
	if p.Pools == nil {
		return true
	}
	return !line.whole && poolID != "" && slices.Contains(p.Pools, poolID)
}

// Fresh says whether p may do s now, where s wants a fresh second factor of a person. A
// key stands for the machine that holds it and cannot be asked again.
func (p Principal) Fresh(s Scope, now time.Time) bool {
	return p.Kind != KindOperator || !s.Sudo() || now.Before(p.SudoUntil)
}
