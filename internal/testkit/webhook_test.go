package testkit_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/app"
	"github.com/tigertally/tigertally/internal/config"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/operator"
	protocol "github.com/tigertally/tigertally/internal/protocol/manage"
	"github.com/tigertally/tigertally/internal/testkit"
)

// receiver is a server of a pool's owner.
type receiver struct {
	*httptest.Server

	mu     sync.Mutex
	status int
	got    []received
	arrive chan struct{}
}

type received struct {
	header http.Header
	body   []byte
}

func newReceiver(t *testing.T, status int) *receiver {
	t.Helper()
	r := &receiver{status: status, arrive: make(chan struct{}, 100)}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			t.Error(err)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.got = append(r.got, received{req.Header.Clone(), body})
		if r.status >= 300 && r.status < 400 {
			w.Header().Set("Location", "http://169.254.169.254/latest/meta-data")
		}
		w.WriteHeader(r.status)
		r.arrive <- struct{}{}
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) wait(t *testing.T) received {
	t.Helper()
	select {
	case <-r.arrive:
	case <-time.After(20 * time.Second):
		t.Fatal("nothing arrived")
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.got[len(r.got)-1]
}

// administer does a request of the management API of a development server.
func administer(t *testing.T, s *testkit.Server, method, path string, body any) testkit.Answer {
	t.Helper()
	key := s.Do(http.MethodGet, "/emulator/v1/project", nil).String("manageKey")
	if key == "" {
		t.Fatal("no management key")
	}
	return s.Do(method, "/manage/v1"+path, body, "Authorization", "Bearer "+key, "Content-Type", "application/json")
}

func newHook(t *testing.T, s *testkit.Server, address string) (id, secret string) {
	t.Helper()
	a := administer(t, s, http.MethodPost, "/pools/dev/webhooks", map[string]any{"url": address, "events": []string{"user.created"}})
	hook, _ := a.Body["webhook"].(map[string]any)
	id, _ = hook["id"].(string)
	if a.Status != http.StatusOK || id == "" {
		t.Fatalf("webhook: %d %s", a.Status, a.Raw)
	}
	return id, a.String("secret")
}

func newPerson(t *testing.T, s *testkit.Server, name string) {
	t.Helper()
	if a := s.Post("/emulator/v1/users", map[string]string{"username": name, "password": "strong-enough-7"}); a.Status != http.StatusOK && a.Status != http.StatusCreated {
		t.Fatalf("user: %d %s", a.Status, a.Raw)
	}
}

func verified(secret string, r received) bool {
	raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil {
		return false
	}
	mac := hmac.New(sha256.New, raw)
	mac.Write([]byte(r.header.Get("webhook-id") + "." + r.header.Get("webhook-timestamp") + "."))
	mac.Write(r.body)
	return r.header.Get("webhook-signature") == "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// What happened is told although the server was stopped between the event and the telling,
// and the same event keeps its id.
func TestWebhooksOutliveARestart(t *testing.T) {
	for _, engine := range []string{dbtest.SQLite, dbtest.Postgres} {
		t.Run(engine, func(t *testing.T) {
			url := dbtest.URL(t, engine)
			dir := filepath.Join(t.TempDir(), "data")
			r := newReceiver(t, http.StatusServiceUnavailable)
			s := testkit.StartIn(t, url, dir)
			_, secret := newHook(t, s, r.URL+"/in")
			newPerson(t, s, "alice")
			first := r.wait(t)
			s.Stop()
			r.mu.Lock()
			r.status = http.StatusOK
			r.mu.Unlock()
			s = testkit.StartIn(t, url, dir)
			s.Advance(2 * time.Minute)
			again := r.wait(t)
			if !verified(secret, first) || !verified(secret, again) {
				t.Error("a signature is wrong")
			}
			if first.header.Get("webhook-id") != again.header.Get("webhook-id") {
				t.Error("the repetition has another id")
			}
			var said struct{ Type string }
			if err := json.Unmarshal(again.body, &said); err != nil || said.Type != "user.created" {
				t.Errorf("%s %v", again.body, err)
			}
		})
	}
}

// A redirect leads nowhere (SS-01): the answer is a failure and the address is not asked.
func TestSS01WebhooksFollowNoRedirect(t *testing.T) {
	s := testkit.Start(t, dbtest.SQLite)
	r := newReceiver(t, http.StatusTemporaryRedirect)
	id, _ := newHook(t, s, r.URL)
	a := administer(t, s, http.MethodPost, "/pools/dev/webhooks/"+id+"/test", map[string]any{})
	if a.Status != http.StatusOK || a.String("state") != "failed" || a.Body["status"] != float64(http.StatusTemporaryRedirect) {
		t.Errorf("%d %s", a.Status, a.Raw)
	}
}

// In production no webhook reaches this machine or its network, whatever its name or
// address: neither is taken in clear, nor dialled.
func TestSS01WebhooksReachNoPrivateAddress(t *testing.T) {
	conf := config.Default()
	conf.DataDir = t.TempDir()
	conf.PublicURL = "https://auth.example.com"
	server, err := app.Open(t.Context(), app.Options{Config: conf, Logger: slog.New(slog.DiscardHandler), Worker: nil})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	secret := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it was reached") }))
	t.Cleanup(secret.Close)
	do := func(method, path string, body any) (int, map[string]any) {
		raw, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		ctx := protocol.WithPrincipal(t.Context(), operator.Local("test"))
		req := httptest.NewRequestWithContext(ctx, method, "/manage/v1"+path, bytes.NewReader(raw))
		req.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		server.Handler().ServeHTTP(w, req)
		var out map[string]any
		_ = json.Unmarshal(w.Body.Bytes(), &out)
		return w.Code, out
	}
	if status, out := do(http.MethodPost, "/pools", map[string]string{"id": "shop", "name": "Shop"}); status != http.StatusOK {
		t.Fatalf("pool: %d %v", status, out)
	}
	if status, _ := do(http.MethodPost, "/pools/shop/webhooks", map[string]string{"url": "http://127.0.0.1/"}); status != http.StatusBadRequest {
		t.Errorf("an address in clear: %d", status)
	}
	for _, address := range []string{
		secret.URL, "https://localhost" + secret.URL[strings.LastIndex(secret.URL, ":"):], "https://[::1]/", "https://10.0.0.1/",
		"https://169.254.169.254/latest/meta-data", "https://100.100.100.200/", "https://0x7f000001/", "https://[::ffff:127.0.0.1]/",
	} {
		status, out := do(http.MethodPost, "/pools/shop/webhooks", map[string]string{"url": address})
		if status != http.StatusOK {
			continue // refused at once is as good
		}
		hook, _ := out["webhook"].(map[string]any)
		id, _ := hook["id"].(string)
		status, out = do(http.MethodPost, "/pools/shop/webhooks/"+id+"/test", map[string]any{})
		if status != http.StatusOK || out["state"] != "failed" || out["status"] != float64(0) {
			t.Errorf("%s: %d %v", address, status, out)
		}
	}
}

// A receiver that takes the connection and never answers keeps nobody from signing in,
// within the three seconds everything has.
func TestADeadWebhookSlowsNoSignIn(t *testing.T) {
	s := testkit.Start(t, dbtest.SQLite)
	hang := make(chan struct{})
	dead := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-hang:
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(dead.Close)
	t.Cleanup(func() { close(hang) })
	newHook(t, s, dead.URL)
	for i := range 40 {
		newPerson(t, s, "person"+string(rune('a'+i%26))+string(rune('a'+i/26)))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	done := make(chan testkit.Answer, 1)
	go func() {
		done <- s.Post("/auth/v1/signin?client_id=dev", map[string]string{"username": "personaa", "password": "strong-enough-7"})
	}()
	select {
	case a := <-done:
		if a.Status != http.StatusOK {
			t.Errorf("sign-in: %d %s", a.Status, a.Raw)
		}
	case <-ctx.Done():
		t.Error("signing in waits for a receiver")
	}
}
