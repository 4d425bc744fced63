package archtest

import (
	"go/ast"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// shown are the types whose every method has an example that runs, by package.
var shown = map[string][]string{
	"sdk/authing":   {"AuthClient"},
	"sdk/cloudbase": {"Auth", "LoginState"},
}

func TestEveryMethodOfAClientHasAnExample(t *testing.T) {
	methods, examples := map[string][]string{}, map[string]bool{}
	for _, s := range sourcesOf(t, "sdk") {
		for _, d := range s.ast.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			if name, ok := strings.CutPrefix(fn.Name.Name, "Example"); ok && s.test {
				parts := strings.SplitN(name, "_", 3) // type, method, what is special
				examples[s.pkg+" "+strings.Join(parts[:min(2, len(parts))], "_")] = true
			}
			if of := receiver(fn); slices.Contains(shown[s.pkg], of) && fn.Name.IsExported() {
				methods[s.pkg] = append(methods[s.pkg], of+"_"+fn.Name.Name)
			}
		}
	}
	for pkg := range shown {
		if len(methods[pkg]) == 0 {
			t.Errorf("%s has no methods", pkg)
		}
		for _, name := range methods[pkg] {
			if !examples[pkg+" "+name] {
				t.Errorf("%s: there is no Example%s", pkg, name)
			}
		}
	}
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

// What a client imports has imports, too; the go command knows all of them.
func TestClientsNeedTheStandardLibraryOnly(t *testing.T) {
	tool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("no go command")
	}
	for pkg := range clientModules {
		list := exec.CommandContext(t.Context(), tool, "list", "-deps",
			"-f", "{{if not .Standard}}{{.ImportPath}} {{with .Module}}{{.Path}}{{end}}{{end}}", "./"+pkg)
		list.Dir = root(t)
		out, err := list.Output()
		if err != nil {
			t.Fatalf("%s: %v", pkg, err)
		}
		foreign := map[string]bool{}
		for line := range strings.Lines(string(out)) {
			path, from, _ := strings.Cut(strings.TrimSpace(line), " ")
			if ours, ok := strings.CutPrefix(path, module); !ok {
				foreign[from] = true
			} else if ours != pkg {
				t.Errorf("%s needs %s", pkg, ours)
			}
		}
		if len(foreign) > mostClientModules {
			t.Errorf("%s needs %d modules: %v", pkg, len(foreign), foreign)
		}
	}
}
