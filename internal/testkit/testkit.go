// Package testkit owns a whole development server for tests: real storage, real HTTP on
// a loopback port, the emulator for codes and time. Nothing in it ships.
package testkit

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/app"
	"github.com/tigertally/tigertally/internal/config"
	"github.com/tigertally/tigertally/internal/db/dbtest"
)

// Server is a development server under test.
type Server struct {
	URL string
	App *app.App

	t        testing.TB
	stop     func()
	database string // its address
}

// Each runs fn once for every storage engine, each time with a server of its own.
func Each(t *testing.T, fn func(t *testing.T, s *Server)) {
	t.Helper()
	each(t, Start, fn)
}

// EachWithUpstreams is Each with servers of StartWithUpstreams.
func EachWithUpstreams(t *testing.T, fn func(t *testing.T, s *Server)) {
	t.Helper()
	each(t, StartWithUpstreams, fn)
}

func each(t *testing.T, start func(testing.TB, string) *Server, fn func(t *testing.T, s *Server)) {
	t.Helper()
	for _, engine := range []string{dbtest.SQLite, dbtest.Postgres} {
		t.Run(engine, func(t *testing.T) { fn(t, start(t, engine)) })
	}
}

// Start runs a server on a fresh database of an engine, dbtest.SQLite or
// dbtest.Postgres, until the test ends.
func Start(t testing.TB, engine string) *Server {
	t.Helper()
	if engine == dbtest.Postgres && os.Getenv("TIGERTALLY_TEST_NODES") != "" {
		return StartNodes(t, 2)
	}
	return StartOn(t, dbtest.URL(t, engine))
}

// StartOn runs a server on the database at url until the test ends.
func StartOn(t testing.TB, url string) *Server {
	t.Helper()
	conf := settings(t, url)
	conf.OutboundAllow = []string{"127.0.0.1"} // upstreams of tests
	return run(t, conf, false)
}

// StartIn is StartOn with a data directory of the test's own, so that a second server can
// go on with what the first one left.
func StartIn(t testing.TB, url, dir string) *Server {
	t.Helper()
	conf := config.Default()
	conf.DataDir, conf.DatabaseURL = dir, url
	conf.OutboundAllow = []string{"127.0.0.1"}
	return run(t, conf, false)
}

// StartWithUpstreams is Start with a simulator of the identity providers: App.Upstreams.
func StartWithUpstreams(t testing.TB, engine string) *Server {
	t.Helper()
	return run(t, settings(t, dbtest.URL(t, engine)), true)
}

// StartWith is Start with settings of the test's own: edit gets those of Start.
func StartWith(t testing.TB, engine string, edit func(*config.Config)) *Server {
	t.Helper()
	conf := settings(t, dbtest.URL(t, engine))
	edit(&conf)
	return run(t, conf, false)
}

// settings are those of a server with a data directory of its own.
func settings(t testing.TB, url string) config.Config {
	t.Helper()
	conf := config.Default()
	conf.DataDir = filepath.Join(t.TempDir(), "data")
	conf.DatabaseURL = url
	return conf
}

func run(t testing.TB, conf config.Config, upstreams bool) *Server {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	listener, err := app.Listen(ctx, "127.0.0.1:0")
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	conf.Listen = listener.Addr().String()
	server, err := app.OpenDev(ctx, app.DevOptions{Config: conf, Logger: slog.New(slog.DiscardHandler), Worker: worker(), Upstreams: upstreams})
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- server.Serve(ctx, listener) }()
	s := &Server{URL: "http://" + conf.Listen, App: server, t: t, database: conf.Database()}
	s.stop = func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("serve: %v", err)
		}
	}
	t.Cleanup(func() { s.Stop() })
	return s
}

// On is the same server for a subtest, which gets its own failures.
func (s *Server) On(t testing.TB) *Server {
	return &Server{URL: s.URL, App: s.App, t: t, database: s.database}
}

// Stop stops the server now instead of at the end of the test.
func (s *Server) Stop() {
	if s.stop != nil {
		s.stop()
		s.stop = nil
	}
}

// Answer is what the server said.
type Answer struct {
	Status int
	Header http.Header
	Raw    []byte
	Body   map[string]any // nil when Raw is no JSON object
}

// String returns a field of the body, "" when it is missing or no string.
func (a Answer) String(name string) string {
	s, _ := a.Body[name].(string)
	return s
}

// Do sends one request. The body becomes JSON unless it is nil; header holds name, value
// pairs.
func (s *Server) Do(method, path string, body any, header ...string) Answer {
	s.t.Helper()
	var r io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			s.t.Fatal(err)
		}
		r = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.URL+path, r)
	if err != nil {
		s.t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	a := Answer{Status: res.StatusCode, Header: res.Header, Raw: raw}
	_ = json.Unmarshal(raw, &a.Body) // not every answer is an object
	return a
}

// Post sends a JSON body without a session.
func (s *Server) Post(path string, body any) Answer {
	s.t.Helper()
	return s.Do(http.MethodPost, path, body)
}

// Bearer sends a request with an access token.
func (s *Server) Bearer(token, method, path string, body any) Answer {
	s.t.Helper()
	return s.Do(method, path, body, "Authorization", "Bearer "+token)
}

// Code returns the newest code sent to an address, waiting for it.
func (s *Server) Code(to string) string {
	s.t.Helper()
	to = strings.ReplaceAll(strings.ReplaceAll(to, "+", "%2B"), " ", "%20")
	a := s.Do(http.MethodGet, "/emulator/v1/messages?wait=5s&to="+to, nil)
	var messages []struct {
		Code string `json:"code"`
	}
	if err := json.Unmarshal(a.Raw, &messages); err != nil || len(messages) == 0 {
		s.t.Fatalf("no code for the address: %s", a.Raw)
	}
	return messages[0].Code
}

// Advance moves the server's clock.
func (s *Server) Advance(d time.Duration) {
	s.t.Helper()
	a := s.Post("/emulator/v1/clock", map[string]string{"advance": d.String()})
	if a.Status != http.StatusOK {
		s.t.Fatalf("clock: %d %s", a.Status, a.Raw)
	}
}
