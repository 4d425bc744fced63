package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// clients are the packages that other programs import. What they need, those programs
// need too, so that it is the standard library and at most two small modules.
// tigertallytest is not among them: it is a server, and tests import it.
var clients = []string{"sdk/authing", "sdk/cloudbase", "sdk/verify"}

const mostModules = 2

func TestClientsNeedTheStandardLibraryOnly(t *testing.T) {
	tool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("no go command")
	}
	for _, pkg := range clients {
		t.Run(pkg, func(t *testing.T) {
			list := exec.CommandContext(t.Context(), tool, "list", "-deps",
				"-f", "{{if not .Standard}}{{.ImportPath}} {{with .Module}}{{.Path}}{{end}}{{end}}", "./"+pkg)
			list.Dir = root(t)
			out, err := list.Output()
			if err != nil {
				t.Fatal(err)
			}
			foreign := make(map[string]bool)
			for line := range strings.Lines(string(out)) {
				path, from, _ := strings.Cut(strings.TrimSpace(line), " ")
				switch ours, ok := strings.CutPrefix(path, module); {
				case !ok:
					foreign[from] = true
				case !slices.Contains(clients, ours):
					t.Errorf("needs %s, a part of the server", ours)
				}
			}
			if len(foreign) > mostModules {
				t.Errorf("needs %d modules: %v", len(foreign), foreign)
			}
		})
	}
}

// shown are the types whose every method has an example, by package.
var shown = map[string][]string{
	"sdk/authing": {"AuthClient"},
}

func TestEveryMethodOfAClientHasAnExample(t *testing.T) {
	for pkg, types := range shown {
		methods, examples := make(map[string]bool), make(map[string]bool)
		for _, f := range filesOf(t, pkg) {
			for _, d := range f.Decls {
				fn, ok := d.(*ast.FuncDecl)
				if !ok {
					continue
				}
				if name, ok := strings.CutPrefix(fn.Name.Name, "Example"); ok && fn.Recv == nil {
					examples[name] = true
				}
				if name := receiver(fn); slices.Contains(types, name) && fn.Name.IsExported() {
					methods[name+"_"+fn.Name.Name] = true
				}
			}
		}
		if len(methods) == 0 {
			t.Errorf("%s has no methods of %v", pkg, types)
		}
		for name := range methods {
			if !examples[name] {
				t.Errorf("%s: there is no Example%s", pkg, name)
			}
		}
	}
}

// filesOf are the files of a package, those of its tests too.
func filesOf(t *testing.T, pkg string) []*ast.File {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(root(t), filepath.FromSlash(pkg), "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	all := make([]*ast.File, 0, len(paths))
	for _, path := range paths {
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, f)
	}
	return all
}

// receiver is the name of the type fn is a method of, "" for none.
func receiver(fn *ast.FuncDecl) string {
	if fn.Recv == nil || len(fn.Recv.List) != 1 {
		return ""
	}
	of := fn.Recv.List[0].Type
	if p, ok := of.(*ast.StarExpr); ok {
		of = p.X
	}
	if name, ok := of.(*ast.Ident); ok {
		return name.Name
	}
	return ""
}
