package archtest

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A client package is light: the standard library, at most two modules with a reason, and
// nothing of the server.
func TestClientsImportNextToNothing(t *testing.T) {
	used := map[string]map[string]bool{}
	for _, s := range sourcesOf(t, "sdk") {
		if s.test || slices.Contains(serverInside, s.pkg) {
			continue
		}
		if _, ok := clientModules[s.pkg]; !ok {
			t.Errorf("%s: package %q is not in clientModules", s.path, s.pkg)
			continue
		}
		if used[s.pkg] == nil {
			used[s.pkg] = map[string]bool{}
		}
		for _, path := range imports(s.ast) {
			name, problem := judgeClient(s.pkg, path)
			if problem != "" {
				t.Errorf("%s: %s", s.path, problem)
			}
			used[s.pkg][name] = true
		}
	}
	for pkg, modules := range clientModules {
		if used[pkg] == nil {
			t.Errorf("clientModules names %s, which is no package", pkg)
		}
		if len(modules) > mostClientModules {
			t.Errorf("%s may import %d modules, at most %d", pkg, len(modules), mostClientModules)
		}
		for name := range modules {
			if !used[pkg][name] {
				t.Errorf("%s may import %s and does not", pkg, name)
			}
		}
	}
}

// judgeClient returns the module of path, "" for the standard library, and why a client
// package must not import it, "" if it may.
func judgeClient(pkg, path string) (name, problem string) {
	first, _, _ := strings.Cut(path, "/")
	switch {
	case !strings.Contains(first, "."):
		return "", ""
	case strings.HasPrefix(path, module):
		return "", pkg + " must not import " + path + " of the server or of another client"
	}
	for name := range clientModules[pkg] {
		if path == name || strings.HasPrefix(path, name+"/") {
			return name, ""
		}
	}
	return "", pkg + " must not import " + path + ": clientModules has no reason for it"
}

func TestJudgeClientCatchesPlantedImports(t *testing.T) {
	for _, path := range []string{module + "internal/contact", module + "sdk/verify", "golang.org/x/sync/singleflight", "example.com/x"} {
		if _, problem := judgeClient("sdk/cloudbase", path); problem == "" {
			t.Errorf("a client may import %s", path)
		}
	}
	if _, problem := judgeClient("sdk/cloudbase", "net/http"); problem != "" {
		t.Error(problem)
	}
}

// What is made for other programs says how to use it: a README for each client, which
// the guide links to, and an example that is compiled.
func TestEveryClientHasAReadmeAndExamples(t *testing.T) {
	guide, err := os.ReadFile(filepath.Join(root(t), "docs", "go-sdk.md"))
	if err != nil {
		t.Fatal(err)
	}
	examples := map[string]bool{}
	for _, s := range sourcesOf(t, "sdk") {
		examples[s.pkg] = examples[s.pkg] || s.test && strings.Contains(s.text, "\nfunc Example")
	}
	for _, pkg := range slices.Sorted(maps.Keys(examples)) {
		if !examples[pkg] {
			t.Errorf("%s has no example", pkg)
		}
		if _, err := os.Stat(filepath.Join(root(t), pkg, "README.md")); err != nil {
			t.Error(err)
		}
		if !strings.Contains(string(guide), "](../"+pkg+")") {
			t.Errorf("docs/go-sdk.md does not link to %s", pkg)
		}
	}
}

// The server does not know its clients.
func TestServerImportsNoClient(t *testing.T) {
	for _, s := range sources(t) {
		for _, path := range imports(s.ast) {
			if strings.HasPrefix(path, module+"sdk/") && !s.test {
				t.Errorf("%s imports %s", s.path, path)
			}
		}
	}
}
