// Package tigertallytest runs a whole Tigertally server inside a Go test: real storage,
// real HTTP on a free port of this machine, and in place of the outside world an inbox
// to read codes from and a clock to move. It needs no network, no container, no
// environment and no file beside the test binary.
//
//	func TestSignIn(t *testing.T) {
//		srv := tigertallytest.Start(t)
//		app := newApp(srv.URL, srv.Env) // the program under test
//		app.SendCode("+86 13800000000")
//		app.SignIn("+86 13800000000", srv.Code(t, "+86 13800000000"))
//	}
//
// Every server is its own: tests may run in parallel. The package owns no rules of the
// product; what it starts is what "tigertally dev" starts.
package tigertallytest

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/app"
	"github.com/tigertally/tigertally/internal/config"
)

// Server is a running development server. The fields say what an application needs to
// know to use it; they stay the same over Restart.
type Server struct {
	URL        string // "http://127.0.0.1:port", the endpoint of CloudBase and the host of Authing clients
	Env        string // CloudBase environment, which is also the user pool
	ClientID   string // CloudBase client
	AppID      string // Authing application of the same pool
	PoolSecret string // secret of the pool, for management clients
	ManageKey  string // management key
	PublicKey  string // RSA key that Authing clients encrypt passwords with: base64 without PEM lines
	Issuer     string // what access and id tokens name as their issuer

	options options
	conf    config.Config
	client  *http.Client
	mu      sync.Mutex // guards what Restart replaces
	app     *app.App
	stop    func() error
}

// Start runs a server with an empty user pool until the test and its subtests end. It
// fails the test if the server cannot start.
func Start(t testing.TB, opts ...Option) *Server {
	t.Helper()
	s := &Server{client: &http.Client{Transport: &http.Transport{}, Timeout: time.Minute}}
	for _, o := range opts {
		o(&s.options)
	}
	if s.options.patience <= 0 {
		s.options.patience = defaultPatience
	}
	if s.options.logger == nil {
		s.options.logger = slog.New(slog.DiscardHandler)
	}
	s.conf = configure(filepath.Join(t.TempDir(), "tigertally"))
	if !s.options.ownKeys {
		if err := fill(s.conf.DataDir); err != nil {
			t.Fatalf("tigertallytest: prepare the data of the server: %v", err)
		}
	}
	shareCompiled(s.conf.DataDir)
	t.Cleanup(func() { s.close(t) })
	s.run(t, "127.0.0.1:0")
	s.URL = "http://" + s.conf.Listen
	s.describe(t)
	if s.options.settings != nil {
		s.Settings(t, *s.options.settings)
	}
	return s
}

// Restart stops the server and starts it again on the same port with the same data, as
// an upgrade would. The clock keeps how far it was moved; the inbox is empty. Requests
// under way are answered first.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	ahead := s.clock(t)
	s.close(t)
	s.run(t, s.conf.Listen)
	s.Advance(t, ahead)
}

// run opens the server and serves it at address.
func (s *Server) run(t testing.TB, address string) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context())) // the end of a subtest is not the server's
	listener, err := listen(ctx, address)
	if err != nil {
		cancel()
		t.Fatalf("tigertallytest: %v", err)
	}
	s.conf.Listen = listener.Addr().String()
	command, _ := worker()
	server, err := app.OpenDev(ctx, app.DevOptions{
		Config: s.conf, Logger: s.options.logger, Limits: s.options.limits, Upstreams: s.options.providers,
		Worker: command,
	})
	if err != nil {
		cancel()
		_ = listener.Close() // the test ends here
		t.Fatalf("tigertallytest: start the server: %v", err)
	}
	done := make(chan error, 1)
	go func() { done <- server.Serve(ctx, listener) }()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.app = server
	s.stop = func() error {
		cancel()
		return <-done
	}
}

// listen opens address. One that was just given up may take the system a moment.
func listen(ctx context.Context, address string) (l net.Listener, err error) {
	for range 50 {
		if l, err = app.Listen(ctx, address); err == nil {
			return l, nil
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return nil, fmt.Errorf("listen on %s: %w", address, ctx.Err())
		}
	}
	return nil, err
}

// close stops the server unless that has been done.
func (s *Server) close(t testing.TB) {
	t.Helper()
	s.mu.Lock()
	stop := s.stop
	s.stop = nil
	s.mu.Unlock()
	if stop == nil {
		return
	}
	s.client.CloseIdleConnections()
	if err := stop(); err != nil {
		t.Errorf("tigertallytest: stop the server: %v", err)
	}
}
