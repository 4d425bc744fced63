// Package revocation owns the tokens by which identity providers are told that somebody
// has left: sealed as long as the identity is linked, and taken to the vendor by a job
// once it is not. It talks to no vendor itself.
package revocation

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"

	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/job"
	"github.com/tigertally/tigertally/internal/secret"
)

const (
	jobKind = "provider.revoke"
	// attempts are a day of them: jobs that failed often come again each quarter of an hour.
	attempts = 100
)

// Identity names whose token it is.
type Identity struct {
	PoolID   string `json:"pool"`
	Provider string `json:"provider"` // the connection
	Subject  string `json:"subject"`
}

// Revoke tells the vendor of an identity that its token is good for nothing any more. An
// error is tried again, unless it is job.Permanent.
type Revoke func(ctx context.Context, i Identity, token string) error

// Service keeps the tokens.
type Service struct {
	db   *db.DB
	ring *secret.Keyring
	jobs *job.Service
	now  func() time.Time
}

// New makes the service. Its jobs wait until Handle says who does them.
func New(d *db.DB, ring *secret.Keyring, jobs *job.Service, now func() time.Time) *Service {
	return &Service{db: d, ring: ring, jobs: jobs, now: now}
}

// Seal makes a token of i fit to be carried about and kept. "" stays "".
func (s *Service) Seal(i Identity, token string) (string, error) {
	if token == "" {
		return "", nil
	}
	sealed, err := s.ring.Seal([]byte(token), i.place())
	if err != nil {
		return "", fmt.Errorf("seal a revocable token: %w", err)
	}
	return base64.RawStdEncoding.EncodeToString(sealed), nil
}

func (s *Service) open(i Identity, text string) (string, error) {
	sealed, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil {
		return "", fmt.Errorf("revocable token: %w", err)
	}
	plain, err := s.ring.Open(sealed, i.place())
	return string(plain), err
}

// Keep stores what Seal made beside an identity of a person, in place of an older one: a
// vendor ends everything a person allowed when it is shown any token of theirs. "" keeps
// nothing. It joins ctx's transaction.
func (s *Service) Keep(ctx context.Context, userID string, i Identity, sealed string) error {
	if sealed == "" {
		return nil
	}
	return s.put(ctx, userID, i, sealed)
}

// Leave takes away what is kept of a person's identities at a provider, "" for all, and
// queues a job for each that tells the vendor. It joins ctx's transaction, so that the
// vendor hears of it exactly when it happened.
func (s *Service) Leave(ctx context.Context, poolID, userID, provider string) error {
	gone, err := s.take(ctx, poolID, userID, provider)
	if err != nil {
		return err
	}
	for _, k := range gone {
		if err := s.jobs.Enqueue(ctx, jobKind, k); err != nil {
			return err
		}
	}
	return nil
}

// kept is a row, and the payload of a job.
type kept struct {
	Identity

	Sealed string `json:"sealed"`
}

// Handle says who tells the vendors. Call it before jobs run.
func (s *Service) Handle(revoke Revoke) {
	s.jobs.Persist(jobKind, attempts)
	s.jobs.Handle(jobKind, func(ctx context.Context, payload []byte) error {
		var k kept
		if err := json.Unmarshal(payload, &k); err != nil {
			return job.Permanent(fmt.Errorf("decoding a revocation: %w", err))
		}
		token, err := s.open(k.Identity, k.Sealed)
		if err != nil {
			return job.Permanent(err)
		}
		return revoke(ctx, k.Identity, token)
	})
}

func (i Identity) place() string {
	return "revocations|sealed|" + i.PoolID + "|" + i.Provider + "|" + i.Subject
}
