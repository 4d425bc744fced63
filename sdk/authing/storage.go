package authing

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
)

// Storage keeps the session of one client between calls, and between runs of a program if
// it can. A client calls one method at a time. The bytes hold the login token: whoever
// reads them is signed in.
//
// A sign-in whose session cannot be saved returns the error of Save; the client has the
// session all the same, until the process ends.
type Storage interface {
	// Load returns what was saved last, or [ErrNoSession].
	Load(ctx context.Context) ([]byte, error)
	// Save keeps session in the place of what there was.
	Save(ctx context.Context, session []byte) error
	// Delete forgets what there is. It is no error when there is nothing.
	Delete(ctx context.Context) error
}

// ErrNoSession is what [Storage.Load] returns when nothing is kept.
var ErrNoSession = errors.New("authing: no session is kept")

// MemoryStorage keeps a session until the process ends. [NewMemoryStorage] makes it.
type MemoryStorage struct {
	mu      sync.Mutex
	session []byte
}

// NewMemoryStorage makes an empty storage.
func NewMemoryStorage() *MemoryStorage { return &MemoryStorage{} }

// Load returns what was saved last.
func (s *MemoryStorage) Load(context.Context) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.session == nil {
		return nil, ErrNoSession
	}
	return s.session, nil
}

// Save keeps a copy of session.
func (s *MemoryStorage) Save(_ context.Context, session []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.session = append([]byte(nil), session...)
	return nil
}

// Delete forgets the session.
func (s *MemoryStorage) Delete(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.session = nil
	return nil
}

// FileStorage keeps a session in a file that only its owner may read. A crash leaves the
// old session or the new one, never half of it. [NewFileStorage] makes it.
type FileStorage struct{ path string }

// NewFileStorage keeps the session at path, whose folder is made (for the owner only) if
// it is not there. A file holds the session of one client.
func NewFileStorage(path string) *FileStorage { return &FileStorage{path} }

// Load reads the file.
func (s *FileStorage) Load(context.Context) ([]byte, error) {
	session, err := os.ReadFile(s.path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, ErrNoSession
	}
	return session, err
}

// Save writes a new file and renames it over the old one.
func (s *FileStorage) Save(_ context.Context, session []byte) error {
	folder := filepath.Dir(s.path)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	file, err := os.CreateTemp(folder, filepath.Base(s.path)+".*") // mode 0600
	if err != nil {
		return err
	}
	_, err = file.Write(session)
	if err == nil {
		err = file.Sync()
	}
	if failed := file.Close(); err == nil {
		err = failed
	}
	if err == nil {
		err = os.Rename(file.Name(), s.path)
	}
	if err != nil {
		_ = os.Remove(file.Name()) // the first error is the one to tell
	}
	return err
}

// Delete removes the file.
func (s *FileStorage) Delete(context.Context) error {
	if err := os.Remove(s.path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}
