// Package keeper owns the directory in which a server keeps backups of itself: when they
// are made, which there are and what became known of each. The form of a backup, and
// restoring one, are backup's. Who may do what is manage's.
package keeper

import (
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/backup"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/secret"
)

// Options are what a Keeper is made of; all are required but Passphrase and Schedule.
type Options struct {
	DB    *db.DB
	Ring  *secret.Keyring
	Audit *audit.Service
	Log   *slog.Logger
	Now   func() time.Time

	Dir        string // is made when it is first needed
	Passphrase string // seals the backups; the master key does when it is ""
	// Schedule holds until an administrator sets another.
	Schedule Schedule
}

// Schedule says when backups are made by themselves.
type Schedule struct {
	Hours int `json:"hours"` // between two; 0 makes none
	Keep  int `json:"keep"`  // how many stay when one was made by the clock
}

// The bounds of a schedule: a year, and more files than anybody looks through.
const (
	maxHours = 366 * 24
	maxKeep  = 1000
)

// The names of what the database knows about backups. It knows more than the directory:
// servers that share a database have directories of their own.
const (
	metaSchedule = "backup_schedule"
	metaDone     = "backup_done"
	metaFailed   = "backup_failed"
)

// Keeper makes backups and looks after them.
type Keeper struct {
	o Options

	patience time.Duration // how long a caller waits for the outcome

	mu    sync.Mutex
	tasks map[string]*task // by the name of the file
	work  sync.WaitGroup
	stop  context.CancelFunc
	life  context.Context //nolint:containedctx // of the work, which outlives its callers.
}

// patience is short enough for every proxy in between.
const patience = 10 * time.Second

// New makes a Keeper. Nothing is made by itself before Due is called.
func New(o Options) *Keeper {
	k := &Keeper{o: o, patience: patience, tasks: map[string]*task{}}
	if k.o.Schedule.Keep == 0 {
		k.o.Schedule.Keep = 14
	}
	return k
}

// Dir is the directory the backups are in.
func (k *Keeper) Dir() string { return k.o.Dir }

// Sealed says what opens the backups: a passphrase, or else the server's master key.
func (k *Keeper) Sealed() (byPassphrase bool) { return k.o.Passphrase != "" }

func (k *Keeper) lock() backup.Lock {
	if k.o.Passphrase != "" {
		return backup.Lock{Passphrase: k.o.Passphrase}
	}
	return backup.Lock{Ring: k.o.Ring}
}

// State is what is known about the schedule.
type State struct {
	Schedule
	Done   time.Time // when the last backup was made, by whichever server; zero for never
	Failed time.Time // when one could not be made after that; zero for never
}

// State says what the schedule is and how it goes.
func (k *Keeper) State(ctx context.Context) (State, error) {
	s := State{Schedule: k.o.Schedule}
	text, err := k.o.DB.Meta(ctx, metaSchedule)
	if err != nil {
		return s, err
	}
	if text != "" {
		if err := json.Unmarshal([]byte(text), &s.Schedule); err != nil {
			return s, err
		}
	}
	if s.Done, err = k.moment(ctx, metaDone); err != nil {
		return s, err
	}
	if s.Failed, err = k.moment(ctx, metaFailed); err != nil {
		return s, err
	}
	if s.Failed.Before(s.Done) {
		s.Failed = time.Time{}
	}
	return s, nil
}

// SetSchedule changes the schedule, in the transaction of ctx. BadRequest names the part
// that is out of bounds.
func (k *Keeper) SetSchedule(ctx context.Context, s Schedule) error {
	switch {
	case s.Hours < 0 || s.Hours > maxHours:
		return errs.New(errs.BadRequest, "field", "hours")
	case s.Keep < 1 || s.Keep > maxKeep:
		return errs.New(errs.BadRequest, "field", "keep")
	}
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return k.o.DB.SetMeta(ctx, metaSchedule, string(text))
}

// retry is how long a failed backup by the clock waits for the next try.
const retry = time.Hour

// Due makes a backup when the schedule says so, and then removes the oldest ones that are
// too many. It is called every few minutes, by one server at a time.
func (k *Keeper) Due(ctx context.Context) error {
	s, err := k.State(ctx)
	if err != nil || s.Hours == 0 {
		return err
	}
	now := k.o.Now()
	if now.Before(s.Done.Add(time.Duration(s.Hours)*time.Hour)) || now.Before(s.Failed.Add(retry)) {
		return nil
	}
	made, err := k.begin(ctx, "schedule").wait(ctx)
	if err != nil {
		return err
	}
	k.o.Log.InfoContext(ctx, "backup written", "file", made.Name, "rows", made.Rows)
	return k.thin(s.Keep)
}

// Stop ends the work under way; what was not finished leaves nothing behind.
func (k *Keeper) Stop() {
	k.mu.Lock()
	if k.stop != nil {
		k.stop()
	}
	k.mu.Unlock()
}

// Wait returns when nothing is under way.
func (k *Keeper) Wait() { k.work.Wait() }

func (k *Keeper) moment(ctx context.Context, name string) (time.Time, error) {
	text, err := k.o.DB.Meta(ctx, name)
	if err != nil || text == "" {
		return time.Time{}, err
	}
	ms, err := strconv.ParseInt(text, 10, 64)
	return db.Time(ms), err
}

func (k *Keeper) mark(ctx context.Context, name string) error {
	return k.o.DB.SetMeta(ctx, name, strconv.FormatInt(db.Millis(k.o.Now()), 10))
}

// prepare makes the directory.
func (k *Keeper) prepare() error { return os.MkdirAll(k.o.Dir, 0o700) }
