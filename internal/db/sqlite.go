package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	_ "modernc.org/sqlite" // the driver named "sqlite"

	"github.com/tigertally/tigertally/internal/errs"
)

// oldestSQLite is the first version without the race that corrupts a WAL being reset
// while another connection writes.
const oldestSQLite = "3.51.3"

// lite is SQLite: one connection writes, a few others only read.
type lite struct {
	*writer
	writers *sql.DB
	readers *sql.DB
	reads   *stmtCache
	lock    *os.File
}

func openSQLite(ctx context.Context, d *DB, path string, o Options) (_ engine, err error) {
	if path == "" || strings.HasPrefix(path, ":") {
		return nil, errors.New("database URL sqlite: needs the path of a file")
	}
	if path, err = filepath.Abs(path); err != nil {
		return nil, err
	}
	l := &lite{}
	defer func() {
		if err != nil {
			l.closeAll() //nolint:errcheck // the error that led here is the one to tell.
		}
	}()
	if l.lock, err = claim(path); err != nil {
		return nil, err
	}
	if o.Readers <= 0 {
		o.Readers = 6
	}
	if l.writers, err = pool(path, 1, "busy_timeout(200)", "journal_mode(WAL)", "synchronous(FULL)", "wal_autocheckpoint(2000)", "journal_size_limit(67108864)"); err != nil {
		return nil, err
	}
	conn, err := l.writers.Conn(ctx)
	if err != nil {
		return nil, err
	}
	if err := checkSQLite(ctx, conn); err != nil {
		return nil, err
	}
	if err := migrate(ctx, conn, sqliteDialect, o.Logger); err != nil {
		return nil, err
	}
	if l.readers, err = pool(path, o.Readers, "busy_timeout(5000)", "query_only(1)"); err != nil {
		return nil, err
	}
	l.reads = newCache(l.readers, false)
	l.writer = &writer{
		d: d, conn: conn, cache: newCache(conn, true), base: context.WithoutCancel(ctx),
		limit: o.TxLimit, patient: o.TxLimit / 2,
		broken: make(chan struct{}),
	}
	return l, nil
}

// claim creates the file, readable by its owner alone, and locks it against other
// processes. The lock is on a file beside it, for SQLite has locks of its own.
func claim(path string) (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	lock, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // the path is the operator's.
	if err != nil {
		return nil, err
	}
	if err := lockFile(lock); err != nil {
		lock.Close() //nolint:errcheck // nothing was written.
		return nil, fmt.Errorf("%s is in use by another process: stop that one first, or give this one a file of its own", path)
	}
	// SQLite gives its -wal and -shm files the mode of the database.
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // the path is the operator's.
	if err != nil {
		lock.Close() //nolint:errcheck // nothing was written.
		return nil, err
	}
	return lock, f.Close()
}

// pool opens up to n connections that begin with the given pragmas.
func pool(path string, n int, pragmas ...string) (*sql.DB, error) {
	v := url.Values{}
	common := []string{"foreign_keys(1)", "temp_store(MEMORY)", "cache_size(-16000)", "trusted_schema(0)"}
	for _, p := range append(common, pragmas...) {
		v.Add("_pragma", p)
	}
	name := "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + v.Encode()
	db, err := sql.Open("sqlite", name)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(n)
	db.SetMaxIdleConns(n)
	return db, nil
}

func checkSQLite(ctx context.Context, conn *sql.Conn) error {
	var version, mode string
	if err := conn.QueryRowContext(ctx, "SELECT sqlite_version()").Scan(&version); err != nil {
		return err
	}
	if older(version, oldestSQLite) {
		return fmt.Errorf("SQLite %s can corrupt a database: need %s or newer", version, oldestSQLite)
	}
	if err := conn.QueryRowContext(ctx, "PRAGMA journal_mode").Scan(&mode); err != nil {
		return err
	}
	if mode != "wal" {
		return fmt.Errorf("the file system does not support a write-ahead log (journal mode is %s)", mode)
	}
	return nil
}

// older compares dotted versions by number.
func older(version, than string) bool {
	a, b := strings.Split(version, "."), strings.Split(than, ".")
	for i := range b {
		var x int
		if i < len(a) {
			x, _ = strconv.Atoi(a[i])
		}
		if y, _ := strconv.Atoi(b[i]); x != y {
			return x < y
		}
	}
	return false
}

func (l *lite) query(ctx context.Context, query string, args []any) (*sql.Rows, error) {
	return l.reads.query(ctx, query, args)
}

// queryRow does not listen to ctx while it reads. The driver would start a goroutine
// for it, which makes a read by key take about twice as long.
func (l *lite) queryRow(ctx context.Context, query string, args []any) (*sql.Rows, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if s := l.readers.Stats(); s.InUse < s.MaxOpenConnections {
		ctx = l.base
	} // else there is a line to wait in, which must end with ctx
	return l.reads.query(ctx, query, args)
}

func (l *lite) ping(ctx context.Context) error {
	var one int
	return l.readers.QueryRowContext(ctx, "SELECT 1").Scan(&one)
}

func (w *writer) stats() Stats {
	return Stats{
		Transactions: w.transactions.Load(), Commits: w.commits.Load(),
		Rollbacks: w.rollbacks.Load(), Retries: w.retries.Load(),
	}
}

func (w *writer) retried() { w.retries.Add(1) }

func (w *writer) failed() <-chan struct{} { return w.broken }

// close waits for the running group; those who come later are refused.
func (l *lite) close() error {
	ctx, cancel := context.WithTimeout(l.base, l.limit+time.Second)
	defer cancel()
	_, err := l.acquire(ctx)
	l.mu.Lock()
	if l.refused == nil {
		l.refused = errs.New(errs.Unavailable).Because(errors.New("database is closed"))
	}
	l.mu.Unlock()
	l.cache.close()
	l.reads.close()
	if e := l.conn.Close(); err == nil {
		err = e
	}
	if e := l.closeAll(); err == nil {
		err = e
	}
	return err
}

func (l *lite) closeAll() error {
	var all []error
	if l.readers != nil {
		all = append(all, l.readers.Close())
	}
	if l.writers != nil {
		all = append(all, l.writers.Close())
	}
	if l.lock != nil {
		all = append(all, l.lock.Close())
	}
	return errors.Join(all...)
}
