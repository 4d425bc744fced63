package manage

import (
	"net/http"

	"github.com/tigertally/tigertally/internal/manage"
)

func (p *Protocol) poolOperations() []Operation {
	return []Operation{
		operate(p, manage.PoolList, http.MethodGet, "/pools", p.core.Pools),
		operate(p, manage.PoolCreate, http.MethodPost, "/pools", p.core.CreatePool),
		operate(p, manage.PoolGet, http.MethodGet, "/pools/{pool}", p.core.Pool),
		operate(p, manage.PoolUpdate, http.MethodPatch, "/pools/{pool}", p.core.UpdatePool),
		operate(p, manage.PoolSettings, http.MethodGet, "/pools/{pool}/settings", p.core.PoolSettings),
		operate(p, manage.PoolSetSettings, http.MethodPatch, "/pools/{pool}/settings", p.core.SetPoolSettings),
	}
}
