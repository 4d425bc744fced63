package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/secret"
)

// Target is where a restored server will live.
type Target struct {
	Database string // its address, see db.Options
	KeyFile  string // of the master key, which a backup under a passphrase brings along
	// EndSessions is when every session of the backup ends; zero lets them go on.
	EndSessions time.Time
}

// Restore makes a database of a backup. There must be none yet. Until everything has been
// read and proved there is none either, whatever happens meanwhile.
//
// What was handed out after the backup must not work again: codes, verification, sudo and
// captcha tokens, tickets and everything like them are void, messages that waited are not
// sent, and the server's epoch is one more. Sessions go on unless told to end: a refresh
// token got after the backup is simply refused, and its owner signs in again; the one it
// replaced is as good as it was when the backup was made, as nothing in it tells otherwise.
//
// Errors: db.ErrNotEmpty and those of Verify.
func Restore(ctx context.Context, r io.ReadSeeker, lock Lock, to Target) (Summary, error) {
	// All of it is proved before anything is made: a restore is no time for surprises.
	found, err := Verify(ctx, r, lock)
	if err != nil {
		return found, err
	}
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return found, err
	}
	var made Summary
	err = db.Load(ctx, db.Options{URL: to.Database}, found.Schema, func(l *db.Loader) error {
		f := &filler{ctx: ctx, l: l, keyFile: to.KeyFile}
		var err error
		if made, err = read(ctx, r, lock, f); err != nil {
			return err
		}
		if made.Epoch, err = newEpoch(ctx, l, f.tables); err != nil {
			return fmt.Errorf("begin a new epoch: %w", err)
		}
		if to.EndSessions.IsZero() {
			return nil
		}
		if _, err := l.Exec(ctx, `UPDATE sessions SET revoked_at = $1, revoked_why = 'restore' WHERE revoked_at IS NULL`, db.Millis(to.EndSessions)); err != nil {
			return fmt.Errorf("end the sessions: %w", err)
		}
		return nil
	})
	return made, err
}

// filler writes what a backup holds into a new database.
type filler struct {
	ctx     context.Context //nolint:containedctx // a filler lives for one call.
	l       *db.Loader
	keyFile string
	tables  []db.Table
}

func (f *filler) begin(first begin) error {
	if first.MasterKey == "" {
		return nil // the backup was opened with it
	}
	ring, err := secret.ParseKey(first.MasterKey)
	if err != nil {
		return errors.Join(ErrDamaged, err)
	}
	return ring.Store(f.keyFile)
}

// table refuses a table that the schema of that version does not have.
func (f *filler) table(t db.Table) error {
	if f.tables == nil {
		var err error
		if f.tables, err = f.l.Tables(f.ctx); err != nil {
			return err
		}
	}
	at := slices.IndexFunc(f.tables, func(have db.Table) bool { return have.Name == t.Name })
	if at < 0 {
		return fmt.Errorf("%w: nothing is known of a table %q", ErrDamaged, t.Name)
	}
	for _, c := range t.Columns {
		if !slices.Contains(f.tables[at].Columns, c) {
			return fmt.Errorf("%w: nothing is known of a column %q of %s", ErrDamaged, c.Name, t.Name)
		}
	}
	return nil
}

func (f *filler) rows(t db.Table, rows [][]any) error { return f.l.Insert(f.ctx, t, rows) }

// ShortLived are the tables whose rows are worth something once: had one been spent after
// the backup, it would be good again.
func ShortLived() []string {
	return []string{"codes", "tickets", "device_grants", "qr_screens", "app_tokens", "operator_sessions"}
}
