package cloudbase

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"
)

const (
	lockName  = ".lock"
	lockRetry = 10 * time.Millisecond
)

// FileStorage keeps a session in a directory, a file for each key, which only the user of
// this process may read. Processes may share it: values are replaced by renaming, so
// that a reader finds the old one or the new one.
type FileStorage struct{ dir string }

// NewFileStorage returns a FileStorage in dir, which is made if it is missing.
func NewFileStorage(dir string) (*FileStorage, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("cloudbase: make the storage: %w", err)
	}
	return &FileStorage{dir: dir}, nil
}

// path is the file of a key. Escaping leaves no separators and no leading dot.
func (f *FileStorage) path(key string) string {
	return filepath.Join(f.dir, "v_"+url.PathEscape(key)+".json")
}

// Get implements Storage.
func (f *FileStorage) Get(_ context.Context, key string) (value string, ok bool, err error) {
	text, err := os.ReadFile(f.path(key))
	if errors.Is(err, fs.ErrNotExist) {
		return "", false, nil
	}
	return string(text), err == nil, err
}

// Set implements Storage. The value survives a crash of the machine.
func (f *FileStorage) Set(_ context.Context, key, value string) error {
	file, err := os.CreateTemp(f.dir, ".new-*") // 0600
	if err != nil {
		return err
	}
	_, err = file.WriteString(value)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(file.Name(), f.path(key))
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return nil
}

// Delete implements Storage.
func (f *FileStorage) Delete(_ context.Context, key string) error {
	if err := os.Remove(f.path(key)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Lock implements Locker. The lock ends with the process that has it.
func (f *FileStorage) Lock(ctx context.Context) (unlock func(), err error) {
	file, err := os.OpenFile(filepath.Join(f.dir, lockName), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	tick := time.NewTicker(lockRetry)
	defer tick.Stop()
	for {
		if taken, err := tryLock(file); err != nil {
			return nil, errors.Join(err, file.Close())
		} else if taken {
			return func() { _ = file.Close() }, nil // closing unlocks
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil, errors.Join(context.Cause(ctx), file.Close())
		}
	}
}
