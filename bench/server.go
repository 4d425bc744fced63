package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/secret"
	"github.com/tigertally/tigertally/internal/user"
)

// server is the program under test, in a process of its own.
type server struct {
	addr, metrics string
	cmd           *exec.Cmd
	ready         time.Duration // from exec to the first answer
}

func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String(), nil
}

// start runs binary as a development server on dir and waits until it answers.
func start(ctx context.Context, binary, dir string) (*server, error) {
	addr, err := freePort()
	if err != nil {
		return nil, err
	}
	metrics, err := freePort()
	if err != nil {
		return nil, err
	}
	s := &server{addr: addr, metrics: metrics}
	s.cmd = exec.CommandContext(ctx, binary, "dev", "--listen", addr, "--data", dir, "--quiet")
	s.cmd.Env = append(os.Environ(), "TIGERTALLY_METRICS_LISTEN="+metrics)
	s.cmd.Stderr = os.Stderr
	begin := time.Now()
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	c := dial(addr)
	defer c.close()
	for time.Since(begin) < 30*time.Second {
		if _, err := c.do(http.MethodGet, "/healthz", "", ""); err == nil {
			s.ready = time.Since(begin)
			return s, nil
		}
		time.Sleep(time.Millisecond)
	}
	s.kill()
	return nil, fmt.Errorf("%s does not answer", binary)
}

func (s *server) kill() {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
}

// rss is the resident memory in MiB.
func (s *server) rss() float64 {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(s.cmd.Process.Pid) + "/status")
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(b), "VmRSS:")
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		return 0
	}
	kib, _ := strconv.ParseFloat(fields[0], 64)
	return kib / 1024
}

// metric reads one number of the server's own metrics.
func (s *server) metric(name string) float64 {
	res, err := http.Get("http://" + s.metrics + "/metrics")
	if err != nil {
		return 0
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return 0
	}
	_, rest, ok := strings.Cut(string(b), "\n"+name+" ")
	if !ok {
		return 0
	}
	value, _, _ := strings.Cut(rest, "\n")
	f, _ := strconv.ParseFloat(value, 64)
	return f
}

const password = "correct horse battery"

func username(i int) string { return "bench" + strconv.Itoa(i) + "x" }

// seed fills the database in dir with users who share one password hash. The server must
// have run there once and stopped.
func seed(ctx context.Context, dir string, n int) error {
	hasher := secret.NewHasher(secret.HasherOptions{})
	defer hasher.Close()
	hash, err := hasher.Hash(ctx, "bench", password)
	if err != nil {
		return err
	}
	d, err := db.Open(ctx, db.Options{
		URL:     "sqlite:" + filepath.Join(dir, "tigertally.db"),
		Logger:  slog.New(slog.DiscardHandler),
		TxLimit: time.Minute,
	})
	if err != nil {
		return err
	}
	users := user.New(d, time.Now)
	const batch = 5000
	for from := 0; from < n && err == nil; from += batch {
		err = d.InTx(ctx, func(ctx context.Context) error {
			for i := from; i < min(from+batch, n); i++ {
				u := user.User{
					PoolID: "dev", Kind: user.KindRegular, Status: user.StatusActive,
					Username: username(i), PasswordHash: hash, CreatedFrom: "bench",
					Email: username(i) + "@bench.example", EmailVerified: true,
				}
				if err := users.Create(ctx, &u); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if closeErr := d.Close(); err == nil {
		err = closeErr
	}
	return err
}

// signedIn is one session of the load.
type signedIn struct{ access, refresh string }

func signIn(c *client, i int) (signedIn, error) {
	body, err := json.Marshal(map[string]string{"client_id": "dev", "username": username(i), "password": password})
	if err != nil {
		return signedIn{}, err
	}
	b, err := c.do(http.MethodPost, "/auth/v1/signin?client_id=dev", "", string(body))
	return signedIn{field(b, "access_token"), field(b, "refresh_token")}, err
}

// spawnEmpty runs this program again as an empty handler, so that it has a process of
// its own as the server has.
func spawnEmpty(ctx context.Context, addr string) (stop func(), err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self, "-empty", addr)
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	c := dial(addr)
	defer c.close()
	for range 2000 {
		if _, err := c.do(http.MethodGet, "/", "", ""); err == nil {
			break
		}
		time.Sleep(time.Millisecond)
	}
	return func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }, nil
}
