package manage

import (
	"net/http"

	"github.com/tigertally/tigertally/internal/manage"
)

func (p *Protocol) limitOperations() []Operation {
	const limits = "/pools/{pool}/limits"
	return []Operation{
		operate(p, manage.LimitList, http.MethodGet, limits, p.core.Limits),
		operate(p, manage.LimitCheck, http.MethodGet, limits+"/state", p.core.LimitState),
		operate(p, manage.LimitRelease, http.MethodPost, limits+"/release", p.core.ReleaseLimits),
	}
}
