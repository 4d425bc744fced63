package db

import (
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

func TestRebind(t *testing.T) {
	tests := []struct{ in, want string }{
		{"SELECT 1", "SELECT 1"},
		{"a = $1 AND b = $12", "a = ?1 AND b = ?12"},
		{"a = '$1' AND b = $1", "a = '$1' AND b = ?"},
		{"(a, b) VALUES ($1, $2), ($3, $4)", "(a, b) VALUES (?, ?), (?, ?)"},
		{"a = $2 AND b = $1", "a = ?2 AND b = ?1"},
		{"a = $1 OR b = $1", "a = ?1 OR b = ?1"},
		{`"x$1" = $2 AND c = 'it''s $3'`, `"x$1" = ?2 AND c = 'it''s $3'`},
		{"a = $x", "a = $x"},
	}
	for _, tt := range tests {
		if got := rebind(tt.in); got != tt.want {
			t.Errorf("rebind(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

// SC-02, R6: versions are compared by number.
func TestOlder(t *testing.T) {
	for version, want := range map[string]bool{
		"3.51.2": true, "3.9.9": true, "3.51.3": false, "3.53.4": false, "3.100": false, "4.0": false, "": true,
	} {
		if got := older(version, oldestSQLite); got != want {
			t.Errorf("older(%q) = %v, want %v", version, got, want)
		}
	}
}

func TestStatementsAreMarkedForOneEngine(t *testing.T) {
	const text = `-- A comment; with a semicolon.
CREATE TABLE a (
    b TEXT -- why
);
-- only: postgres
CREATE INDEX CONCURRENTLY i ON a (b);
-- only: sqlite
PRAGMA x;
INSERT INTO a (b)
VALUES ('z;')`
	table, rest := "CREATE TABLE a (\n    b TEXT -- why\n);", "INSERT INTO a (b)\nVALUES ('z;')"
	for engine, want := range map[string][]string{
		"sqlite":   {table, "PRAGMA x;", rest},
		"postgres": {table, "CREATE INDEX CONCURRENTLY i ON a (b);", rest},
	} {
		if diff := cmp.Diff(want, statements(text, engine)); diff != "" {
			t.Errorf("%s: %s", engine, diff)
		}
	}
}

func TestMigrationsAreNumberedWithoutAGap(t *testing.T) {
	for name, files := range map[string][]string{
		"gap": {"0001_a", "0003_c"}, "twice": {"0001_a", "0001_b"}, "no number": {"core"},
	} {
		dir := fstest.MapFS{}
		for _, f := range files {
			dir["migrations/"+f+".sql"] = &fstest.MapFile{}
		}
		if _, err := loadMigrations(dir); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if all, err := loadMigrations(embedded); err != nil || len(all) == 0 {
		t.Errorf("our own: %d, %v", len(all), err)
	}
}
