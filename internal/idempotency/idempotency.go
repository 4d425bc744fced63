// Package idempotency owns the answers to requests that may be sent again: a client that
// heard no answer sends the same request under the same key and gets the first answer. It
// runs nothing itself and knows no protocol. The header is the draft
// draft-ietf-httpapi-idempotency-key-header.
package idempotency

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/secret"
)

// Life is how long an answer is kept.
const Life = 24 * time.Hour

// maxKey bounds a key, in bytes.
const maxKey = 255

// Request names one request.
type Request struct {
	Owner  string // who sends it; keys of others mean nothing to them
	Key    string // of the client's choice
	Method string
	Path   string // with its query
	Body   []byte
}

// Service keeps answers.
type Service struct {
	db   *db.DB
	ring *secret.Keyring
	now  func() time.Time
}

// New makes the service.
func New(d *db.DB, ring *secret.Keyring, now func() time.Time) *Service {
	return &Service{db: d, ring: ring, now: now}
}

// Begin says that r is about to be done, or returns the answer it had, nil for none. Of
// the same request sent twice at once, one is done. A request that was begun and whose
// end nobody noted, because the server stopped, is not done again: whether it had its
// effect is unknown.
//
// Errors: BadRequest for a bad key, IdempotencyReused for a key of another request,
// IdempotencyPending.
func (s *Service) Begin(ctx context.Context, r Request) ([]byte, error) {
	if len(r.Key) > maxKey {
		return nil, errs.New(errs.BadRequest, "field", "Idempotency-Key")
	}
	n, err := s.insert(ctx, r, digest(r))
	if err != nil {
		return nil, fmt.Errorf("begin request: %w", err)
	}
	if n == 1 {
		return nil, nil
	}
	known, sealed, err := s.get(ctx, r)
	switch {
	case errors.Is(err, db.ErrNoRows): // it expired, or was refused, just now
		return nil, errs.New(errs.IdempotencyPending)
	case err != nil:
		return nil, fmt.Errorf("read answer: %w", err)
	case !secret.Equal(known, digest(r)):
		return nil, errs.New(errs.IdempotencyReused)
	case sealed == nil:
		return nil, errs.New(errs.IdempotencyPending)
	}
	return s.ring.Open(sealed, place(r))
}

// Finish keeps the answer of a request that was begun.
func (s *Service) Finish(ctx context.Context, r Request, answer []byte) error {
	sealed, err := s.ring.Seal(answer, place(r))
	if err != nil {
		return err
	}
	if err := s.setAnswer(ctx, r, sealed); err != nil {
		return fmt.Errorf("keep answer: %w", err)
	}
	return nil
}

// Forget lets a request that was refused be sent again.
func (s *Service) Forget(ctx context.Context, r Request) error {
	if err := s.remove(ctx, r); err != nil {
		return fmt.Errorf("forget request: %w", err)
	}
	return nil
}

// Sweep deletes expired answers and returns how many.
func (s *Service) Sweep(ctx context.Context) (int64, error) {
	n, err := s.removeExpired(ctx)
	if err != nil {
		return 0, fmt.Errorf("sweep answers: %w", err)
	}
	return n, nil
}

// digest tells requests apart. Each part is preceded by its length, so that no two
// requests give the same text.
func digest(r Request) []byte {
	h := sha256.New()
	for _, part := range []string{r.Method, r.Path, string(r.Body)} {
		fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	return h.Sum(nil)
}

// place binds a sealed answer to its request.
func place(r Request) string { return fmt.Sprintf("idempotency %q %q", r.Owner, r.Key) }
