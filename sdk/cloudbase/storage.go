package cloudbase

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
)

// deviceKey is where the id of the device is stored. It is shared by all applications.
const deviceKey = "device_id"

// Storage keeps a session between calls and, if it can, between runs: a few keys with
// values of some KiB, among them tokens that let whoever reads them in. Methods are
// called from many goroutines, and a value is written whole or not at all.
//
// A Storage that processes share should be a [Locker] as well.
type Storage interface {
	// Get returns the value of key and whether there is one.
	Get(ctx context.Context, key string) (value string, ok bool, err error)
	// Set writes the value of key.
	Set(ctx context.Context, key, value string) error
	// Delete removes key. It is no error that there is none.
	Delete(ctx context.Context, key string) error
}

// Locker is a Storage that can keep other processes out while a value is compared and
// replaced, which takes a moment: no request is sent under the lock.
type Locker interface {
	Storage
	// Lock waits until nobody else has the lock or ctx ends.
	Lock(ctx context.Context) (unlock func(), err error)
}

// MemoryStorage keeps a session as long as the program runs.
type MemoryStorage struct {
	mu     sync.Mutex
	values map[string]string
}

// NewMemoryStorage returns an empty MemoryStorage.
func NewMemoryStorage() *MemoryStorage { return new(MemoryStorage) }

// Get implements Storage.
func (m *MemoryStorage) Get(_ context.Context, key string) (value string, ok bool, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	value, ok = m.values[key]
	return value, ok, nil
}

// Set implements Storage.
func (m *MemoryStorage) Set(_ context.Context, key, value string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.values == nil {
		m.values = map[string]string{}
	}
	m.values[key] = value
	return nil
}

// Delete implements Storage.
func (m *MemoryStorage) Delete(_ context.Context, key string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.values, key)
	return nil
}

// store is the Storage of an App with what all stored values have in common.
type store struct {
	Storage

	mu sync.Mutex
}

// locked runs fn while no other goroutine, nor process where the Storage can say so,
// is between reading and writing.
func (s *store) locked(ctx context.Context, fn func() error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l, ok := s.Storage.(Locker); ok {
		unlock, err := l.Lock(ctx)
		if err != nil {
			return fmt.Errorf("cloudbase: lock the storage: %w", err)
		}
		defer unlock()
	}
	return fn()
}

// read decodes the value of key into v and reports whether there is a readable one. What
// cannot be read is as good as nothing: another version may have written it.
func (s *store) read(ctx context.Context, key string, v any) (bool, error) {
	text, ok, err := s.Get(ctx, key)
	if err != nil {
		return false, fmt.Errorf("cloudbase: read the storage: %w", err)
	}
	return ok && json.Unmarshal([]byte(text), v) == nil, nil
}

func (s *store) write(ctx context.Context, key string, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("cloudbase: encode %s: %w", key, err)
	}
	if err := s.Set(ctx, key, string(text)); err != nil {
		return fmt.Errorf("cloudbase: write the storage: %w", err)
	}
	return nil
}

func (s *store) remove(ctx context.Context, key string) error {
	if err := s.Delete(ctx, key); err != nil {
		return fmt.Errorf("cloudbase: write the storage: %w", err)
	}
	return nil
}
