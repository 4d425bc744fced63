package console

import "github.com/tigertally/tigertally/internal/manage"

// menuItem is a link of the sidebar, shown to those who may do op. Its words are
// menu_<name>.
type menuItem struct {
	name  string
	op    manage.Op
	path  []string // below the pool, or below Prefix
	exact bool     // pages below it are other sections
}

// poolMenu lists the sections of a pool, in their order.
func poolMenu() []menuItem {
	return []menuItem{
		{name: "overview", op: manage.PoolGet, exact: true},
		{name: "users", op: manage.UserList, path: []string{"users"}},
		{name: "attempts", op: manage.AttemptList, path: []string{"attempts"}},
		{name: "limits", op: manage.LimitCheck, path: []string{"limits"}},
		{name: "apps", op: manage.AppList, path: []string{"apps"}},
		{name: "try", op: manage.SignInWays, path: []string{"try"}},
		{name: "settings", op: manage.PoolSettings, path: []string{"settings"}},
		{name: "providers", op: manage.ProviderList, path: []string{"providers"}},
		{name: "messages", op: manage.MessageDriverList, path: []string{"messages"}},
		{name: "pipelines", op: manage.PipelineList, path: []string{"pipelines"}},
		{name: "webhooks", op: manage.WebhookList, path: []string{"webhooks"}},
		{name: "keys", op: manage.KeyList, path: []string{"keys"}},
		{name: "import", op: manage.UserImport, path: []string{"import"}},
		{name: "audit", op: manage.AuditList, path: []string{"audit"}},
	}
}

// globalMenu lists the sections of the installation, in their order.
func globalMenu() []menuItem {
	return []menuItem{
		{name: "pools", op: manage.PoolCreate, path: []string{"pools"}, exact: true},
		{name: "doctor", op: manage.DoctorRun, path: []string{"doctor"}},
		{name: "backups", op: manage.BackupList, path: []string{"backups"}},
		{name: "operators", op: manage.OperatorList, path: []string{"operators"}},
		{name: "api_keys", op: manage.APIKeyList, path: []string{"api-keys"}},
		{name: "audit_installation", op: manage.AuditListInstallation, path: []string{"audit"}},
	}
}
