package keeper

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/tigertally/tigertally/internal/errs"
)

// The states of a backup.
const (
	Whole    = "whole"    // it was read to its end, and nothing was missing
	Damaged  = "damaged"  // it was read, and something was
	Foreign  = "foreign"  // it does not open: another key does it, or its beginning is damaged
	Unknown  = "unknown"  // nobody has read it here
	Writing  = "writing"  // it is not finished
	Checking = "checking" // it is being read
)

// File is one backup.
type File struct {
	Name      string
	TakenAt   time.Time
	Bytes     int64 // so far, while it is being written
	State     string
	Rows      int64     // 0 while not known
	Users     int64     // 0 while not known
	CheckedAt time.Time // when it was last read to its end
}

// finding is what is known of a backup besides its file. It is in a file beside it, so
// that it goes where the backup goes and never outlives it unnoticed.
type finding struct {
	State     string    `json:"state"`
	Rows      int64     `json:"rows,omitempty"`
	Users     int64     `json:"users,omitempty"`
	CheckedAt time.Time `json:"checked_at"`
}

// The names of backups sort by time.
const (
	prefix = "tigertally-"
	suffix = ".backup"
	stamp  = "20060102T150405Z"
	note   = ".json" // added to the name: what was found out
)

// List returns the backups there are, newest first, with those under way.
func (k *Keeper) List() ([]File, error) {
	names, err := k.names()
	if err != nil {
		return nil, err
	}
	list := []File{}
	if t := k.writing(); t != nil && !slices.Contains(names, t.name) {
		list = append(list, k.running(t))
	}
	for _, name := range slices.Backward(names) {
		f, err := k.find(name)
		if errs.CodeOf(err) == errs.BackupNotFound { // it was removed meanwhile
			continue
		}
		if err != nil {
			return nil, err
		}
		list = append(list, f)
	}
	return list, nil
}

// Open opens a backup for reading. BackupNotFound.
func (k *Keeper) Open(name string) (*os.File, File, error) {
	about, err := k.find(name)
	if err != nil {
		return nil, about, err
	}
	f, err := os.Open(k.path(name)) // find has made sure that the name is one of ours
	return f, about, missing(err)
}

// Remove removes a backup for good. BackupNotFound.
func (k *Keeper) Remove(name string) error {
	if _, err := k.find(name); err != nil {
		return err
	}
	err := os.Remove(k.path(name) + note)
	if errors.Is(err, os.ErrNotExist) {
		err = nil
	}
	return errors.Join(err, missing(os.Remove(k.path(name))))
}

// find says what is known of a backup, and whether something goes on with it.
func (k *Keeper) find(name string) (File, error) {
	f, err := k.known(name)
	k.mu.Lock()
	defer k.mu.Unlock()
	if t := k.tasks[name]; t != nil && err == nil {
		f.State = t.state
	}
	return f, err
}

// known says what is known of a backup. A name that is not one of ours is no path, and
// BackupNotFound like one that has no file.
func (k *Keeper) known(name string) (File, error) {
	f := File{Name: name, TakenAt: takenAt(name), State: Unknown}
	if f.TakenAt.IsZero() {
		return f, errs.New(errs.BackupNotFound)
	}
	info, err := os.Stat(k.path(name))
	if err != nil {
		return f, missing(err)
	}
	f.Bytes = info.Size()
	text, err := os.ReadFile(k.path(name) + note)
	if err == nil {
		var found finding
		if json.Unmarshal(text, &found) == nil { // else nobody knows
			f.State, f.Rows, f.Users, f.CheckedAt = found.State, found.Rows, found.Users, found.CheckedAt
		}
	} else if !errors.Is(err, os.ErrNotExist) {
		return f, err
	}
	return f, nil
}

// remember keeps what was found out about a backup, all of it or nothing.
func (k *Keeper) remember(name string, found finding) error {
	text, err := json.Marshal(found)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(k.o.Dir, "."+name+note+".*") // mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), k.path(name)+note)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// thin removes the oldest backups that are more than keep.
func (k *Keeper) thin(keep int) error {
	names, err := k.names()
	all := []error{err}
	for ; len(names) > keep; names = names[1:] {
		if err := k.Remove(names[0]); errs.CodeOf(err) != errs.BackupNotFound {
			all = append(all, err)
		}
	}
	return errors.Join(all...)
}

// names are the backups in the directory, oldest first.
func (k *Keeper) names() ([]string, error) {
	list, err := os.ReadDir(k.o.Dir) // sorted
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
	text, before := strings.CutPrefix(name, prefix)
	text, after := strings.CutSuffix(text, suffix)
	at, err := time.Parse(stamp, text)
	if !before || !after || err != nil {
		return time.Time{}
	}
	return at
}

// name is that of a backup made now.
func (k *Keeper) name() string { return prefix + k.o.Now().UTC().Format(stamp) + suffix }

func (k *Keeper) path(name string) string { return filepath.Join(k.o.Dir, name) }

func size(path string) int64 {
	if info, err := os.Stat(path); err == nil {
		return info.Size()
	}
	return 0
}

func missing(err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return errs.New(errs.BackupNotFound).Because(err)
	}
	return err
}
