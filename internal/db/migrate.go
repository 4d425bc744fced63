package db

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strconv"
	"strings"
)

//go:embed migrations/*.sql
var embedded embed.FS

// dialect is what the migrations need to know about an engine.
type dialect struct {
	name, begin, lock, unlock string
}

// The number is ours alone: it keeps two nodes from migrating at once.
var (
	sqliteDialect   = dialect{name: "sqlite", begin: "BEGIN IMMEDIATE"}
	postgresDialect = dialect{
		name: "postgres", begin: "BEGIN",
		lock: "SELECT pg_advisory_lock(7464726974)", unlock: "SELECT pg_advisory_unlock(7464726974)",
	}
)

const createMigrations = `CREATE TABLE IF NOT EXISTS schema_migrations (
    version  BIGINT PRIMARY KEY,
    name     TEXT NOT NULL,
    checksum TEXT NOT NULL
)`

type migration struct {
	version  int
	name     string
	checksum string
	text     string
}

// migrate brings the schema to the newest version this program knows.
func migrate(ctx context.Context, conn *sql.Conn, d dialect, logger *slog.Logger) (err error) {
	all, err := loadMigrations(embedded)
	if err != nil {
		return err
	}
	return migrateTo(ctx, conn, d, all, logger)
}

func migrateTo(ctx context.Context, conn *sql.Conn, d dialect, all []migration, logger *slog.Logger) (err error) {
	if d.lock != "" {
		if _, err := conn.ExecContext(ctx, d.lock); err != nil {
			return fmt.Errorf("lock the schema: %w", err)
		}
		defer func() {
			_, e := conn.ExecContext(context.WithoutCancel(ctx), d.unlock)
			err = errors.Join(err, e)
		}()
	}
	if _, err := conn.ExecContext(ctx, createMigrations); err != nil {
		return fmt.Errorf("schema_migrations: %w", err)
	}
	done, err := applied(ctx, conn)
	if err != nil {
		return err
	}
	if err := known(all, done); err != nil {
		return err
	}
	for _, m := range all {
		if _, ok := done[m.version]; ok {
			continue
		}
		if err := apply(ctx, conn, d, m); err != nil {
			return fmt.Errorf("migration %s: %w", m.name, err)
		}
		logger.InfoContext(ctx, "schema migrated", "migration", m.name)
	}
	return nil
}

func applied(ctx context.Context, conn *sql.Conn) (map[int]string, error) {
	rows, err := conn.QueryContext(ctx, "SELECT version, checksum FROM schema_migrations")
	if err != nil {
		return nil, err
	}
	return readApplied(rows)
}

func readApplied(rows *sql.Rows) (map[int]string, error) {
	defer rows.Close() //nolint:errcheck // rows.Err tells.
	done := map[int]string{}
	for rows.Next() {
		var version int
		var checksum string
		if err := rows.Scan(&version, &checksum); err != nil {
			return nil, err
		}
		done[version] = checksum
	}
	return done, rows.Err()
}

// known refuses a schema that a newer program made, or one made from other files.
func known(all []migration, done map[int]string) error {
	newest := 0
	sums := map[int]migration{}
	for _, m := range all {
		newest = max(newest, m.version)
		sums[m.version] = m
	}
	for version, checksum := range done {
		m, ok := sums[version]
		if !ok {
			return fmt.Errorf("the database has schema version %d and this program knows %d: run the newer program", version, newest)
		}
		if m.checksum != checksum {
			return fmt.Errorf("migration %s is not the one this database was made with", m.name)
		}
	}
	return nil
}

func apply(ctx context.Context, conn *sql.Conn, d dialect, m migration) (err error) {
	if _, err := conn.ExecContext(ctx, d.begin); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK") //nolint:errcheck // err tells.
		}
	}()
	for _, s := range statements(m.text, d.name) {
		if _, err := conn.ExecContext(ctx, s); err != nil {
			return fmt.Errorf("%w in: %s", err, s)
		}
	}
	record := "INSERT INTO schema_migrations (version, name, checksum) VALUES ($1, $2, $3)"
	if d.name == "sqlite" {
		record = rebind(record)
	}
	if _, err := conn.ExecContext(ctx, record, m.version, m.name, m.checksum); err != nil {
		return err
	}
	_, err = conn.ExecContext(ctx, "COMMIT")
	return err
}

// statements splits a migration at semicolons that end a line. The comment
// "-- only: sqlite" or "-- only: postgres" marks the one statement below it.
func statements(text, engine string) []string {
	var all []string
	var b strings.Builder
	only := ""
	for line := range strings.Lines(text) {
		trimmed := strings.TrimSpace(line)
		if mark, ok := strings.CutPrefix(trimmed, "-- only:"); ok {
			only = strings.TrimSpace(mark)
			continue
		}
		if trimmed == "" || strings.HasPrefix(trimmed, "--") {
			continue
		}
		b.WriteString(line)
		if !strings.HasSuffix(trimmed, ";") {
			continue
		}
		if only == "" || only == engine {
			all = append(all, strings.TrimSpace(b.String()))
		}
		b.Reset()
		only = ""
	}
	if rest := strings.TrimSpace(b.String()); rest != "" && (only == "" || only == engine) {
		all = append(all, rest)
	}
	return all
}

// loadMigrations reads files named 0001_words.sql, numbered without a gap.
func loadMigrations(files fs.FS) ([]migration, error) {
	names, err := fs.Glob(files, "migrations/*.sql")
	if err != nil {
		return nil, err
	}
	all := make([]migration, 0, len(names))
	for i, path := range names { // Glob sorts
		name := strings.TrimSuffix(strings.TrimPrefix(path, "migrations/"), ".sql")
		digits, _, _ := strings.Cut(name, "_")
		version, err := strconv.Atoi(digits)
		if err != nil || version != i+1 {
			return nil, fmt.Errorf("migration %s: number %d expected", name, i+1)
		}
		text, err := fs.ReadFile(files, path)
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(text)
		all = append(all, migration{version, name, hex.EncodeToString(sum[:]), string(text)})
	}
	return all, nil
}
