package driver

import (
	"sync"
	"time"
)

const (
	breakAfter = 5
	breakFor   = 10 * time.Second
)

// breakers leave each upstream alone for a while after it failed several times in a row:
// callers are told at once instead of waiting for a timeout, and one of them tries again.
type breakers struct {
	now func() time.Time

	mu      sync.Mutex
	failing map[string]*failing // hosts that failed last; nothing here is the good case
}

type failing struct {
	count int
	until time.Time // no calls before
}

func newBreakers(now func() time.Time) *breakers {
	return &breakers{now: now, failing: map[string]*failing{}}
}

// enter asks to call host. The caller must say once how it went.
func (b *breakers) enter(host string) (done func(ok bool), ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if f := b.failing[host]; f != nil && f.count >= breakAfter {
		now := b.now()
		if now.Before(f.until) {
			return nil, false
		}
		// This call finds out; the others wait for it.
		f.until = now.Add(breakFor)
	}
	var once sync.Once
	return func(ok bool) { once.Do(func() { b.done(host, ok) }) }, true
}

func (b *breakers) done(host string, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if ok {
		delete(b.failing, host)
		return
	}
	f := b.failing[host]
	if f == nil {
		f = &failing{}
		b.failing[host] = f
	}
	f.count++
	f.until = b.now().Add(breakFor)
}
