package signin

import (
	"context"
	"maps"
	"time"

	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/caller"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/pipeline"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/session"
	"github.com/tigertally/tigertally/internal/user"
)

// method proves who is there and nothing else: limits by address, the state of the
// account, the session and the record are the engine's.
type method func(ctx context.Context, in Input) (proof, error)

// proof is what a method found out.
type proof struct {
	user user.User
	// newcomer is set when the method vouches for somebody nobody knows yet. When another
	// request stores them first, the method is asked once more.
	newcomer *newcomer

	amr        []string
	provider   string
	scope      string
	accessLife time.Duration
	// mayReset says that the method is the very password that has to be changed.
	mayReset bool
	// claimed is the address the account only claimed and this proof has proved (LK-01);
	// own says that the prover holds a session of that account.
	claimed *Address
	own     bool
	// effect runs in the transaction of the session: it spends what was shown.
	effect func(ctx context.Context) error
	// after runs in that transaction too, once the person is stored.
	after func(ctx context.Context, u user.User) error
	// step is what has to happen before there can be a session; nothing is spent.
	step *Step
	// source is the connection that vouches for them, "" for local accounts.
	source string
	// doubt is why an address it named is not believed, for the record.
	doubt string

	// protocol and body are how the pool's functions see the attempt; without a protocol
	// they do not.
	protocol string
	body     map[string]any
	// about is the request context of an earlier step, which this one goes on with.
	about any
}

// request is one sign-in or registration, whatever it came by.
type request struct {
	client    pool.Client
	action    string // of the record
	scope     string
	style     func(user.User) session.Style
	detail    map[string]string
	noSession bool
	functions functions
}

// admit decides what a proved person gets.
func (s *Service) admit(ctx context.Context, r request, p proof) (Outcome, error) {
	if p.step != nil {
		return s.pause(ctx, r, *p.step)
	}
	if p.newcomer != nil {
		return s.enroll(ctx, r, p)
	}
	if err := p.user.State(); err != nil {
		return Outcome{User: p.user}, err
	}
	if p.mayReset && p.user.MustReset {
		return s.firstLogin(ctx, r, p)
	}
	return s.enter(ctx, r, p)
}

// pause answers a sign-in that goes on with another step.
func (s *Service) pause(ctx context.Context, r request, step Step) (Outcome, error) {
	audit.Note(ctx, audit.StepNext, string(step.Kind))
	return Outcome{Next: &step}, s.Audit.Record(ctx, audit.Event{
		PoolID: r.client.Pool.ID, Action: audit.SignIn, Result: string(step.Kind), ClientID: r.client.ID, Detail: r.detail,
	})
}

// enter gives a proved person a session, between the two points at which functions look;
// somebody new who is stored with it cannot be shown before. A refusal at the second
// point takes the session back; the account stays as it is.
func (s *Service) enter(ctx context.Context, r request, p proof) (Outcome, error) {
	var before change
	var err error
	if p.newcomer == nil {
		if before, err = s.ask(ctx, r, pipeline.PreAuthentication, p.user); err != nil {
			return Outcome{User: p.user}, err
		}
	}
	out, err := s.start(ctx, r, p, before)
	if err != nil {
		return Outcome{User: p.user}, err
	}
	out.User, err = s.follow(ctx, r, pipeline.PostAuthentication, out.User)
	if err != nil {
		return Outcome{User: out.User}, s.takeBack(ctx, out, err)
	}
	s.ran(ctx, r, pipeline.PostAuthentication, out)
	return out, nil
}

// takeBack ends the session nobody will be told of, and returns why.
func (s *Service) takeBack(ctx context.Context, out Outcome, why error) error {
	if err := s.Sessions.Revoke(context.WithoutCancel(ctx), out.Session.SessionID, "refused"); err != nil {
		return err
	}
	return why
}

// start is the one transaction of a sign-in: what was shown is spent, somebody new is
// stored, the account is looked at once more, the session begins and the record is
// written, or nothing happens.
func (s *Service) start(ctx context.Context, r request, p proof, before change) (Outcome, error) {
	if r.style != nil {
		if err := s.Sessions.Ready(ctx, r.client.Pool.ID, r.style(p.user)); err != nil {
			return Outcome{}, err
		}
	}
	var out Outcome
	err := s.DB.InTx(ctx, func(ctx context.Context) error {
		u, err := s.settle(ctx, p)
		if err != nil {
			return err
		}
		if u, err = s.write(ctx, u, before); err != nil {
			return err
		}
		ip := caller.From(ctx).IP()
		if err := s.Users.TouchSignIn(ctx, u, ip); err != nil {
			return err
		}
		u.SignIns, u.LastIP, u.LastSignInAt = u.SignIns+1, ip, s.Now()
		tokens, err := s.begin(ctx, r, u, p)
		if err != nil {
			return err
		}
		out = Outcome{Session: &tokens, User: u}
		return s.Audit.Record(ctx, audit.Event{
			PoolID: u.PoolID, Action: r.action, UserID: u.ID,
			ClientID: r.client.ID, SessionID: tokens.SessionID, Detail: granted(r.detail, tokens),
		})
	})
	return out, err
}

// settle spends what was shown and returns the person it was shown for, in ctx's
// transaction: stored if they are new, freed of strangers if they had proved nothing yet.
func (s *Service) settle(ctx context.Context, p proof) (user.User, error) {
	if p.effect != nil {
		if err := p.effect(ctx); err != nil {
			return user.User{}, err
		}
	}
	u, err := p.user, error(nil)
	switch {
	case p.newcomer != nil:
		u, err = s.store(ctx, p.newcomer.user)
	case p.claimed != nil:
		u, err = s.proofs.Reclaim(ctx, u, *p.claimed, p.own)
	}
	if err != nil || p.after == nil {
		return u, err
	}
	if err := p.after(ctx, u); err != nil {
		return u, err
	}
	now, err := s.Users.ByID(ctx, u.PoolID, u.ID)
	now.PasswordChangedAt = u.PasswordChangedAt // so that a change since the proof is noticed
	return now, err
}

// begin starts the session; it joins ctx's transaction.
func (s *Service) begin(ctx context.Context, r request, u user.User, p proof) (session.Tokens, error) {
	scope := r.scope
	if p.scope != "" {
		scope = p.scope
	}
	if scope == "" {
		scope = DefaultScope
	}
	name := u.Name
	if u.Anonymous() {
		name = "Anonymous"
	}
	start := session.Start{
		Pool: r.client.Pool, ClientID: r.client.ID, UserID: u.ID, DeviceID: caller.From(ctx).DeviceID,
		Scope: scope, AMR: p.amr, ProviderType: p.provider, Name: name, AccessLife: p.accessLife,
	}
	if r.style != nil {
		start.Style = r.style(u)
	}
	tokens, err := s.Sessions.Start(ctx, start)
	tokens.Groups = u.Groups()
	return tokens, err
}

// record writes down a refusal. It has its own transaction, for the refused one is
// rolled back; that it cannot be written does not change the answer.
func (s *Service) record(ctx context.Context, c pool.Client, action string, u user.User, refusal error, detail map[string]string) {
	event := audit.Refused(refusal, audit.Event{PoolID: c.Pool.ID, Action: action, UserID: u.ID, ClientID: c.ID, Detail: detail})
	e := errs.From(refusal)
	if point := e.Params[paramPoint]; point != "" { // functions refused, and this is where
		event.Detail = maps.Clone(event.Detail)
		if event.Detail == nil {
			event.Detail = make(map[string]string, 1)
		}
		event.Detail[paramPoint] = point
	}
	err := s.Audit.Record(ctx, event)
	if err != nil {
		s.Logger.ErrorContext(ctx, "refusal not recorded", "pool", c.Pool.ID, "err", err)
	}
}
