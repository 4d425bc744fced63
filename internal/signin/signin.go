// Package signin owns how a stranger becomes a session: the engine every sign-in and
// registration runs through, one file per method, and the proofs that other flows ask
// for too (a password under failure limits, a verified address). It knows no protocol.
package signin

import (
	"cmp"
	"context"
	"log/slog"
	"time"

	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/captcha"
	"github.com/tigertally/tigertally/internal/code"
	"github.com/tigertally/tigertally/internal/connection"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/field"
	"github.com/tigertally/tigertally/internal/limit"
	"github.com/tigertally/tigertally/internal/pipeline"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/qr"
	"github.com/tigertally/tigertally/internal/revocation"
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
	// MethodAnonymous reads DeviceID; without one every sign-in is a new person. With Token,
	// a provider token, whom that vouches for is continued instead.
	MethodAnonymous = "anonymous"
	// MethodCustom reads Ticket, signed by the customer's own server.
	MethodCustom = "custom"
	// MethodOneTap reads OneTapToken and OneTapAccess, for which the carrier names the
	// phone number they were made on.
	MethodOneTap = "one_tap"
	// MethodProvider reads Token, a provider token, and, unless empty, ProviderID, which
	// must then be its provider.
	MethodProvider = "provider"
	// MethodScreen reads Token, the ticket a screen got whose QR code a signed-in person
	// confirmed.
	MethodScreen = "screen"
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

	OneTapToken, OneTapAccess string

	ProviderID string
	// Ask wants a step instead of a refusal when somebody whom a provider vouches for is
	// not known, or may be somebody known: StepBindIdentity or StepChooseAccount. The step
	// is taken by another sign-in: of MethodProvider with the same Token and Create or
	// AccountID, or of any method, by which they prove to own an account, with Link.
	Ask bool
	// NoSignUp refuses somebody new whom a provider vouches for, whatever it is set up for.
	NoSignUp bool
	// SyncProfile gives a person who is known the name and picture the provider has of
	// them.
	SyncProfile bool
	// Create makes a new account for whom Token vouches, although addresses of theirs
	// belong to others; it takes none of those.
	Create bool
	// AccountID chooses one of the accounts of StepChooseAccount.
	AccountID string
	// Link is a provider token whose identity the account that signs in gets, by whatever
	// other method.
	Link string

	// AutoRegister makes an account for somebody nobody knows: with the typed password,
	// whose Identifier then proves nothing, or for the address that was verified.
	AutoRegister bool
	// Custom are custom fields of an account that AutoRegister makes; fields the pool
	// does not define are left out.
	Custom map[string]any
	// Bearer is an access token the client happens to hold, "" for none. When it speaks
	// for the very account whose address is proved for the first time, that account is
	// the prover's own and nothing of it ends (LK-01, LK-03).
	Bearer string

	CaptchaToken string
	Scope        string // of the session; "" is DefaultScope, or ScopeAnonymous
	// Style is the form of the access token for a person; nil is the zero Style.
	Style func(user.User) session.Style
	// Context is what the application wants recorded with the sign-in.
	Context map[string]string
	// RequestContext is what the application tells the functions of the pool: text or an
	// object. Connection names the identity source, "" for local accounts.
	RequestContext any
	Connection     string
}

// The scopes of a session.
const (
	DefaultScope   = "user sso"
	ScopeAnonymous = "anonymous"
)

// Outcome is the result of a sign-in: exactly one of Session and Next is set, neither
// after a registration without a session. Sessions belong to Input.Client.ID, the client
// id as sent; refresh with the same.
type Outcome struct {
	Session *session.Tokens
	Next    *Step
	User    user.User
}

// Step is what has to happen before there can be a session.
type Step struct {
	Kind StepKind
	// Token is what the step is taken with, once: see account.ResetByFirstLogin for
	// StepResetPassword. For the steps of MethodProvider it is the provider token.
	Token string
	// MayCreate says that StepBindIdentity may be answered by Create.
	MayCreate bool
	// Accounts are those StepChooseAccount chooses from.
	Accounts []user.User
}

// StepKind names a next step.
type StepKind string

// StepResetPassword says the secret was right, but a new password has to be chosen
// first: by the token of the step, or by a verified address.
const StepResetPassword StepKind = "reset_password"

// The steps of MethodProvider with Ask.
const (
	// StepBindIdentity says that nobody is known by this identity: prove to own an account
	// and link it, or make a new one.
	StepBindIdentity StepKind = "bind_identity"
	// StepChooseAccount says that several accounts, or one that the person should confirm,
	// own what the provider vouches for.
	StepChooseAccount StepKind = "choose_account"
)

// OneTap asks the carrier whose phone a pair of tokens was made on.
type OneTap interface {
	Phone(ctx context.Context, poolID, token, access string) (e164 string, err error)
}

// Deps are the services a Service is made of; all are required but OneTap, without which
// the method is disabled.
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

	Pipelines *pipeline.Service
	Fields    *field.Service
	OneTap    OneTap

	Connections *connection.Service
	Revocations *revocation.Service
	Screens     *qr.Service

	// Took, unless nil, hears how long an attempt to sign in took, whatever came of it.
	Took func(poolID string, d time.Duration)
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
		MethodOneTap:       s.proveOneTap,
		MethodProvider:     s.proveProvider,
		MethodScreen:       s.proveScreen,
	}
	return s
}

// Proofs returns the proofs of this Service, for the flows of signed-in people.
func (s *Service) Proofs() *Proofs { return s.proofs }

// SignIn runs one attempt: limits, captcha, the method, the state of the account, the
// functions of the pool, the session, the record. A next step is an outcome, not an
// error. Somebody new whom the method vouches for is registered on the way.
//
// Errors: MethodDisabled, CaptchaRequired, CaptchaInvalid, TooManyRequests,
// FieldMissing, UserNotFound, PasswordWrong, PasswordNotSet, PasswordAttempts,
// VerificationInvalid, IdentifierMismatch, CodeWrong, CodeAttempts, TicketInvalid,
// OneTapRefused, TokenInvalid, ProviderUnknown, LinkRequired, UserBlocked, UserPending,
// PipelineDenied, PipelineFailed; with AutoRegister also those of an unproved Register.
func (s *Service) SignIn(ctx context.Context, in Input) (Outcome, error) {
	prove, ok := s.methods[in.Method]
	if !ok {
		return Outcome{}, errs.New(errs.MethodDisabled)
	}
	if s.Took != nil {
		began := s.Now()
		defer func() { s.Took(in.Client.Pool.ID, s.Now().Sub(began)) }()
	}
	ctx = tell(ctx, in.Identifier)
	if err := s.proofs.Gate(ctx, in.Client, in.CaptchaToken); err != nil {
		s.turnedAway(ctx, in.Client, audit.SignIn, err, map[string]string{"method": in.Method})
		return Outcome{}, err
	}
	p, err := s.proved(ctx, in, prove)
	noteProof(ctx, p, err)
	var out Outcome
	if err == nil {
		out, err = s.admit(ctx, s.request(ctx, in, p), p)
	}
	if p.newcomer != nil && taken(err) {
		// The same stranger came twice at once: the first made the account.
		if again := p.newcomer.again; again != nil {
			prove = func(ctx context.Context, _ Input) (proof, error) { return again(ctx) }
		}
		if p, err = s.proved(ctx, in, prove); err == nil {
			out, err = s.admit(ctx, s.request(ctx, in, p), p)
		}
	}
	if err != nil {
		u := out.User
		if u.ID == "" {
			u = p.user
		}
		s.record(ctx, in.Client, audit.SignIn, u, err, p.detail(in))
	}
	return out, err
}

// proved asks a method, and adds the identity that is to be linked.
func (s *Service) proved(ctx context.Context, in Input, prove method) (proof, error) {
	p, err := prove(ctx, in)
	if err != nil {
		return p, err
	}
	return s.linking(ctx, in, p)
}

// detail is what the record says of an attempt.
func (p proof) detail(in Input) map[string]string {
	detail := map[string]string{"method": in.Method}
	if p.source != "" {
		detail["provider"] = p.source
	}
	if p.doubt != "" {
		detail[audit.DetailEmailDoubt] = p.doubt
	}
	return detail
}

// request is what the engine needs to know of in once p has proved somebody.
func (s *Service) request(ctx context.Context, in Input, p proof) request {
	r := request{
		client: in.Client, action: audit.SignIn, scope: in.Scope, style: in.Style,
		detail: p.detail(in),
	}
	for k, v := range in.Context {
		r.detail["context."+k] = v
	}
	about := in.RequestContext
	if about == nil {
		about = p.about
	}
	r.functions = s.functions(ctx, in.Client, p, cmp.Or(in.Connection, p.source), about)
	return r
}

func taken(err error) bool {
	c := errs.CodeOf(err)
	return c == errs.IdentifierTaken || c == errs.UsernameTaken
}
