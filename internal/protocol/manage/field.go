package manage

import (
	"net/http"

	"github.com/tigertally/tigertally/internal/manage"
)

func (p *Protocol) fieldOperations() []Operation {
	return []Operation{
		operate(p, manage.FieldList, http.MethodGet, "/pools/{pool}/fields", p.core.Fields),
		operate(p, manage.FieldPut, http.MethodPut, "/pools/{pool}/fields/{key}", p.core.PutField),
		operate(p, manage.FieldRemove, http.MethodDelete, "/pools/{pool}/fields/{key}", p.core.RemoveField),
	}
}
