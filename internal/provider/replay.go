package provider

import (
	"context"
	"crypto/sha256"
	"sync"
	"time"
)

const (
	replayLife = time.Minute
	replayMax  = 4096
)

// replays gives one browser the same answer when it sends the same code twice in a moment.
// Any other browser gets what the vendor says: that the code was used.
type replays struct {
	now func() time.Time

	mu    sync.Mutex
	calls map[[sha256.Size]byte]*replay
}

type replay struct {
	done    chan struct{}
	profile Profile
	err     error
	until   time.Time
}

func newReplays(now func() time.Time) *replays {
	return &replays{now: now, calls: map[[sha256.Size]byte]*replay{}}
}

// do runs exchange, or waits for and returns what it made of the same credential in the
// same session. Failures are shared by those who wait, and not kept.
func (r *replays) do(ctx context.Context, session, credential string, exchange func(context.Context) (Profile, error)) (Profile, error) {
	if session == "" {
		return exchange(ctx)
	}
	key := sha256.Sum256([]byte(credential + "\x00" + session))
	call, first := r.enter(key)
	if !first {
		select {
		case <-call.done:
			return call.profile, call.err
		case <-ctx.Done():
			return Profile{}, ctx.Err()
		}
	}
	defer close(call.done)
	// The browser drops the first callback when it follows the second.
	call.profile, call.err = exchange(context.WithoutCancel(ctx))
	if call.err != nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.calls, key)
	}
	return call.profile, call.err
}

func (r *replays) enter(key [sha256.Size]byte) (call *replay, first bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	if call := r.calls[key]; call != nil && now.Before(call.until) {
		return call, false
	}
	if len(r.calls) >= replayMax {
		for k, c := range r.calls {
			if !now.Before(c.until) {
				delete(r.calls, k)
			}
		}
	}
	call = &replay{done: make(chan struct{}), until: now.Add(replayLife)}
	if len(r.calls) < replayMax {
		r.calls[key] = call
	}
	return call, true
}
