package secret

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"time"

	"github.com/tigertally/tigertally/internal/errs"
)

const (
	defaultQueue   = 512
	defaultMaxWait = 5 * time.Second
	// assumedCost stands for the time of a hash until one has been measured.
	assumedCost = 50 * time.Millisecond
	// idleAfter is how long a worker keeps its memory without work.
	idleAfter = 5 * time.Second
)

// HasherOptions configure a Hasher; zero values mean the defaults.
type HasherOptions struct {
	Workers int           // hashes at once; default: GOMAXPROCS when the hasher is made
	Queue   int           // waiting hashes, shared fairly between tenants; default 512
	MaxWait time.Duration // longest predicted wait that is accepted; default 5 s
	Nice    bool          // run at low priority where the platform allows
	Params  Argon2Params
	// Now measures how long a hash takes; nil assumes 50 ms each.
	Now func() time.Time
}

// Hasher hashes and verifies passwords on a few threads of its own: hashing is a
// thousand times dearer than anything else a request does, and more hashes at once
// than cores only fight for memory bandwidth. Who must wait too long is refused at
// the door; who waits is served in turn by tenant, so that a flood of sign-ins in one
// pool delays the others by one hash each at most.
type Hasher struct {
	params  Argon2Params
	dummy   string
	workers int
	queue   int
	maxWait time.Duration
	now     func() time.Time

	mu      sync.Mutex
	waiting line
	running int
	done    uint64
	cost    time.Duration // moving average of one hash
	closed  bool

	tokens  chan struct{} // one for each waiting job, so that workers can also time out
	stop    chan struct{}
	stopped sync.WaitGroup
}

// HasherStats describes a hasher at one moment.
type HasherStats struct {
	Queued, Running int
	Done            uint64
}

// NewHasher starts the workers; Close stops them. With Nice, raise GOMAXPROCS by
// Workers afterwards: then there is always a processor free for a cheap request, and
// the kernel lets its thread go before the hashing ones.
func NewHasher(o HasherOptions) *Hasher {
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.Queue <= 0 {
		o.Queue = defaultQueue
	}
	if o.MaxWait <= 0 {
		o.MaxWait = defaultMaxWait
	}
	h := &Hasher{
		params: o.Params.withDefaults(), workers: o.Workers, queue: o.Queue, maxWait: o.MaxWait, now: o.Now,
		cost: assumedCost, waiting: newLine(),
		tokens: make(chan struct{}, 2*o.Queue+o.Workers), stop: make(chan struct{}),
	}
	h.dummy = h.params.encode(Bytes(saltBytes), Bytes(tagBytes))
	for range h.workers {
		h.stopped.Go(func() { h.work(o.Nice) })
	}
	return h
}

// Close refuses new work, answers what waits with errs.Unavailable and returns when
// the workers have stopped.
func (h *Hasher) Close() {
	h.mu.Lock()
	if !h.closed {
		h.closed = true
		close(h.stop)
		for j := h.waiting.next(); j != nil; j = h.waiting.next() {
			j.err = errs.New(errs.Unavailable)
			close(j.done)
		}
	}
	h.mu.Unlock()
	h.stopped.Wait()
}

// Workers is the number of hashes that run at once.
func (h *Hasher) Workers() int { return h.workers }

// Stats describes the hasher now.
func (h *Hasher) Stats() HasherStats {
	h.mu.Lock()
	defer h.mu.Unlock()
	return HasherStats{Queued: h.waiting.len, Running: h.running, Done: h.done}
}

// Hash returns the PHC string of a new password, which it brings into Unicode's
// composed form first. It refuses text that no password can be.
func (h *Hasher) Hash(ctx context.Context, tenant, password string) (string, error) {
	plain, err := normalise(password)
	if err != nil {
		return "", err
	}
	salt := Bytes(saltBytes)
	j := &job{tenant: tenant, run: func(s *scratch) error {
		tag, err := h.params.key(s, plain, salt, tagBytes)
		s.text = h.params.encode(salt, tag)
		return err
	}}
	if err := h.do(ctx, j); err != nil {
		return "", err
	}
	return j.result.text, nil
}

// Verify says whether password belongs to phc, and whether the password should be
// hashed again because phc is weaker than what Hash makes. An empty phc costs as much
// as a real one and is never right, so that the time does not tell whether an account
// exists or has a password. A phc that is damaged or whose cost is over the ceiling
// is never right either, and costs nothing.
func (h *Hasher) Verify(ctx context.Context, tenant, phc, password string) (ok, rehash bool, err error) {
	plain, err := normalise(password)
	if err != nil {
		return false, false, nil //nolint:nilerr // Text that cannot be a password is a wrong password.
	}
	known := phc != ""
	if !known {
		phc = h.dummy
	}
	stored, err := parse(phc)
	if err != nil {
		return false, false, nil //nolint:nilerr // The caller treats a hash we cannot check as a wrong password.
	}
	j := &job{tenant: tenant, run: func(s *scratch) error {
		var err error
		s.ok, err = stored.matches(s, plain)
		return err
	}}
	if err := h.do(ctx, j); err != nil {
		return false, false, err
	}
	ok = j.result.ok && known
	return ok, ok && stored.weaker(h.params), nil
}

// do waits for a turn and for the work. A caller that gives up leaves the queue.
func (h *Hasher) do(ctx context.Context, j *job) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := h.enter(j); err != nil {
		return err
	}
	select {
	case <-j.done:
		return j.err
	case <-ctx.Done():
	}
	h.mu.Lock()
	left := h.waiting.leave(j)
	h.mu.Unlock()
	if !left { // too late: the thread is busy with it anyway
		<-j.done
		if j.err == nil {
			return nil
		}
	}
	return ctx.Err()
}

// enter queues j unless its wait would be too long or its tenant holds its share.
func (h *Hasher) enter(j *job) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return errs.New(errs.Unavailable)
	}
	ahead := h.waiting.ahead(j.tenant)
	if h.running == h.workers {
		ahead++
	}
	wait := h.cost * time.Duration(ahead) / time.Duration(h.workers)
	if wait > h.maxWait {
		return errs.New(errs.Unavailable).After(max(wait-h.maxWait, time.Second)).Because(errQueueWait)
	}
	if h.waiting.len >= h.queue && !h.waiting.fair(j.tenant, h.queue) {
		return errs.New(errs.Unavailable).After(max(wait, time.Second)).Because(errQueueFull)
	}
	j.done = make(chan struct{})
	h.waiting.join(j)
	select {
	case h.tokens <- struct{}{}:
	default: // enough wake-ups are pending already
	}
	return nil
}

var (
	errQueueWait = errors.New("password hash queue: predicted wait is too long")
	errQueueFull = errors.New("password hash queue is full")
)
