package testkit_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/app"
)

// closedVariable says that the process runs where there is no network.
const closedVariable = "TIGERTALLY_TEST_CLOSED"

// SS-02: a server as it is installed calls nobody, neither when it starts nor when people
// sign up, sign in and come back. It runs in a network of its own with no way out, where the
// kernel counts whoever looks for one.
func TestSS02AServerCallsNobody(t *testing.T) {
	if os.Getenv(closedVariable) != "" {
		inClosedNetwork(t)
		return
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), program, "-test.run=^TestSS02AServerCallsNobody$", "-test.v")
	c.Env = append(os.Environ(), closedVariable+"=1")
	c.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
	}
	said, err := c.CombinedOutput()
	if c.ProcessState == nil {
		t.Skipf("this machine makes no network of its own: %v", err)
	}
	if err != nil || !strings.Contains(string(said), "--- PASS") {
		t.Errorf("%v\n%s", err, said)
	}
}

// inClosedNetwork serves on a socket of the file system and goes the usual ways.
func inClosedNetwork(t *testing.T) {
	conf := installation(t, "")
	store, err := app.OpenStore(t.Context(), conf, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.CreatePool(t.Context(), "default", "", nil); err != nil {
		t.Fatal(err)
	}
	if err := store.SetTestTarget(t.Context(), "default", "+8613812345678", "135790", time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	server, err := app.Open(t.Context(), app.Options{Config: conf, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "s")
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ctx, listener) }()
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", path)
	}}}
	call := func(method, path, body string) map[string]any {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, "http://server"+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		var answer map[string]any
		if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("%s: %d %v %v", path, resp.StatusCode, answer, err)
		}
		return answer
	}
	text := func(answer map[string]any, name string) string {
		s, _ := answer[name].(string)
		return s
	}
	const phone = `"client_id":"default","phone_number":"+86 13812345678"`
	sent := call(http.MethodPost, "/auth/v1/verification", `{`+phone+`,"target":"ANY"}`)
	proof := call(http.MethodPost, "/auth/v1/verification/verify", `{"client_id":"default","verification_code":"135790","verification_id":"`+text(sent, "verification_id")+`"}`)
	call(http.MethodPost, "/auth/v1/signup", `{`+phone+`,"password":"Tiger-Tally-2026","verification_token":"`+text(proof, "verification_token")+`"}`)
	in := call(http.MethodPost, "/auth/v1/signin", `{"client_id":"default","username":"+86 13812345678","password":"Tiger-Tally-2026"}`)
	call(http.MethodPost, "/auth/v1/token", `{"client_id":"default","grant_type":"refresh_token","refresh_token":"`+text(in, "refresh_token")+`"}`)
	call(http.MethodPost, "/auth/v1/signin/anonymously", `{"client_id":"default"}`)
	call(http.MethodGet, "/oidc/.well-known/openid-configuration", "")
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if n := lookedForAWay(t); n != 0 {
		t.Errorf("the server looked for a way out %d times", n)
	}
	// The count is one that counts.
	if _, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", "192.0.2.1:443"); err == nil || lookedForAWay(t) != 1 {
		t.Errorf("there is a way out: %v", err)
	}
}

// lookedForAWay is how often something was to be sent that no route is for.
func lookedForAWay(t *testing.T) int {
	t.Helper()
	total := 0
	for file, name := range map[string]string{"/proc/self/net/snmp": "OutNoRoutes", "/proc/self/net/snmp6": "Ip6OutNoRoutes"} {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		total += counter(string(raw), name)
	}
	return total
}

// counter reads either form of the kernel's counters: names above values, or beside them.
func counter(text, name string) int {
	var names []string
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) == 2 && fields[0] == name {
			n, _ := strconv.Atoi(fields[1]) // the kernel writes numbers
			return n
		}
		for i, f := range names {
			if f == name && i < len(fields) && fields[0] == names[0] {
				n, _ := strconv.Atoi(fields[i])
				return n
			}
		}
		names = fields
	}
	return 0
}
