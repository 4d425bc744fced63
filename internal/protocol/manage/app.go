package manage

import (
	"net/http"

	"github.com/tigertally/tigertally/internal/manage"
)

func (p *Protocol) appOperations() []Operation {
	const apps, app = "/pools/{pool}/apps", "/pools/{pool}/apps/{app}"
	return []Operation{
		operate(p, manage.AppList, http.MethodGet, apps, p.core.Apps),
		operate(p, manage.AppCreate, http.MethodPost, apps, p.core.CreateApp),
		operate(p, manage.AppGet, http.MethodGet, app, p.core.App),
		operate(p, manage.AppUpdate, http.MethodPatch, app, p.core.UpdateApp),
		operate(p, manage.AppRemove, http.MethodDelete, app, p.core.RemoveApp),
		operate(p, manage.AppNewSecret, http.MethodPost, app+"/secrets", p.core.NewAppSecret),
		operate(p, manage.AppSnippets, http.MethodGet, app+"/snippets", p.core.Snippets),
	}
}
