// Package sdk_test runs the published CloudBase and Authing SDKs, unmodified, in Node and
// Chromium against a whole server on each database. What they do is in the .mjs files.
package sdk_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/tigertally/tigertally/internal/app"
	"github.com/tigertally/tigertally/internal/pipeline"
	"github.com/tigertally/tigertally/internal/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// CloudBase's SDKs in a browser, and the development server's own page.
func TestPublishedSDKs(t *testing.T) {
	needChromium(t)
	run(t, "sdk.test.mjs")
}

// Authing's SDK in Node: both of its clients.
func TestAuthingSDK(t *testing.T) {
	needNode(t)
	testkit.Each(t, func(t *testing.T, server *testkit.Server) {
		install(t, server)
		play(t, server, "authing.test.mjs", "TIGERTALLY_FUNCTIONS=1")
	})
}

// install puts the functions of functions/, named for their points, into the pool.
func install(t *testing.T, server *testkit.Server) {
	t.Helper()
	for _, point := range []pipeline.Point{pipeline.PreRegister, pipeline.PostAuthentication, pipeline.PreIDToken} {
		source, err := os.ReadFile(filepath.Join("functions", string(point)+".js"))
		if err != nil {
			t.Fatal(err)
		}
		f := pipeline.Function{Point: point, Name: string(point), Enabled: true, Source: string(source)}
		if _, err := server.App.Pipelines.Put(t.Context(), app.DevPool, f); err != nil {
			t.Fatal(err)
		}
	}
}

// Authing's SDK in a page of another origin.
func TestAuthingSDKInPages(t *testing.T) {
	needChromium(t)
	run(t, "authing-page.test.mjs")
}

// An account of one SDK is one of the other.
func TestBothSDKs(t *testing.T) {
	needChromium(t)
	run(t, "both.test.mjs")
}

// run runs a suite against a server on each database.
func run(t *testing.T, suite string) {
	t.Helper()
	testkit.Each(t, func(t *testing.T, server *testkit.Server) { play(t, server, suite) })
}

// play runs a suite against one server. The suites of both databases run at once, for
// they mostly wait.
func play(t *testing.T, server *testkit.Server, suite string, env ...string) {
	t.Helper()
	t.Parallel()
	playAt(t, suite, append(env, "TIGERTALLY_URL="+server.URL)...)
}

// playAt runs a suite against whatever env tells it of.
func playAt(t *testing.T, suite string, env ...string) {
	t.Helper()
	node := exec.CommandContext(t.Context(), "node", "--test", suite)
	node.Env = append(os.Environ(), env...)
	out, err := node.CombinedOutput()
	if err != nil {
		t.Fatalf("node --test %s: %v\n%s", suite, err, failures(out))
	}
	t.Logf("%s", tail(out, 12))
}

func needChromium(t *testing.T) {
	t.Helper()
	needNode(t)
	need(t, "chromium", "Chromium", findProgram("chromium", "chromium-browser", "google-chrome"))
}

func needNode(t *testing.T) {
	t.Helper()
	need(t, "node", "Node.js", findProgram("node"))
	need(t, "node_modules", "the npm packages (make tools)", findPackages())
}

// need skips a machine without what the scenarios run on; where everything has to be
// proven it fails instead.
func need(t *testing.T, name, what string, found bool) {
	t.Helper()
	if found {
		return
	}
	if ci := os.Getenv("CI"); ci == "true" || ci == "1" {
		t.Fatalf("%s is missing: the SDK scenarios need %s", name, what)
	}
	t.Skipf("%s is missing: the SDK scenarios need %s", name, what)
}

func findProgram(names ...string) bool {
	for _, name := range names {
		if _, err := exec.LookPath(name); err == nil {
			return true
		}
	}
	return false
}

func findPackages() bool {
	for _, name := range []string{"cb2", "cb3", "authing-js-sdk", "playwright-core", "esbuild"} {
		if _, err := os.Stat(filepath.Join("node_modules", name)); err != nil {
			return false
		}
	}
	return true
}

// failures leaves the stories that went well out of what the runner wrote, and what it
// says of their durations.
func failures(tap []byte) []byte {
	var kept []byte
	well := false
	for line := range bytes.Lines(tap) {
		switch text := bytes.TrimSpace(line); {
		case bytes.HasPrefix(text, []byte("ok ")):
			well = true
		case well && (bytes.HasPrefix(text, []byte("not ok ")) || bytes.HasPrefix(text, []byte("#")) || bytes.HasPrefix(text, []byte("1.."))):
			well = false
		}
		if !well && !bytes.HasPrefix(bytes.TrimSpace(line), []byte("# Subtest:")) {
			kept = append(kept, line...)
		}
	}
	return kept
}

// tail returns the last n lines, where the runner counts.
func tail(out []byte, n int) []byte {
	for i, b := range slices.Backward(out) {
		if b == '\n' && i < len(out)-1 {
			if n--; n == 0 {
				return out[i+1:]
			}
		}
	}
	return out
}
