package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tigertally/tigertally/internal/errs"
)

// A group is closed to newcomers when it has this many members or is this old, so
// that the first of them does not wait for ever.
const (
	groupMembers = 128
	groupAge     = 5 * time.Millisecond
)

// writer is the one connection that writes to a SQLite file. Transactions that ask
// for it at about the same time form a group: one BEGIN IMMEDIATE, a savepoint for
// each member, one COMMIT and so one fsync. There is no writer goroutine: the right
// to use the connection, the baton, goes from member to member, and the member that
// finds nobody waiting commits for all. A member runs in its own goroutine, so a
// panic or runtime.Goexit ends that member alone; one that is stuck loses the baton
// at its limit.
type writer struct {
	d       *DB
	conn    *sql.Conn
	cache   *stmtCache
	base    context.Context //nolint:containedctx // commits and savepoints belong to no one caller.
	limit   time.Duration
	patient time.Duration // how long to wait for the baton

	mu      sync.Mutex
	held    bool    // somebody holds the baton
	waiting []*turn // in order of arrival
	refused error   // closed, or the disk failed
	broken  chan struct{}

	open *group // belongs to the holder of the baton

	transactions, commits, rollbacks, retries atomic.Uint64
}

// turn is a place in the line for the baton.
type turn struct {
	ready chan struct{}
	left  bool
}

// group is one SQLite transaction and the members that share its fate. Until done is
// closed, all but done belongs to the holder of the baton.
type group struct {
	done    chan struct{}
	age     *time.Timer
	members int
	wrote   bool
	err     error // why all of it is rolled back
}

// acquire takes the baton, waiting in line if need be.
func (w *writer) acquire(ctx context.Context) (*patience, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	w.mu.Lock()
	if w.refused != nil {
		defer w.mu.Unlock()
		return nil, w.refused
	}
	if !w.held {
		w.held = true
		w.mu.Unlock()
		return &patience{span: w.patient}, nil
	}
	me := &turn{ready: make(chan struct{})}
	w.waiting = append(w.waiting, me)
	w.mu.Unlock()
	return w.await(ctx, me)
}

func (w *writer) await(ctx context.Context, me *turn) (*patience, error) {
	p := &patience{span: w.patient}
	p.start()
	var err error
	select {
	case <-me.ready:
		return p, nil
	case <-ctx.Done():
		err = ctx.Err()
	case <-p.timer.C:
		err = errs.New(errs.Unavailable).After(time.Second).Because(errors.New("waited too long for a turn to write"))
	}
	p.stop()
	w.mu.Lock()
	me.left = true
	w.mu.Unlock()
	select {
	case <-me.ready: // it came all the same: pass it on
		w.pass(w.open)
	default:
	}
	return nil, err
}

// join makes the holder of the baton a member of the open group, or of a new one.
func (w *writer) join(ctx context.Context, p *patience) (*group, error) {
	defer p.stop()
	err := w.refusal()
	if err == nil && w.open == nil {
		err = w.begin(ctx, p)
	}
	if err != nil {
		w.pass(w.open)
		return nil, err
	}
	w.open.members++
	return w.open, nil
}

// begin starts a group. A stranger that holds the file, for instance a database tool,
// is waited for.
func (w *writer) begin(ctx context.Context, p *patience) error {
	for {
		_, err := w.cache.exec(w.base, "BEGIN IMMEDIATE", nil)
		if err == nil {
			w.open = &group{done: make(chan struct{}), age: time.NewTimer(groupAge)}
			return nil
		}
		if !conflict(err) || ctx.Err() != nil || p.over() {
			// Not %w: waiting even longer would not help.
			return errs.New(errs.Unavailable).After(time.Second).Because(fmt.Errorf("begin: %v", err)) //nolint:errorlint // see above.
		}
	}
}

// patience is how long one transaction waits until it may begin.
type patience struct {
	span  time.Duration
	timer *time.Timer
}

func (p *patience) start() {
	if p.timer == nil {
		p.timer = time.NewTimer(p.span)
	}
}

func (p *patience) stop() {
	if p.timer != nil {
		p.timer.Stop()
	}
}

func (p *patience) over() bool {
	p.start()
	select {
	case <-p.timer.C:
		return true
	default:
		return false
	}
}

func (w *writer) refusal() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.refused
}

// pass gives the baton to the next in line, after a commit if g cannot take more.
func (w *writer) pass(g *group) {
	if g != nil {
		if g.mayGrow() {
			if w.handOver() {
				return
			}
			// Those the last commit has just woken are about to come back.
			runtime.Gosched()
			if w.handOver() {
				return
			}
		}
		w.commit(g)
	}
	for !w.handOver() {
		w.mu.Lock()
		if w.next() == nil {
			w.held = false
			w.mu.Unlock()
			return
		}
		w.mu.Unlock()
	}
}

func (g *group) mayGrow() bool {
	if g.err != nil || g.members >= groupMembers {
		return false
	}
	select {
	case <-g.age.C:
		g.members = groupMembers
		return false
	default:
		return true
	}
}

// handOver gives the baton to the next in line and reports whether there was one.
func (w *writer) handOver() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	me := w.next()
	if me == nil {
		return false
	}
	w.waiting = w.waiting[1:]
	close(me.ready)
	return true
}

// next is the first in line that still waits. The caller holds w.mu.
func (w *writer) next() *turn {
	for len(w.waiting) > 0 {
		if !w.waiting[0].left {
			return w.waiting[0]
		}
		w.waiting = w.waiting[1:]
	}
	return nil
}

// commit ends g for all its members. Nobody is told of success before it is durable.
func (w *writer) commit(g *group) {
	if g.err == nil {
		if _, err := w.cache.exec(w.base, "COMMIT", nil); err != nil {
			g.err = fmt.Errorf("commit: %w", err)
		}
	}
	if g.err != nil {
		// SQLite may have rolled back by itself; then this is an error of no interest.
		w.conn.ExecContext(w.base, "ROLLBACK") //nolint:errcheck // see above.
		if unsafeDisk(g.err) {
			w.giveUp(g.err)
		}
	} else if g.wrote {
		w.commits.Add(1)
	}
	g.age.Stop()
	w.open = nil
	close(g.done)
}

// giveUp stops all writing: a disk that failed once cannot be trusted again.
func (w *writer) giveUp(cause error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.refused == nil {
		w.refused = errs.New(errs.Unavailable).Because(fmt.Errorf("writing has stopped: %w", cause))
		close(w.broken)
	}
}
