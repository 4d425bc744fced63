package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
)

type txKey struct{}

// tx is a running transaction. It rides in the context given to InTx's function.
type tx struct {
	d   *DB
	run runner

	mu      sync.Mutex
	over    error // why no more statements are taken; nil while it runs
	doomed  error // why it cannot be committed any more
	wrote   int
	after   []func()
	rows    []*sql.Rows
	changed []any          // each Cached whose rows it changes
	lanes   map[string]int // those it holds, by name

	durable bool
}

// runner runs the statements of one transaction. Calls do not overlap.
type runner interface {
	exec(ctx context.Context, query string, args []any) (int64, error)
	query(ctx context.Context, query string, args []any) (*sql.Rows, error)
}

// errOver is met by those who keep the context of a transaction past its end.
var errOver = errors.New("transaction is over")

// errAbandoned ends a transaction whose function panicked or left its goroutine.
var errAbandoned = errors.New("transaction was abandoned")

// InTx runs fn in a transaction and commits when it returns nil; the work is durable
// when InTx returns nil. Every statement made with the context given to fn joins it;
// use no other context inside. After a conflict fn is run again, so it must not
// depend on what an earlier run left behind in Go variables.
//
// InTx inside InTx joins the outer transaction. When the inner function fails after
// it has written, the outer one cannot commit either: nothing half done stays. Nor can
// a transaction commit of which a statement failed; detect conflicts with ON CONFLICT.
func (d *DB) InTx(ctx context.Context, fn func(ctx context.Context) error) error {
	if t := d.txFrom(ctx); t != nil {
		return t.nested(ctx, fn)
	}
	return d.retry(ctx, func() error { return d.engine.inTx(ctx, fn) })
}

// AfterCommit runs fn once the transaction of ctx is durable, and never if it fails.
// Without a transaction it runs fn at once.
func AfterCommit(ctx context.Context, fn func()) {
	t, _ := ctx.Value(txKey{}).(*tx)
	if t == nil {
		fn()
		return
	}
	t.mu.Lock()
	durable := t.durable
	if !durable {
		t.after = append(t.after, fn)
	}
	t.mu.Unlock()
	if durable {
		fn()
	}
}

func (d *DB) txFrom(ctx context.Context) *tx {
	t, _ := ctx.Value(txKey{}).(*tx)
	if t == nil || t.d != d {
		return nil
	}
	return t
}

func (t *tx) nested(ctx context.Context, fn func(ctx context.Context) error) error {
	t.mu.Lock()
	before := t.wrote
	t.mu.Unlock()
	err := fn(ctx)
	if err == nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.wrote != before && t.doomed == nil {
		t.doomed = fmt.Errorf("nested transaction failed after writing: %w", err)
	}
	return err
}

// verdict is what the transaction ends with when its function returned err.
// A caller who has gone gets nothing done.
func (t *tx) verdict(ctx context.Context, err error) error {
	if err != nil {
		return err
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.doomed
}

func (t *tx) exec(ctx context.Context, query string, args []any) (int64, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.usable(ctx); err != nil {
		return 0, err
	}
	n, err := t.run.exec(ctx, query, args)
	if n > 0 {
		t.wrote++
	}
	return n, t.failed(err)
}

func (t *tx) query(ctx context.Context, query string, args []any) (*sql.Rows, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.usable(ctx); err != nil {
		return nil, err
	}
	rows, err := t.run.query(ctx, query, args) //nolint:sqlclosecheck // the caller closes them, or the end of the transaction.
	if err != nil {
		return nil, t.failed(err)
	}
	if verb(query) != selects {
		t.wrote++
	}
	t.rows = append(t.rows, rows)
	return rows, nil
}

// failed dooms the transaction, as PostgreSQL does when a statement has failed; so a
// mistake shows on SQLite too.
func (t *tx) failed(err error) error {
	err = refusal(err)
	if err != nil && t.doomed == nil {
		t.doomed = fmt.Errorf("a statement of the transaction failed: %w", err)
	}
	return err
}

func (t *tx) usable(ctx context.Context) error {
	if t.over != nil {
		return t.over
	}
	return ctx.Err()
}

// end takes no more statements and closes the rows somebody forgot. It reports
// whether this call ended the transaction. The caller holds t.mu.
func (t *tx) end(why error) bool {
	if t.over != nil {
		return false
	}
	if why == nil {
		why = errOver
	}
	t.over = why
	for _, r := range t.rows {
		r.Close() //nolint:errcheck // the reader of the rows has seen their error.
	}
	t.rows = nil
	return true
}

func (t *tx) runAfter() {
	t.mu.Lock()
	after := t.after
	t.after, t.durable = nil, true
	t.mu.Unlock()
	for _, fn := range after {
		fn()
	}
}

// kind is what a statement begins with, which tells whether it may write.
type kind int

const (
	other   kind = iota
	selects      // reads
	with         // reads, unless an INSERT, UPDATE or DELETE follows
)

func verb(query string) kind {
	q := strings.TrimLeft(query, " \t\r\n")
	switch {
	case len(q) >= 6 && strings.EqualFold(q[:6], "SELECT"):
		return selects
	case len(q) >= 4 && strings.EqualFold(q[:4], "WITH"):
		return with
	}
	return other
}
