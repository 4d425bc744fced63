package authing_test

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tigertally/tigertally/sdk/authing"
)

// method is a method of the vendor's documentation page, and how to run its Go form.
type method struct {
	page string // its name on the page
	name string // its name in Go
	// works runs it and checks what it did.
	works func(w *world)
	// refuses runs it so that the server answers a code.
	refuses refusals
}

// refusals are keyed by error: a sentinel each.
type refusals = map[error]func(w *world) error

// codes are those of m that have a test, in order.
func (m method) codes() (all []authing.Code) {
	for err := range m.refuses {
		if code, ok := errors.AsType[authing.Code](err); ok {
			all = append(all, code)
		}
	}
	slices.Sort(all)
	return all
}

// Every method does what the page says and refuses with each code there is for it, and
// docs/go-sdk.md says which Go method it is.
func TestEveryMethodOfThePage(t *testing.T) {
	w := newWorld(t)
	all := slices.Concat(registrations(), logins(), sessions(), messages(), passwords(), bindings())
	rows := compatRows(t)
	named := make(map[string]bool)
	for _, m := range all {
		named[m.page] = true
		row, ok := rows[m.page]
		if !ok {
			t.Errorf("%s is not on the page", m.page)
			continue
		}
		if _, ok := reflect.TypeFor[*authing.AuthClient]().MethodByName(m.name); !ok {
			t.Errorf("there is no %s", m.name)
		}
		if diff := cmp.Diff(row.codes, m.codes()); diff != "" {
			t.Errorf("codes of %s (-documented +tested):\n%s", m.page, diff)
		}
		w.run(m.page, func(w *world) {
			w.run("works", func(w *world) {
				w.wire.forget(nil)
				m.works(w)
				if w.wire.times(row.endpoint) == 0 {
					w.Errorf("nothing asked %s", row.endpoint)
				}
			})
			for _, code := range m.codes() {
				w.run("refuses with "+strconv.Itoa(int(code)), func(w *world) {
					w.checkRefusal(m.refuses[code](w), code, row.endpoint)
				})
			}
		})
	}
	for name := range rows {
		if !named[name] {
			t.Errorf("%s has no test", name)
		}
	}
	checkGuide(t, all)
}

func (w *world) checkRefusal(err error, code authing.Code, endpoint string) {
	w.Helper()
	w.refused(err, code)
	if e, ok := errors.AsType[*authing.Error](err); ok && e.Endpoint != endpoint {
		w.Errorf("%s refused, not %s", e.Endpoint, endpoint)
	}
}

type compatRow struct {
	endpoint string
	codes    []authing.Code
}

var cell = regexp.MustCompile("^`(.*)`$")

// compatRows are the methods of the page, with what the server's own documentation says
// of each.
func compatRows(t *testing.T) map[string]compatRow {
	t.Helper()
	rows := make(map[string]compatRow)
	for _, cells := range section(t, "../../docs/compat/authing.md", "## Methods of the sign-in page") {
		row := compatRow{endpoint: unquoted(cells[1])}
		for text := range strings.SplitSeq(cells[3], ", ") {
			n, err := strconv.Atoi(text)
			if err != nil {
				t.Fatalf("code %q of %s", text, cells[0])
			}
			row.codes = append(row.codes, authing.Code(n))
		}
		slices.Sort(row.codes)
		rows[unquoted(cells[0])] = row
	}
	if len(rows) != 20 {
		t.Fatalf("%d methods, the page has 20", len(rows))
	}
	return rows
}

// guided is what the guide says of a method.
type guided struct {
	name  string
	codes []authing.Code
}

// checkGuide compares the table of the guide with the methods, and the names of its codes
// with the constants.
func checkGuide(t *testing.T, all []method) {
	t.Helper()
	want, got := make(map[string]guided), make(map[string]guided)
	for _, m := range all {
		want[m.page] = guided{m.name, m.codes()}
	}
	named := sentinels(t)
	for _, cells := range section(t, "../../docs/go-sdk.md", "## Authing methods") {
		var g guided
		g.name, _, _ = strings.Cut(unquoted(cells[1]), "(")
		for text := range strings.SplitSeq(cells[2], ", ") {
			number, name, _ := strings.Cut(text, " ")
			code := named[unquoted(name)]
			if number != strconv.Itoa(int(code)) {
				t.Errorf("%s: %s is not %s", g.name, number, name)
			}
			g.codes = append(g.codes, code)
		}
		slices.Sort(g.codes)
		got[unquoted(cells[0])] = g
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(guided{})); diff != "" {
		t.Errorf("docs/go-sdk.md (-methods +guide):\n%s", diff)
	}
}

// sentinels are the constants of the codes, by name.
func sentinels(t *testing.T) map[string]authing.Code {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "errors.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string]authing.Code)
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
			return true
		}
		if value, ok := spec.Values[0].(*ast.BasicLit); ok {
			if n, err := strconv.Atoi(value.Value); err == nil {
				all[spec.Names[0].Name] = authing.Code(n)
			}
		}
		return true
	})
	return all
}

// section returns the cells of the table rows below a heading.
func section(t *testing.T, file, heading string) (rows [][]string) {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	_, text, found := strings.Cut(string(raw), heading)
	if !found {
		t.Fatalf("%s has no %q", file, heading)
	}
	text, _, _ = strings.Cut(text, "\n## ")
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "| `") {
			cells := strings.Split(strings.Trim(line, "|"), "|")
			for i := range cells {
				cells[i] = strings.TrimSpace(cells[i])
			}
			rows = append(rows, cells)
		}
	}
	return rows
}

func unquoted(text string) string {
	if m := cell.FindStringSubmatch(text); m != nil {
		return m[1]
	}
	return text
}
