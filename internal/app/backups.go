package app

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tigertally/tigertally/api"
	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/backup"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/manage"
)

// The names of backups in the configured directory sort by time.
const (
	backupPrefix = "tigertally-"
	backupSuffix = ".backup"
	backupTime   = "20060102T150405Z"
)

// keptBackups are what administrators see of the configured directory.
func (s *services) keptBackups() manage.Backups {
	return manage.Backups{List: s.listBackups, Create: s.createBackup, Verify: s.verifyBackup}
}

func (s *services) backupDir() (string, error) {
	if s.backups.Dir == "" {
		return "", errs.New(errs.BadRequest, "field", "backup.dir")
	}
	return s.backups.Dir, nil
}

func (s *services) backupLock() backup.Lock {
	if s.backups.Passphrase != "" {
		return backup.Lock{Passphrase: s.backups.Passphrase}
	}
	return backup.Lock{Ring: s.ring}
}

func (s *services) listBackups(context.Context) ([]api.Backup, error) {
	dir, err := s.backupDir()
	if err != nil {
		return nil, err
	}
	names, err := backupNames(dir)
	if err != nil {
		return nil, err
	}
	list := []api.Backup{}
	for _, name := range slices.Backward(names) {
		info, err := os.Stat(filepath.Join(dir, name))
		if errors.Is(err, os.ErrNotExist) { // it was the oldest
			continue
		}
		if err != nil {
			return nil, err
		}
		list = append(list, api.Backup{File: name, TakenAt: takenAt(name), Bytes: info.Size()})
	}
	return list, nil
}

// backupNames are the backups of dir, oldest first.
func backupNames(dir string) ([]string, error) {
	list, err := os.ReadDir(dir) // sorted
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	var names []string
	for _, e := range list {
		if !takenAt(e.Name()).IsZero() {
			names = append(names, e.Name())
		}
	}
	return names, err
}

// takenAt is the time in the name of a backup, zero for any other file.
func takenAt(name string) time.Time {
	text, before := strings.CutPrefix(name, backupPrefix)
	text, after := strings.CutSuffix(text, backupSuffix)
	at, err := time.Parse(backupTime, text)
	if !before || !after || err != nil {
		return time.Time{}
	}
	return at
}

// createBackup writes a backup of the running server, proves it, and removes the oldest
// ones that are too many.
func (s *services) createBackup(ctx context.Context, actor string) (made api.Backup, err error) {
	dir, err := s.backupDir()
	if err != nil {
		return made, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return made, err
	}
	at := s.now().UTC()
	name := backupPrefix + at.Format(backupTime) + backupSuffix
	var sum backup.Summary
	err = s.db.Snapshot(ctx, func(snap *db.Snapshot) (err error) {
		sum, err = backup.WriteFile(ctx, snap, filepath.Join(dir, name), s.backupLock(), s.ring, at)
		return err
	})
	if err != nil {
		return made, err
	}
	err = s.audit.Record(ctx, audit.Event{
		Action: audit.BackupCreate, Actor: actor,
		Detail: map[string]string{"file": name, "rows": strconv.FormatInt(sum.Rows, 10)},
	})
	if err = errors.Join(err, thin(dir, s.backups.Keep)); err != nil {
		return made, err
	}
	info, err := os.Stat(filepath.Join(dir, name))
	if err != nil {
		return made, err
	}
	return api.Backup{File: name, TakenAt: takenAt(name), Bytes: info.Size(), Rows: sum.Rows, Users: sum.Users}, nil
}

func (s *services) verifyBackup(ctx context.Context, name string) (found api.Backup, err error) {
	dir, err := s.backupDir()
	if err != nil {
		return found, err
	}
	refused := errs.New(errs.BadRequest, "field", "file")
	if takenAt(name).IsZero() { // and so no path
		return found, refused
	}
	f, err := os.Open(filepath.Join(dir, name)) //nolint:gosec // one of our own names.
	if err != nil {
		return found, refused.Because(err)
	}
	defer f.Close() //nolint:errcheck // only read.
	info, err := f.Stat()
	if err != nil {
		return found, err
	}
	sum, err := backup.Verify(ctx, f, s.backupLock())
	if err != nil {
		return found, refused.Because(err)
	}
	return api.Backup{File: name, TakenAt: takenAt(name), Bytes: info.Size(), Rows: sum.Rows, Users: sum.Users}, nil
}

// autoBackup is createBackup by the clock.
func (s *services) autoBackup(ctx context.Context) error {
	made, err := s.createBackup(ctx, "schedule")
	if err == nil {
		s.log.InfoContext(ctx, "backup written", "file", made.File, "rows", made.Rows)
	}
	return err
}

// thin removes the oldest backups of dir beyond keep.
func thin(dir string, keep int) error {
	names, err := backupNames(dir)
	all := []error{err}
	for len(names) > keep {
		all = append(all, os.Remove(filepath.Join(dir, names[0])))
		names = names[1:]
	}
	return errors.Join(all...)
}
