package provider

import (
	"context"
	"sync"
	"time"
)

const (
	publishedLife  = time.Hour       // after which a document is read again
	publishedStale = 24 * time.Hour  // how long it lasts while it cannot be read
	publishedPace  = time.Minute     // between two readings, whatever the callers want
	retryPace      = 5 * time.Second // the same while there is none at all
)

// published is a document a vendor publishes for everybody. It is read by one caller at a
// time, for all who wait.
type published[T any] struct {
	read func(ctx context.Context) (T, error)
	now  func() time.Time

	mu          sync.Mutex
	value       T
	good, asked time.Time // when value was read, and when last tried
	failed      error     // how the last try ended
}

// get returns the document, as old as an hour, or a day while the vendor fails.
func (p *published[T]) get(ctx context.Context) (T, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.good.IsZero() || p.now().Sub(p.good) >= publishedLife {
		p.refresh(ctx)
	}
	if p.good.IsZero() || p.now().Sub(p.good) >= publishedStale {
		var none T
		return none, p.failed
	}
	return p.value, nil
}

// again reads the document before its time, and says whether there is a new reading.
func (p *published[T]) again(ctx context.Context) (T, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fresh := p.refresh(ctx)
	return p.value, fresh
}

func (p *published[T]) refresh(ctx context.Context) bool {
	now, pace := p.now(), publishedPace
	if p.good.IsZero() {
		pace = retryPace
	}
	if !p.asked.IsZero() && now.Sub(p.asked) < pace {
		return false
	}
	p.asked = now
	// The document is for everybody who waits; the one who came first may give up.
	value, err := p.read(context.WithoutCancel(ctx))
	if p.failed = err; err != nil {
		return false
	}
	p.value, p.good = value, now
	return true
}
