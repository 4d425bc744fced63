package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// ErrNotEmpty says that there is a database already where one should be made.
var ErrNotEmpty = errors.New("there is a database already; nothing of it was touched")

// Loader fills a new database. Nothing of it exists for others before the function it was
// given to has returned nil.
type Loader struct {
	conn   *sql.Conn
	engine string
}

// Load makes a new database whose schema is that of the migration version, lets fn fill
// it, and then brings the schema up to date. It takes as long as it takes. When fn fails,
// or the process is killed, there is no database: on SQLite the file gets its name last,
// and on PostgreSQL everything is one transaction in an empty database.
//
// Errors: ErrNotEmpty, and a version this program does not know.
func Load(ctx context.Context, o Options, version int, fn func(*Loader) error) error {
	all, err := loadMigrations(embedded)
	if err != nil {
		return err
	}
	if version < 1 || version > len(all) {
		return fmt.Errorf("schema version %d is unknown, this program knows %d: run the newer program", version, len(all))
	}
	switch scheme, rest, _ := strings.Cut(o.URL, ":"); scheme {
	case "sqlite":
		return loadSQLite(ctx, strings.TrimPrefix(rest, "//"), all, version, fn)
	case "postgres", "postgresql":
		return loadPostgres(ctx, o.URL, all, version, fn)
	}
	return errors.New("database URL needs sqlite: or postgres: in front")
}

// restoring is the suffix of a file that is not a database yet.
const restoring = ".restoring"

func loadSQLite(ctx context.Context, path string, all []migration, version int, fn func(*Loader) error) (err error) {
	if path, err = filepath.Abs(path); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	lock, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // the path is the operator's.
	if err != nil {
		return err
	}
	defer lock.Close() //nolint:errcheck // nothing was written.
	if err := lockFile(lock); err != nil {
		return fmt.Errorf("%s is in use by another process", path)
	}
	if info, err := os.Stat(path); err == nil && info.Size() > 0 {
		return fmt.Errorf("%s: %w", path, ErrNotEmpty)
	}
	unfinished := path + restoring
	clean := func() error {
		var all []error
		for _, suffix := range []string{"", "-wal", "-shm", "-journal"} {
			if err := os.Remove(unfinished + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
				all = append(all, err)
			}
		}
		return errors.Join(all...)
	}
	if err := clean(); err != nil { // what an earlier one left
		return err
	}
	defer clean() //nolint:errcheck // after success there is nothing to remove.
	if err := fill(ctx, unfinished, all, version, fn); err != nil {
		return err
	}
	return publish(unfinished, path)
}

// fill makes the file. It needs no journal: until it is renamed nobody misses it.
func fill(ctx context.Context, path string, all []migration, version int, fn func(*Loader) error) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|os.O_EXCL, 0o600) //nolint:gosec // the path is the operator's.
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	files, err := pool(path, 1, "journal_mode(MEMORY)", "synchronous(OFF)", "locking_mode(EXCLUSIVE)", "cache_size(-64000)")
	if err != nil {
		return err
	}
	defer files.Close() //nolint:errcheck // closed below after success.
	conn, err := files.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // closed below after success.
	log := slog.New(slog.DiscardHandler)
	if err := migrateTo(ctx, conn, sqliteDialect, all[:version], log); err != nil {
		return err
	}
	if err := within(ctx, conn, "sqlite", "BEGIN IMMEDIATE", fn); err != nil {
		return err
	}
	if err := migrateTo(ctx, conn, sqliteDialect, all, log); err != nil {
		return err
	}
	for _, check := range []string{"PRAGMA foreign_key_check", "PRAGMA quick_check"} {
		if err := sound(ctx, conn, check); err != nil {
			return err
		}
	}
	return errors.Join(conn.Close(), files.Close())
}

// sound runs a check that returns a row for each flaw, or one that says ok.
func sound(ctx context.Context, conn *sql.Conn, check string) error {
	rows, err := conn.QueryContext(ctx, check)
	if err != nil {
		return err
	}
	defer rows.Close() //nolint:errcheck // Err below says it all.
	for rows.Next() {
		columns, err := rows.Columns()
		if err != nil {
			return err
		}
		var what sql.NullString
		dest := []any{&what}
		for range columns[1:] {
			dest = append(dest, new(any))
		}
		if err := rows.Scan(dest...); err != nil {
			return err
		}
		if what.String != "ok" {
			return fmt.Errorf("%s: %s", check, what.String)
		}
	}
	return rows.Err()
}

// publish makes the file durable and gives it its name.
func publish(from, to string) error {
	f, err := os.OpenFile(from, os.O_RDWR, 0o600) //nolint:gosec // the path is the operator's.
	if err != nil {
		return err
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(from, to); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(to))
	if err != nil {
		return err
	}
	dir.Sync() //nolint:errcheck // not every system can.
	return dir.Close()
}

func loadPostgres(ctx context.Context, address string, all []migration, version int, fn func(*Loader) error) error {
	config, err := pgx.ParseConfig(address)
	if err != nil {
		return fmt.Errorf("database URL: %w", err) // pgx hides the password
	}
	pool := stdlib.OpenDB(*config)
	defer pool.Close() //nolint:errcheck // the transaction says it all.
	conn, err := pool.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // as above.
	log := slog.New(slog.DiscardHandler)
	if err := emptyAt(ctx, conn, version); err != nil {
		return err
	}
	if err := migrateTo(ctx, conn, postgresDialect, all[:version], log); err != nil {
		return err
	}
	if err := within(ctx, conn, "postgres", "BEGIN", fn); err != nil {
		return err
	}
	return migrateTo(ctx, conn, postgresDialect, all, log)
}

// emptyAt refuses a database that a server has used, which is one with a row in meta, or
// one with a newer schema.
func emptyAt(ctx context.Context, conn *sql.Conn, version int) error {
	list, err := tables(ctx, conn, "postgres")
	if err != nil || len(list) == 0 {
		return err
	}
	var have int
	if err := conn.QueryRowContext(ctx, "SELECT COALESCE(MAX(version), 0) FROM schema_migrations").Scan(&have); err != nil {
		return err
	}
	if have > version {
		return fmt.Errorf("%w: its schema has version %d and the backup %d; restore into a database without tables", ErrNotEmpty, have, version)
	}
	var used bool
	if err := conn.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM meta)").Scan(&used); err != nil {
		return err
	}
	if used {
		return ErrNotEmpty
	}
	return nil
}

// within runs fn in one transaction of a connection.
func within(ctx context.Context, conn *sql.Conn, engine, begin string, fn func(*Loader) error) (err error) {
	if _, err := conn.ExecContext(ctx, begin); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK") //nolint:errcheck // err tells.
		}
	}()
	l := &Loader{conn: conn, engine: engine}
	if err := l.clear(ctx); err != nil {
		return err
	}
	if err := fn(l); err != nil {
		return err
	}
	_, err = conn.ExecContext(ctx, "COMMIT")
	return err
}

// Tables lists the tables there are, see Snapshot.Tables.
func (l *Loader) Tables(ctx context.Context) ([]Table, error) { return tables(ctx, l.conn, l.engine) }

// clear takes away the rows that migrations made.
func (l *Loader) clear(ctx context.Context) error {
	list, err := l.Tables(ctx)
	if err != nil {
		return err
	}
	for _, t := range slices.Backward(list) { // children first
		if _, err := l.Exec(ctx, "DELETE FROM "+t.Name); err != nil {
			return fmt.Errorf("clear %s: %w", t.Name, err)
		}
	}
	return nil
}

// loadRows is how many rows one statement writes.
const loadRows = 100

// Insert writes rows, values in the order of the table's columns, as Snapshot.Rows gives
// them.
func (l *Loader) Insert(ctx context.Context, t Table, rows [][]any) error {
	for len(rows) > 0 {
		n := min(loadRows, len(rows), 30_000/len(t.Columns))
		args := make([]any, 0, n*len(t.Columns))
		for _, r := range rows[:n] {
			args = append(args, r...)
		}
		if _, err := l.Exec(ctx, "INSERT INTO "+t.Name+" ("+t.columns()+") VALUES "+Tuples(n, len(t.Columns)), args...); err != nil {
			return fmt.Errorf("fill %s: %w", t.Name, err)
		}
		rows = rows[n:]
	}
	return nil
}

// Exec runs one statement and says how many rows it changed.
func (l *Loader) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	if l.engine == "sqlite" {
		query = rebind(query)
	}
	res, err := l.conn.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// Int runs a statement that returns one number.
func (l *Loader) Int(ctx context.Context, query string) (int64, error) {
	var n int64
	err := l.conn.QueryRowContext(ctx, query).Scan(&n)
	return n, err
}
