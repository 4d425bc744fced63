package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tigertally/tigertally/sdk/tigertallytest"
)

const phone = "+86 138 0000 0000"

// browser is somebody's, with a jar of their own.
type browser struct {
	t      *testing.T
	url    string
	client *http.Client
}

// open starts the site beside a server and returns a browser that shows it.
func open(t *testing.T, srv *tigertallytest.Server) *browser {
	t.Helper()
	s, err := newSite(siteOptions{
		Server: srv.URL, Env: srv.Env, Logger: slog.New(slog.DiscardHandler), Now: func() time.Time { return srv.Now(t) },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.close)
	server := httptest.NewServer(s.handler())
	t.Cleanup(server.Close)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{t, server.URL, &http.Client{Jar: jar}}
}

func (b *browser) do(method, path string, body any, header ...string) (int, map[string]any, http.Header) {
	b.t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		b.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.url+path, bytes.NewReader(raw))
	if err != nil {
		b.t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := b.client.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	if raw, err = io.ReadAll(res.Body); err != nil {
		b.t.Fatal(err)
	}
	var out map[string]any
	_ = json.Unmarshal(raw, &out) // a page is none
	return res.StatusCode, out, res.Header
}

// expect fails the test unless the answer has this status.
func (b *browser) expect(status int, method, path string, body any) map[string]any {
	b.t.Helper()
	got, out, _ := b.do(method, path, body)
	if got != status {
		b.t.Fatalf("%s %s: %d %v, want %d", method, path, got, out, status)
	}
	return out
}

func (b *browser) signIn(srv *tigertallytest.Server, number string) string {
	b.t.Helper()
	b.expect(http.StatusOK, http.MethodPost, "/api/code", map[string]string{"phone": number})
	b.expect(http.StatusOK, http.MethodPost, "/api/signin", map[string]string{"code": srv.Code(b.t, number)})
	id, _ := b.expect(http.StatusOK, http.MethodGet, "/api/private/me", nil)["id"].(string)
	if id == "" {
		b.t.Fatal("nobody is signed in")
	}
	return id
}

func TestPeopleSignInWithACode(t *testing.T) {
	srv := tigertallytest.Start(t)
	b := open(t, srv)
	b.expect(http.StatusUnauthorized, http.MethodGet, "/api/private/me", nil)
	id := b.signIn(srv, phone)
	srv.Advance(t, 3*time.Hour) // the access token has expired, and is replaced
	if again, _ := b.expect(http.StatusOK, http.MethodGet, "/api/private/me", nil)["id"].(string); again != id {
		t.Errorf("after three hours %s is %s", id, again)
	}
	b.expect(http.StatusOK, http.MethodPost, "/api/signout", nil)
	b.expect(http.StatusUnauthorized, http.MethodGet, "/api/private/me", nil)
	if again := b.signIn(srv, phone); again != id {
		t.Errorf("the second time %s is %s", id, again)
	}
	if other := open(t, srv).signIn(srv, "13900000000"); other == id {
		t.Error("two people are one")
	}
}

func TestWrongCodesSignNobodyIn(t *testing.T) {
	srv := tigertallytest.Start(t)
	b := open(t, srv)
	b.expect(http.StatusUnauthorized, http.MethodPost, "/api/signin", map[string]string{"code": "123456"})
	b.expect(http.StatusOK, http.MethodPost, "/api/code", map[string]string{"phone": phone})
	wrong := "000000"
	if srv.Code(t, phone) == wrong {
		wrong = "000001"
	}
	for lang, want := range map[string]string{"en": "code", "zh-CN": "验证码"} {
		b.expect(http.StatusOK, http.MethodPost, "/api/code", map[string]string{"phone": phone})
		_, _, _ = b.do(http.MethodPost, "/api/code", map[string]string{"phone": phone}, "Accept-Language", lang)
		status, out, _ := b.do(http.MethodPost, "/api/signin", map[string]string{"code": wrong})
		if text, _ := out["text"].(string); status != http.StatusBadRequest || !strings.Contains(text, want) {
			t.Errorf("%s: %d %v", lang, status, out)
		}
	}
	b.expect(http.StatusUnauthorized, http.MethodGet, "/api/private/me", nil)
}

// A session that the identity server has ended is over here too, within seconds.
func TestEndedSessionsAreOver(t *testing.T) {
	srv := tigertallytest.Start(t)
	b := open(t, srv)
	b.signIn(srv, phone)
	srv.Reset(t)
	srv.Advance(t, 10*time.Second)
	b.expect(http.StatusUnauthorized, http.MethodGet, "/api/private/me", nil)
}

// The cookie of a stranger is worth nothing, and signing in replaces it.
func TestCookies(t *testing.T) {
	srv := tigertallytest.Start(t)
	b := open(t, srv)
	_, _, before := b.do(http.MethodPost, "/api/code", map[string]string{"phone": phone})
	_, _, after := b.do(http.MethodPost, "/api/signin", map[string]string{"code": srv.Code(t, phone)})
	first, second := before.Get("Set-Cookie"), after.Get("Set-Cookie")
	for _, c := range []string{first, second} {
		if !strings.Contains(c, "HttpOnly") || !strings.Contains(c, "SameSite=Lax") {
			t.Errorf("cookie: %s", c)
		}
	}
	name := func(c string) string { head, _, _ := strings.Cut(c, ";"); return head }
	if name(first) == name(second) {
		t.Error("signing in keeps the cookie")
	}
	old := &browser{t, b.url, &http.Client{}}
	if status, _, _ := old.do(http.MethodGet, "/api/private/me", nil, "Cookie", name(first)); status != http.StatusUnauthorized {
		t.Errorf("the cookie from before: %d", status)
	}
	if status, _, _ := old.do(http.MethodGet, "/api/private/me", nil, "Cookie", name(second)); status != http.StatusOK {
		t.Errorf("the cookie itself: %d", status)
	}
	if status, _, _ := b.do(http.MethodPost, "/api/signout", nil, "Sec-Fetch-Site", "cross-site"); status != http.StatusForbidden {
		t.Errorf("another site signs people out: %d", status)
	}
}

func TestPagesRunNothingOfOthers(t *testing.T) {
	b := open(t, tigertallytest.Start(t))
	for path, kind := range map[string]string{"/": "text/html", "/app.js": "javascript", "/style.css": "text/css", "/icon.svg": "image/svg"} {
		status, _, h := b.do(http.MethodGet, path, nil)
		if status != http.StatusOK || !strings.Contains(h.Get("Content-Type"), kind) {
			t.Errorf("%s: %d %s", path, status, h.Get("Content-Type"))
		}
		if policy := h.Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s: %s", path, policy)
		}
	}
}

func TestInternational(t *testing.T) {
	for in, want := range map[string]string{
		"13800000000": "+86 13800000000", "138 0000 0000": "+86 13800000000", " +86 138-0000-0000 ": "+86 13800000000",
		"+8613800000000": "+8613800000000", "+1 (415) 555 0100": "+1 4155550100",
	} {
		if got := international(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// The command serves until it is told to stop, and says what is wrong with its flags.
func TestRun(t *testing.T) {
	srv := tigertallytest.Start(t)
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	_ = free.Close()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- run(ctx, []string{"-listen", address, "-server", srv.URL}, io.Discard) }()
	var up bool
	for range 200 {
		res, err := http.Get("http://" + address + "/")
		if err == nil {
			up = res.StatusCode == http.StatusOK
			_ = res.Body.Close()
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	cancel()
	if err := <-done; err != nil || !up {
		t.Errorf("up %v, %v", up, err)
	}
	for _, args := range [][]string{{"-no-such-flag"}, {"-server", "nothing"}, {"-listen", "256.0.0.1:1"}} {
		if err := run(t.Context(), args, io.Discard); err == nil {
			t.Errorf("%v is accepted", args)
		}
	}
}
