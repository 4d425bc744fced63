// Package manage owns what administrators do: each operation, who may do it and what is
// recorded of it. The management API, the command line and the console are ways to call
// it and decide nothing. What a customer's server does to people with a pool secret is
// admin's, which this package builds on; who administrators are is operator's.
package manage

import (
	"context"
	"slices"
	"time"

	"github.com/tigertally/tigertally/internal/account"
	"github.com/tigertally/tigertally/internal/admin"
	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/caller"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/keeper"
	"github.com/tigertally/tigertally/internal/keys"
	"github.com/tigertally/tigertally/internal/limit"
	"github.com/tigertally/tigertally/internal/migrate"
	"github.com/tigertally/tigertally/internal/operator"
	"github.com/tigertally/tigertally/internal/pipeline"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/secret"
	"github.com/tigertally/tigertally/internal/session"
	"github.com/tigertally/tigertally/internal/user"
	"github.com/tigertally/tigertally/internal/webhook"
)

// Deps are the services a Service is made of; all are required.
type Deps struct {
	DB    *db.DB
	Ring  *secret.Keyring
	Pools *pool.Service
	Admin *admin.Service
	Audit *audit.Service

	Users    *user.Service
	Sessions *session.Service
	Account  *account.Service // ends sessions and removes accounts
	Keys     *keys.Service
	Migrate  *migrate.Service
	Backups  *keeper.Keeper

	Operators *operator.Service
	Limits    *limit.Service
	Networks  caller.Networks // the operator's groups of networks
	Webhooks  *webhook.Service
	Doctor    *Doctor

	Messages  Messages
	Providers *Providers
	Pipelines *pipeline.Service

	// VerifyAudit reads the chain of a pool's records, or of audit.Installation.
	VerifyAudit func(ctx context.Context, poolID string) (audit.Report, error)
	Numbers     Numbers

	PublicURL string                     // where apps reach the server, without a slash at the end
	Issuer    func(poolID string) string // as tokens name a pool

	Now func() time.Time
}

// Service does what administrators ask for.
type Service struct {
	d     Deps
	rules map[Op]Operation
}

// New makes a Service.
func New(d Deps) *Service { return &Service{d: d, rules: ByName()} }

// may says whether p may do op in a pool, and as whom the record names them. poolID is ""
// for an operation on the installation. Every operation asks first.
//
// A pool p does not reach and one that does not exist are the same PoolNotFound, so that
// nobody learns the other tenants (MT-01). Errors: PoolNotFound, PermissionDenied,
// SudoRequired.
func (s *Service) may(ctx context.Context, p operator.Principal, op Op, poolID string) (admin.Manager, error) {
	rule, known := s.rules[op]
	if !known || rule.Scope.Whole() != (poolID == "") {
		return admin.Manager{}, errs.New(errs.PermissionDenied)
	}
	if poolID != "" {
		if p.Pools != nil && !slices.Contains(p.Pools, poolID) {
			return admin.Manager{}, errs.New(errs.PoolNotFound)
		}
		if _, err := s.d.Pools.Get(ctx, poolID); err != nil {
			return admin.Manager{}, err
		}
	}
	if !p.Can(rule.Scope, poolID) {
		return admin.Manager{}, errs.New(errs.PermissionDenied)
	}
	if !p.Fresh(rule.Scope, s.d.Now()) {
		return admin.Manager{}, errs.New(errs.SudoRequired)
	}
	return admin.Operator(poolID, p.Actor()), nil
}

// Allowed reports whether p may do op in a pool, for pages that show no button that
// would be refused. It does not ask for fresh proof.
func (s *Service) Allowed(p operator.Principal, op Op, poolID string) bool {
	rule, known := s.rules[op]
	return known && p.Can(rule.Scope, poolID)
}

// record keeps what an administrator did, in the transaction of ctx.
func (s *Service) record(ctx context.Context, m admin.Manager, action, userID string, detail map[string]string) error {
	return s.d.Audit.Record(ctx, audit.Event{
		PoolID: m.PoolID, Action: action, UserID: userID, Actor: m.Actor, Detail: detail,
	})
}

// changed runs a change and records it in the same transaction, after all changes that
// began before it.
func (s *Service) changed(ctx context.Context, m admin.Manager, action string, detail map[string]string,
	change func(context.Context) error,
) error {
	return s.d.DB.InTx(ctx, func(ctx context.Context) error {
		ctx, err := turn(ctx, s.d.DB, m.PoolID)
		if err != nil {
			return err
		}
		if err := change(ctx); err != nil {
			return err
		}
		return s.record(ctx, m, action, "", detail)
	})
}

// turn makes the changes that administrators make to a pool, "" for the installation, wait
// for one another, whichever server they come to. With the context it returns, each sees
// what the one before has changed, so that of many who saw the same state one is first.
func turn(ctx context.Context, d *db.DB, poolID string) (context.Context, error) {
	return db.Fresh(ctx), d.Lock(ctx, "manage "+poolID)
}
