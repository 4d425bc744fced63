// Package admin owns what an operator, or the customer's own server with a pool secret,
// does to the people of one pool, and the tokens it does that with. Every change is
// recorded with its effect. What people do themselves is account's.
package admin

import (
	"context"
	"time"

	"github.com/tigertally/tigertally/internal/account"
	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/field"
	"github.com/tigertally/tigertally/internal/keys"
	"github.com/tigertally/tigertally/internal/limit"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/secret"
	"github.com/tigertally/tigertally/internal/session"
	"github.com/tigertally/tigertally/internal/signin"
	"github.com/tigertally/tigertally/internal/user"
)

// Deps are the services a Service is made of; all are required.
type Deps struct {
	DB       *db.DB
	Pools    *pool.Service
	Users    *user.Service
	Sessions *session.Service
	Account  *account.Service // ends and removes accounts
	Fields   *field.Service
	Keys     *keys.Service
	Limits   *limit.Service
	Audit    *audit.Service
	Proofs   *signin.Proofs // of the signin.Service
	Hasher   *secret.Hasher
	Issuer   func(poolID string) string // as tokens name a pool
	Now      func() time.Time
}

// Service manages the people of pools.
type Service struct{ d Deps }

// New makes a Service.
func New(d Deps) *Service { return &Service{d: d} }

// Manager is who manages a pool. It reaches nothing outside that pool.
type Manager struct {
	PoolID string
	Actor  string // as the record names it
}

// Operator is a Manager who needs no token, because the process is theirs: the command
// line or the emulator.
func Operator(poolID, name string) Manager {
	return Manager{PoolID: poolID, Actor: name}
}

// done records a change in its transaction.
func (s *Service) done(ctx context.Context, m Manager, action, userID string, detail map[string]string) error {
	return s.d.Audit.Record(ctx, audit.Event{
		PoolID: m.PoolID, Action: action, UserID: userID, Actor: m.Actor, Detail: detail,
	})
}
