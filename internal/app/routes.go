package app

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/tigertally/tigertally/internal/callback"
	"github.com/tigertally/tigertally/internal/console"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/hosted"
	"github.com/tigertally/tigertally/internal/protocol/authing"
	"github.com/tigertally/tigertally/internal/protocol/cloudbase"
	protocol "github.com/tigertally/tigertally/internal/protocol/manage"
	"github.com/tigertally/tigertally/internal/protocol/oidc"
	"github.com/tigertally/tigertally/internal/web"
)

// routes is the table of the public origin.
func (a *App) routes(metrics *web.Metrics) (http.Handler, error) {
	cloud := cloudbase.New(cloudbase.Options{
		Pools: a.Pools, Keys: a.Keys, Sessions: a.sessions, Captchas: a.captcha,
		Signin: a.signin, Account: a.account, Federation: a.federation, Now: a.now, PublicURL: a.publicURL,
	})
	page, err := hosted.New(hosted.Options{
		OAuth: a.oauth, Signin: a.signin, Account: a.account, Sessions: a.sessions, Captchas: a.captcha,
		Vendors: a.federation, PublicURL: a.publicURL, Secure: a.conf.Secure(),
	})
	if err != nil {
		return nil, err
	}
	open := oidc.New(oidc.Options{
		Pools: a.Pools, Keys: a.Keys, OAuth: a.oauth, SignIn: page.Begin,
		Issuer: a.issuer, DefaultPool: a.rootPool, PublicURL: a.publicURL,
	})
	auth := authing.New(authing.Options{
		Pools: a.Pools, Keys: a.Keys, Sessions: a.sessions, Captchas: a.captcha,
		Signin: a.signin, Account: a.account, Admin: a.admin, Fields: a.Fields, Media: a.media,
		Federation: a.federation,
		Now:        a.now, PublicURL: a.publicURL, DevHosts: a.emulator != nil,
	})
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		web.WriteJSON(w, http.StatusOK, status{"ok"})
	})
	mux.HandleFunc("GET /readyz", a.ready)
	mux.Handle("/auth/", cloud.Handler())
	mux.Handle("/web", cloud.Handler())
	mux.Handle("/oidc/", open.Handler())
	managed := a.manageEdge()
	mux.Handle(protocol.Prefix+"/", fresh(managed.Handler()))
	pages, err := a.pages()
	if err != nil {
		return nil, err
	}
	mux.Handle(console.Prefix, fresh(pages.Handler()))
	mux.Handle(console.Prefix+"/", fresh(pages.Handler()))
	mux.Handle("/oidc/signin/", page.Handler())
	mux.Handle(hosted.ConfirmPath, page.Handler())
	mux.Handle("POST "+callback.Path+"{token}", callback.New(callback.Options{
		Reporters: a.post.reporters(), Others: a.post.stored.reporter, Deliveries: a.Deliveries, PublicURL: a.publicURL,
		NotFound: web.Handle(cloud, nobodys), Logger: a.log,
	}))
	if a.emulator != nil {
		mux.Handle("/emulator/", a.emulator.face.Handler())
		mux.Handle("GET /{$}", http.RedirectHandler("/emulator/", http.StatusFound))
	}
	mux.Handle("/", web.NotFound(cloud, mux))
	return web.Middleware(web.Options{
		Logger: a.log, Now: time.Now, TrustedProxies: a.conf.Proxies(), Metrics: metrics,
		HSTS: a.conf.Secure(), MaxBody: maxBody,
		Protocol: func(r *http.Request) web.Protocol {
			if authing.Owns(r.URL.Path) {
				return auth
			}
			if strings.HasPrefix(r.URL.Path, "/oidc/") {
				return open
			}
			if strings.HasPrefix(r.URL.Path, protocol.Prefix+"/") {
				return managed
			}
			if r.URL.Path == console.Prefix || strings.HasPrefix(r.URL.Path, console.Prefix+"/") {
				return pages
			}
			return cloud
		},
	}, divide(auth.Handler(), web.Exact(cloud, mux))), nil
}

// fresh lets an operator see on this node what they have just changed on another.
func fresh(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(db.Fresh(r.Context())))
	})
}

// nobodys answers an address nobody has.
func nobodys(http.ResponseWriter, *http.Request) error { return errs.New(errs.RouteNotFound) }

// divide gives Authing's paths to auth and the rest to next. They are told apart before
// any mux sees them: its own answers, to a path not written cleanly, are HTML.
func divide(auth, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if authing.Owns(r.URL.Path) {
			auth.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// maxBody is how much of a request is read.
func maxBody(r *http.Request) int64 {
	switch path := r.URL.Path; {
	case path == authing.UploadPath:
		return authing.MaxUpload
	case strings.HasSuffix(path, "/import") && (strings.HasPrefix(path, protocol.Prefix+"/pools/") || strings.HasPrefix(path, console.Prefix+"/pools/")):
		return protocol.MaxImport
	}
	return web.MaxBody
}

// status is the answer of the probes.
type status struct {
	Status string `json:"status"`
}

// ready says whether the server can reach its database.
func (a *App) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	if err := a.db.Ping(ctx); err != nil {
		a.log.WarnContext(ctx, "not ready", "err", err)
		web.WriteJSON(w, http.StatusServiceUnavailable, status{"database unreachable"})
		return
	}
	web.WriteJSON(w, http.StatusOK, status{"ready"})
}

// registerMetrics adds what the parts count themselves.
func (a *App) registerMetrics() error {
	counter := func(name, help string, value func() float64) prometheus.Collector {
		return prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "tigertally_" + name, Help: help}, value)
	}
	gauge := func(name, help string, value func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "tigertally_" + name, Help: help}, value)
	}
	for _, c := range []prometheus.Collector{
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		counter("db_transactions_total", "Committed write transactions.",
			func() float64 { return float64(a.db.Stats().Transactions) }),
		counter("db_commits_total", "Durable commits; on SQLite many transactions share one.",
			func() float64 { return float64(a.db.Stats().Commits) }),
		counter("password_hashes_total", "Password hashes computed.",
			func() float64 { return float64(a.hasher.Stats().Done) }),
		gauge("password_hashes_waiting", "Password hashes waiting for a worker.",
			func() float64 { return float64(a.hasher.Stats().Queued) }),
	} {
		if err := a.registry.Register(c); err != nil {
			return err
		}
	}
	return nil
}

func (a *App) metricsHandler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(a.registry, promhttp.HandlerOpts{}))
	return mux
}
