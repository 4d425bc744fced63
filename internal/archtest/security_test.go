package archtest

import (
	"fmt"
	"go/ast"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var (
	familyPattern  = regexp.MustCompile(`([A-Z]{2}) (\d+)`)
	goProof        = regexp.MustCompile("`([a-z0-9]+\\.(?:Test|Fuzz)\\w+)`")
	sdkProof       = regexp.MustCompile("`sdk: ([A-Z]\\d+)`")
	scenarioTitle  = regexp.MustCompile(`(?:scenario\(|\[)\s*['"]((?:[A-Z]\d+ )+)`)
	securityStates = []string{"covered", "partly", "open", "not applicable yet"}
)

// requirement is one row of the table in docs/security.md.
type requirement struct{ id, summary, state, proof string }

// The table of docs/security.md has every requirement once, in order, and names only
// tests that exist.
func TestSecurityTableIsWhole(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join(root(t), "docs", "security.md"))
	if err != nil {
		t.Fatal(err)
	}
	want, rows := securityIDs(string(raw)), securityRows(string(raw))
	if len(want) == 0 {
		t.Fatal("docs/security.md names no families")
	}
	var got []string
	for _, r := range rows {
		got = append(got, r.id)
	}
	if !slices.Equal(got, want) {
		for i := range max(len(got), len(want)) {
			if i >= len(got) || i >= len(want) || got[i] != want[i] {
				t.Fatalf("row %d of %d: ids differ, want %d rows in the order of the families (from %v, want %v)",
					i, len(got), len(want), got[min(i, len(got)):min(i+3, len(got))], want[min(i, len(want)):min(i+3, len(want))])
			}
		}
	}
	exists := proofs(t)
	for _, r := range rows {
		for _, problem := range r.problems(exists) {
			t.Errorf("%s: %s", r.id, problem)
		}
	}
}

func TestSecurityTableCatchesBadRows(t *testing.T) {
	exists := map[string]bool{"user.TestReal": true, "sdk: A1": true}
	for _, r := range []requirement{
		{"XX-01", "a", "covered", ""},
		{"XX-01", "a", "partly", "missing: everything"},
		{"XX-01", "a", "covered", "`user.TestReal`, `user.TestInvented`"},
		{"XX-01", "a", "covered", "`user.TestReal`, `sdk: Z9`"},
		{"XX-01", "a", "partly", "`user.TestReal`"},
		{"XX-01", "a", "open", ""},
		{"XX-01", "a", "done", "`user.TestReal`"},
		{"XX-01", "", "covered", "`user.TestReal`"},
	} {
		if len(r.problems(exists)) == 0 {
			t.Errorf("%+v passes", r)
		}
	}
	good := requirement{"XX-01", "a", "partly", "`user.TestReal`, `sdk: A1`; missing: more"}
	if problems := good.problems(exists); len(problems) != 0 {
		t.Errorf("%+v: %v", good, problems)
	}
}

// securityIDs reads the families and their sizes: "Families: PW 13, AT 6, ...".
func securityIDs(text string) []string {
	var ids []string
	for line := range strings.Lines(text) {
		families, ok := strings.CutPrefix(line, "Families: ")
		if !ok {
			continue
		}
		for _, m := range familyPattern.FindAllStringSubmatch(families, -1) {
			n, _ := strconv.Atoi(m[2]) // the pattern is digits
			for i := range n {
				ids = append(ids, fmt.Sprintf("%s-%02d", m[1], i+1))
			}
		}
	}
	return ids
}

func securityRows(text string) []requirement {
	_, text, _ = strings.Cut(text, "| id | what | state |")
	var rows []requirement
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "|") {
			if len(rows) > 0 {
				break
			}
			continue
		}
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(cells) != 4 || strings.HasPrefix(strings.TrimSpace(cells[0]), "---") {
			continue
		}
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		rows = append(rows, requirement{cells[0], cells[1], cells[2], cells[3]})
	}
	return rows
}

func (r requirement) problems(exists map[string]bool) []string {
	var all []string
	if r.summary == "" {
		all = append(all, "says nothing")
	}
	if !slices.Contains(securityStates, r.state) {
		all = append(all, "state "+strconv.Quote(r.state)+" is none of "+strings.Join(securityStates, ", "))
	}
	named := 0
	for _, m := range goProof.FindAllStringSubmatch(r.proof, -1) {
		named++
		if !exists[m[1]] {
			all = append(all, "no test "+m[1])
		}
	}
	for _, m := range sdkProof.FindAllStringSubmatch(r.proof, -1) {
		if !exists["sdk: "+m[1]] {
			all = append(all, "no scenario "+m[1])
		}
	}
	proven := r.state == "covered" || r.state == "partly"
	if proven && named == 0 {
		all = append(all, r.state+" without a test")
	}
	if !proven && r.proof == "" {
		all = append(all, r.state+" without a reason")
	}
	if tail := r.proof[strings.LastIndex(r.proof, "`")+1:]; r.state == "partly" && tail == "" {
		all = append(all, "partly, and does not say what is missing")
	}
	return all
}

// proofs returns every test and fuzz function as package.Name and every scenario of the
// client libraries as "sdk: C10".
func proofs(t *testing.T) map[string]bool {
	t.Helper()
	all := make(map[string]bool)
	for _, s := range sources(t) {
		if !strings.HasSuffix(s.path, "_test.go") {
			continue
		}
		for _, decl := range s.ast.Decls {
			if fn, ok := decl.(*ast.FuncDecl); ok && fn.Recv == nil {
				all[filepath.Base(filepath.Dir(s.path))+"."+fn.Name.Name] = true
			}
		}
	}
	files, err := filepath.Glob(filepath.Join(root(t), "test", "sdk", "scenarios", "*.mjs"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range scenarioTitle.FindAllStringSubmatch(string(text), -1) {
			for id := range strings.FieldsSeq(m[1]) {
				all["sdk: "+id] = true
			}
		}
	}
	return all
}
