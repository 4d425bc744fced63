// Package code owns verification codes: the digits sent to a phone or mailbox, who they
// were meant for, how often they were tried and that they work once. It does not send
// them and does not decide who may ask for one.
package code

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/limit"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/secret"
)

// The channels a code travels by.
const (
	SMS   = "sms"
	Email = "email"
)

// Request says what a code is for. A check must match all of it.
type Request struct {
	Pool     pool.Pool
	ClientID string // "" leaves the code free of an application
	Channel  string // SMS or Email
	Target   string // canonical phone or address
	Usage    string // what the code is for, as the flow names it
	UserID   string // the signed-in user who asked, "" for nobody
	Digits   string // of a fixed code; "" makes random ones
}

// Issued is a new code. Code goes into the message and nowhere else.
type Issued struct {
	ID        string
	Code      string
	ExpiresIn time.Duration
}

// Verified is what a matched code proves once it is spent.
type Verified struct {
	ID       string
	Channel  string
	Target   string
	Usage    string
	UserID   string
	ClientID string
}

// Service issues and checks codes.
type Service struct {
	// Proved hears of an address whose code was used, in the transaction of the effect. Set
	// it before use, or leave it.
	Proved func(ctx context.Context, channel, target string) error

	db     *db.DB
	ring   *secret.Keyring
	limits *limit.Service
	now    func() time.Time
	ratios ratios
}

// New returns a Service that stores codes as MACs under ring and counts wrong ones per
// target in limits.
func New(d *db.DB, ring *secret.Keyring, limits *limit.Service, now func() time.Time) *Service {
	return &Service{db: d, ring: ring, limits: limits, now: now}
}

// Issue makes a code and ends older ones of the same pool, target and usage. It joins
// the transaction of ctx, so the code and the job that sends it exist together.
func (s *Service) Issue(ctx context.Context, r Request) (Issued, error) {
	set := r.Pool.Settings
	id, digits := secret.ID(), r.Digits
	if digits == "" {
		digits = secret.Digits(set.CodeDigits)
	}
	now := s.now()
	rec := record{
		ID: id, PoolID: r.Pool.ID, ClientID: r.ClientID, Channel: r.Channel,
		Target: r.Target, Usage: r.Usage, UserID: r.UserID,
		MaxTries: set.MaxCodeTries, CreatedAt: now, ExpiresAt: now.Add(set.CodeLife),
	}
	rec.MAC = s.mac(rec, digits)
	err := s.db.InTx(ctx, func(ctx context.Context) error {
		if err := s.void(ctx, rec); err != nil {
			return err
		}
		return s.insert(ctx, rec)
	})
	if err != nil {
		return Issued{}, err
	}
	return Issued{ID: id, Code: digits, ExpiresIn: set.CodeLife}, nil
}

// Check matches the code with this id and leaves it unspent: Spend uses it up, in the
// transaction of the effect, so that an effect that fails does not cost the code. The try
// is committed before the digits are looked at, so ctx must carry no transaction: one
// that rolls back would give the try back. CodeWrong does not say whether the code is
// unknown, wrong, expired or spent; CodeAttempts says it has been tried too often, by id
// or by target.
func (s *Service) Check(ctx context.Context, poolID, clientID, id, digits string) (Verified, error) {
	rec, err := s.try(ctx, id)
	if err != nil {
		return Verified{}, err
	}
	ok := secret.Equal(rec.MAC, s.mac(rec, strings.TrimSpace(digits)))
	if !ok || rec.PoolID != poolID || (rec.ClientID != "" && rec.ClientID != clientID) {
		return Verified{}, errs.New(errs.CodeWrong)
	}
	// It was not a wrong one: the target gets its try back. The code does not.
	if err := s.limits.Refund(ctx, rec.targetKey(), limit.CodeTarget()); err != nil {
		return Verified{}, err
	}
	return Verified{
		ID: rec.ID, Channel: rec.Channel, Target: rec.Target, Usage: rec.Usage,
		UserID: rec.UserID, ClientID: rec.ClientID,
	}, nil
}

// CheckTarget is Check for callers that know the target but no id: it tries the newest
// code sent there for one of usages. It shares the tries of the code and of the target
// with Check.
func (s *Service) CheckTarget(ctx context.Context, poolID, clientID, target string, usages []string, digits string) (Verified, error) {
	id, err := s.newest(ctx, poolID, target, usages)
	if errors.Is(err, db.ErrNoRows) {
		return Verified{}, errs.New(errs.CodeWrong)
	}
	if err != nil {
		return Verified{}, err
	}
	return s.Check(ctx, poolID, clientID, id, digits)
}

// Spend uses up a matched code. Of many who matched it one gets it; the others, and
// whoever comes after it was replaced or has expired, are told CodeWrong. It joins the
// transaction of ctx, which must be that of the effect (VC-04).
func (s *Service) Spend(ctx context.Context, v Verified) error {
	won, err := s.use(ctx, v.ID)
	if err != nil {
		return err
	}
	if !won {
		return errs.New(errs.CodeWrong)
	}
	if s.Proved == nil {
		return nil
	}
	return s.Proved(ctx, v.Channel, v.Target)
}

// SentTo says where a code was sent, for the record of a refusal; "" when it is unknown.
func (s *Service) SentTo(ctx context.Context, poolID, id string) (channel, target string, err error) {
	return s.sentTo(ctx, poolID, id)
}

// Sweep deletes codes that ended long enough ago for nobody to ask about them.
func (s *Service) Sweep(ctx context.Context) (int64, error) {
	return s.deleteBefore(ctx, s.now().Add(-keep))
}

const keep = 24 * time.Hour

// try counts one try of the code and of its target, and returns the code.
func (s *Service) try(ctx context.Context, id string) (record, error) {
	var rec record
	err := s.db.InTx(ctx, func(ctx context.Context) error {
		var err error
		rec, err = s.count(ctx, id)
		if errors.Is(err, db.ErrNoRows) {
			return s.refuse(ctx, id)
		}
		if err != nil {
			return err
		}
		return s.limits.Take(ctx, rec.targetKey(), limit.CodeTarget())
	})
	if wait, full := limit.Wait(err); full {
		return record{}, errs.New(errs.CodeAttempts).After(wait)
	}
	return rec, err
}

// refuse tells a code that is used up by tries from one that is gone.
func (s *Service) refuse(ctx context.Context, id string) error {
	exhausted, err := s.exhausted(ctx, id)
	switch {
	case err != nil:
		return err
	case exhausted:
		return errs.New(errs.CodeAttempts)
	}
	return errs.New(errs.CodeWrong)
}

// record is one row of codes.
type record struct {
	ID, PoolID, ClientID, Channel, Target, Usage, UserID string

	MAC                  []byte
	MaxTries             int
	CreatedAt, ExpiresAt time.Time
}

// mac binds the digits to everything the code is for.
func (s *Service) mac(r record, digits string) []byte {
	return s.ring.MAC("code", []byte(r.ID), []byte(r.PoolID), []byte(r.ClientID), []byte(r.Channel),
		[]byte(r.Target), []byte(r.Usage), []byte(r.UserID), []byte(digits))
}

func (r record) targetKey() string { return limit.WrongCodes.In(r.PoolID, r.Target) }
