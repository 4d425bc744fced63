package authing

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// compatTable reads the table under a heading of the compatibility chapter, by its first
// column.
func compatTable(t *testing.T, heading string) map[string][]string {
	t.Helper()
	raw, err := os.ReadFile("../../../docs/compat/authing.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(raw), "\n## "+heading+"\n")
	table, _, ended := strings.Cut(rest, "\n## ")
	if !ok || !ended {
		t.Fatalf("the chapter has no table of %s", heading)
	}
	rows := make(map[string][]string)
	for line := range strings.Lines(table) {
		cells := strings.Split(strings.TrimSpace(line), "|")
		if len(cells) != 6 || !strings.Contains(cells[1], "`") {
			continue
		}
		for i, c := range cells {
			cells[i] = strings.Trim(strings.TrimSpace(c), "`")
		}
		if rows[cells[1]] != nil {
			t.Errorf("%s stands twice", cells[1])
		}
		rows[cells[1]] = cells[2:5]
	}
	return rows
}

// checkStatus compares what the chapter says of something with what the server does.
func checkStatus(t *testing.T, name, status string, later bool) {
	t.Helper()
	switch {
	case later != (status == "not yet"):
		t.Errorf("%s is %q in the chapter, unsupported by the server: %v", name, status, later)
	case !later && status != "works" && status != "differs":
		t.Errorf("%s is %q", name, status)
	}
}

func TestCompatibilityChapterIsTheRoutes(t *testing.T) {
	rows := compatTable(t, "Endpoints")
	for _, r := range New(Options{Now: time.Now}).routes() {
		endpoint := fmt.Sprintf("%s %s", r.method, r.path)
		row, ok := rows[endpoint]
		if !ok {
			t.Errorf("%s is not in the chapter", endpoint)
			continue
		}
		delete(rows, endpoint)
		checkStatus(t, endpoint, row[1], r.later)
	}
	for endpoint := range rows {
		t.Errorf("%s is in the chapter but not in the server", endpoint)
	}
}

func TestCompatibilityChapterHasEveryMethod(t *testing.T) {
	endpoints, methods := compatTable(t, "Endpoints"), compatTable(t, "Methods of the sign-in page of the documentation")
	if len(methods) != 20 {
		t.Errorf("%d methods", len(methods))
	}
	for name, row := range methods {
		served, ok := endpoints[row[0]]
		if !ok || served[1] != row[1] {
			t.Errorf("%s is %q, its endpoint %v", name, row[1], served)
		}
	}
}

// The published client library has 142 documents; they are grouped by their root field.
func TestCompatibilityChapterHasEveryDocument(t *testing.T) {
	raw, err := os.ReadFile("testdata/graphql-operations.json")
	if err != nil {
		t.Fatal(err)
	}
	var documents []struct {
		Kind  string `json:"kind"`
		Roots []struct {
			Field string `json:"field"`
		} `json:"roots"`
	}
	if err := json.Unmarshal(raw, &documents); err != nil {
		t.Fatal(err)
	}
	rows, seen := compatTable(t, "GraphQL"), make(map[string]bool)
	operations := New(Options{Now: time.Now}).operations()
	for _, d := range documents {
		root := d.Roots[0].Field
		row, ok := rows[root]
		switch {
		case !ok:
			t.Errorf("%s is not in the chapter", root)
		case row[0] != d.Kind:
			t.Errorf("%s is a %s", root, d.Kind)
		default:
			checkStatus(t, root, row[1], operations[root].run == nil)
		}
		seen[root] = true
	}
	if len(documents) != 142 || len(rows) != len(seen) {
		t.Errorf("%d documents with %d roots, %d in the chapter", len(documents), len(seen), len(rows))
	}
}
