// Package audit owns the record of who did what, when, from where and with which
// result. A record is written in the transaction of its effect. It is not logging and
// never holds a secret, a code or an address in clear.
package audit

import (
	"context"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/tigertally/tigertally/internal/caller"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/secret"
)

// What happened.
const (
	SignIn         = "user.sign_in"
	SignUp         = "user.sign_up"
	SignOut        = "user.sign_out"
	Delete         = "user.delete"
	UserUpdate     = "user.update" // by an operator
	UserMerge      = "user.merge"
	PasswordChange = "password.change"
	PasswordReset  = "password.reset"
	ContactBind    = "contact.bind"
	ContactUnbind  = "contact.unbind"
	ContactConfirm = "contact.confirm" // by a link in a mail
	ProfileUpdate  = "profile.update"
	CustomUpdate   = "custom.update"
	Feedback       = "feedback.send"
	CodeSend       = "code.send"
	CodeVerify     = "code.verify"
	SudoGrant      = "sudo.grant"
	SessionRevoke  = "session.revoke"
	RefreshReuse   = "session.refresh_reuse"
	CodeReuse      = "session.code_reuse"
	TokenGrant     = "session.token_grant"
	IdentityLink   = "identity.link"
	IdentityUnlink = "identity.unlink"
	IdentityRevoke = "identity.revoke" // the vendor was told
	ProviderRefuse = "provider.refuse" // what was brought from it, or what it said
	CaptchaRefuse  = "captcha.refuse"  // by a vendor
	// IdentityConflict is a union id that came late and stands for somebody else.
	IdentityConflict = "identity.conflict"
	ProviderPut      = "provider.put"
	ProviderRemove   = "provider.remove"
	PoolCreate       = "pool.create"
	PoolChange       = "pool.change"
	AppCreate        = "app.create"
	AppChange        = "app.change"
	AppRemove        = "app.remove"
	TestTarget       = "pool.test_number"
	Alarm            = "pool.alarm"   // the result says of what
	MailForgive      = "mail.forgive" // of the installation: no pool
	KeyRotate        = "key.rotate"
	KeyRevoke        = "key.revoke"
	TicketKeyCreate  = "pool.ticket_key_create"
	TicketKeyRevoke  = "pool.ticket_key_revoke"
	SecretCreate     = "pool.secret_create"
	SecretRevoke     = "pool.secret_revoke"
	ManageToken      = "pool.manage_token"
	FieldDefine      = "field.define"
	FieldRemove      = "field.remove"
	FunctionPut      = "function.put"
	FunctionSwitch   = "function.switch"
	FunctionMove     = "function.move"
	FunctionRemove   = "function.remove"
	FunctionEnv      = "function.env"
	FunctionFailed   = "function.failed"
	FunctionRun      = "function.run"   // after the event, which has a record of its own
	ScreenConfirm    = "screen.confirm" // a screen may sign in
	ScreenCancel     = "screen.cancel"

	OperatorBootstrap = "operator.bootstrap" // the first one
	OperatorSignIn    = "operator.sign_in"
	OperatorSignOut   = "operator.sign_out"
	OperatorFactor    = "operator.factor" // the second factor, at sign-in
	OperatorEnrol     = "operator.enrol"  // a second factor was set up
	OperatorSudo      = "operator.sudo"   // the second factor, before something sensitive
	OperatorPassword  = "operator.password"
	OperatorCreate    = "operator.create"
	OperatorChange    = "operator.change"
	OperatorRemove    = "operator.remove"
	OperatorReset     = "operator.reset" // a lost factor or password, on the host
	OperatorSession   = "operator.session_end"
	APIKeyCreate      = "operator.key_create" //nolint:gosec // an action, not a key.
	APIKeyRevoke      = "operator.key_revoke"

	LimitRelease = "limit.release" // what was counted was forgotten

	Seal   = "audit.seal"   // the oldest records were deleted
	Export = "audit.export" // somebody took records away
)

// Installation stands for a pool in the record of what concerns the whole installation.
// No pool can have this name.
const Installation = "@installation"

// What details are called that say why something was refused.
const (
	// DetailReason is one word of ours or of a vendor for it: a number such as vendor_40029,
	// never a text that may hold a secret.
	DetailReason = "reason"
	// DetailSeconds is how long who was refused has to wait.
	DetailSeconds = "seconds"
	// DetailEmailDoubt is why a provider is not believed about a mail address.
	DetailEmailDoubt = "email_doubt"
)

// OK is the result of what worked; any other result is the code of the refusal.
const OK = "ok"

// maxPage bounds one page of history.
const maxPage = 200

// Event is one thing that happened. Address, device, user agent and request id come
// from the caller in the context.
type Event struct {
	PoolID    string
	Action    string
	Result    string // OK when empty
	UserID    string
	Actor     string // who did it: UserID when empty, or the mark of a stranger
	ClientID  string
	SessionID string
	Detail    map[string]string
}

// Record is an Event as it was kept.
type Record struct {
	ID        string
	At        time.Time
	Event     Event
	DeviceID  string
	IP        string
	UserAgent string
	RequestID string
}

// Filter narrows a history; empty fields do not.
type Filter struct {
	Action    string
	NotAction string
}

// Service keeps the records.
type Service struct {
	db  *db.DB
	now func() time.Time

	// Ring keys the marks of strangers; without one there are none. Set it before the
	// service is used.
	Ring *secret.Keyring
	// Watch, unless nil, is told of each record once it is durable. It must be quick. Set
	// it before the service is used.
	Watch func(Event)
	// Heard, unless nil, is told of each record in its transaction, which an error of it
	// ends. Set it before the service is used.
	Heard func(ctx context.Context, e Event, at time.Time) error
}

// New makes the service.
func New(d *db.DB, now func() time.Time) *Service {
	return &Service{db: d, now: now}
}

// Record keeps e, in the transaction of ctx when there is one, and links it to the record
// before it in the chain of its pool.
func (s *Service) Record(ctx context.Context, e Event) error {
	if e.Result == "" {
		e.Result = OK
	}
	if e.Actor == "" {
		e.Actor = e.UserID
	}
	if e.Actor == "" {
		e.Actor = s.stranger(ctx, e.PoolID)
	}
	e, err := told(ctx, e)
	var r row
	if err == nil {
		r, err = newRow(e, caller.From(ctx), s.now())
	}
	if err == nil {
		err = s.db.InTx(ctx, func(ctx context.Context) error {
			if s.Watch != nil {
				db.AfterCommit(ctx, func() { s.Watch(e) })
			}
			if err := s.append(ctx, r); err != nil || s.Heard == nil {
				return err
			}
			return s.Heard(ctx, e, db.Time(r.at))
		})
	}
	if err != nil {
		return fmt.Errorf("record %s: %w", e.Action, err)
	}
	return nil
}

// History returns a user's records, newest first, and the token of the next page,
// empty after the last. A page token that is not ours is BadRequest.
func (s *Service) History(ctx context.Context, poolID, userID string, f Filter, limit int,
	pageToken string,
) ([]Record, string, error) {
	limit = min(max(limit, 1), maxPage)
	after, err := parsePage(pageToken)
	if err != nil {
		return nil, "", err
	}
	records, err := s.list(ctx, poolID, userID, f, after, limit+1)
	if err != nil {
		return nil, "", fmt.Errorf("read history: %w", err)
	}
	if len(records) <= limit {
		return records, "", nil
	}
	last := records[limit-1]
	return records[:limit], position{at: db.Millis(last.At), id: last.ID}.String(), nil
}

// position is the last record of a page. It names a place in the caller's own history
// only: pool and user always come from the call.
type position struct {
	at int64
	id string
}

func (p position) String() string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(p.at, 10) + "." + p.id))
}

func parsePage(token string) (position, error) {
	if token == "" {
		return position{at: 1<<63 - 1}, nil
	}
	refused := errs.New(errs.BadRequest, "field", "page_token")
	if len(token) > 128 {
		return position{}, refused
	}
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return position{}, refused.Because(err)
	}
	at, id, ok := strings.Cut(string(raw), ".")
	millis, err := strconv.ParseInt(at, 10, 64)
	if !ok || err != nil || len(id) != 26 {
		return position{}, refused
	}
	return position{at: millis, id: id}, nil
}
