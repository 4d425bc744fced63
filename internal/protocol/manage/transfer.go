package manage

import (
	"net/http"

	"github.com/tigertally/tigertally/internal/manage"
)

func (p *Protocol) transferOperations() []Operation {
	return []Operation{
		operate(p, manage.UserImport, http.MethodPost, "/pools/{pool}/import", p.core.ImportUsers),
		operate(p, manage.UserExport, http.MethodGet, "/pools/{pool}/export", p.core.ExportUsers),
		operate(p, manage.UserExportPerson, http.MethodGet, "/pools/{pool}/users/{user}/export", p.core.ExportPerson),
	}
}
