// Package signin owns how a stranger becomes a session: the engine every sign-in and
// registration runs through, one file per method, and the proofs that other flows ask
// for too (a password under failure limits, a verified address). It knows no protocol.
package signin

import (
	"context"
	"log/slog"
	"time"

	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/caller"
	"github.com/tigertally/tigertally/internal/captcha"
	"github.com/tigertally/tigertally/internal/code"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/limit"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/secret"
	"github.com/tigertally/tigertally/internal/session"
	"github.com/tigertally/tigertally/internal/ticket"
	"github.com/tigertally/tigertally/internal/user"
)

// The sign-in methods.
const (
	// MethodPassword reads Identifier (phone, email or user name) and Password.
	MethodPassword = "password"
	// MethodVerification reads Token and, unless empty, Identifier, which must then
	// belong to the account whose address was verified.
	MethodVerification = "verification"
	// MethodAnonymous reads DeviceID; without one every sign-in is a new person.
	MethodAnonymous = "anonymous"
	// MethodCustom reads Ticket, signed by the customer's own server.
	MethodCustom = "custom"
)

// Input is what somebody brings to sign in. A method reads the fields its constant
// names; the others are ignored.
type Input struct {
	Client pool.Client
	Method string

	Identifier string // as typed
	Password   string
	Token      string // a verification token; six digits are taken as a code for Identifier
	Ticket     string // <key id>/@@/<JWT>
	DeviceID   string

	CaptchaToken string
	Scope        string // of the session; "" is DefaultScope, or ScopeAnonymous
	// Context is what the application wants recorded with the sign-in.
	Context map[string]string
}

// The scopes of a session.
const (
	DefaultScope   = "user sso"
	ScopeAnonymous = "anonymous"
)

// Outcome is the result of a sign-in: exactly one of Session and Next is set. Sessions
// belong to Input.Client.ID, the client id as sent; refresh with the same.
type Outcome struct {
	Session *session.Tokens
	Next    *Step
	User    user.User
}

// Step is what has to happen before there can be a session.
type Step struct{ Kind StepKind }

// StepKind names a next step.
type StepKind string

// StepResetPassword says the secret was right, but a new password has to be chosen
// first, by a verified address.
const StepResetPassword StepKind = "reset_password"

// Deps are the services a Service is made of; all are required.
type Deps struct {
	DB       *db.DB
	Pools    *pool.Service
	Users    *user.Service
	Sessions *session.Service
	Codes    *code.Service
	Tickets  *ticket.Service
	Limits   *limit.Service
	Captcha  *captcha.Service
	Audit    *audit.Service
	Hasher   *secret.Hasher
	Now      func() time.Time
	Logger   *slog.Logger
}

// Service signs people in and up.
type Service struct {
	Deps
	proofs  *Proofs
	methods map[string]method
}

// New makes a Service.
func New(d Deps) *Service {
	s := &Service{Deps: d, proofs: newProofs(d)}
	s.methods = map[string]method{
		MethodPassword:     s.provePassword,
		MethodVerification: s.proveAddress,
		MethodAnonymous:    s.proveDevice,
		MethodCustom:       s.proveTicket,
	}
	return s
}

// Proofs returns the proofs of this Service, for the flows of signed-in people.
func (s *Service) Proofs() *Proofs { return s.proofs }

// method proves who is there and nothing else: limits by address, the state of the
// account, the session and the record are the engine's.
type method func(ctx context.Context, in Input) (proof, error)

// proof is what a method found out.
type proof struct {
	user user.User
	// create is set when the method vouches for somebody new; they are stored with the
	// session. again then finds them when another request stored them first.
	create *user.User
	again  func(context.Context) (user.User, error)

	amr        []string
	provider   string
	scope      string
	accessLife time.Duration
	// mayReset says that the method is the very password that has to be changed.
	mayReset bool
	// effect runs in the transaction of the session: it spends what was shown.
	effect func(ctx context.Context) error
}

// identified adds to p whom its provider knows as subject. With nobody there yet it sets
// again, and the method may create them.
func (s *Service) identified(ctx context.Context, in Input, p proof, subject string) (proof, error) {
	find := func(ctx context.Context) (user.User, error) {
		return s.Users.ByIdentity(ctx, in.Client.Pool.ID, p.provider, subject)
	}
	u, err := find(ctx)
	switch {
	case err == nil:
		p.user = u
	case errs.CodeOf(err) == errs.UserNotFound:
		p.again = find
	default:
		return proof{}, err
	}
	return p, nil
}

// SignIn runs one attempt: limits, captcha, the method, the state of the account, the
// session, the record. A next step is an outcome, not an error.
//
// Errors: MethodDisabled, CaptchaRequired, CaptchaInvalid, TooManyRequests,
// FieldMissing, UserNotFound, PasswordWrong, PasswordNotSet, PasswordAttempts,
// VerificationInvalid, IdentifierMismatch, CodeWrong, CodeAttempts, TicketInvalid,
// UserBlocked, UserPending.
func (s *Service) SignIn(ctx context.Context, in Input) (Outcome, error) {
	prove, ok := s.methods[in.Method]
	if !ok {
		return Outcome{}, errs.New(errs.MethodDisabled)
	}
	if err := s.proofs.Gate(ctx, in.Client, in.CaptchaToken); err != nil {
		return Outcome{}, err
	}
	p, err := prove(ctx, in)
	var out Outcome
	if err == nil {
		out, err = s.admit(ctx, in, p)
	}
	if err != nil {
		s.record(ctx, in.Client, audit.SignIn, p.user, err, map[string]string{"method": in.Method})
	}
	return out, err
}

// admit decides what a proved person gets.
func (s *Service) admit(ctx context.Context, in Input, p proof) (Outcome, error) {
	if err := p.user.State(); err != nil {
		return Outcome{User: p.user}, err
	}
	if p.mayReset && p.user.MustReset {
		return Outcome{User: p.user, Next: &Step{Kind: StepResetPassword}}, nil
	}
	out, err := s.start(ctx, in, p)
	if errs.CodeOf(err) == errs.IdentifierTaken && p.again != nil {
		// The same device or uid signed in twice at once: the first made the account.
		if p.user, err = p.again(ctx); err != nil {
			return Outcome{}, err
		}
		p.create, p.again = nil, nil
		return s.admit(ctx, in, p)
	}
	return out, err
}

// start is the one transaction of a sign-in: what was shown is spent, the account is
// looked at once more, the session begins and the record is written, or nothing happens.
func (s *Service) start(ctx context.Context, in Input, p proof) (Outcome, error) {
	out := Outcome{User: p.user}
	err := s.DB.InTx(ctx, func(ctx context.Context) error {
		if p.effect != nil {
			if err := p.effect(ctx); err != nil {
				return err
			}
		}
		if p.create != nil {
			fresh := *p.create
			if err := s.Users.Create(ctx, &fresh); err != nil {
				return err
			}
			out.User = fresh
		}
		if err := s.Users.TouchSignIn(ctx, out.User); err != nil {
			return err
		}
		tokens, err := s.begin(ctx, in.Client, out.User, p, in.Scope)
		if err != nil {
			return err
		}
		out.Session = &tokens
		detail := map[string]string{"method": in.Method}
		for k, v := range in.Context {
			detail["context."+k] = v
		}
		return s.Audit.Record(ctx, audit.Event{
			PoolID: in.Client.Pool.ID, Action: audit.SignIn, UserID: out.User.ID,
			ClientID: in.Client.ID, SessionID: tokens.SessionID, Detail: detail,
		})
	})
	if err != nil {
		return Outcome{User: p.user}, err
	}
	out.User.LastSignInAt = s.Now()
	return out, nil
}

// begin starts the session; it joins ctx's transaction.
func (s *Service) begin(ctx context.Context, c pool.Client, u user.User, p proof, scope string) (session.Tokens, error) {
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
	tokens, err := s.Sessions.Start(ctx, session.Start{
		Pool: c.Pool, ClientID: c.ID, UserID: u.ID, DeviceID: caller.From(ctx).DeviceID,
		Scope: scope, AMR: p.amr, ProviderType: p.provider, Name: name, AccessLife: p.accessLife,
	})
	tokens.Groups = u.Groups()
	return tokens, err
}

// record writes down a refusal. It has its own transaction, for the refused one is
// rolled back; that it cannot be written does not change the answer.
func (s *Service) record(ctx context.Context, c pool.Client, action string, u user.User, refusal error, detail map[string]string) {
	err := s.Audit.Record(ctx, audit.Event{
		PoolID: c.Pool.ID, Action: action, Result: string(errs.CodeOf(refusal)),
		UserID: u.ID, ClientID: c.ID, Detail: detail,
	})
	if err != nil {
		s.Logger.ErrorContext(ctx, "refusal not recorded", "pool", c.Pool.ID, "err", err)
	}
}
