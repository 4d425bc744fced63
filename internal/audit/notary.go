package audit

import (
	"bufio"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/secret"
)

const (
	// checkpointRecords and checkpointEvery say when a checkpoint is due (AU-02).
	checkpointRecords = 1000
	checkpointEvery   = 10 * time.Minute
	// anyLane is above every lane.
	anyLane = 1 << 31
	// maxCheckpointLine bounds one line of a copy.
	maxCheckpointLine = 64 << 10
)

// Head is the last record of a lane.
type Head struct {
	Lane int64  `json:"lane"`
	Seq  int64  `json:"seq"`
	Hash string `json:"hash"` // hexadecimal
}

// Checkpoint says how far a pool's chain had come. Copies are kept where whoever can
// write to the database cannot.
type Checkpoint struct {
	Pool      string `json:"pool"`
	At        int64  `json:"at"` // Unix milliseconds
	Lanes     []Head `json:"lanes"`
	Total     int64  `json:"total"`     // the sum of the heads
	Signature string `json:"signature"` // Ed25519, base64, by the installation's key
}

// signed is what the signature covers.
func (c Checkpoint) signed() []byte {
	b := field(nil, "tigertally audit checkpoint v1", c.Pool)
	b = binary.BigEndian.AppendUint64(b, uint64(c.At))    //nolint:gosec // not negative.
	b = binary.BigEndian.AppendUint64(b, uint64(c.Total)) //nolint:gosec // not negative.
	for _, h := range c.Lanes {
		b = binary.BigEndian.AppendUint64(b, uint64(h.Lane)) //nolint:gosec // not negative.
		b = binary.BigEndian.AppendUint64(b, uint64(h.Seq))  //nolint:gosec // not negative.
		b = field(b, h.Hash)
	}
	return b
}

// ReadCheckpoints reads a copy of checkpoints, one JSON object a line, of every pool.
func ReadCheckpoints(r io.Reader) ([]Checkpoint, error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxCheckpointLine)
	var all []Checkpoint
	for n := 1; lines.Scan(); n++ {
		var c Checkpoint
		if len(lines.Bytes()) == 0 {
			continue
		}
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		all = append(all, c)
	}
	return all, lines.Err()
}

// Notary vouches for the chain: it signs checkpoints, checks the chain against them, and
// alone deletes what is too old.
type Notary struct {
	s    *Service
	key  ed25519.PrivateKey
	copy func(line []byte) error
}

// NewNotary makes the notary of an installation. copy is given each checkpoint as a line
// of JSON, to be kept outside the database; nil keeps none.
func NewNotary(s *Service, ring *secret.Keyring, copyOut func(line []byte) error) (*Notary, error) {
	key, err := ring.Signer("audit checkpoint")
	if err != nil {
		return nil, err
	}
	return &Notary{s: s, key: key, copy: copyOut}, nil
}

// PublicKey is the key checkpoints are checked with, in base64: keep it with the copies.
func (n *Notary) PublicKey() string {
	return base64.StdEncoding.EncodeToString(n.key.Public().(ed25519.PublicKey)) //nolint:forcetypeassert // Ed25519's public key is one.
}

// Checkpoint signs how far every pool has come that has grown by a thousand records, or
// at all in ten minutes, and copies it out. It is cheap when nothing is due.
func (n *Notary) Checkpoint(ctx context.Context) error {
	return n.eachPool(ctx, func(ctx context.Context, poolID string) error {
		c, err := n.due(ctx, poolID)
		if err != nil || c.Pool == "" {
			return err
		}
		return n.keep(ctx, c)
	})
}

// CheckpointNow is Checkpoint for one pool, due or not: before a backup, for example.
func (n *Notary) CheckpointNow(ctx context.Context, poolID string) (Checkpoint, error) {
	c, err := n.now(ctx, poolID)
	if err == nil && c.Total > 0 {
		err = n.keep(ctx, c)
	}
	return c, err
}

// Pools lists the pools that have records, Installation among them.
func (n *Notary) Pools(ctx context.Context) (all []string, err error) {
	err = n.eachPool(ctx, func(_ context.Context, poolID string) error {
		all = append(all, poolID)
		return nil
	})
	return all, err
}

func (n *Notary) eachPool(ctx context.Context, do func(ctx context.Context, poolID string) error) error {
	for poolID := ""; ; {
		next, err := n.s.poolAfter(ctx, poolID)
		if err != nil || next == "" {
			return err
		}
		if err := do(ctx, next); err != nil {
			return err
		}
		poolID = next
	}
}

// due returns the checkpoint that should be made, the zero one when none is.
func (n *Notary) due(ctx context.Context, poolID string) (Checkpoint, error) {
	at, total, err := n.s.lastCheckpoint(ctx, poolID)
	if err != nil && !errors.Is(err, db.ErrNoRows) {
		return Checkpoint{}, err
	}
	c, err := n.now(ctx, poolID)
	if err != nil || c.Total == total {
		return Checkpoint{}, err
	}
	if c.Total-total < checkpointRecords && time.Duration(c.At-at)*time.Millisecond < checkpointEvery {
		return Checkpoint{}, nil
	}
	return c, nil
}

// now signs the heads of a pool as they are.
func (n *Notary) now(ctx context.Context, poolID string) (Checkpoint, error) {
	c := Checkpoint{Pool: poolID, At: db.Millis(n.s.now())}
	for lane := int64(anyLane); ; {
		head, err := n.s.headBelow(ctx, poolID, lane)
		if errors.Is(err, db.ErrNoRows) {
			break
		}
		if err != nil {
			return Checkpoint{}, fmt.Errorf("read the end of the chain: %w", err)
		}
		c.Lanes = append(c.Lanes, Head{Lane: head.lane, Seq: head.seq, Hash: hex.EncodeToString(head.hash)})
		c.Total += head.seq
		lane = head.lane
	}
	slices.Reverse(c.Lanes)
	c.Signature = base64.StdEncoding.EncodeToString(ed25519.Sign(n.key, c.signed()))
	return c, nil
}

// keep stores a checkpoint and copies it out.
func (n *Notary) keep(ctx context.Context, c Checkpoint) error {
	if err := n.s.insertCheckpoint(ctx, c); err != nil {
		return fmt.Errorf("keep checkpoint: %w", err)
	}
	if n.copy == nil {
		return nil
	}
	line, err := json.Marshal(c)
	if err != nil {
		return err
	}
	if err := n.copy(append(line, '\n')); err != nil {
		return fmt.Errorf("copy checkpoint out: %w", err)
	}
	return nil
}

// genuine says whether c was signed by this installation.
func (n *Notary) genuine(c Checkpoint) bool {
	sig, err := base64.StdEncoding.DecodeString(c.Signature)
	return err == nil && ed25519.Verify(n.key.Public().(ed25519.PublicKey), c.signed(), sig) //nolint:forcetypeassert // Ed25519's public key is one.
}
