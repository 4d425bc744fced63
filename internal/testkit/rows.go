package testkit

import (
	"database/sql"
	"strings"
)

// Rows counts the rows of tables as they are committed, beside the server. A table may
// have a condition: "jobs WHERE dead_at IS NULL".
func (s *Server) Rows(tables ...string) map[string]int {
	s.t.Helper()
	name, source := "pgx", s.database // the server registers both drivers
	if path, ok := strings.CutPrefix(source, "sqlite:"); ok {
		name, source = "sqlite", "file:"+path+"?mode=ro&_pragma=busy_timeout(5000)"
	}
	d, err := sql.Open(name, source)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = d.Close() }()
	counts := make(map[string]int, len(tables))
	for _, table := range tables {
		var n int
		if err := d.QueryRowContext(s.t.Context(), "SELECT COUNT(*) FROM "+table).Scan(&n); err != nil {
			s.t.Fatalf("count %s: %v", table, err)
		}
		counts[table] = n
	}
	return counts
}
