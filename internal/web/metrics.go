package web

import (
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics counts requests and their time by route pattern and status.
type Metrics struct {
	seconds *prometheus.HistogramVec
	seen    sync.Map // metricKey to prometheus.Observer, which saves the label lookup
}

type metricKey struct {
	route  string
	status int
}

// NewMetrics registers the request metrics with reg.
func NewMetrics(reg prometheus.Registerer) (*Metrics, error) {
	m := &Metrics{seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "tigertally_http_request_seconds",
		Help:    "Time to answer HTTP requests by route pattern and status.",
		Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
	}, []string{"route", "status"})}
	if err := reg.Register(m.seconds); err != nil {
		return nil, err
	}
	return m, nil
}

// observe counts one request. Routes are patterns of our own, so there are few.
func (m *Metrics) observe(route string, status int, took time.Duration) {
	if m == nil {
		return
	}
	if route == "" {
		route = "unmatched"
	}
	k := metricKey{route, status}
	o, ok := m.seen.Load(k)
	if !ok {
		o, _ = m.seen.LoadOrStore(k, m.seconds.WithLabelValues(route, strconv.Itoa(status)))
	}
	if observer, ok := o.(prometheus.Observer); ok {
		observer.Observe(took.Seconds())
	}
}
