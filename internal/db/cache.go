package db

import (
	"context"
	"database/sql"
	"sync"
)

// cacheSize bounds the prepared statements of one connection or pool. The program has
// some two hundred; lists of varying length are the only ones that come and go.
const cacheSize = 512

// preparer is a *sql.Conn or a *sql.DB.
type preparer interface {
	PrepareContext(ctx context.Context, query string) (*sql.Stmt, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// stmtCache keeps statements prepared, under the text their owners wrote.
type stmtCache struct {
	on preparer
	// single says that on is one connection: a statement whose rows are still being
	// read cannot be run again there.
	single bool

	mu    sync.RWMutex
	stmts map[string]*prepared
}

type prepared struct {
	*sql.Stmt
	last *sql.Rows
}

func newCache(on preparer, single bool) *stmtCache {
	return &stmtCache{on: on, single: single, stmts: make(map[string]*prepared)}
}

func (c *stmtCache) exec(ctx context.Context, query string, args []any) (int64, error) {
	s, err := c.get(ctx, query)
	if err != nil {
		return 0, err
	}
	var res sql.Result
	if s.busy() {
		res, err = c.on.ExecContext(ctx, rebind(query), args...)
	} else {
		res, err = s.ExecContext(ctx, args...)
	}
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

func (c *stmtCache) query(ctx context.Context, query string, args []any) (*sql.Rows, error) {
	s, err := c.get(ctx, query)
	if err != nil {
		return nil, err
	}
	if s.busy() {
		return c.on.QueryContext(ctx, rebind(query), args...)
	}
	rows, err := s.QueryContext(ctx, args...)
	if c.single {
		s.last = rows
	}
	return rows, err
}

// busy reports whether the rows of the last run are still open.
func (s *prepared) busy() bool {
	if s.last == nil {
		return false
	}
	if _, err := s.last.Columns(); err == nil {
		return true
	}
	s.last = nil
	return false
}

func (c *stmtCache) get(ctx context.Context, query string) (*prepared, error) {
	c.mu.RLock()
	s := c.stmts[query]
	c.mu.RUnlock()
	if s != nil {
		return s, nil
	}
	stmt, err := c.on.PrepareContext(ctx, rebind(query))
	if err != nil {
		return nil, err
	}
	s = &prepared{Stmt: stmt}
	c.mu.Lock()
	defer c.mu.Unlock()
	if old := c.stmts[query]; old != nil {
		stmt.Close() //nolint:errcheck,sqlclosecheck // somebody was faster; theirs is used.
		return old, nil
	}
	if len(c.stmts) >= cacheSize {
		c.evict()
	}
	c.stmts[query] = s
	return s, nil
}

// evict drops any one statement. Rows still being read keep theirs alive.
func (c *stmtCache) evict() {
	for query, s := range c.stmts {
		if s.busy() {
			continue
		}
		delete(c.stmts, query)
		s.Close() //nolint:errcheck // closing a statement has no result worth having.
		return
	}
}

func (c *stmtCache) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for query, s := range c.stmts {
		delete(c.stmts, query)
		s.Close() //nolint:errcheck // the connection closes right after.
	}
}
