package oidc

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/tigertally/tigertally/internal/errs"
)

// compatRows reads a table of the compatibility chapter: first cell to status.
func compatRows(t *testing.T, heading string) map[string]string {
	t.Helper()
	raw, err := os.ReadFile("../../../docs/compat/oidc.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(raw), "## "+heading)
	table, _, ended := strings.Cut(rest, "\n## ")
	if !ok || !ended {
		t.Fatalf("the chapter has no table of %s", heading)
	}
	rows := make(map[string]string)
	for line := range strings.Lines(table) {
		cells := strings.Split(line, "|")
		if len(cells) < 5 || !strings.Contains(cells[1], "`") {
			continue
		}
		name := strings.Trim(strings.TrimSpace(cells[1]), "`")
		if rows[name] != "" {
			t.Errorf("%s stands twice", name)
		}
		rows[name] = strings.TrimSpace(cells[2])
	}
	return rows
}

func TestCompatibilityTableIsTheRoutes(t *testing.T) {
	rows := compatRows(t, "Endpoints")
	for _, r := range New(Options{}).routes() {
		endpoint := fmt.Sprintf("%s %s", r.method, r.path)
		if status := rows[endpoint]; status != "works" && status != "differs" {
			t.Errorf("%s is %q in the table", endpoint, status)
		}
		delete(rows, endpoint)
	}
	for endpoint := range rows {
		t.Errorf("%s is in the table but not in the server", endpoint)
	}
	grants := compatRows(t, "Grants")
	for _, grant := range []string{grantCode, grantRefresh, grantClient, grantLogin} {
		if grants[grant] == "" || grants[grant] == "no" {
			t.Errorf("grant %s is %q in the table", grant, grants[grant])
		}
	}
}

// RFC 6749 section 5.2 knows few statuses, and no code may pass for a success.
func TestEveryCodeHasAWord(t *testing.T) {
	for _, c := range errs.Codes() {
		w := wireOf(c)
		if w.status < 400 || w.word == "" {
			t.Errorf("%s: %+v", c, w)
		}
		if d := description(errs.New(c)); strings.ContainsFunc(d, func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Errorf("%s: %q", c, d)
		}
	}
}
