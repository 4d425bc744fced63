package sandbox

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

const (
	maxWaiting       = 256 // calls in all
	maxTenantWaiting = 64
)

// queue hands workers to calls, one tenant after the other.
type queue struct {
	o Options

	mu       sync.Mutex
	closed   bool
	idle     []*worker
	live     int // idle, at work and being started
	starting int
	ready    bool                // there has been a worker since the last cold start
	ring     []string            // tenants with calls that wait, in their turn
	waiting  map[string][]*place // by tenant
	count    int
	running  map[string]int
	blamed   map[string]time.Time // until when
	reaper   *time.Timer          // ends workers nobody needs
	done     sync.WaitGroup       // processes and their starters
}

// place is a call in the queue.
type place struct {
	tenant   string
	deadline time.Time
	timer    *time.Timer
	got      chan grant
}

type grant struct {
	worker   *worker
	deadline time.Time
	err      error
}

var (
	errClosed  = errors.New("the sandbox is closed")
	errNoStart = errors.New("no worker starts")
)

func newQueue(o Options) *queue {
	return &queue{o: o, waiting: map[string][]*place{}, running: map[string]int{}, blamed: map[string]time.Time{}}
}

func (q *queue) warm() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.closed && q.live == 0 {
		q.spawn()
	}
}

// take waits for a worker. The time to start the very first one does not count; after
// that everything does.
func (q *queue) take(ctx context.Context, tenant string) (*worker, time.Time, error) {
	p, err := q.enter(tenant)
	if err != nil {
		return nil, time.Time{}, err
	}
	defer p.timer.Stop()
	select {
	case g := <-p.got:
		return g.worker, g.deadline, g.err
	case <-p.timer.C:
		err = &Fault{Kind: Busy, Message: "no worker was free in time"}
	case <-ctx.Done():
		err = ctx.Err()
	}
	if g, late := q.leave(p); late {
		if ctx.Err() == nil {
			return g.worker, g.deadline, g.err
		}
		q.give(g.worker, tenant, true, false)
	}
	return nil, time.Time{}, err
}

func (q *queue) enter(tenant string) (*place, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.closed:
		return nil, errClosed
	case q.count >= maxWaiting || len(q.waiting[tenant]) >= maxTenantWaiting:
		return nil, &Fault{Kind: Busy, Message: "too many calls are waiting"}
	}
	wait := CallTime
	if !q.ready {
		wait += startTime
	}
	p := &place{tenant: tenant, deadline: q.o.Clock().Add(wait), timer: time.NewTimer(wait - killMargin), got: make(chan grant, 1)}
	if len(q.waiting[tenant]) == 0 {
		q.ring = append(q.ring, tenant)
	}
	q.waiting[tenant] = append(q.waiting[tenant], p)
	q.count++
	q.dispatch()
	return p, nil
}

// leave gives a place up, unless it was served a moment ago.
func (q *queue) leave(p *place) (grant, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	select {
	case g := <-p.got:
		return g, g.worker != nil
	default:
	}
	q.remove(p)
	return grant{}, false
}

func (q *queue) remove(p *place) {
	list := q.waiting[p.tenant]
	i := slices.Index(list, p)
	if i < 0 {
		return
	}
	q.count--
	if len(list) > 1 {
		q.waiting[p.tenant] = slices.Delete(list, i, i+1)
		return
	}
	delete(q.waiting, p.tenant)
	q.ring = slices.DeleteFunc(q.ring, func(t string) bool { return t == p.tenant })
}

// dispatch serves as many calls as there are idle workers, and starts another worker
// when that was not enough.
func (q *queue) dispatch() {
	for len(q.idle) > 0 {
		at := slices.IndexFunc(q.ring, q.may)
		if at < 0 {
			return
		}
		tenant := q.ring[at]
		p := q.waiting[tenant][0]
		q.remove(p)
		if i := slices.Index(q.ring, tenant); i >= 0 {
			q.ring = append(slices.Delete(q.ring, i, i+1), tenant)
		}
		w := q.idle[len(q.idle)-1]
		q.idle = q.idle[:len(q.idle)-1]
		q.running[tenant]++
		p.got <- grant{worker: w, deadline: p.deadline}
	}
	if q.live < q.o.Workers && slices.ContainsFunc(q.ring, q.may) && q.starting < q.count {
		q.spawn()
	}
}

// may says whether a tenant's turn may come: one that used up its time lately leaves
// half of the workers to the others.
func (q *queue) may(tenant string) bool {
	until, blamed := q.blamed[tenant]
	return !blamed || q.o.Clock().After(until) || q.running[tenant] < max(1, q.o.Workers/2)
}

// give returns a worker after a call of tenant.
func (q *queue) give(w *worker, tenant string, good, slow bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.running[tenant]--; q.running[tenant] <= 0 {
		delete(q.running, tenant)
	}
	q.blame(tenant, slow)
	if good && !q.closed {
		q.idle = append(q.idle, w)
		q.rest()
	} else {
		q.live--
		w.stop()
		if !q.closed && q.live < q.o.Workers {
			q.spawn()
		}
	}
	q.dispatch()
}

func (q *queue) blame(tenant string, slow bool) {
	now := q.o.Clock()
	for t, until := range q.blamed {
		if now.After(until) {
			delete(q.blamed, t)
		}
	}
	if slow {
		q.blamed[tenant] = now.Add(blameTime)
	}
}

// spawn starts a worker beside the lock.
func (q *queue) spawn() {
	q.live++
	q.starting++
	q.done.Go(func() {
		w, err := startWorker(q.o, &q.done)
		q.mu.Lock()
		defer q.mu.Unlock()
		q.starting--
		switch {
		case err != nil:
			q.live--
			q.failed(err)
		case q.closed:
			q.live--
			w.stop()
		default:
			q.idle = append(q.idle, w)
			q.awake()
			q.rest()
			q.dispatch()
		}
	})
}

// awake lets the time of those who waited for the first worker begin.
func (q *queue) awake() {
	if q.ready {
		return
	}
	q.ready = true
	deadline := q.o.Clock().Add(CallTime)
	for _, list := range q.waiting {
		for _, p := range list {
			p.deadline = deadline
			p.timer.Reset(CallTime - killMargin)
		}
	}
}

// failed answers who waits when there is no worker to wait for.
func (q *queue) failed(err error) {
	if q.closed {
		return
	}
	q.o.Logger.Error("worker did not start", "err", err)
	if q.live == 0 {
		q.refuse(errors.Join(errNoStart, err))
	}
}

func (q *queue) refuse(err error) {
	for tenant, list := range q.waiting {
		for _, p := range list {
			p.got <- grant{err: err}
		}
		delete(q.waiting, tenant)
	}
	q.ring, q.count = nil, 0
}

// rest ends all workers when nothing happens for long.
func (q *queue) rest() {
	if q.reaper == nil {
		q.reaper = time.AfterFunc(idleTime, q.reap)
		return
	}
	q.reaper.Reset(idleTime)
}

func (q *queue) reap() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.live -= len(q.idle)
	for _, w := range q.idle {
		w.stop()
	}
	q.idle = nil
	q.ready = q.live > 0
}

func (q *queue) close() error {
	q.mu.Lock()
	q.closed = true
	q.refuse(errClosed)
	for _, w := range q.idle {
		w.stop()
	}
	q.live -= len(q.idle)
	q.idle = nil
	if q.reaper != nil {
		q.reaper.Stop()
	}
	q.mu.Unlock()
	q.done.Wait()
	return nil
}
