package keeper

import (
	"context"
	"errors"
	"path/filepath"
	"strconv"
	"time"

	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/backup"
	"github.com/tigertally/tigertally/internal/db"
)

// task is work on one backup that outlives the request which began it.
type task struct {
	name  string
	state string
	since time.Time
	done  chan struct{} // closed when file and err are set
	file  File
	err   error
}

// Create writes a backup, proves it and records who made it. When that takes longer than
// a caller may wait, the file it returns is in the state Writing and List says how it
// goes on. Of two callers at once both get the same backup.
func (k *Keeper) Create(ctx context.Context, actor string) (File, error) {
	return k.outcome(ctx, k.begin(ctx, actor))
}

// begin begins a backup, or finds the one that is being made.
func (k *Keeper) begin(ctx context.Context, actor string) *task {
	name := k.name()
	return k.start(ctx, name, Writing, func(ctx context.Context) (File, error) {
		f, err := k.create(ctx, name, actor)
		if err != nil && ctx.Err() == nil {
			err = errors.Join(err, k.mark(ctx, metaFailed))
		}
		return f, err
	})
}

// Check reads a whole backup and keeps what it found: it is whole, damaged, or sealed
// with another key. It answers as Create does, with the state Checking. BackupNotFound.
func (k *Keeper) Check(ctx context.Context, name string) (File, error) {
	if _, err := k.find(name); err != nil {
		return File{}, err
	}
	return k.outcome(ctx, k.start(ctx, name, Checking, func(ctx context.Context) (File, error) { return k.read(ctx, name) }))
}

// start begins work on a file unless some is under way.
func (k *Keeper) start(ctx context.Context, name, state string, work func(context.Context) (File, error)) *task {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, t := range k.tasks {
		if t.name == name || t.state == Writing && state == Writing {
			return t
		}
	}
	if k.life == nil {
		k.life, k.stop = context.WithCancel(context.WithoutCancel(ctx))
	}
	t := &task{name: name, state: state, since: k.o.Now(), done: make(chan struct{})}
	k.tasks[name] = t
	life := k.life
	k.work.Go(func() {
		t.file, t.err = work(life)
		if t.err != nil {
			k.o.Log.ErrorContext(life, "backup", "file", name, "doing", state, "err", t.err)
		}
		k.mu.Lock()
		delete(k.tasks, name)
		k.mu.Unlock()
		close(t.done)
	})
	return t
}

// wait returns the outcome, however long it takes.
func (t *task) wait(ctx context.Context) (File, error) {
	select {
	case <-t.done:
		return t.file, t.err
	case <-ctx.Done():
		return File{}, ctx.Err()
	}
}

// outcome returns how a task ended, or that it goes on.
func (k *Keeper) outcome(ctx context.Context, t *task) (File, error) {
	patient, cancel := context.WithTimeout(ctx, k.patience)
	defer cancel()
	file, err := t.wait(patient)
	if err != nil && patient.Err() != nil && ctx.Err() == nil {
		return k.running(t), nil
	}
	return file, err
}

// running is what can be said about the file of a task.
func (k *Keeper) running(t *task) File {
	f := File{Name: t.name, TakenAt: takenAt(t.name), State: t.state}
	pattern := t.name
	if t.state == Writing {
		pattern = "." + t.name + ".*" // as backup.WriteFile calls what is not finished
	}
	if found, err := filepath.Glob(filepath.Join(k.o.Dir, pattern)); err == nil && len(found) > 0 {
		f.Bytes = size(found[0])
	}
	return f
}

// writing is the backup that is being made, nil for none.
func (k *Keeper) writing() *task {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, t := range k.tasks {
		if t.state == Writing {
			return t
		}
	}
	return nil
}

// create makes a backup.
func (k *Keeper) create(ctx context.Context, name, actor string) (File, error) {
	if err := k.prepare(); err != nil {
		return File{}, err
	}
	at := k.o.Now().UTC()
	var sum backup.Summary
	err := k.o.DB.Snapshot(ctx, func(snap *db.Snapshot) (err error) {
		sum, err = backup.WriteFile(ctx, snap, k.path(name), k.lock(), k.o.Ring, at)
		return err
	})
	if err != nil {
		return File{}, err
	}
	if err := k.remember(name, finding{State: Whole, Rows: sum.Rows, Users: sum.Users, CheckedAt: at}); err != nil {
		return File{}, err
	}
	err = k.o.DB.InTx(ctx, func(ctx context.Context) error {
		if err := k.mark(ctx, metaDone); err != nil {
			return err
		}
		return k.o.Audit.Record(ctx, audit.Event{
			Action: audit.BackupCreate, Actor: actor,
			Detail: map[string]string{"file": name, "rows": strconv.FormatInt(sum.Rows, 10)},
		})
	})
	if err != nil {
		return File{}, err
	}
	return k.known(name)
}

// read reads a backup to its end.
func (k *Keeper) read(ctx context.Context, name string) (File, error) {
	f, _, err := k.Open(name)
	if err != nil {
		return File{}, err
	}
	defer f.Close() //nolint:errcheck // only read.
	sum, err := backup.Verify(ctx, f, k.lock())
	found := finding{State: Whole, Rows: sum.Rows, Users: sum.Users, CheckedAt: k.o.Now().UTC()}
	switch {
	case err == nil:
	case errors.Is(err, backup.ErrLock) && sum.TakenAt.IsZero(), errors.Is(err, backup.ErrNoKey): // nothing could be read
		found = finding{State: Foreign, CheckedAt: found.CheckedAt}
	case errors.Is(err, backup.ErrDamaged):
		found = finding{State: Damaged, CheckedAt: found.CheckedAt}
	default:
		return File{}, err
	}
	if err := k.remember(name, found); err != nil {
		return File{}, err
	}
	return k.known(name)
}
