package app

import (
	"context"
	"runtime/debug"

	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/config"
	"github.com/tigertally/tigertally/internal/console"
	"github.com/tigertally/tigertally/internal/idempotency"
	"github.com/tigertally/tigertally/internal/manage"
	"github.com/tigertally/tigertally/internal/operator"
	protocol "github.com/tigertally/tigertally/internal/protocol/manage"
)

// issuerName is how an authenticator app names the installation.
const issuerName = "Tigertally"

// administration is what administrators work with.
type administration struct {
	operators *operator.Service
	manage    *manage.Service
	answers   *idempotency.Service
	carriers  carriers
	devKey    string // of a development server; "" in production
}

// administer builds what administrators work with from everything else.
func (s *services) administer(conf config.Config) {
	s.backups = s.keep(conf)
	s.operators = operator.New(operator.Deps{
		DB: s.db, Ring: s.ring, Hasher: s.hasher, Limits: s.limits, Audit: s.audit, Now: s.now, Issuer: issuerName,
	})
	s.answers = idempotency.New(s.db, s.ring, s.now)
	providers := s.providers()
	providers.PublicURL = s.publicURL
	s.manage = manage.New(manage.Deps{
		DB: s.db, Ring: s.ring, Pools: s.Pools, Admin: s.admin, Audit: s.audit, Now: s.now,
		Users: s.users, Sessions: s.sessions, Account: s.account, Keys: s.Keys,
		Migrate: s.migrator(), Backups: s.backups,
		Operators: s.operators, Limits: s.limits, Networks: s.account.Networks, Webhooks: s.webhooks, Doctor: s.checkup,
		Providers: providers, Pipelines: s.Pipelines,
		VerifyAudit: func(ctx context.Context, poolID string) (audit.Report, error) {
			return s.VerifyAudit(ctx, poolID, nil)
		},
		Numbers:   manage.Numbers{Metrics: s.metrics, Deliveries: s.Deliveries, Ready: s.ready},
		Messages:  manage.Messages{Channels: s.Channels, Deliveries: s.Deliveries, Codes: s.Codes, Carriers: s.carriers},
		PublicURL: s.publicURL, Issuer: s.issuer,
	})
}

// Manage is what administrators do.
func (s *services) Manage() *manage.Service { return s.manage }

// manageEdge is the management API.
func (s *services) manageEdge() *protocol.Protocol {
	return protocol.New(protocol.Options{Manage: s.manage, Operators: s.operators, Answers: s.answers, Version: version()})
}

// pages is the console.
func (a *App) pages() (*console.Console, error) {
	return console.New(console.Options{
		Manage: a.manage, Operators: a.operators, PublicURL: a.publicURL, Secure: a.conf.Secure(), DevKey: a.devKey, Now: a.now,
	})
}

// version is the version of the program, as its module says.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		return info.Main.Version
	}
	return "unknown"
}
