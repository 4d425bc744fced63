package testkit_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// The size of the crash run: writers sign people up until enough were acknowledged,
// while the server dies this many times.
const (
	crashWriters = 6
	crashAcks    = 500
	crashKills   = 50
)

// entry is one line of the client's ledger: what it asked for and what it was told.
type entry struct {
	phone, username string
	acked           bool   // a whole 200 answer was read
	access          string // of the acknowledged session
	refresh         string // of the acknowledged session
	deleting        bool   // the account was to be deleted
	deleted         bool   // and that was acknowledged
}

// TestKillNineLosesNothing proves R1: whatever was acknowledged survives the process
// being killed at any moment, whole and once; what was not is there whole or not at all.
// So it is with deletions (DL-02).
func TestKillNineLosesNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("the crash run takes a minute")
	}
	c := newCrash(t)
	c.start()
	var acked atomic.Int64
	var ledger []entry
	var mu sync.Mutex
	ctx, stop := context.WithCancel(t.Context())
	var writers sync.WaitGroup
	for w := range crashWriters {
		writers.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				e := c.signUp(ctx, w, n)
				if e.phone == "" {
					time.Sleep(5 * time.Millisecond) // the server is down
					continue
				}
				if e.acked {
					acked.Add(1)
				}
				if e.acked && n%3 == 0 {
					c.delete(context.WithoutCancel(ctx), &e)
				}
				mu.Lock()
				ledger = append(ledger, e)
				mu.Unlock()
			}
		})
	}
	for range crashKills {
		c.waitFor(&acked, acked.Load()+crashAcks/crashKills)
		c.kill()
		c.start()
	}
	stop()
	writers.Wait()
	c.kill()
	c.start()
	c.check(ledger)
	t.Logf("%d acknowledged, %d unknown, %d kills, slowest start %s; %s", acked.Load(),
		len(ledger)-int(acked.Load()), c.kills, c.slowest, deletions(ledger))
}

func deletions(ledger []entry) string {
	known, unknown := 0, 0
	for _, e := range ledger {
		if e.deleted {
			known++
		} else if e.deleting {
			unknown++
		}
	}
	return fmt.Sprintf("%d deletions acknowledged, %d unknown", known, unknown)
}

type crash struct {
	t       *testing.T
	binary  string
	data    string
	addr    string
	url     string
	client  *http.Client
	cmd     *exec.Cmd
	kills   int
	slowest time.Duration
}

func newCrash(t *testing.T) *crash {
	t.Helper()
	dir := t.TempDir()
	c := &crash{t: t, binary: filepath.Join(dir, "tigertally"), data: filepath.Join(dir, "data")}
	build := exec.CommandContext(t.Context(), "go", "build", "-o", c.binary, "github.com/tigertally/tigertally/cmd/tigertally")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c.addr = l.Addr().String()
	c.url = "http://" + c.addr
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	c.client = &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: crashWriters}}
	t.Cleanup(func() {
		if c.cmd != nil {
			c.kill()
		}
	})
	return c
}

func (c *crash) start() {
	c.t.Helper()
	c.cmd = exec.Command(c.binary, "dev", "--quiet", "--listen", c.addr, "--data", c.data)
	var errs bytes.Buffer
	c.cmd.Stderr = &errs
	begin := time.Now()
	if err := c.cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	for time.Since(begin) < 10*time.Second {
		res, err := c.client.Get(c.url + "/healthz")
		if err == nil {
			_ = res.Body.Close()
			c.slowest = max(c.slowest, time.Since(begin))
			return
		}
		time.Sleep(2 * time.Millisecond)
	}
	c.t.Fatalf("the server does not come back: %s", errs.String())
}

// waitFor lets the writers work until enough were acknowledged, and then a random moment
// more, so that the kill falls anywhere in their requests.
func (c *crash) waitFor(acked *atomic.Int64, enough int64) {
	c.t.Helper()
	for begin := time.Now(); acked.Load() < enough; time.Sleep(time.Millisecond) {
		if time.Since(begin) > time.Minute {
			c.t.Fatalf("nobody was signed up for a minute; %d acknowledged so far", acked.Load())
		}
	}
	time.Sleep(time.Duration(rand.IntN(50)) * time.Millisecond)
}

func (c *crash) kill() {
	_ = c.cmd.Process.Kill() // SIGKILL
	_ = c.cmd.Wait()
	c.client.CloseIdleConnections()
	c.kills++
}

// call posts a body and returns the answer's fields, whole; ok is false when nobody can
// know what happened, and when the server refused.
func (c *crash) call(ctx context.Context, path string, body map[string]string) (answer map[string]any, status int) {
	raw, err := json.Marshal(body)
	if err != nil {
		return nil, 0
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url+path, bytes.NewReader(raw))
	if err != nil {
		return nil, 0
	}
	return c.do(req)
}

func (c *crash) do(req *http.Request) (answer map[string]any, status int) {
	res, err := c.client.Do(req)
	if err != nil {
		return nil, 0
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	if err != nil || json.Unmarshal(raw, &answer) != nil {
		return nil, 0
	}
	return answer, res.StatusCode
}

// signUp runs one registration. A zero entry means that it never came to asking for the
// account.
func (c *crash) signUp(ctx context.Context, w, n int) entry {
	e := entry{phone: fmt.Sprintf("+86 139%02d%06d", w, n), username: fmt.Sprintf("crash%dx%dx", w, n)}
	verification, status := c.call(ctx, "/auth/v1/verification", map[string]string{"phone_number": e.phone})
	id, _ := verification["verification_id"].(string)
	if status != http.StatusOK {
		return entry{}
	}
	code := c.code(ctx, e.phone)
	verified, status := c.call(ctx, "/auth/v1/verification/verify",
		map[string]string{"verification_id": id, "verification_code": code})
	token, _ := verified["verification_token"].(string)
	if status != http.StatusOK {
		return entry{}
	}
	made, status := c.call(context.WithoutCancel(ctx), "/auth/v1/signup", map[string]string{
		"phone_number": e.phone, "verification_token": token,
		"password": "strong", "username": e.username, "name": "crash " + e.username,
	})
	e.acked = status == http.StatusOK
	e.refresh, _ = made["refresh_token"].(string)
	e.access, _ = made["access_token"].(string)
	return e
}

// delete removes the account of e again.
func (c *crash) delete(ctx context.Context, e *entry) {
	granted, status := c.authorized(ctx, e.access, http.MethodPost, "/auth/v1/user/sudo", `{"password":"strong"}`)
	grant, _ := granted["sudo_token"].(string)
	if status != http.StatusOK {
		return
	}
	e.deleting = true
	_, status = c.authorized(ctx, e.access, http.MethodDelete, "/auth/v1/user/me?sudo_token="+grant, "")
	e.deleted = status == http.StatusOK
}

func (c *crash) authorized(ctx context.Context, access, method, path, body string) (answer map[string]any, status int) {
	req, err := http.NewRequestWithContext(ctx, method, c.url+path, strings.NewReader(body))
	if err != nil {
		return nil, 0
	}
	req.Header.Set("Authorization", "Bearer "+access)
	return c.do(req)
}

func (c *crash) code(ctx context.Context, phone string) string {
	to := strings.NewReplacer("+", "%2B", " ", "").Replace(phone)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url+"/emulator/v1/messages?wait=2s&to="+to, nil)
	if err != nil {
		return ""
	}
	res, err := c.client.Do(req)
	if err != nil {
		return ""
	}
	defer func() { _ = res.Body.Close() }()
	var messages []struct {
		Code string `json:"code"`
	}
	if json.NewDecoder(res.Body).Decode(&messages) != nil || len(messages) == 0 {
		return ""
	}
	return messages[0].Code
}

// check compares the ledger with what the server has.
func (c *crash) check(ledger []entry) {
	c.t.Helper()
	ids := map[string]string{}
	for _, e := range ledger {
		session, status := c.call(c.t.Context(), "/auth/v1/signin", map[string]string{"username": e.phone, "password": "strong"})
		sub, _ := session["sub"].(string)
		switch {
		case status == http.StatusOK && e.deleted:
			c.t.Errorf("%s was deleted and signs in", e.username)
		case status != http.StatusOK && (!e.acked || e.deleting) && session["error"] == "not_found":
			if _, exists := c.call(c.t.Context(), "/auth/v1/signin",
				map[string]string{"username": e.username, "password": "strong"}); exists == http.StatusOK {
				c.t.Errorf("%s is half made: the name signs in, the phone does not", e.username)
			}
			if _, status := c.call(c.t.Context(), "/auth/v1/token", map[string]string{
				"grant_type": "refresh_token", "refresh_token": e.refresh,
			}); status == http.StatusOK {
				c.t.Errorf("%s is half deleted: the session refreshes", e.username)
			}
			continue
		case status != http.StatusOK:
			c.t.Errorf("acknowledged=%v %s: sign-in says %d %v", e.acked, e.username, status, session)
			continue
		}
		if before, twice := ids[sub]; twice {
			c.t.Errorf("%s and %s share one account", before, e.username)
		}
		ids[sub] = e.username
		c.checkProfile(e, session)
	}
}

func (c *crash) checkProfile(e entry, session map[string]any) {
	c.t.Helper()
	access, _ := session["access_token"].(string)
	profile, _ := c.authorized(c.t.Context(), access, http.MethodGet, "/auth/v1/user/me", "")
	if profile["username"] != e.username || profile["phone_number"] != e.phone || profile["name"] != "crash "+e.username {
		c.t.Errorf("%s is half made: %v", e.username, profile)
	}
	if !e.acked {
		return
	}
	if _, status := c.call(c.t.Context(), "/auth/v1/token",
		map[string]string{"grant_type": "refresh_token", "refresh_token": e.refresh}); status != http.StatusOK {
		c.t.Errorf("%s: the acknowledged session does not refresh", e.username)
	}
}
