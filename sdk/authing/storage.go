package authing

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"sync"
)

// Storage keeps the session of a client between calls and, if it can, between runs of a
// program: one value of a few KiB under a key that names the application. The value holds
// the login token, which lets in whoever reads it. It is written whole or not at all. The
// storages of package cloudbase do, too.
//
// A sign-in whose session cannot be saved returns the person and the error of Set; the
// client has the session all the same, until the process ends.
type Storage interface {
	// Get returns the value of key and whether there is one.
	Get(ctx context.Context, key string) (value string, ok bool, err error)
	// Set writes the value of key.
	Set(ctx context.Context, key, value string) error
	// Delete removes key. It is no error that there is none.
	Delete(ctx context.Context, key string) error
}

// MemoryStorage keeps a session as long as the program runs. Its zero value is empty.
type MemoryStorage struct {
	mu     sync.Mutex
	values map[string]string
}

// NewMemoryStorage returns an empty storage.
func NewMemoryStorage() *MemoryStorage { return &MemoryStorage{} }

// Get returns the value of key and whether there is one.
func (s *MemoryStorage) Get(_ context.Context, key string) (value string, ok bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	value, ok = s.values[key]
	return value, ok, nil
}

// Set writes the value of key.
func (s *MemoryStorage) Set(_ context.Context, key, value string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.values == nil {
		s.values = make(map[string]string)
	}
	s.values[key] = value
	return nil
}

// Delete removes key.
func (s *MemoryStorage) Delete(_ context.Context, key string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.values, key)
	return nil
}

// FileStorage keeps sessions in a folder, a file for each key, which only the user of this
// process may read. A crash leaves the old value or the new one, never half of it.
// [NewFileStorage] makes it.
type FileStorage struct{ dir string }

// NewFileStorage returns a storage in dir, which is made for its owner only if it is
// missing.
func NewFileStorage(dir string) (*FileStorage, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("authing: make the storage: %w", err)
	}
	return &FileStorage{dir}, nil
}

// path is the file of a key, whatever is in it.
func (s *FileStorage) path(key string) string {
	return filepath.Join(s.dir, "v_"+url.PathEscape(key)+".json")
}

// Get reads the file of key.
func (s *FileStorage) Get(_ context.Context, key string) (value string, ok bool, err error) {
	raw, err := os.ReadFile(s.path(key))
	if errors.Is(err, fs.ErrNotExist) {
		return "", false, nil
	}
	return string(raw), err == nil, err
}

// Set writes a new file and renames it over the old one.
func (s *FileStorage) Set(_ context.Context, key, value string) error {
	file, err := os.CreateTemp(s.dir, ".new-*") // mode 0600
	if err != nil {
		return err
	}
	_, err = file.WriteString(value)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(file.Name(), s.path(key))
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return nil
}

// Delete removes the file of key.
func (s *FileStorage) Delete(_ context.Context, key string) error {
	if err := os.Remove(s.path(key)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
