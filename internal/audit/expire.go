package audit

import (
	"context"
	"crypto/ed25519"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"
	"time"

	"github.com/tigertally/tigertally/internal/db"
)

// How long records are kept (AU-03).
const (
	DefaultRetention = 400 * 24 * time.Hour
	MinRetention     = 180 * 24 * time.Hour
)

// expireBatch is how many records one transaction deletes.
const expireBatch = 2000

// Expire deletes records older than keep, which MinRetention bounds from below and zero
// makes DefaultRetention. What is deleted is sealed: a record says how much, and the
// signed place where the lane now begins lets Verify go on from there. The newest record
// of a lane always stays.
func (n *Notary) Expire(ctx context.Context, keep time.Duration) error {
	if keep == 0 {
		keep = DefaultRetention
	}
	until := n.s.now().Add(-max(keep, MinRetention))
	return n.eachPool(ctx, func(ctx context.Context, poolID string) error {
		c, err := n.now(ctx, poolID)
		if err != nil {
			return err
		}
		for _, head := range c.Lanes {
			if err := n.expireLane(ctx, poolID, head, until); err != nil {
				return fmt.Errorf("delete old records: %w", err)
			}
		}
		return nil
	})
}

func (n *Notary) expireLane(ctx context.Context, poolID string, head Head, until time.Time) error {
	for more := true; more; {
		links, err := n.s.oldest(ctx, poolID, head.Lane, expireBatch)
		if err != nil {
			return err
		}
		last, count := link{}, 0
		for _, l := range links {
			if l.at >= db.Millis(until) || l.seq >= head.Seq {
				break
			}
			last, count = l.link, count+1
		}
		if count == 0 {
			return nil
		}
		if err := n.cut(ctx, poolID, last, count, until); err != nil {
			return err
		}
		more = count == expireBatch
	}
	return nil
}

// cut deletes what a lane has up to last, in one transaction with its record.
func (n *Notary) cut(ctx context.Context, poolID string, last link, count int, until time.Time) error {
	signature := ed25519.Sign(n.key, sealed(poolID, last))
	return n.s.db.InTx(ctx, func(ctx context.Context) error {
		if err := n.s.setHorizon(ctx, db.Millis(until)); err != nil {
			return err
		}
		if err := n.s.deleteUpTo(ctx, poolID, last); err != nil {
			return err
		}
		if err := n.s.setBase(ctx, poolID, last, signature); err != nil {
			return err
		}
		if err := n.s.setHorizon(ctx, 0); err != nil {
			return err
		}
		return n.s.Record(ctx, Event{PoolID: poolID, Action: Seal, Actor: "retention", Detail: map[string]string{
			"lane": strconv.FormatInt(last.lane, 10), "through": strconv.FormatInt(last.seq, 10),
			"hash": hex.EncodeToString(last.hash), "records": strconv.Itoa(count),
			"before": until.UTC().Format(time.RFC3339),
		}})
	})
}

// sealed is what the signature of a lane's beginning covers.
func sealed(poolID string, l link) []byte {
	b := field(nil, "tigertally audit base v1", poolID)
	b = binary.BigEndian.AppendUint64(b, uint64(l.lane)) //nolint:gosec // not negative.
	b = binary.BigEndian.AppendUint64(b, uint64(l.seq))  //nolint:gosec // not negative.
	return field(b, string(l.hash))
}
