package manage

import (
	"net/http"

	"github.com/tigertally/tigertally/internal/manage"
)

func (p *Protocol) metricOperations() []Operation {
	return []Operation{
		operate(p, manage.MetricSeries, http.MethodGet, "/pools/{pool}/metrics", p.core.Metrics),
		operate(p, manage.PoolSetup, http.MethodGet, "/pools/{pool}/setup", p.core.Setup),
	}
}
