package cloudbase

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// compatRows reads the first table of the compatibility chapter: endpoint to status.
func compatRows(t *testing.T) map[string]string {
	t.Helper()
	raw, err := os.ReadFile("../../../docs/compat/cloudbase.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(raw), "## Endpoints")
	table, _, ended := strings.Cut(rest, "\n## ")
	if !ok || !ended {
		t.Fatal("the chapter has no table of endpoints")
	}
	rows := make(map[string]string)
	for line := range strings.Lines(table) {
		cells := strings.Split(line, "|")
		if len(cells) < 5 || !strings.Contains(cells[1], "`") {
			continue
		}
		endpoint := strings.Trim(strings.TrimSpace(cells[1]), "`")
		if rows[endpoint] != "" {
			t.Errorf("%s stands twice", endpoint)
		}
		rows[endpoint] = strings.TrimSpace(cells[2])
	}
	return rows
}

func TestCompatibilityTableIsTheRoutes(t *testing.T) {
	p := New(Options{Now: time.Now})
	rows := compatRows(t)
	for _, r := range p.routes() {
		endpoint := fmt.Sprintf("%s %s", r.method, r.path)
		status, ok := rows[endpoint]
		delete(rows, endpoint)
		switch {
		case !ok:
			t.Errorf("%s is not in the table", endpoint)
		case r.later != (status == "not yet"):
			t.Errorf("%s is %q in the table, unimplemented in the server: %v", endpoint, status, r.later)
		case !r.later && status != "works" && status != "differs":
			t.Errorf("%s is %q", endpoint, status)
		}
	}
	for endpoint := range rows {
		t.Errorf("%s is in the table but not in the server", endpoint)
	}
}
