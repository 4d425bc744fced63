package manage

import (
	"net/http"

	"github.com/tigertally/tigertally/internal/manage"
)

func (p *Protocol) doctorOperations() []Operation {
	return []Operation{operate(p, manage.DoctorRun, http.MethodGet, "/doctor", p.core.Examine)}
}
