// Package account owns what people do to their own account once they are somebody:
// codes, sudo, password, contacts, profile, linked identities, sessions, devices and
// deletion. Proving who somebody is belongs to signin. It knows no protocol.
package account

import (
	"context"
	"log/slog"
	"time"

	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/caller"
	"github.com/tigertally/tigertally/internal/captcha"
	"github.com/tigertally/tigertally/internal/code"
	"github.com/tigertally/tigertally/internal/connection"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/field"
	"github.com/tigertally/tigertally/internal/job"
	"github.com/tigertally/tigertally/internal/limit"
	"github.com/tigertally/tigertally/internal/media"
	"github.com/tigertally/tigertally/internal/notify"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/qr"
	"github.com/tigertally/tigertally/internal/revocation"
	"github.com/tigertally/tigertally/internal/session"
	"github.com/tigertally/tigertally/internal/signin"
	"github.com/tigertally/tigertally/internal/sudo"
	"github.com/tigertally/tigertally/internal/ticket"
	"github.com/tigertally/tigertally/internal/user"
)

// Deps are the services a Service is made of; all are required.
type Deps struct {
	DB       *db.DB
	Pools    *pool.Service
	Users    *user.Service
	Sessions *session.Service
	Codes    *code.Service
	Tickets  *ticket.Service
	Sudo     *sudo.Service
	Limits   *limit.Service
	Captcha  *captcha.Service
	Audit    *audit.Service
	Notify   *notify.Service
	Fields   *field.Service
	Media    *media.Service
	Proofs   *signin.Proofs // of the signin.Service

	Connections *connection.Service
	Revocations *revocation.Service
	Jobs        *job.Service
	Screens     *qr.Service

	Now    func() time.Time
	Logger *slog.Logger

	// OperatorEmail is told what the operator should know, "" for nobody; Networks groups
	// addresses, and may be zero.
	OperatorEmail string
	Networks      caller.Networks

	PublicURL string // our own origin, for links in mails
}

// Service changes accounts. Methods for signed-in people take the session.Principal
// that session.Service.Verify returned for the request.
type Service struct{ Deps }

// New makes a Service.
func New(d Deps) *Service {
	s := &Service{Deps: d}
	d.Proofs.Pending(s.voidGrants)
	d.Proofs.Pending(d.Screens.Void)
	d.Users.Released = s.release
	d.Jobs.Handle(pictureJob, s.collect)
	return s
}

// Principal is who a request speaks for.
type Principal = session.Principal

// Me returns the person of the session, or SessionInvalid when they are gone.
func (s *Service) Me(ctx context.Context, p Principal) (user.User, error) {
	u, err := s.Users.ByID(ctx, p.PoolID, p.UserID)
	if errs.CodeOf(err) == errs.UserNotFound {
		return user.User{}, errs.New(errs.SessionInvalid).Because(err)
	}
	return u, err
}

// client returns the application the session belongs to.
func (s *Service) client(ctx context.Context, p Principal) (pool.Client, error) {
	c, err := s.Pools.Client(ctx, p.ClientID)
	if err != nil {
		return pool.Client{}, err
	}
	if c.Pool.ID != p.PoolID { // the application was given to another pool since
		return pool.Client{}, errs.New(errs.SessionInvalid)
	}
	return c, nil
}

// done records an effect in its transaction.
func (s *Service) done(ctx context.Context, p Principal, action string, detail map[string]string) error {
	return s.Audit.Record(ctx, audit.Event{
		PoolID: p.PoolID, Action: action, UserID: p.UserID,
		ClientID: p.ClientID, SessionID: p.SessionID, Detail: detail,
	})
}

// refused records a refusal, which has no transaction left to be part of, and returns it.
func (s *Service) refused(ctx context.Context, p Principal, action string, refusal error) error {
	if refusal == nil {
		return nil
	}
	err := s.Audit.Record(ctx, audit.Event{
		PoolID: p.PoolID, Action: action, Result: string(errs.CodeOf(refusal)), UserID: p.UserID,
		ClientID: p.ClientID, SessionID: p.SessionID,
	})
	if err != nil {
		s.Logger.ErrorContext(ctx, "refusal not recorded", "pool", p.PoolID, "err", err)
	}
	return refusal
}

// tell queues a notice to every verified contact of u but one, in ctx's transaction.
func (s *Service) tell(ctx context.Context, p pool.Pool, u user.User, kind, except string, params map[string]string) error {
	for _, to := range [][2]string{{code.SMS, u.Phone}, {code.Email, u.Email}} {
		channel, target := to[0], to[1]
		if target == except || !u.Owns(target) {
			continue
		}
		err := s.Notify.Alert(ctx, notify.Alert{
			Pool: p, Channel: channel, Target: target, Kind: kind, Lang: caller.From(ctx).Lang, Params: params,
		})
		if err != nil {
			return err
		}
	}
	return nil
}
