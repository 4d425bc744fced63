package testkit_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/app"
	"github.com/tigertally/tigertally/internal/config"
	"github.com/tigertally/tigertally/internal/db/dbtest"
)

// smsVendor is Tencent Cloud as far as a driver can tell; it answers what the test says.
type smsVendor struct {
	*httptest.Server
	answer atomic.Pointer[string]
	asked  atomic.Int32
}

func newSMSVendor(t *testing.T) *smsVendor {
	t.Helper()
	v := &smsVendor{}
	done := make(chan struct{})
	v.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v.asked.Add(1)
		_, _ = io.Copy(io.Discard, r.Body)
		if *v.answer.Load() == "hang" {
			<-done
			return
		}
		io.WriteString(w, *v.answer.Load())
	}))
	t.Cleanup(v.Close)
	t.Cleanup(func() { close(done) })
	return v
}

func (v *smsVendor) code(code, serial string) {
	text := `{"Response":{"SendStatusSet":[{"SerialNo":"` + serial + `","Fee":1,"Code":"` + code + `"}]}}`
	v.answer.Store(&text)
}

// production is a server as it runs in earnest, with one pool and a proxy in front.
type production struct {
	url  string
	app  *app.App
	logs syncBuffer
	from int // each request comes from another network
}

// syncBuffer is a log that is read while it is written.
type syncBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write appends p.
func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *syncBuffer) contains(word string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Contains(b.text.String(), word)
}

func newProduction(t *testing.T, conf config.Config) *production {
	t.Helper()
	s, err := app.OpenStore(t.Context(), conf, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.CreatePool(t.Context(), "default", "", nil); err != nil {
		t.Fatal(err)
	}
	if err := s.SetTestTarget(t.Context(), "default", "+8613812345678", "135790", time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	p := &production{}
	if p.app, err = app.Open(t.Context(), app.Options{Config: conf, Logger: slog.New(slog.NewJSONHandler(&p.logs, nil))}); err != nil {
		t.Fatal(err)
	}
	l, err := app.Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p.url = "http://" + l.Addr().String()
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- p.app.Serve(ctx, l) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return p
}

func (p *production) post(t *testing.T, path, body string) (int, map[string]any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	p.from++
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Forwarded-For", fmt.Sprintf("203.0.%d.1", p.from))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, answer
}

func (p *production) send(t *testing.T, number string) (string, map[string]any) {
	t.Helper()
	_, answer := p.post(t, "/auth/v1/verification", `{"client_id":"default","phone_number":"+86 `+number+`","target":"ANY"}`)
	word, _ := answer["error"].(string)
	return word, answer
}

// reports calls back as the vendor does, and as others would.
func (p *production) reports(t *testing.T) {
	t.Helper()
	path := ""
	for _, a := range p.app.CallbackAddresses() {
		if _, rest, _ := strings.Cut(a.URL, "//"); a.Driver == "tencent" {
			_, path, _ = strings.Cut(rest, "/")
		}
	}
	for _, tt := range []struct {
		name, path, body       string
		status                 int
		delivered, undelivered int
	}{
		{"forged", "/" + path, `{"sid":"serial:1"}`, 200, 0, 0},
		{"about nobody's message", "/" + path, `[{"sid":"serial:2","report_status":"FAIL"}]`, 200, 0, 0},
		{"to a guessed address", "/callbacks/guess", `[{"sid":"serial:1","report_status":"FAIL"}]`, 404, 0, 0},
		{"the vendor's", "/" + path, `[{"sid":"serial:1","report_status":"FAIL","errmsg":"UNDELIV"}]`, 200, 0, 1},
		{"the vendor's, again", "/" + path, `[{"sid":"serial:1","report_status":"SUCCESS"}]`, 200, 0, 1},
	} {
		status, answer := p.post(t, tt.path, tt.body)
		days, err := p.app.Spent(t.Context(), "default", 2)
		if err != nil {
			t.Fatal(err)
		}
		delivered, undelivered := 0, 0
		for _, d := range days {
			for _, x := range d.Spend {
				delivered, undelivered = delivered+x.Delivered, undelivered+x.Undelivered
			}
		}
		if status != tt.status || delivered != tt.delivered || undelivered != tt.undelivered {
			t.Errorf("%s: %d %v, %d delivered, %d not", tt.name, status, answer, delivered, undelivered)
		}
	}
}

// M1, M2, M4, M5, M6 over the wire: what a vendor says reaches the app in its protocol
// within three seconds, nothing is sent twice, and a report marks its message.
func TestWhatAVendorSaysReachesTheApp(t *testing.T) {
	for _, engine := range []string{dbtest.SQLite, dbtest.Postgres} {
		t.Run(engine, func(t *testing.T) {
			v := newSMSVendor(t)
			conf := installation(t, dbtest.URL(t, engine))
			conf.TrustedProxies = []string{"127.0.0.1"}
			conf.SMS = config.Driver{Name: "tencent", Options: map[string]string{
				"secret_id": "AKIDtest", "secret_key": "s3cret-of-the-vendor", "app_id": "1400006666", "sign_name": "Tiger",
				"templates": "default=1234(code,minutes)", "base": v.URL,
			}}
			p := newProduction(t, conf)
			for i, tt := range []struct{ name, code, want string }{
				{"too many to this person", "LimitExceeded.PhoneNumberThirtySecondLimit", "resource_exhausted"},
				{"the same person again, uncharged", "LimitExceeded.PhoneNumberThirtySecondLimit", "resource_exhausted"},
				{"a wrong secret", "AuthFailure.SignatureFailure", "failed_precondition"},
			} {
				v.code(tt.code, "")
				if word, answer := p.send(t, "13800000000"); word != tt.want || int(v.asked.Load()) != i+1 {
					t.Errorf("%s: %v, asked %d times", tt.name, answer, v.asked.Load())
				}
			}
			hang := "hang"
			v.answer.Store(&hang)
			// On a busy machine the answer may come before the silence is known to be one.
			if word, answer := p.send(t, "13800000001"); word != "unavailable" && word != "" {
				t.Errorf("a vendor that hangs: %v", answer)
			}
			asked := v.asked.Load()
			v.code("Ok", "serial:1")
			if word, answer := p.send(t, "13800000001"); word != "resource_exhausted" || v.asked.Load() != asked {
				t.Errorf("what may have been sent is charged: %v", answer)
			}
			if word, answer := p.send(t, "13800000002"); word != "" || answer["verification_id"] == nil {
				t.Fatalf("sent: %v", answer)
			}
			if word, _ := p.send(t, "13812345678"); word != "" || v.asked.Load() != asked+1 {
				t.Errorf("a fixed code: %s, asked %d times", word, v.asked.Load()-asked)
			}
			p.reports(t)
			for _, word := range []string{"13800000000", "13812345678", "135790", "s3cret-of-the-vendor"} {
				if p.logs.contains(word) {
					t.Errorf("the log names %s", word)
				}
			}
		})
	}
}
