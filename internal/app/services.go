package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/tigertally/tigertally/internal/account"
	"github.com/tigertally/tigertally/internal/admin"
	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/captcha"
	"github.com/tigertally/tigertally/internal/channel"
	"github.com/tigertally/tigertally/internal/code"
	"github.com/tigertally/tigertally/internal/config"
	"github.com/tigertally/tigertally/internal/connection"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/delivery"
	"github.com/tigertally/tigertally/internal/federation"
	"github.com/tigertally/tigertally/internal/field"
	"github.com/tigertally/tigertally/internal/job"
	"github.com/tigertally/tigertally/internal/keeper"
	"github.com/tigertally/tigertally/internal/keys"
	"github.com/tigertally/tigertally/internal/limit"
	"github.com/tigertally/tigertally/internal/manage"
	"github.com/tigertally/tigertally/internal/media"
	"github.com/tigertally/tigertally/internal/metric"
	"github.com/tigertally/tigertally/internal/notify"
	"github.com/tigertally/tigertally/internal/oauth"
	"github.com/tigertally/tigertally/internal/pipeline"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/qr"
	"github.com/tigertally/tigertally/internal/revocation"
	"github.com/tigertally/tigertally/internal/secret"
	"github.com/tigertally/tigertally/internal/session"
	"github.com/tigertally/tigertally/internal/signin"
	"github.com/tigertally/tigertally/internal/sudo"
	"github.com/tigertally/tigertally/internal/ticket"
	"github.com/tigertally/tigertally/internal/upsim"
	"github.com/tigertally/tigertally/internal/user"
	"github.com/tigertally/tigertally/internal/webhook"
)

// Store is the part of a server that commands use without serving: the database with
// its keys.
type Store struct {
	db        *db.DB
	ring      *secret.Keyring
	audit     *audit.Service
	Pools     *pool.Service
	Keys      *keys.Service
	Fields    *field.Service
	Pipelines *pipeline.Service

	Connections *connection.Service
	Deliveries  *delivery.Service
	Channels    *channel.Service
	Codes       *code.Service
	Notary      *audit.Notary
	limits      *limit.Service
	now         func() time.Time
	checkpoints string // the file of copies
	open        openVendor
	client      *http.Client // for calls to vendors
	earnest     earnest
	baseURL     string
}

// OpenStore opens the database of conf, making it and its master key on first use. A
// database that exists without its key is refused: a new key could not read it. worker
// is how to start a process for functions.
func OpenStore(ctx context.Context, conf config.Config, worker []string) (*Store, error) {
	return openStore(ctx, conf, time.Now, slog.New(slog.DiscardHandler), pipeline.Options{Command: worker, Clock: time.Now})
}

func openStore(ctx context.Context, conf config.Config, now func() time.Time, log *slog.Logger, o pipeline.Options) (*Store, error) {
	if err := os.MkdirAll(conf.DataDir, 0o700); err != nil {
		return nil, fmt.Errorf("make the data directory: %w", err)
	}
	d, err := db.Open(ctx, db.Options{URL: conf.Database(), Logger: log})
	if err != nil {
		return nil, fmt.Errorf("database: %w", err)
	}
	ring, err := openKeyring(ctx, d, conf.KeyFile())
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	s := &Store{db: d, ring: ring, audit: audit.New(d, now), Pools: pool.New(d, now), Keys: keys.New(d, ring, now), Fields: field.New(d, now)}
	s.audit.Ring = ring
	s.Connections, s.baseURL = connection.New(d, ring, now), conf.BaseURL()
	s.Channels = channel.New(d, ring, now)
	s.Deliveries, s.limits = delivery.New(d, ring, now), limit.New(d, ring, now)
	if err := adjust(s.limits, conf.Limits); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	s.Codes = code.New(d, ring, s.limits, now)
	s.Codes.Proved = s.proved
	if s.client, err = outbound(conf, now); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	if s.earnest, err = newEarnest(conf); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	s.open = vendors(s.Connections, s.client, now)
	if o.Dir, err = filepath.Abs(filepath.Join(conf.DataDir, "worker")); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	s.Pipelines = pipeline.New(d, ring, s.audit, now, log, o)
	s.now = now
	if err := s.notarize(ctx, conf.DataDir, log); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// Close closes the database.
func (s *Store) Close() error { return errors.Join(s.Pipelines.Close(), s.db.Close()) }

// services are everything a serving process is made of, built once and by hand.
type services struct {
	*Store
	publicURL string
	rootPool  string // whose issuer has no name in it
	backups   *keeper.Keeper
	hasher    *secret.Hasher
	tickets   *ticket.Service
	sessions  *session.Service
	users     *user.Service
	sudo      *sudo.Service
	captcha   *captcha.Service
	jobs      *job.Service
	hookJobs  *job.Service // a queue of its own: receivers may take their time
	webhooks  *webhook.Service
	checkup   *manage.Doctor
	notify    *notify.Service
	metrics   *metric.Service
	vendors   manage.Ready // of messages
	post      *post
	log       *slog.Logger
	signin    *signin.Service
	account   *account.Service
	admin     *admin.Service
	media     *media.Service
	screens   *qr.Service
	oauth     *oauth.Service

	federation *federation.Service
	administration
}

// outside is what differs between production and development.
type outside struct {
	now         func() time.Time
	inbox       func(m notify.Message) // development only
	oneTap      signin.OneTap          // nil without a driver
	onChallenge func(token, answer string)
	publicURL   string
	upstreams   *upsim.Server // development only: what the simulator plays
	log         *slog.Logger
	functions   pipeline.Options
}

// build makes every service. Order matters only in that each gets what it needs.
func build(ctx context.Context, conf config.Config, o outside) (*services, error) {
	store, err := openStore(ctx, conf, o.now, o.log, o.functions)
	if err != nil {
		return nil, err
	}
	d, ring, now := store.db, store.ring, o.now
	s := &services{
		Store: store, publicURL: o.publicURL, rootPool: conf.DefaultPool, hasher: newHasher(conf.HashWorkers), log: o.log,
		metrics: metric.New(d, now, o.log), vendors: readiness(conf, o),
	}
	s.audit.Watch = s.metrics.Event
	s.tickets = ticket.New(d, now)
	s.sessions = session.New(d, s.Keys, ring, now, s.issuer)
	s.users = user.New(d, now)
	s.users.CasedNames = s.casedNames
	s.sudo = sudo.New(s.tickets, now)
	s.captcha = captcha.New(s.tickets, s.limits, d, ring, now)
	s.captcha.OnChallenge = o.onChallenge
	if s.captcha.Vendor, err = puzzles(conf, now); err != nil {
		return nil, errors.Join(err, s.close())
	}
	s.captcha.OnRefused = s.captchaRefused
	if err := s.messaging(conf, o); err != nil {
		return nil, errors.Join(err, s.close())
	}
	s.media, s.screens = media.New(d, now), qr.New(d, now)
	revocations := revocation.New(d, ring, s.jobs, now)
	s.signin = signin.New(signin.Deps{
		DB: d, Pools: s.Pools, Users: s.users, Sessions: s.sessions, Codes: s.Codes,
		Tickets: s.tickets, Limits: s.limits, Captcha: s.captcha, Audit: s.audit,
		Hasher: s.hasher, Now: now, Logger: o.log,
		Pipelines: s.Pipelines, Fields: s.Fields, OneTap: o.oneTap, Connections: s.Connections,
		Screens: s.screens, Revocations: revocations, Took: s.metrics.Took,
	})
	s.federation = federation.New(federation.Deps{
		DB: d, Ring: ring, Pools: s.Pools, Connections: s.Connections, Tickets: s.tickets, Sessions: s.sessions,
		Limits: s.limits, Proofs: s.signin.Proofs(), Now: now, Logger: o.log,
		Audit: s.audit, Revocations: revocations,
		Open: s.open, PublicURL: o.publicURL,
	})
	operator, err := operatorEmail(conf)
	if err != nil {
		return nil, errors.Join(err, s.close())
	}
	groups, err := networks(conf.NetworksFile)
	if err != nil {
		return nil, errors.Join(err, s.close())
	}
	s.account = account.New(account.Deps{
		OperatorEmail: operator, Networks: groups, Jobs: s.jobs,
		DB: d, Pools: s.Pools, Users: s.users, Sessions: s.sessions, Codes: s.Codes,
		Tickets: s.tickets, Sudo: s.sudo, Limits: s.limits, Captcha: s.captcha, Audit: s.audit,
		Notify: s.notify, Proofs: s.signin.Proofs(), Now: now, Logger: o.log,
		Fields: s.Fields, Media: s.media, Connections: s.Connections, Screens: s.screens,
		Revocations: revocations, PublicURL: o.publicURL,
	})
	s.admin = admin.New(admin.Deps{
		DB: d, Pools: s.Pools, Users: s.users, Sessions: s.sessions, Account: s.account,
		Fields: s.Fields, Keys: s.Keys, Limits: s.limits, Audit: s.audit,
		Proofs: s.signin.Proofs(), Hasher: s.hasher, Issuer: s.issuer, Now: now,
	})
	s.oauth = oauth.New(oauth.Deps{
		DB: d, Pools: s.Pools, Users: s.users, Sessions: s.sessions, Keys: s.Keys, Tickets: s.tickets,
		Limits: s.limits, Pipelines: s.Pipelines, Audit: s.audit, Issuer: s.issuer, Now: now,
	})
	if err := s.manned(conf, o); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// manned makes what those who run the server need of it.
func (s *services) manned(conf config.Config, o outside) (err error) {
	if err := s.listeners(conf, o.inbox != nil); err != nil {
		return err
	}
	if s.checkup, err = s.doctor(conf, o.inbox != nil); err != nil {
		return err
	}
	s.administer(conf)
	return nil
}

// messaging makes the queue and what sends messages by it.
func (s *services) messaging(conf config.Config, o outside) (err error) {
	s.jobs = job.New(s.db, s.ring, o.now, o.log)
	if s.post, err = drivers(conf, o.log, o.now, s.reportAddress(conf.Secure())); err != nil {
		return err
	}
	s.post.inbox = o.inbox
	if s.post.stored, err = s.messengers(conf, o); err != nil {
		return err
	}
	s.notify = notify.New(s.jobs, o.now, s.deliverer(s.post))
	s.notify.Refund, s.notify.Logger, s.notify.Words = s.limits.RefundAll, o.log, s.words
	if s.post.outside() || o.inbox == nil {
		s.notify.Patience = patience
	}
	return nil
}

// issuer names a pool in the tokens it signs. The configured default pool has the plain
// name, which is the one Authing clients know. The name follows the setting and not
// which pool stands in for a missing one: a change of it ends the access tokens of the
// pools it renames.
func (s *services) issuer(poolID string) string {
	if poolID == s.rootPool {
		return s.publicURL + "/oidc"
	}
	return s.publicURL + "/oidc/" + poolID
}

// casedNames says whether a pool tells user names by their case.
func (s *services) casedNames(ctx context.Context, poolID string) (bool, error) {
	p, err := s.Pools.Get(ctx, poolID)
	return p.Settings.CasedUsernames, err
}

// schedule names the periodic clean-ups. Each runs on one node at a time.
func (s *services) schedule() {
	s.jobs.Every("sweep_sessions", time.Hour, s.sessions.Sweep)
	s.jobs.Every("sweep_tickets", 10*time.Minute, s.tickets.Sweep)
	s.jobs.Every("sweep_device_grants", time.Hour, s.account.Sweep)
	s.jobs.Every("sweep_app_tokens", time.Hour, s.Connections.Sweep)
	s.jobs.Every("sweep_screens", time.Hour, s.screens.Sweep)
	s.jobs.Every("sweep_codes", 10*time.Minute, counted(s.Codes.Sweep))
	s.jobs.Every("sweep_counters", 10*time.Minute, counted(s.limits.Sweep))
	s.jobs.Every("sweep_deliveries", 24*time.Hour, counted(s.Deliveries.Sweep))
	s.jobs.Every("sweep_operators", 10*time.Minute, s.operators.Sweep)
	s.jobs.Every("audit_checkpoint", time.Minute, s.Notary.Checkpoint)
	s.jobs.Every("audit_retention", 24*time.Hour, func(ctx context.Context) error { return s.Notary.Expire(ctx, 0) })
	s.jobs.Every("sweep_answers", time.Hour, counted(s.answers.Sweep))
	s.jobs.Every("sweep_metrics", 24*time.Hour, counted(s.metrics.Sweep))
	s.jobs.Every("sweep_jobs", 24*time.Hour, counted(s.jobs.Sweep))
	s.jobs.Every("backup_due", 5*time.Minute, s.backups.Due)
}

// counted drops the number a sweep returns.
func counted(sweep func(context.Context) (int64, error)) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := sweep(ctx)
		return err
	}
}

func (s *services) close() error {
	if s.backups != nil {
		s.backups.Wait()
	}
	s.hasher.Close()
	return s.Close()
}
