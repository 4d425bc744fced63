package tigertallytest_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const foreignTest = `package shop_test

import (
	"os"
	"testing"

	"github.com/tigertally/tigertally/sdk/tigertallytest"
	"github.com/tigertally/tigertally/sdk/verify"
)

func TestShop(t *testing.T) {
	for _, name := range []string{"HOME", "PATH", "USER"} {
		os.Unsetenv(name)
	}
	srv := tigertallytest.Start(t)
	if srv.CreateUser(t, tigertallytest.User{Phone: "+86 13800000000"}) == "" {
		t.Error("nobody")
	}
	if _, err := verify.New(verify.Config{Issuer: srv.Issuer, Audience: []string{srv.ClientID}}); err != nil {
		t.Error(err)
	}
}
`

// The module of somebody else needs nothing but the import: the compiled test runs in an
// empty directory with an empty environment.
func TestOtherModulesNeedNothingElse(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("links a second test binary")
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	dir, away := t.TempDir(), t.TempDir()
	ours, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	_, needs, found := strings.Cut(string(ours), "\n")
	if !found {
		t.Fatal("go.mod has one line")
	}
	sums, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{
		"go.mod": "module example.com/shop\n" + needs + "\nrequire github.com/tigertally/tigertally v0.0.0\nreplace github.com/tigertally/tigertally => " + root + "\n",
		"go.sum": string(sums), "shop_test.go": foreignTest,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	binary := filepath.Join(away, "shop.test")
	build := exec.CommandContext(t.Context(), "go", "test", "-c", "-mod=mod", "-o", binary, ".")
	build.Dir, build.Env = dir, append(os.Environ(), "GOPROXY=off", "GOFLAGS=", "GOWORK=off")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	run := exec.CommandContext(t.Context(), binary, "-test.v")
	run.Dir, run.Env = away, []string{"TMPDIR=" + away}
	out, err := run.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: TestShop") {
		t.Errorf("%v\n%s", err, out)
	}
	left, err := os.ReadDir(away)
	if err != nil {
		t.Fatal(err)
	}
	if len(left) != 1 {
		t.Errorf("the run leaves %d files behind", len(left)-1)
	}
}
