package operator

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/caller"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/limit"
	"github.com/tigertally/tigertally/internal/secret"
)

// tenant is whose turn operators' passwords take in the hash queue: no pool's flood
// delays an operator by more than one hash.
const tenant = audit.Installation

// SignIn checks a password and opens a session that still lacks its second factor, or has
// to have one set up. Wrong ones are counted by name and address before they are compared.
//
// Errors: SignInWrong, which does not say what is wrong; TooManyRequests; Unavailable.
func (s *Service) SignIn(ctx context.Context, name, password string) (Opened, error) {
	_, key, err := nameOf(name)
	if err != nil {
		return Opened{}, errs.New(errs.SignInWrong)
	}
	charges := signInCharges(ctx, key)
	if err := s.d.Limits.TakeAll(ctx, charges...); err != nil {
		return Opened{}, err
	}
	who, err := s.findByName(ctx, key)
	if err != nil && !errors.Is(err, db.ErrNoRows) {
		return Opened{}, fmt.Errorf("find operator: %w", err)
	}
	ok, rehash, err := s.d.Hasher.Verify(ctx, tenant, who.phc, password)
	if err != nil {
		return Opened{}, err
	}
	if !ok || who.disabled {
		return Opened{}, s.refused(ctx, who, audit.OperatorSignIn, errs.SignInWrong)
	}
	fresh := ""
	if rehash {
		if fresh, err = s.d.Hasher.Hash(ctx, tenant, password); err != nil {
			return Opened{}, err
		}
	}
	if err := s.d.Limits.RefundAll(ctx, charges); err != nil {
		return Opened{}, err
	}
	return s.begin(ctx, who, fresh)
}

// begin opens the session of a right password, unless it was changed meanwhile.
func (s *Service) begin(ctx context.Context, who account, fresh string) (opened Opened, err error) {
	err = s.d.DB.InTx(ctx, func(ctx context.Context) error {
		n, err := s.touchPassword(ctx, who, fresh)
		if err != nil {
			return err
		}
		if n == 0 {
			return errs.New(errs.SignInWrong)
		}
		if opened, err = s.open(ctx, who); err != nil {
			return err
		}
		return s.record(ctx, opened.Principal, audit.OperatorSignIn, "", map[string]string{"next": string(opened.Step)})
	})
	return opened, err
}

// signInCharges are the counters of one try.
func signInCharges(ctx context.Context, key string) []limit.Charge {
	from := caller.From(ctx).Prefix()
	return []limit.Charge{
		{Key: limit.Key("operator", key, from), Rules: []limit.Rule{limit.OperatorPair()}},
		{Key: limit.Key("operator_from", from), Rules: []limit.Rule{limit.OperatorAddress()}},
		{Key: limit.Key("operator_name", key), Rules: []limit.Rule{limit.OperatorName()}},
	}
}

// open stores a session without a second factor. It lives only as long as it takes to
// show one.
func (s *Service) open(ctx context.Context, who account) (Opened, error) {
	now := s.d.Now()
	opened := Opened{
		Token: secret.Token(sessionPrefix), ExpiresAt: now.Add(FactorWait), Step: who.step(),
		Principal: Principal{
			Kind: KindOperator, ID: who.id, Name: who.name, Role: who.role, Pools: who.pools, SessionID: secret.ID(),
		},
	}
	return opened, s.insertSession(ctx, opened, caller.From(ctx), now)
}

// Session returns whom a session token stands for and what it still lacks: the pages of
// signing in ask here. Errors: SessionInvalid.
func (s *Service) Session(ctx context.Context, token string) (Principal, Step, error) {
	live, err := s.live(ctx, token)
	return live.principal(), live.step(), err
}

// live finds a session that is neither over nor idle, and notes its use once a minute.
func (s *Service) live(ctx context.Context, token string) (liveSession, error) {
	now := s.d.Now()
	live, err := s.findSession(ctx, secret.Hash(token))
	if errors.Is(err, db.ErrNoRows) {
		return liveSession{}, errs.New(errs.SessionInvalid)
	}
	if err != nil {
		return liveSession{}, fmt.Errorf("find operator's session: %w", err)
	}
	if live.disabled || !now.Before(live.expires) || now.Sub(live.seen) >= SessionIdle {
		return liveSession{}, errs.New(errs.SessionInvalid)
	}
	if now.Sub(live.seen) < seenEvery {
		return live, nil
	}
	if err := s.touchSession(ctx, live.id, now); err != nil {
		return liveSession{}, fmt.Errorf("note use of operator's session: %w", err)
	}
	return live, nil
}

// SignOut ends the session; one that is over already is no error.
func (s *Service) SignOut(ctx context.Context, token string) error {
	live, err := s.live(ctx, token)
	if errs.CodeOf(err) == errs.SessionInvalid {
		return nil
	}
	if err != nil {
		return err
	}
	return s.d.DB.InTx(ctx, func(ctx context.Context) error {
		if err := s.deleteSession(ctx, live.account.id, live.id); err != nil {
			return err
		}
		return s.record(ctx, live.principal(), audit.OperatorSignOut, "", nil)
	})
}

// Sessions lists the sessions of an operator that are not over, newest first. Anybody may
// see their own.
func (s *Service) Sessions(ctx context.Context, by Principal, id string) ([]Session, error) {
	if by.Kind != KindOperator || by.ID != id || !by.MFA {
		if err := s.may(by, AdminsRead); err != nil {
			return nil, err
		}
	}
	return s.listSessions(ctx, id, s.d.Now())
}

// EndSession ends one session of an operator, or all when sessionID is empty. Anybody may
// end their own.
func (s *Service) EndSession(ctx context.Context, by Principal, id, sessionID string) error {
	if by.Kind != KindOperator || by.ID != id || !by.MFA {
		if err := s.may(by, AdminsWrite); err != nil {
			return err
		}
	}
	return s.d.DB.InTx(ctx, func(ctx context.Context) error {
		if err := s.deleteSession(ctx, id, sessionID); err != nil {
			return err
		}
		return s.record(ctx, by, audit.OperatorSession, "", map[string]string{"operator": id, "session": sessionID})
	})
}

// Sweep deletes sessions that are over.
func (s *Service) Sweep(ctx context.Context) error {
	return s.sweepSessions(ctx, s.d.Now())
}

// refused records a wrong password or factor and returns the refusal.
func (s *Service) refused(ctx context.Context, who account, action string, code errs.Code) error {
	p := Principal{Kind: KindOperator, ID: who.id}
	if who.id == "" {
		p.ID = "unknown"
	}
	if err := s.record(ctx, p, action, string(code), nil); err != nil {
		return err
	}
	return errs.New(code)
}

// record keeps what by did, in the transaction of ctx.
func (s *Service) record(ctx context.Context, by Principal, action, result string, detail map[string]string) error {
	return s.d.Audit.Record(ctx, audit.Event{
		PoolID: audit.Installation, Action: action, Result: result, Actor: by.Actor(),
		SessionID: by.SessionID, Detail: detail,
	})
}

// liveSession is a session with its operator.
type liveSession struct {
	account
	id            string
	factor        bool
	sudo          time.Time
	seen, expires time.Time
}

func (l liveSession) step() Step {
	if l.factor {
		return Done
	}
	return l.account.step()
}

func (l liveSession) principal() Principal {
	if l.id == "" {
		return Principal{}
	}
	return Principal{
		Kind: KindOperator, ID: l.account.id, Name: l.name, Role: l.role, Pools: l.pools,
		SessionID: l.id, SudoUntil: l.sudo, MFA: l.factor,
	}
}
