package backup

import (
	"bufio"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/secret"
)

// Write writes a backup of a snapshot to w. ring is the server's master key, which a
// backup under a passphrase holds.
func Write(ctx context.Context, s *db.Snapshot, w io.Writer, lock Lock, ring *secret.Keyring, now time.Time) (Summary, error) {
	out := Summary{TakenAt: now.UTC().Truncate(time.Millisecond), Counts: map[string]int64{}, HasKey: lock.Passphrase != ""}
	stream, err := lock.seal(w)
	if err != nil {
		return out, err
	}
	packed, err := gzip.NewWriterLevel(stream, gzip.BestSpeed)
	if err != nil {
		return out, err
	}
	lines := bufio.NewWriterSize(packed, 256<<10)
	if err := writeAll(ctx, s, json.NewEncoder(lines), lines, ring, &out); err != nil {
		return out, err
	}
	return out, errors.Join(lines.Flush(), packed.Close(), stream.Close())
}

func writeAll(ctx context.Context, s *db.Snapshot, enc *json.Encoder, lines io.Writer, ring *secret.Keyring, out *Summary) error {
	var err error
	if out.Schema, err = s.Version(ctx); err != nil {
		return err
	}
	first := begin{Schema: out.Schema, TakenAt: out.TakenAt}
	if out.HasKey {
		first.MasterKey = ring.KeyText()
	}
	if err := enc.Encode(first); err != nil {
		return err
	}
	tables, err := s.Tables(ctx)
	if err != nil {
		return err
	}
	for _, t := range tables {
		if err := enc.Encode(t); err != nil {
			return err
		}
		last := tableEnd{End: t.Name}
		sum := sha256.New()
		rows := json.NewEncoder(io.MultiWriter(lines, sum))
		rows.SetEscapeHTML(false)
		err := s.Rows(ctx, t, func(values []any) error {
			last.Rows++
			return rows.Encode(values)
		})
		if err != nil {
			return err
		}
		last.Sum = sum.Sum(nil)
		if err := enc.Encode(last); err != nil {
			return err
		}
		out.count(t.Name, last.Rows)
	}
	return enc.Encode(end{Tables: out.Tables, Rows: out.Rows})
}

func (s *Summary) count(table string, rows int64) {
	s.Tables++
	s.Rows += rows
	if s.Counts[table] = rows; table == "users" {
		s.Users = rows
	}
}

// WriteFile writes a backup to a file that only its owner may read, reads it again to
// prove it whole, and gives it its name only then. It never replaces a file.
func WriteFile(ctx context.Context, s *db.Snapshot, path string, lock Lock, ring *secret.Keyring, now time.Time) (Summary, error) {
	if _, err := os.Stat(path); err == nil {
		return Summary{}, fmt.Errorf("%s is there already", path)
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return Summary{}, err
	}
	defer func() { _ = os.Remove(f.Name()) }()
	made, err := Write(ctx, s, f, lock, ring, now)
	if err != nil {
		return made, errors.Join(err, f.Close())
	}
	if err := f.Sync(); err != nil {
		return made, errors.Join(err, f.Close())
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return made, errors.Join(err, f.Close())
	}
	read, err := Verify(ctx, f, lock)
	if err = errors.Join(err, f.Close()); err != nil {
		return made, fmt.Errorf("the backup was written but cannot be read: %w", err)
	}
	if read.Rows != made.Rows || read.Tables != made.Tables {
		return made, fmt.Errorf("%w: %d of %d rows were written", ErrDamaged, read.Rows, made.Rows)
	}
	return made, os.Link(f.Name(), path)
}
