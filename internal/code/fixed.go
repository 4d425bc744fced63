package code

import (
	"context"
	"errors"
	"time"

	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/errs"
)

// longestFixed bounds how long a fixed code may be asked for: it lasts as long as a
// review does, not as long as nobody remembers it.
const longestFixed = 366 * 24 * time.Hour

// Fixed is an address that gets the same code each time, and no message, until a date.
type Fixed struct {
	Target    string
	Digits    string
	ExpiresAt time.Time
}

// Fix gives a target a fixed code until a time, for the people who review an app and for
// tests. It replaces an older one.
//
// Errors: BadRequest for digits no code could have and for an end that is past, missing or
// too far.
func (s *Service) Fix(ctx context.Context, poolID string, f Fixed) error {
	if len(f.Digits) < 4 || len(f.Digits) > 10 || !digits(f.Digits) {
		return errs.New(errs.BadRequest, "field", "code")
	}
	now := s.now()
	if !f.ExpiresAt.After(now) || f.ExpiresAt.After(now.Add(longestFixed)) {
		return errs.New(errs.BadRequest, "field", "until")
	}
	sealed, err := s.ring.Seal([]byte(f.Digits), fixedAAD(poolID, f.Target))
	if err != nil {
		return err
	}
	return s.putFixed(ctx, poolID, f.Target, sealed, f.ExpiresAt)
}

// Unfix ends a fixed code, if there is one.
func (s *Service) Unfix(ctx context.Context, poolID, target string) error {
	return s.deleteFixed(ctx, poolID, target)
}

// FixedOf returns the digits a target's codes have, "" when they are random.
func (s *Service) FixedOf(ctx context.Context, poolID, target string) (string, error) {
	sealed, err := s.readFixed(ctx, poolID, target)
	if errors.Is(err, db.ErrNoRows) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	plain, err := s.ring.Open(sealed, fixedAAD(poolID, target))
	return string(plain), err
}

// ListFixed returns the targets of a pool with fixed codes, without the codes.
func (s *Service) ListFixed(ctx context.Context, poolID string) ([]Fixed, error) {
	return s.listFixed(ctx, poolID)
}

func digits(s string) bool {
	for _, c := range s {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

func fixedAAD(poolID, target string) string { return "test_targets|sealed|" + poolID + "|" + target }
