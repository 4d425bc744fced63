// Package app builds one server from its parts, by hand, and owns the order in which
// they start and stop. It holds no rules: what a part does is its own package's.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tigertally/tigertally/internal/config"
	"github.com/tigertally/tigertally/internal/emulator"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/pipeline"
	"github.com/tigertally/tigertally/internal/secret"
	"github.com/tigertally/tigertally/internal/upsim"
	"github.com/tigertally/tigertally/internal/web"
)

// drainTime is how long requests under way may take when the server stops.
const drainTime = 10 * time.Second

// Options configure a production server.
type Options struct {
	Config config.Config
	Logger *slog.Logger
	Worker []string // starts a process for functions: a program that calls PipelineWorker
}

// App is one server.
type App struct {
	*services
	conf     config.Config
	log      *slog.Logger
	registry *prometheus.Registry
	handler  http.Handler
	emulator *development // nil in production
}

// Open builds a production server. Nothing is served before Serve. It refuses a database
// whose identity providers are those of development.
func Open(ctx context.Context, o Options) (*App, error) {
	carriers, err := oneTap(o.Config)
	if err != nil {
		return nil, err
	}
	s, err := build(ctx, o.Config, outside{
		now: time.Now, oneTap: carriers, publicURL: o.Config.BaseURL(), log: o.Logger,
		functions: pipeline.Options{Command: o.Worker, Clock: time.Now, LogLevel: slog.LevelDebug},
	})
	if err != nil {
		return nil, err
	}
	a := &App{services: s, conf: o.Config, log: o.Logger}
	if err := errors.Join(a.checkProviders(ctx), a.checkMessengers(ctx), a.finish(ctx)); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}

// finish does what both kinds of server need once their services exist.
func (a *App) finish(ctx context.Context) error {
	if err := a.defaultPool(ctx); err != nil {
		return err
	}
	if err := a.Pipelines.Warm(ctx); err != nil {
		return fmt.Errorf("functions: %w", err)
	}
	a.registry = prometheus.NewRegistry()
	metrics, err := web.NewMetrics(a.registry)
	if err != nil {
		return fmt.Errorf("metrics: %w", err)
	}
	if err := a.registerMetrics(); err != nil {
		return err
	}
	if a.handler, err = a.routes(metrics); err != nil {
		return err
	}
	a.schedule()
	return nil
}

// defaultPool makes the configured pool answer requests that name no client. A
// production server starts without a pool too, so that one can be made later.
func (a *App) defaultPool(ctx context.Context) error {
	if _, err := a.Pools.Get(ctx, a.conf.DefaultPool); err != nil {
		if errs.CodeOf(err) != errs.PoolNotFound {
			return err
		}
		pools, err := a.Pools.List(ctx)
		if err == nil && len(pools) == 0 {
			a.log.WarnContext(ctx, "there is no pool yet, so every request is refused; make one: tigertally pool create ID --origin https://app.example.com")
		}
		return err // the oldest pool stands in until this one exists
	}
	return a.Pools.SetDefault(ctx, a.conf.DefaultPool)
}

// Handler serves everything of the one public origin.
func (a *App) Handler() http.Handler { return a.handler }

// Serve answers on listener until ctx ends or the storage fails, then drains and closes
// everything: listener, requests, workers, database.
func (a *App) Serve(ctx context.Context, listener net.Listener) (err error) {
	defer func() { err = errors.Join(err, a.Close()) }()
	if a.db.Alone() { // a code that was being sent when the server died is sent now, not in two minutes
		if err := a.jobs.Recover(context.WithoutCancel(ctx)); err != nil {
			return errors.Join(err, listener.Close())
		}
	}
	if err := a.jobs.Start(context.WithoutCancel(ctx)); err != nil { // workers outlive requests
		return errors.Join(err, listener.Close())
	}
	defer a.jobs.Stop()
	if err := a.hookJobs.Start(context.WithoutCancel(ctx)); err != nil {
		return errors.Join(err, listener.Close())
	}
	defer a.hookJobs.Stop()
	defer a.backups.Stop() // which a job may wait for
	a.metrics.Start(context.WithoutCancel(ctx))
	defer func() { err = errors.Join(err, a.metrics.Stop(context.WithoutCancel(ctx))) }()
	servers := []*http.Server{web.NewServer(a.handler, a.log)}
	listeners := []net.Listener{listener}
	if a.conf.MetricsListen != "" {
		l, err := Listen(ctx, a.conf.MetricsListen)
		if err != nil {
			return errors.Join(err, listener.Close())
		}
		servers = append(servers, web.NewServer(a.metricsHandler(), a.log))
		listeners = append(listeners, l)
	}
	failed := make(chan error, len(servers))
	for i, server := range servers {
		go func() { failed <- server.Serve(listeners[i]) }()
	}
	a.log.InfoContext(ctx, "serving", "address", listener.Addr().String())
	debug.FreeOSMemory() // what starting took, so that an idle server is a small one
	select {
	case err = <-failed:
	case <-a.db.Failed():
		err = errors.New("the storage failed; stopping, because a later success would prove nothing")
	case <-ctx.Done():
	}
	return errors.Join(err, a.drain(context.WithoutCancel(ctx), servers))
}

// drain stops the servers, letting requests under way finish.
func (a *App) drain(ctx context.Context, servers []*http.Server) error {
	ctx, cancel := context.WithTimeout(ctx, drainTime)
	defer cancel()
	a.log.InfoContext(ctx, "stopping")
	if a.emulator != nil {
		a.emulator.inbox.Close() // long polls would hold the drain up
	}
	var errs []error
	for _, server := range servers {
		if err := server.Shutdown(ctx); err != nil {
			errs = append(errs, fmt.Errorf("drain: %w", err))
		}
	}
	return errors.Join(errs...)
}

// Close frees what Open took. Serve does it itself.
func (a *App) Close() error { return errors.Join(a.emulator.closeUpstreams(), a.close()) }

// cores is read before newHasher changes it, so that a second server in one process
// does not count the first one's threads.
var cores = runtime.GOMAXPROCS(0)

// newHasher makes the hash pool. Its threads run at low priority beside the ones that
// answer requests, so the runtime gets as many more to run at once.
func newHasher(workers int) *secret.Hasher {
	if workers == 0 {
		workers = cores
	}
	h := secret.NewHasher(secret.HasherOptions{Workers: workers, Nice: true, Now: time.Now})
	runtime.GOMAXPROCS(cores + h.Workers())
	return h
}

// development is what only a dev server has.
type development struct {
	clock *emulator.Clock
	inbox *emulator.Inbox
	face  *emulator.Emulator

	upstreams *upsim.Server // nil unless they are played
}
