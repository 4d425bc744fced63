package db

import (
	"context"
	"database/sql"
)

// member is one transaction inside a group.
type member struct {
	w      *writer
	g      *group
	marked bool // it has a savepoint
	single bool // it is one statement, which SQLite undoes by itself
}

// inTx runs fn as a member of a group.
func (w *writer) inTx(ctx context.Context, fn func(ctx context.Context) error) error {
	p, err := w.acquire(ctx)
	if err != nil {
		return err
	}
	g, err := w.join(ctx, p)
	if err != nil {
		return err
	}
	m := &member{w: w, g: g}
	t := &tx{d: w.d, run: m}
	ctx, cancel := context.WithTimeoutCause(ctx, w.limit, overLimit())
	defer cancel()
	// Caller gone or time up: the baton goes on, whatever fn is doing.
	stop := context.AfterFunc(ctx, func() { m.leave(t, context.Cause(ctx)) })
	defer stop()
	defer m.leave(t, errAbandoned) // fn panicked or left the goroutine; else it has no effect

	err = t.verdict(ctx, fn(context.WithValue(ctx, txKey{}, t)))
	m.leave(t, err)
	return m.outcome(t)
}

// exec runs one statement as a member of a group.
func (w *writer) exec(ctx context.Context, query string, args []any) (int64, error) {
	p, err := w.acquire(ctx)
	if err != nil {
		return 0, err
	}
	g, err := w.join(ctx, p)
	if err != nil {
		return 0, err
	}
	m := &member{w: w, g: g, single: true}
	t := &tx{d: w.d, run: m}
	defer m.leave(t, errAbandoned)
	n, err := t.exec(ctx, query, args)
	m.leave(t, err)
	return n, m.outcome(t)
}

// leave ends the member, well or not, and passes the baton on. Only the first call
// has an effect.
func (m *member) leave(t *tx, err error) {
	t.mu.Lock()
	if !t.end(err) {
		t.mu.Unlock()
		return
	}
	if err != nil {
		m.w.rollbacks.Add(1)
	}
	if m.marked && m.g.err == nil {
		m.close(err)
	}
	t.mu.Unlock()
	m.w.pass(m.g)
}

// close releases the savepoint, after a rollback to it if err is not nil.
func (m *member) close(err error) {
	var failed error
	if err != nil {
		_, failed = m.w.cache.exec(m.w.base, "ROLLBACK TO member", nil)
	}
	if failed == nil {
		_, failed = m.w.cache.exec(m.w.base, "RELEASE member", nil)
	}
	if failed != nil {
		m.g.err = failed
	}
}

// outcome waits for the group. A member that failed waits too: what it has seen may be
// the work of neighbours, and is true only once they are committed.
func (m *member) outcome(t *tx) error {
	t.mu.Lock()
	over := t.over
	t.mu.Unlock()
	<-m.g.done
	switch {
	case m.g.err != nil:
		if over == errOver { //nolint:errorlint // the very value end puts there.
			m.w.rollbacks.Add(1)
		}
		return m.g.err
	case over != errOver: //nolint:errorlint // the very value end puts there.
		return over
	}
	m.w.transactions.Add(1)
	t.runAfter()
	return nil
}

func (m *member) exec(_ context.Context, query string, args []any) (int64, error) {
	if err := m.mark(); err != nil {
		return 0, err
	}
	// SQLite answers an interrupt in the middle of a write by rolling back the whole
	// transaction, neighbours included; statements here run to their end.
	n, err := m.w.cache.exec(m.w.base, query, args)
	return n, m.judge(err)
}

func (m *member) query(_ context.Context, query string, args []any) (*sql.Rows, error) {
	if verb(query) != selects {
		if err := m.mark(); err != nil {
			return nil, err
		}
	}
	rows, err := m.w.cache.query(m.w.base, query, args)
	return rows, m.judge(err)
}

// mark sets the savepoint before the first statement that may write.
func (m *member) mark() error {
	if m.g.err != nil {
		return m.g.err
	}
	m.g.wrote = true
	if m.marked || m.single {
		return nil
	}
	_, err := m.w.cache.exec(m.w.base, "SAVEPOINT member", nil)
	if err != nil {
		return m.judge(err)
	}
	m.marked = true
	return nil
}

// judge dooms the whole group after an error that may have ended its transaction.
func (m *member) judge(err error) error {
	if err != nil && m.g.err == nil && spoils(err) {
		m.g.err = err
	}
	return err
}
