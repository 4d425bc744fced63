package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// Kind is what a column holds. The two engines share no others.
type Kind string

// The kinds of columns.
const (
	Text  Kind = "text"
	Int   Kind = "int"
	Bool  Kind = "bool"
	Bytes Kind = "bytes"
)

// Table is a table with its columns in order.
type Table struct {
	Name    string   `json:"name"`
	Columns []Column `json:"columns"`
}

// Column is one column of a Table.
type Column struct {
	Name string `json:"name"`
	Kind Kind   `json:"kind"`
}

// Snapshot is the whole database at one moment: what is committed later is not in it.
// It ends with the function it was given to.
type Snapshot struct {
	run    queryer
	engine string
}

type queryer interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// snapshotter is an engine that can show the database at one moment, however long that
// takes to read, without holding up those who write.
type snapshotter interface {
	snapshot(ctx context.Context, fn func(*Snapshot) error) error
}

// Snapshot calls fn with the database as it is now.
func (d *DB) Snapshot(ctx context.Context, fn func(*Snapshot) error) error {
	s, ok := d.engine.(snapshotter)
	if !ok {
		return errors.New("this database has no snapshots")
	}
	return refusal(s.snapshot(ctx, fn))
}

// View calls fn with the database as it is now, beside a server that may be using it. It
// writes nothing, brings no schema up to date and refuses one it does not know.
func View(ctx context.Context, o Options, fn func(*Snapshot) error) error {
	var err error
	switch scheme, rest, _ := strings.Cut(o.URL, ":"); scheme {
	case "sqlite":
		err = viewSQLite(ctx, strings.TrimPrefix(rest, "//"), fn)
	case "postgres", "postgresql":
		err = viewPostgres(ctx, o.URL, fn)
	default:
		err = errors.New("database URL needs sqlite: or postgres: in front")
	}
	if err != nil {
		return fmt.Errorf("read database: %w", err)
	}
	return nil
}

func viewSQLite(ctx context.Context, path string, fn func(*Snapshot) error) (err error) {
	if path, err = filepath.Abs(path); err != nil {
		return err
	}
	v := url.Values{"mode": {"rw"}, "_pragma": {"busy_timeout(5000)", "query_only(1)", "trusted_schema(0)", "cache_size(-16000)"}}
	pool, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?"+v.Encode())
	if err != nil {
		return err
	}
	defer pool.Close() //nolint:errcheck // nothing was written.
	return liteSnapshot(ctx, pool, fn)
}

func (l *lite) snapshot(ctx context.Context, fn func(*Snapshot) error) error {
	return liteSnapshot(ctx, l.readers, fn)
}

// liteSnapshot holds a read transaction, which in a write-ahead log sees one moment.
func liteSnapshot(ctx context.Context, pool *sql.DB, fn func(*Snapshot) error) error {
	conn, err := pool.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // it returns to the pool.
	if _, err := conn.ExecContext(ctx, "BEGIN"); err != nil {
		return err
	}
	defer conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK") //nolint:errcheck // nothing was written.
	s := &Snapshot{run: conn, engine: "sqlite"}
	if err := s.check(ctx); err != nil { // the first read fixes the moment
		return err
	}
	return fn(s)
}

func viewPostgres(ctx context.Context, address string, fn func(*Snapshot) error) error {
	config, err := pgx.ParseConfig(address)
	if err != nil {
		return fmt.Errorf("database URL: %w", err) // pgx hides the password
	}
	pool := stdlib.OpenDB(*config)
	defer pool.Close() //nolint:errcheck // nothing was written.
	return postgresSnapshot(ctx, pool, fn)
}

func (p *postgres) snapshot(ctx context.Context, fn func(*Snapshot) error) error {
	return postgresSnapshot(ctx, p.pool, fn)
}

func postgresSnapshot(ctx context.Context, pool *sql.DB, fn func(*Snapshot) error) error {
	tx, err := pool.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // nothing was written.
	// Reading a large table takes longer than any request may.
	for _, name := range []string{"statement_timeout", "idle_in_transaction_session_timeout"} {
		if _, err := tx.ExecContext(ctx, "SET LOCAL "+name+" = 0"); err != nil {
			return err
		}
	}
	s := &Snapshot{run: tx, engine: "postgres"}
	if err := s.check(ctx); err != nil {
		return err
	}
	return fn(s)
}

// check refuses a schema that this program does not know.
func (s *Snapshot) check(ctx context.Context) error {
	all, err := loadMigrations(embedded)
	if err != nil {
		return err
	}
	rows, err := s.run.QueryContext(ctx, "SELECT version, checksum FROM schema_migrations")
	if err != nil {
		return err
	}
	done, err := readApplied(rows)
	if err != nil {
		return err
	}
	return known(all, done)
}

// Version is the number of the newest migration the schema has had.
func (s *Snapshot) Version(ctx context.Context) (int, error) {
	var version int
	rows, err := s.run.QueryContext(ctx, "SELECT MAX(version) FROM schema_migrations")
	if err != nil {
		return 0, err
	}
	defer rows.Close() //nolint:errcheck // Err below says it all.
	for rows.Next() {
		if err := rows.Scan(&version); err != nil {
			return 0, err
		}
	}
	return version, rows.Err()
}

// Tables lists every table but the list of migrations. A table comes after those its rows
// refer to, because it was made after them.
func (s *Snapshot) Tables(ctx context.Context) ([]Table, error) {
	return tables(ctx, s.run, s.engine)
}

func tables(ctx context.Context, run queryer, engine string) ([]Table, error) {
	query := map[string]string{
		"sqlite": `SELECT t.name, c.name, UPPER(c.type) FROM sqlite_schema t JOIN pragma_table_info(t.name) c
			WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite!_%' ESCAPE '!' ORDER BY t.rowid, c.cid`,
		"postgres": `SELECT t.relname, c.attname, UPPER(format_type(c.atttypid, NULL))
			FROM pg_class t JOIN pg_attribute c ON c.attrelid = t.oid
			WHERE t.relkind = 'r' AND t.relnamespace = current_schema()::regnamespace
			AND c.attnum > 0 AND NOT c.attisdropped ORDER BY t.oid, c.attnum`,
	}[engine]
	rows, err := run.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // Err below says it all.
	var all []Table
	for rows.Next() {
		var table, column, declared string
		if err := rows.Scan(&table, &column, &declared); err != nil {
			return nil, err
		}
		if table == "schema_migrations" {
			continue
		}
		kind, ok := map[string]Kind{"TEXT": Text, "BIGINT": Int, "BOOLEAN": Bool, "BYTEA": Bytes}[declared]
		if !ok {
			return nil, fmt.Errorf("column %s.%s is of the type %s, which not both engines have", table, column, declared)
		}
		if len(all) == 0 || all[len(all)-1].Name != table {
			all = append(all, Table{Name: table})
		}
		t := &all[len(all)-1]
		t.Columns = append(t.Columns, Column{column, kind})
	}
	return all, rows.Err()
}

// Rows calls fn with each row of a table, in no order: string, int64, bool, []byte or nil
// by the kind of the column. The slice is fn's until it returns.
func (s *Snapshot) Rows(ctx context.Context, t Table, fn func(values []any) error) error {
	rows, err := s.run.QueryContext(ctx, "SELECT "+t.columns()+" FROM "+t.Name)
	if err != nil {
		return fmt.Errorf("read %s: %w", t.Name, err)
	}
	defer rows.Close() //nolint:errcheck // Err below says it all.
	row := newRow(t)
	for rows.Next() {
		if err := rows.Scan(row.dest...); err != nil {
			return fmt.Errorf("read %s: %w", t.Name, err)
		}
		if err := fn(row.read()); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read %s: %w", t.Name, err)
	}
	return nil
}

func (t Table) columns() string {
	names := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		names[i] = `"` + c.Name + `"`
	}
	return strings.Join(names, ", ")
}

// row is where one row is scanned to.
type row struct {
	dest   []any
	values []any
}

func newRow(t Table) row {
	r := row{make([]any, len(t.Columns)), make([]any, len(t.Columns))}
	for i, c := range t.Columns {
		switch c.Kind {
		case Int:
			r.dest[i] = new(sql.NullInt64)
		case Bool:
			r.dest[i] = new(sql.NullBool)
		case Bytes:
			r.dest[i] = new([]byte)
		case Text:
			r.dest[i] = new(sql.NullString)
		}
	}
	return r
}

func (r row) read() []any {
	for i, d := range r.dest {
		r.values[i] = nil
		switch d := d.(type) {
		case *sql.NullInt64:
			if d.Valid {
				r.values[i] = d.Int64
			}
		case *sql.NullBool:
			if d.Valid {
				r.values[i] = d.Bool
			}
		case *[]byte:
			if *d != nil {
				r.values[i] = *d
			}
		case *sql.NullString:
			if d.Valid {
				r.values[i] = d.String
			}
		}
	}
	return r.values
}
