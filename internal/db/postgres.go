package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// oldestPostgres is the oldest release that is still maintained.
const oldestPostgres = 140000

// postgres is one pool of connections.
type postgres struct {
	d     *DB
	pool  *sql.DB
	limit time.Duration

	transactions, rollbacks, retries atomic.Uint64
}

func openPostgres(ctx context.Context, d *DB, o Options) (engine, error) {
	config, err := pgx.ParseConfig(o.URL)
	if err != nil {
		return nil, fmt.Errorf("database URL: %w", err) // pgx hides the password
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = 3 * time.Second
	}
	millis := strconv.FormatInt(o.TxLimit.Milliseconds(), 10)
	defaults := map[string]string{
		"application_name":                    "tigertally",
		"default_transaction_isolation":       "read committed",
		"lock_timeout":                        strconv.FormatInt(o.TxLimit.Milliseconds()/2, 10),
		"statement_timeout":                   millis,
		"idle_in_transaction_session_timeout": millis,
	}
	for name, value := range defaults {
		if _, set := config.RuntimeParams[name]; !set {
			config.RuntimeParams[name] = value
		}
	}
	if o.Readers <= 0 {
		o.Readers = 16
	}
	p := &postgres{d: d, pool: stdlib.OpenDB(*config), limit: o.TxLimit}
	p.pool.SetMaxOpenConns(o.Readers)
	p.pool.SetMaxIdleConns(o.Readers)
	p.pool.SetConnMaxIdleTime(5 * time.Minute)
	p.pool.SetConnMaxLifetime(30 * time.Minute)
	if err := p.prepare(ctx, o); err != nil {
		p.pool.Close() //nolint:errcheck // the first error is the one to tell.
		return nil, err
	}
	return p, nil
}

func (p *postgres) prepare(ctx context.Context, o Options) error {
	conn, err := p.pool.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // it only returns to the pool.
	var version int
	if err := conn.QueryRowContext(ctx, "SELECT current_setting('server_version_num')::int").Scan(&version); err != nil {
		return err
	}
	if version < oldestPostgres {
		return fmt.Errorf("PostgreSQL %d is too old: need %d or newer", version/10000, oldestPostgres/10000)
	}
	return migrate(ctx, conn, postgresDialect, o.Logger)
}

func (p *postgres) inTx(ctx context.Context, fn func(ctx context.Context) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, p.limit, overLimit())
	defer cancel()
	native, err := p.pool.BeginTx(ctx, nil)
	if err != nil {
		p.rollbacks.Add(1)
		return p.because(ctx, fmt.Errorf("begin: %w", unsent(err)))
	}
	t := &tx{d: p.d, run: pgTx{native}}
	committed := false
	defer func() { // also when fn panicked or left the goroutine
		t.mu.Lock()
		t.end(errAbandoned)
		t.mu.Unlock()
		if !committed {
			p.rollbacks.Add(1)
			native.Rollback() //nolint:errcheck // the error that led here is the one to tell.
		}
	}()
	if err := t.verdict(ctx, fn(context.WithValue(ctx, txKey{}, t))); err != nil {
		return p.because(ctx, err)
	}
	t.mu.Lock()
	t.end(nil)
	t.mu.Unlock()
	if err := native.Commit(); err != nil {
		return p.because(ctx, fmt.Errorf("commit: %w", err))
	}
	committed = true
	p.transactions.Add(1)
	t.runAfter()
	return nil
}

// because prefers the reason the context ended to the driver's word for it.
func (p *postgres) because(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		return err
	}
	return fmt.Errorf("%w (%v)", context.Cause(ctx), err) //nolint:errorlint // one reason decides the answer.
}

func (p *postgres) exec(ctx context.Context, query string, args []any) (int64, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, p.limit, overLimit())
	defer cancel()
	n, err := pgExec(ctx, p.pool, query, args)
	if err != nil {
		p.rollbacks.Add(1)
		return 0, p.because(ctx, unsent(err))
	}
	p.transactions.Add(1)
	return n, nil
}

func (p *postgres) query(ctx context.Context, query string, args []any) (*sql.Rows, error) {
	rows, err := p.pool.QueryContext(ctx, query, args...)
	return rows, unsent(err)
}

// errUnsent is a statement that met only connections that were closed already. The pool
// tries three, which is too few when many callers give up at once, as each takes its
// connection with it.
var errUnsent = errors.New("no connection was alive")

// unsent marks such errors. A commit is never one: whether the server had it is not known.
func unsent(err error) error {
	if errors.Is(err, driver.ErrBadConn) {
		return fmt.Errorf("%w: %w", errUnsent, err)
	}
	return err
}

func (p *postgres) queryRow(ctx context.Context, query string, args []any) (*sql.Rows, error) {
	return p.query(ctx, query, args)
}

func (p *postgres) ping(ctx context.Context) error { return p.pool.PingContext(ctx) }

func (p *postgres) stats() Stats {
	n := p.transactions.Load()
	return Stats{Transactions: n, Commits: n, Rollbacks: p.rollbacks.Load(), Retries: p.retries.Load()}
}

func (p *postgres) retried() { p.retries.Add(1) }

// failed never happens here: the server looks after its own disk.
func (p *postgres) failed() <-chan struct{} { return nil }

func (p *postgres) close() error { return p.pool.Close() }

type pgTx struct{ tx *sql.Tx }

func (t pgTx) exec(ctx context.Context, query string, args []any) (int64, error) {
	return pgExec(ctx, t.tx, query, args)
}

func (t pgTx) query(ctx context.Context, query string, args []any) (*sql.Rows, error) {
	return t.tx.QueryContext(ctx, query, args...)
}

func pgExec(ctx context.Context, on interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}, query string, args []any,
) (int64, error) {
	res, err := on.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}
