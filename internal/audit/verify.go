package audit

import (
	"bytes"
	"cmp"
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"github.com/tigertally/tigertally/internal/db"
)

// What can be wrong with a chain.
const (
	FindingChanged   = "changed"   // the record is not what was hashed, or stands elsewhere
	FindingMissing   = "missing"   // a record in the middle or at the beginning is gone
	FindingTruncated = "truncated" // records a checkpoint saw at the end are gone
	FindingRewritten = "rewritten" // the chain is whole and not the one a checkpoint saw
	FindingOutside   = "outside"   // a record that is in no chain
	FindingForged    = "forged"    // a checkpoint this installation has not signed
)

// Finding is the first thing that is wrong.
type Finding struct {
	Kind     string
	Lane     int64
	Seq      int64  // the first bad place
	RecordID string // the record there, when there is one
}

// Report is what a verification found.
type Report struct {
	Pool        string
	Records     int64 // read
	Lanes       int
	Checkpoints int // held against the chain
	Bad         *Finding
}

// verifyBatch is how many records are read at once.
const verifyBatch = 1000

// Verify reads the whole chain of a pool and holds it against the checkpoints in the
// database and copies, those kept elsewhere; only the latter show that the end was cut
// off together with its checkpoints. It may run beside a serving process.
func (n *Notary) Verify(ctx context.Context, poolID string, copies []Checkpoint) (Report, error) {
	report := Report{Pool: poolID}
	marks, bad, err := n.marks(ctx, poolID, copies, &report)
	if err != nil || bad != nil {
		report.Bad = bad
		return report, err
	}
	if report.Bad, err = n.outside(ctx, poolID); err != nil || report.Bad != nil {
		return report, err
	}
	lanes, err := n.lanes(ctx, poolID, marks)
	if err != nil {
		return report, err
	}
	report.Lanes = len(lanes)
	for _, lane := range lanes {
		w := walk{n: n, pool: poolID, lane: lane, marks: marks[lane], report: &report}
		if report.Bad, err = w.run(ctx); err != nil || report.Bad != nil {
			return report, err
		}
	}
	return report, nil
}

// mark is what a checkpoint says of one place of a lane.
type mark struct {
	seq  int64
	hash []byte
}

// marks collects what checkpoints say, by lane, in the order of their place.
func (n *Notary) marks(ctx context.Context, poolID string, copies []Checkpoint, report *Report) (map[int64][]mark, *Finding, error) {
	all, err := n.s.checkpoints(ctx, poolID)
	if err != nil {
		return nil, nil, fmt.Errorf("read checkpoints: %w", err)
	}
	for _, c := range copies {
		if c.Pool == poolID {
			all = append(all, c)
		}
	}
	marks := map[int64][]mark{}
	for _, c := range all {
		if !n.genuine(c) {
			return nil, &Finding{Kind: FindingForged, Seq: c.Total}, nil
		}
		report.Checkpoints++
		for _, h := range c.Lanes {
			hash, err := hex.DecodeString(h.Hash)
			if err != nil {
				return nil, nil, err
			}
			marks[h.Lane] = append(marks[h.Lane], mark{h.Seq, hash})
		}
	}
	for _, lane := range marks {
		slices.SortFunc(lane, func(a, b mark) int { return cmp.Compare(a.seq, b.seq) })
	}
	return marks, nil, nil
}

// outside finds a record that is in no chain.
func (n *Notary) outside(ctx context.Context, poolID string) (*Finding, error) {
	id, err := n.s.firstUnchained(ctx, poolID)
	if errors.Is(err, db.ErrNoRows) {
		return nil, nil //nolint:nilnil // nothing is wrong.
	}
	return &Finding{Kind: FindingOutside, RecordID: id}, err
}

// lanes lists those that have records or should have.
func (n *Notary) lanes(ctx context.Context, poolID string, marks map[int64][]mark) ([]int64, error) {
	now, err := n.now(ctx, poolID)
	if err != nil {
		return nil, err
	}
	var all []int64
	for _, h := range now.Lanes {
		all = append(all, h.Lane)
	}
	for lane := range marks {
		if !slices.Contains(all, lane) {
			all = append(all, lane)
		}
	}
	slices.Sort(all)
	return all, nil
}

// walk follows one lane from its beginning.
type walk struct {
	n      *Notary
	pool   string
	lane   int64
	marks  []mark
	report *Report
	at     link
}

func (w *walk) run(ctx context.Context) (*Finding, error) {
	if err := w.begin(ctx); err != nil {
		return nil, err
	}
	for {
		rows, err := w.n.s.lane(ctx, w.pool, w.lane, w.at.seq, verifyBatch)
		if err != nil {
			return nil, fmt.Errorf("read the chain: %w", err)
		}
		for _, r := range rows {
			if bad := w.step(r); bad != nil {
				return bad, nil
			}
		}
		if len(rows) < verifyBatch {
			break
		}
	}
	if len(w.marks) > 0 {
		return &Finding{Kind: FindingTruncated, Lane: w.lane, Seq: w.at.seq + 1}, nil
	}
	return nil, nil //nolint:nilnil // nothing is wrong.
}

// begin finds where the lane begins: at its first record, or after the last one that was
// deleted for its age, which the notary signed.
func (w *walk) begin(ctx context.Context) error {
	w.at = link{lane: w.lane, hash: start()}
	base, signature, err := w.n.s.base(ctx, w.pool, w.lane)
	if errors.Is(err, db.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read where the chain begins: %w", err)
	}
	if !ed25519.Verify(w.n.key.Public().(ed25519.PublicKey), sealed(w.pool, base), signature) { //nolint:forcetypeassert // Ed25519's public key is one.
		return nil // what it hides shows as missing
	}
	w.at = base
	for len(w.marks) > 0 && w.marks[0].seq < base.seq {
		w.marks = w.marks[1:]
	}
	for len(w.marks) > 0 && w.marks[0].seq == base.seq && bytes.Equal(w.marks[0].hash, base.hash) {
		w.marks = w.marks[1:]
	}
	return nil
}

func (w *walk) step(r row) *Finding {
	bad := &Finding{Lane: w.lane, Seq: w.at.seq + 1}
	if r.seq != w.at.seq+1 {
		bad.Kind = FindingMissing
		return bad
	}
	bad.RecordID = r.id
	if !bytes.Equal(r.hash, r.sum(w.at.hash)) {
		bad.Kind = FindingChanged
		return bad
	}
	for len(w.marks) > 0 && w.marks[0].seq <= r.seq {
		if !bytes.Equal(w.marks[0].hash, r.hash) {
			bad.Kind = FindingRewritten
			return bad
		}
		w.marks = w.marks[1:]
	}
	w.report.Records++
	w.at = r.link
	return nil
}
