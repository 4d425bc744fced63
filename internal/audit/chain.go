package audit

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/tigertally/tigertally/internal/caller"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/secret"
)

// row is a record as it is stored and hashed.
type row struct {
	id, pool                    string
	at                          int64
	action, result, user, actor string
	client, session, device     string
	ip, agent, request, detail  string
	link
}

// link is a record's place in the chain of its pool.
type link struct {
	lane, seq int64
	hash      []byte
}

func newRow(e Event, from caller.Info, now time.Time) (row, error) {
	detail := []byte("{}")
	if len(e.Detail) > 0 {
		var err error
		if detail, err = json.Marshal(e.Detail); err != nil {
			return row{}, err
		}
	}
	return row{
		id: secret.ID(), pool: e.PoolID, at: db.Millis(now), action: e.Action, result: e.Result,
		user: e.UserID, actor: e.Actor, client: e.ClientID, session: e.SessionID,
		device: from.DeviceID, ip: from.IP(), agent: from.UserAgent, request: from.RequestID, detail: string(detail),
	}, nil
}

// sum is the hash of the record after prev: SHA-256 of prev and of every field, each with
// its length in front, so that no two records read alike (ADR 11).
func (r row) sum(prev []byte) []byte {
	b := make([]byte, 0, 512)
	b = append(b, prev...)
	b = field(b, "tigertally audit v1", r.pool)
	for _, n := range []int64{r.lane, r.seq, r.at} {
		b = binary.BigEndian.AppendUint64(b, uint64(n)) //nolint:gosec // none is negative.
	}
	b = field(b, r.id, r.action, r.result, r.user, r.actor, r.client, r.session, r.device, r.ip, r.agent, r.request, r.detail)
	sum := sha256.Sum256(b)
	return sum[:]
}

func field(b []byte, parts ...string) []byte {
	for _, p := range parts {
		b = binary.BigEndian.AppendUint32(b, uint32(len(p))) //nolint:gosec // fields are short.
		b = append(b, p...)
	}
	return b
}

// start is the hash before the first record.
func start() []byte { return make([]byte, sha256.Size) }

// append stores r as the next of a lane that no other transaction writes to.
func (s *Service) append(ctx context.Context, r row) error {
	head, err := s.hold(ctx, r.pool)
	if err != nil {
		return err
	}
	return s.insert(ctx, r.after(head))
}

// after gives r the place behind head.
func (r row) after(head link) row {
	r.lane, r.seq = head.lane, head.seq+1
	r.hash = r.sum(head.hash)
	return r
}

// hold takes a lane of a pool for the transaction and returns its last link.
func (s *Service) hold(ctx context.Context, poolID string) (link, error) {
	lane, err := s.db.Lane(ctx, "audit "+poolID)
	if err != nil {
		return link{}, err
	}
	head, err := s.head(ctx, poolID, int64(lane))
	if errors.Is(err, db.ErrNoRows) {
		return link{lane: int64(lane), hash: start()}, nil
	}
	return head, err
}

// adoptBatch is how many old records one transaction takes into the chain.
const adoptBatch = 500

// Adopt takes records from before there was a chain into it, in the order of their time.
// Call it before anything is recorded.
func (s *Service) Adopt(ctx context.Context) error {
	for {
		n, err := s.adopt(ctx)
		if err != nil {
			return fmt.Errorf("take old records into the chain: %w", err)
		}
		if n < adoptBatch {
			return nil
		}
	}
}

func (s *Service) adopt(ctx context.Context) (n int, err error) {
	err = s.db.InTx(ctx, func(ctx context.Context) error {
		rows, err := s.unchained(ctx, adoptBatch)
		if err != nil {
			return err
		}
		n = len(rows)
		heads := map[string]link{}
		for _, r := range rows {
			head, held := heads[r.pool]
			if !held {
				if head, err = s.hold(ctx, r.pool); err != nil {
					return err
				}
			}
			r = r.after(head)
			if err := s.chain(ctx, r); err != nil {
				return err
			}
			heads[r.pool] = r.link
		}
		return nil
	})
	return n, err
}
