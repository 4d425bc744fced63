package web_test

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tigertally/tigertally/internal/web"
)

// serve runs NewServer around h on a port of this machine.
func serve(t *testing.T, h http.Handler) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := web.NewServer(web.Middleware(options(nil), h), slog.New(slog.DiscardHandler))
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
		<-done
	})
	return listener.Addr().String()
}

func dial(t *testing.T, addr string) net.Conn {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// ED-02: each phase of a request has its limit.
func TestServerLimits(t *testing.T) {
	s := web.NewServer(http.NotFoundHandler(), slog.New(slog.DiscardHandler))
	for name, ok := range map[string]bool{
		"header 5 s":          s.ReadHeaderTimeout == 5*time.Second,
		"body 10 s":           s.ReadTimeout == 10*time.Second,
		"write 15 s":          s.WriteTimeout == 15*time.Second,
		"idle 60 s":           s.IdleTimeout == 60*time.Second,
		"100 HTTP/2 streams":  s.HTTP2.MaxConcurrentStreams == 100,
		"16 KB of header":     s.MaxHeaderBytes+4096 == 16<<10,
		"errors go to logger": s.ErrorLog != nil,
	} {
		if !ok {
			t.Errorf("not so: %s", name)
		}
	}
}

// ED-02: a header over 16 KB is refused.
func TestServerRefusesLargeHeaders(t *testing.T) {
	conn := dial(t, serve(t, echo[struct{}]()))
	fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: x\r\nX-Big: %s\r\n\r\n", strings.Repeat("x", 17<<10))
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("answered %d", resp.StatusCode)
	}
}

// ED-02: a body without an end is cut at the limit.
func TestServerCutsEndlessBodies(t *testing.T) {
	conn := dial(t, serve(t, echo[input]()))
	fmt.Fprint(conn, "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
	chunk := "8000\r\n" + strings.Repeat(" ", 0x8000) + "\r\n"
	go func() {
		for range 32 << 10 { // 1 GB, if anybody takes it
			if _, err := io.WriteString(conn, chunk); err != nil {
				return
			}
		}
	}()
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("answered %d", resp.StatusCode)
	}
}

// ED-07: requests two servers could see the end of differently are refused.
func TestServerRefusesSmuggling(t *testing.T) {
	addr := serve(t, echo[input]())
	for name, head := range map[string]string{
		"two lengths":         "Content-Length: 2\r\nContent-Length: 3\r\n",
		"an unknown encoding": "Transfer-Encoding: xchunked\r\n",
		"a space in a name":   "Content-Length : 2\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			conn := dial(t, addr)
			fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: x\r\n%s\r\n{}", head)
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = resp.Body.Close() }()
			if resp.StatusCode < 400 {
				t.Errorf("answered %d", resp.StatusCode)
			}
		})
	}
}

func TestMetricsCountByRoute(t *testing.T) {
	reg := prometheus.NewRegistry()
	m, err := web.NewMetrics(reg)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := web.NewMetrics(reg); err == nil {
		t.Error("the metrics were registered twice")
	}
	o := options(nil)
	o.Metrics = m
	mux := http.NewServeMux()
	mux.Handle("GET /users/{id}", echo[struct{}]())
	h := web.Middleware(o, mux)
	for _, path := range []string{"/users/1", "/users/2", "/nobody"} {
		h.ServeHTTP(httptest.NewRecorder(), request(t, http.MethodGet, path, ""))
	}
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]uint64{}
	for _, metric := range families[0].GetMetric() {
		key := ""
		for _, l := range metric.GetLabel() {
			key += l.GetValue() + " "
		}
		got[key] = metric.GetHistogram().GetSampleCount()
	}
	if got["GET /users/{id} 200 "] != 2 || got["unmatched 404 "] != 1 || len(got) != 2 {
		t.Errorf("counted %v", got)
	}
}
