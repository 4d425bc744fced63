package audit

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/errs"
)

// AnyRefusal stands, as Query.Result, for every result but OK.
const AnyRefusal = "refused"

// Query narrows a search; empty fields do not.
type Query struct {
	Action    string // all actions that begin so: "user." or "user.sign_in"
	Result    string // OK, AnyRefusal, or the code of a refusal
	UserID    string
	Actor     string
	ClientID  string
	SessionID string // slow without a user or a time
	IP        string
	RequestID string
	Since     time.Time
	Until     time.Time // not included

	actions []string // one of these
}

// maxTerm bounds one term of a query, maxAttempt the records of one attempt.
const (
	maxTerm    = 256
	maxAttempt = 200
)

func (q Query) check() error {
	for field, text := range map[string]string{
		"action": q.Action, "result": q.Result, "user": q.UserID, "actor": q.Actor, "client": q.ClientID,
		"session": q.SessionID, "ip": q.IP, "request": q.RequestID,
	} {
		if len(text) > maxTerm || strings.ContainsRune(text, 0) {
			return errs.New(errs.BadRequest, "field", field)
		}
	}
	return nil
}

// Search returns the records of a pool that q names, newest first, and the token of the
// next page, empty after the last. A page token that is not ours is BadRequest.
func (s *Service) Search(ctx context.Context, poolID string, q Query, limit int, pageToken string,
) ([]Record, string, error) {
	limit = min(max(limit, 1), maxPage)
	after, err := parsePage(pageToken)
	if err != nil {
		return nil, "", err
	}
	if err := q.check(); err != nil {
		return nil, "", err
	}
	found, err := s.search(ctx, poolID, q, after, limit+1)
	if err != nil {
		return nil, "", fmt.Errorf("search the record: %w", err)
	}
	if len(found) <= limit {
		return found, "", nil
	}
	last := found[limit-1]
	return found[:limit], position{at: db.Millis(last.At), id: last.ID}.String(), nil
}

// Get returns one record of a pool. Errors: RecordNotFound.
func (s *Service) Get(ctx context.Context, poolID, id string) (Record, error) {
	r, err := s.get(ctx, poolID, id)
	if errors.Is(err, db.ErrNoRows) {
		return Record{}, errs.New(errs.RecordNotFound)
	}
	if err != nil {
		return Record{}, fmt.Errorf("read a record: %w", err)
	}
	return r, nil
}

// Each gives fn every record of a pool that q names, newest first, a page at a time, so
// that an export of millions neither holds them nor a reader of the database.
func (s *Service) Each(ctx context.Context, poolID string, q Query, fn func(Record) error) error {
	for token := ""; ; {
		page, next, err := s.Search(ctx, poolID, q, maxPage, token)
		if err != nil {
			return err
		}
		for _, r := range page {
			if err := fn(r); err != nil {
				return err
			}
		}
		if token = next; token == "" {
			return nil
		}
	}
}

// Attempt returns what one request did, in the order it happened: every decision of one
// sign-in, for example. A request id is the client's to choose; of one that was used over
// and over the newest 200 records are returned.
func (s *Service) Attempt(ctx context.Context, poolID, requestID string) ([]Record, error) {
	if requestID == "" || len(requestID) > maxTerm {
		return nil, nil
	}
	found, err := s.byRequest(ctx, poolID, requestID, maxAttempt)
	if err != nil {
		return nil, fmt.Errorf("read an attempt: %w", err)
	}
	return found, nil
}
