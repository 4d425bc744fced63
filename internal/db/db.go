// Package db owns the connection to the database, its transactions and its schema.
// One SQL text, written for PostgreSQL with $1, runs on SQLite and on PostgreSQL. It
// knows no table but meta and its list of migrations: statements live with their owners.
package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/tigertally/tigertally/internal/errs"
)

// ErrNoRows is what Row.Scan returns when the statement gave no row.
var ErrNoRows = sql.ErrNoRows

// Options says which database to open and how.
type Options struct {
	// URL is "sqlite:/path/file.db" or a PostgreSQL address, "postgres://...".
	URL string
	// Readers bounds the read connections on SQLite (default 6) and all
	// connections on PostgreSQL (default 16).
	Readers int
	// TxLimit is the longest a transaction may take, 10 s by default. Waiting for
	// a turn to write is limited to half of it.
	TxLimit time.Duration
	// Logger hears of migrations and of storage that failed; nil is silent.
	Logger *slog.Logger
}

// engine is what differs between the two databases.
type engine interface {
	// inTx runs fn once in a transaction and returns when it is durable.
	inTx(ctx context.Context, fn func(ctx context.Context) error) error
	// exec runs one statement in a transaction of its own.
	exec(ctx context.Context, query string, args []any) (int64, error)
	// query reads outside any transaction.
	query(ctx context.Context, query string, args []any) (*sql.Rows, error)
	// queryRow is query for a short statement of which one row is read at once.
	queryRow(ctx context.Context, query string, args []any) (*sql.Rows, error)
	ping(ctx context.Context) error
	stats() Stats
	failed() <-chan struct{}
	close() error
}

// DB is an open database. Its methods may be called from many goroutines.
type DB struct {
	engine engine
}

// Open opens the database, brings its schema up to date and returns it ready for use.
// A SQLite file is locked against a second process until Close.
func Open(ctx context.Context, o Options) (*DB, error) {
	if o.TxLimit <= 0 {
		o.TxLimit = 10 * time.Second
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	d := &DB{}
	var err error
	switch scheme, rest, _ := strings.Cut(o.URL, ":"); scheme {
	case "sqlite":
		d.engine, err = openSQLite(ctx, d, strings.TrimPrefix(rest, "//"), o)
	case "postgres", "postgresql":
		d.engine, err = openPostgres(ctx, d, o)
	default:
		// The URL may hold a password: it is not repeated.
		err = errors.New("database URL needs sqlite: or postgres: in front")
	}
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	return d, nil
}

// Close waits for running transactions and closes the database.
func (d *DB) Close() error { return d.engine.close() }

// Alone reports whether no other process can have the database open.
func (d *DB) Alone() bool {
	_, file := d.engine.(*lite)
	return file
}

// Ping asks whether the database answers.
func (d *DB) Ping(ctx context.Context) error { return refusal(d.engine.ping(ctx)) }

// Stats counts the work done since Open.
func (d *DB) Stats() Stats { return d.engine.stats() }

// Failed is closed when the storage broke a promise, for example when a disk refused
// to make a commit durable. Nothing is written after that; the process should end and
// start anew, because a later success of the same disk proves nothing.
func (d *DB) Failed() <-chan struct{} { return d.engine.failed() }

// Stats counts transactions since Open.
type Stats struct {
	// Transactions is how many were committed.
	Transactions uint64
	// Commits is how many times they were made durable: on SQLite, neighbours in
	// time share one.
	Commits uint64
	// Rollbacks is how many transactions failed.
	Rollbacks uint64
	// Retries is how many were run again after a conflict.
	Retries uint64
}

// Exec runs a statement that returns no rows and says how many it changed. Outside
// InTx it is a transaction of its own and durable when Exec returns.
func (d *DB) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	if t := d.txFrom(ctx); t != nil {
		return t.exec(ctx, query, args)
	}
	var n int64
	err := d.retry(ctx, func() (err error) {
		n, err = d.engine.exec(ctx, query, args)
		return err
	})
	return n, err
}

// Query runs a statement that returns rows; close them. Outside InTx it only reads.
func (d *DB) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if t := d.txFrom(ctx); t != nil {
		return t.query(ctx, query, args)
	}
	return d.read(ctx, d.engine.query, query, args)
}

func (d *DB) read(ctx context.Context, query func(context.Context, string, []any) (*sql.Rows, error), text string, args []any) (*sql.Rows, error) {
	if verb(text) == other {
		return nil, fmt.Errorf("a statement that writes needs a transaction: %.60s", text)
	}
	var rows *sql.Rows
	err := d.retry(ctx, func() (err error) {
		rows, err = query(ctx, text, args) //nolint:sqlclosecheck,rowserrcheck // the caller reads and closes them.
		return err
	})
	return rows, err
}

// QueryRow is Query for one row. The statement runs when Scan is called.
func (d *DB) QueryRow(ctx context.Context, query string, args ...any) *Row {
	return &Row{d: d, ctx: ctx, query: query, args: args}
}

// Row is one row to be read.
type Row struct {
	d     *DB
	ctx   context.Context //nolint:containedctx // a Row lives for one expression, as sql.Row does.
	query string
	args  []any
}

// Scan runs the statement and copies its first row; ErrNoRows says there is none.
func (r *Row) Scan(dest ...any) error {
	rows, err := r.run()
	if err != nil {
		return err
	}
	defer rows.Close() //nolint:errcheck // the error that matters is that of Next, Scan or the Close below.
	if !rows.Next() {
		if err := rows.Err(); err != nil {
			return refusal(err)
		}
		return ErrNoRows
	}
	if err := rows.Scan(dest...); err != nil {
		return fmt.Errorf("scan row: %w", err)
	}
	if verb(r.query) != selects {
		for rows.Next() { // a statement that writes is complete only at its end
		}
	}
	if err := rows.Close(); err != nil {
		return refusal(err)
	}
	return refusal(rows.Err())
}

func (r *Row) run() (*sql.Rows, error) {
	if t := r.d.txFrom(r.ctx); t != nil {
		return t.query(r.ctx, r.query, r.args)
	}
	return r.d.read(r.ctx, r.d.engine.queryRow, r.query, r.args)
}

// maxTries bounds how often a transaction that lost a conflict is run.
const maxTries = 4

// retry runs once until it succeeds or fails for a reason that will not go away.
func (d *DB) retry(ctx context.Context, once func() error) error {
	for try := 1; ; try++ {
		err := once()
		if err == nil || try == maxTries || !conflict(err) || ctx.Err() != nil {
			return refusal(err)
		}
		d.countRetry()
		pause := time.NewTimer(time.Duration(try*try) * 4 * time.Millisecond)
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return refusal(err)
		}
	}
}

func (d *DB) countRetry() {
	if c, ok := d.engine.(interface{ retried() }); ok {
		c.retried()
	}
}

// overLimit ends a transaction that took longer than Options.TxLimit.
func overLimit() error {
	return errs.New(errs.Unavailable).Because(errors.New("transaction took longer than its limit"))
}
