package sdk_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/db/dbtest"
)

// A new operator's way from an empty directory to a person who signed in, was found and
// explained, with the program itself and everything in a browser; see console.test.mjs.
func TestConsoleFromAnEmptyDirectory(t *testing.T) {
	needChromium(t)
	_, err := os.Stat(filepath.Join("node_modules", "axe-core"))
	need(t, "axe-core", "the npm packages (make tools)", err == nil)
	program := filepath.Join(t.TempDir(), "tigertally")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, "github.com/tigertally/tigertally/cmd/tigertally")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	t.Run(dbtest.SQLite, func(t *testing.T) { // every page of it, too
		journey(t, program, "", "TIGERTALLY_LOOK=1")
	})
	t.Run(dbtest.Postgres, func(t *testing.T) {
		journey(t, program, "database_url: "+dbtest.EmptyURL(t)+"\n")
	})
}

// journey starts the server and the simulator in a directory of their own and lets the
// suite walk. more is configuration beside that of the README.
func journey(t *testing.T, program, more string, env ...string) {
	t.Helper()
	t.Parallel()
	dir, at := t.TempDir(), freeAddress(t)
	config := "listen: " + at + "\noutbound_allow: [\"127.0.0.1\"]\n" + more
	if err := os.WriteFile(filepath.Join(dir, "tigertally.yaml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	env = append(env, "TIGERTALLY_UPSIM="+startUpsim(t, program), "TIGERTALLY_URL=http://"+at, "TIGERTALLY_DIR="+dir)
	serve := exec.Command(program, "serve", "--config", "tigertally.yaml")
	serve.Dir = dir
	log := &strings.Builder{}
	serve.Stderr = log
	if err := serve.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = serve.Process.Signal(syscall.SIGTERM)
		if err := serve.Wait(); err != nil {
			t.Errorf("the server ended with %v", err)
		}
		for line := range strings.Lines(log.String()) {
			if strings.Contains(line, `"level":"ERROR"`) {
				t.Errorf("the server's log has %s", line)
			}
		}
	})
	awake(t, "http://"+at+"/readyz")
	playAt(t, "console.test.mjs", env...)
}

// startUpsim starts `tigertally upsim` and returns what it prints, as JSON.
func startUpsim(t *testing.T, program string) string {
	t.Helper()
	args := []string{"upsim"}
	for _, name := range []string{"", "-tencent", "-aliyun", "-tls", "-smtp", "-smtps"} {
		args = append(args, "--listen"+name, "127.0.0.1:0")
	}
	sim := exec.Command(program, args...)
	out, err := sim.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := sim.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = sim.Process.Signal(syscall.SIGTERM)
		_ = sim.Wait()
	})
	bases := map[string]string{}
	lines := bufio.NewScanner(out)
	for lines.Scan() && lines.Text() != "" { // how to look inside comes after a blank line
		name, base, _ := strings.Cut(lines.Text(), " ")
		bases[name] = strings.TrimSpace(base)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	text, err := json.Marshal(bases)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// freeAddress is a port of this machine that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// awake waits until a server says that it is ready.
func awake(t *testing.T, address string) {
	t.Helper()
	for begin := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		resp, err := http.Get(address)
		if err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return
			}
			err = fmt.Errorf("status %d", resp.StatusCode)
		}
		if time.Since(begin) > 30*time.Second {
			t.Fatalf("the server does not get ready: %v", err)
		}
	}
}
