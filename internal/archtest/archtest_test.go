package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/tigertally/tigertally/"

// source is one parsed Go file of the tree.
type source struct {
	pkg  string // "db", "protocol/cloudbase", "cmd/tigertally"
	path string
	test bool
	text string
	ast  *ast.File
}

func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// sources parses the server.
func sources(t *testing.T) []source {
	t.Helper()
	return sourcesOf(t, "internal", "cmd")
}

// everything parses the server and what is made for programs that use it.
func everything(t *testing.T) []source {
	t.Helper()
	return sourcesOf(t, "internal", "cmd", "sdk", "examples")
}

func sourcesOf(t *testing.T, tops ...string) []source {
	t.Helper()
	dir := root(t)
	var all []source
	walk := func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "node_modules" || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(path, ".go") {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, text, parser.ParseComments)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, filepath.Dir(path))
		if err != nil {
			return err
		}
		pkg := strings.TrimPrefix(filepath.ToSlash(rel), "internal/")
		all = append(all, source{pkg, path, strings.HasSuffix(path, "_test.go"), string(text), file})
		return nil
	}
	for _, top := range tops {
		if err := filepath.WalkDir(filepath.Join(dir, top), walk); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func imports(f *ast.File) []string {
	var paths []string
	for _, spec := range f.Imports {
		paths = append(paths, strings.Trim(spec.Path.Value, `"`))
	}
	return paths
}

func TestEveryPackageImportsOnlyWhatItsLayerAllows(t *testing.T) {
	for _, s := range sources(t) {
		layer, ok := layers[s.pkg]
		if !ok {
			t.Errorf("%s: package %q is in no layer", s.path, s.pkg)
			continue
		}
		if s.test {
			continue // black-box tests may build on anything
		}
		for _, path := range imports(s.ast) {
			if problem := judge(s.pkg, layer, path); problem != "" {
				t.Errorf("%s: %s", s.path, problem)
			}
		}
	}
}

// judge says why a package of a layer must not import path, "" if it may.
func judge(pkg, layer, path string) string {
	if slices.Contains(reflective, path) {
		return path + " defeats the linker's method elimination"
	}
	for _, no := range banned[layer] {
		if path == no || path == module+no {
			return "layer " + layer + " must not import " + path
		}
	}
	ours, ok := strings.CutPrefix(path, module)
	if !ok {
		return ""
	}
	target := strings.TrimPrefix(ours, "internal/")
	to, ok := layers[target]
	if !ok {
		return "imports " + target + ", which is in no layer"
	}
	if _, ok := siblings[pkg][target]; ok || slices.Contains(allowed[layer], to) {
		return ""
	}
	return layer + " " + pkg + " must not import " + to + " " + target
}

func TestJudgeCatchesPlantedImports(t *testing.T) {
	for _, c := range []struct{ pkg, layer, path string }{
		{"protocol/cloudbase", edge, module + "internal/db"},
		{"protocol/cloudbase", edge, module + "internal/emulator"},
		{"sms", driver, module + "internal/user"},
		{"user", domain, "net/http"},
		{"user", domain, module + "internal/session"},
		{"cli", top, "text/template"},
	} {
		if judge(c.pkg, c.layer, c.path) == "" {
			t.Errorf("%s may import %s", c.pkg, c.path)
		}
	}
}

func TestEveryPackageHasOneComment(t *testing.T) {
	count := map[string]int{}
	for _, s := range everything(t) {
		if s.test || strings.HasSuffix(s.path, "_templ.go") {
			continue
		}
		count[s.pkg] += 0
		if s.ast.Doc != nil {
			count[s.pkg]++
		}
	}
	for pkg, n := range count {
		if n != 1 {
			t.Errorf("package %s has %d package comments, want 1", pkg, n)
		}
	}
}

func TestFilesAndFunctionsStayWithinBudget(t *testing.T) {
	for _, s := range everything(t) {
		if strings.HasSuffix(s.path, "_templ.go") { // written by templ
			continue
		}
		if n := strings.Count(s.text, "\n"); n > 500 {
			t.Errorf("%s has %d lines, at most 500", s.path, n)
		}
		if s.test {
			continue
		}
		for _, decl := range s.ast.Decls {
			fn, ok := decl.(*ast.FuncDecl)
			if !ok || fn.Body == nil {
				continue
			}
			body := s.text[fn.Pos()-s.ast.FileStart : fn.End()-s.ast.FileStart]
			if n := strings.Count(body, "\n") + 1; n > 80 {
				t.Errorf("%s: %s has %d lines, at most 80", s.path, fn.Name.Name, n)
			}
		}
	}
}

func TestSQLDialectsStayInDB(t *testing.T) {
	for _, s := range sources(t) {
		if s.test || strings.HasPrefix(s.pkg, "db") || s.pkg == "archtest" {
			continue
		}
		for _, word := range []string{"Dialect", "modernc.org/sqlite", "jackc/pgx", "database/sql/driver"} {
			if strings.Contains(s.text, word) {
				t.Errorf("%s mentions %s, which belongs to internal/db", s.path, word)
			}
		}
	}
}
