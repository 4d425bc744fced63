// Package ticket owns the short-lived opaque tokens we hand out between two steps of
// one flow: verification, sudo, captcha and the like. It keeps only their hashes and
// spends them by one guarded update. What a ticket allows is its caller's business.
package ticket

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/secret"
)

// Class says what a token is for. It is the token's prefix, so that a token of one
// class never passes for another.
type Class string

// The classes.
const (
	Verification     Class = "vt" // a code was typed correctly
	Sudo             Class = "st" // the user has just proved themselves again
	Captcha          Class = "ct" // a captcha was solved
	CaptchaChallenge Class = "cc" // a captcha was shown
	Provider         Class = "pt" // an outside provider vouched for someone
	ProviderStart    Class = "ps" // somebody is on the way to a provider
	ProviderCode     Class = "pc" // somebody is back, and the application may ask who
	Exchange         Class = "px" // a provider's code, noted as shown to us
	Device           Class = "dt" // a device waits for a user elsewhere
	FirstLogin       Class = "fl" // a right password that has to be replaced
	Authorize        Class = "ar" // somebody is asked to sign in for an application
	AuthCode         Class = "ac" // somebody has, and the application may fetch their tokens
	ConfirmEmail     Class = "ce" // a link by which somebody shows that they read an address
	Foreign          Class = "ft" // somebody else's token, remembered as spent
)

// maxToken bounds what is hashed for a lookup.
const maxToken = 256

// Ticket is what a token stands for. Issue takes everything but the token itself.
type Ticket struct {
	Class     Class
	PoolID    string
	ClientID  string
	UserID    string
	SessionID string
	// Binding holds whatever else must be the same when the token comes back.
	Binding   map[string]string
	UsesLeft  int
	ExpiresAt time.Time
}

// Service issues and spends tickets.
type Service struct {
	db  *db.DB
	now func() time.Time
}

// New makes the service.
func New(d *db.DB, now func() time.Time) *Service {
	return &Service{db: d, now: now}
}

// Issue stores t and returns its token, which exists nowhere else.
func (s *Service) Issue(ctx context.Context, t Ticket) (string, error) {
	token := secret.Token(string(t.Class))
	if err := s.insert(ctx, secret.Hash(token), t); err != nil {
		return "", fmt.Errorf("issue %s ticket: %w", t.Class, err)
	}
	return token, nil
}

// Spend takes one use off a token and returns what it stands for, or TokenInvalid,
// which never says whether it is unknown, expired, spent or of another pool. Call it
// in the transaction of the effect it pays for, so that both happen or neither.
func (s *Service) Spend(ctx context.Context, class Class, poolID, token string) (Ticket, error) {
	if !plausible(class, token) {
		return Ticket{}, errs.New(errs.TokenInvalid)
	}
	var t Ticket
	missing := false
	err := s.db.InTx(ctx, func(ctx context.Context) error {
		var err error
		t, err = s.takeUse(ctx, class, poolID, secret.Hash(token))
		// A refusal is no failed write: the caller's transaction may go on.
		if missing = errors.Is(err, db.ErrNoRows); missing {
			return nil
		}
		return err
	})
	if missing {
		err = db.ErrNoRows
	}
	return answer(t, err, "spend")
}

// Peek returns what a token stands for without using it.
func (s *Service) Peek(ctx context.Context, class Class, poolID, token string) (Ticket, error) {
	if !plausible(class, token) {
		return Ticket{}, errs.New(errs.TokenInvalid)
	}
	t, err := s.find(ctx, class, poolID, secret.Hash(token))
	return answer(t, err, "peek at")
}

// Discard ends one token, whatever uses it has left; an unknown one is no error.
func (s *Service) Discard(ctx context.Context, class Class, poolID, token string) error {
	if !plausible(class, token) {
		return nil
	}
	if err := s.deleteOne(ctx, class, poolID, secret.Hash(token)); err != nil {
		return fmt.Errorf("discard %s ticket: %w", class, err)
	}
	return nil
}

// Remember notes that a token made elsewhere, such as a customer's sign-in ticket,
// was used, and refuses it with TokenInvalid when it was noted before. Keep the note
// until the token expires by itself. Call it in the transaction of the effect.
func (s *Service) Remember(ctx context.Context, poolID, token string, until time.Time) error {
	t := Ticket{Class: Foreign, PoolID: poolID, ExpiresAt: until}
	n, err := s.insertNew(ctx, secret.Hash(poolID+"\x00"+token), t)
	if err != nil {
		return fmt.Errorf("remember a ticket: %w", err)
	}
	if n == 0 {
		return errs.New(errs.TokenInvalid)
	}
	return nil
}

// Note stores t under a token the caller has made, of t's class, and reports whether it
// is the first to do so.
func (s *Service) Note(ctx context.Context, token string, t Ticket) (bool, error) {
	n, err := s.insertNew(ctx, secret.Hash(token), t)
	if err != nil {
		return false, fmt.Errorf("note %s ticket: %w", t.Class, err)
	}
	return n == 1, nil
}

// Rebind replaces what a token is bound to, while it has a use left.
//
// Errors: TokenInvalid.
func (s *Service) Rebind(ctx context.Context, class Class, poolID, token string, binding map[string]string) error {
	n, err := s.rebind(ctx, class, poolID, secret.Hash(token), binding)
	if err != nil {
		return fmt.Errorf("rebind %s ticket: %w", class, err)
	}
	if n == 0 {
		return errs.New(errs.TokenInvalid)
	}
	return nil
}

// Void ends every ticket of a user in the given classes, in all when none is given.
func (s *Service) Void(ctx context.Context, userID string, classes ...Class) error {
	if userID == "" {
		return nil
	}
	if err := s.deleteOfUser(ctx, userID, classes); err != nil {
		return fmt.Errorf("void tickets: %w", err)
	}
	return nil
}

// Sweep deletes expired tickets.
func (s *Service) Sweep(ctx context.Context) error {
	if err := s.deleteExpired(ctx, s.now()); err != nil {
		return fmt.Errorf("sweep tickets: %w", err)
	}
	return nil
}

// plausible saves a look at the database for what cannot be one of our tokens.
func plausible(class Class, token string) bool {
	rest, ok := strings.CutPrefix(token, string(class)+"_")
	return ok && rest != "" && len(token) <= maxToken
}

func answer(t Ticket, err error, doing string) (Ticket, error) {
	switch {
	case err == nil:
		return t, nil
	case errors.Is(err, db.ErrNoRows):
		return Ticket{}, errs.New(errs.TokenInvalid)
	default:
		return Ticket{}, fmt.Errorf("%s ticket: %w", doing, err)
	}
}

func encode(binding map[string]string) (string, error) {
	if len(binding) == 0 {
		return "{}", nil
	}
	b, err := json.Marshal(binding)
	return string(b), err
}
