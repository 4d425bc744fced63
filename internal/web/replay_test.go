package web_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/web"
)

type clock struct{ at atomic.Int64 }

func (c *clock) now() time.Time          { return time.Unix(c.at.Load(), 0) }
func (c *clock) advance(d time.Duration) { c.at.Add(int64(d / time.Second)) }

// counter answers each call with its number.
func counter(calls *atomic.Int64) http.Handler {
	return web.Handle(plain{}, func(w http.ResponseWriter, r *http.Request) error {
		n := calls.Add(1)
		if r.URL.Path == "/fail" {
			return errs.New(errs.CodeWrong)
		}
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		fmt.Fprintf(w, "%d", n)
		return nil
	})
}

func TestReplays(t *testing.T) {
	var c clock
	var calls atomic.Int64
	h := web.NewReplays(c.now, time.Minute, 100).Handler(counter(&calls))
	send := func(method, target, body, id, token string) *httptest.ResponseRecorder {
		r := request(t, method, target, body)
		if id != "" {
			r.Header.Set("X-Request-Id", id)
		}
		if token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		return do(h, r)
	}
	first := send("POST", "/a?x=1", "{}", "id", "t")
	again := send("POST", "/a?x=1", "{}", "id", "t")
	if first.Body.String() != again.Body.String() || again.Code != first.Code ||
		again.Header().Get("Content-Type") != "application/json; charset=utf-8" {
		t.Errorf("answered %s, then %s, %v", first.Body, again.Body, again.Header())
	}
	tests := []struct {
		name                            string
		method, target, body, id, token string
		runs                            bool
	}{
		{"the same", "POST", "/a?x=1", "{}", "id", "t", false},
		{"another id", "POST", "/a?x=1", "{}", "id2", "t", true},
		{"no id", "POST", "/a?x=1", "{}", "", "t", true},
		{"no id again", "POST", "/a?x=1", "{}", "", "t", true},
		{"an unsafe id", "POST", "/a?x=1", "{}", "a b", "t", true},
		{"an unsafe id again", "POST", "/a?x=1", "{}", "a b", "t", true},
		{"another query, as after a captcha", "POST", "/a?x=1&captcha_token=c", "{}", "id", "t", true},
		{"another path", "POST", "/b?x=1", "{}", "id", "t", true},
		{"another method", "PATCH", "/a?x=1", "{}", "id", "t", true},
		{"another body", "POST", "/a?x=1", "{} ", "id", "t", true},
		{"another user", "POST", "/a?x=1", "{}", "id", "t2", true},
		{"nobody", "POST", "/a?x=1", "{}", "id", "", true},
		{"a read", "GET", "/a?x=1", "", "id", "t", true},
		{"a read again", "GET", "/a?x=1", "", "id", "t", true},
		{"a failure", "POST", "/fail", "{}", "id", "t", true},
		{"a failure again", "POST", "/fail", "{}", "id", "t", true},
	}
	for _, tt := range tests {
		before := calls.Load()
		send(tt.method, tt.target, tt.body, tt.id, tt.token)
		if ran := calls.Load() != before; ran != tt.runs {
			t.Errorf("%s: ran %v, want %v", tt.name, ran, tt.runs)
		}
	}
	c.advance(61 * time.Second)
	before := calls.Load()
	if send("POST", "/a?x=1", "{}", "id", "t"); calls.Load() == before {
		t.Error("an answer was given again after its life")
	}
}

// ED-02: of the same request sent at once, one runs.
func TestReplaysRunOnce(t *testing.T) {
	var c clock
	var calls atomic.Int64
	slow := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(20 * time.Millisecond)
		counter(&calls).ServeHTTP(w, r)
	})
	h := web.NewReplays(c.now, time.Minute, 100).Handler(slow)
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if w := do(h, request(t, "POST", "/", "{}", "X-Request-Id", "one")); w.Body.String() != "1" {
				t.Errorf("answered %s", w.Body)
			}
		})
	}
	wg.Wait()
	if calls.Load() != 1 {
		t.Errorf("ran %d times", calls.Load())
	}
}

func TestReplaysLetTheNextTryWhenOneFails(t *testing.T) {
	var c clock
	var calls atomic.Int64
	h := web.NewReplays(c.now, time.Minute, 100).Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if calls.Add(1) == 1 {
			time.Sleep(10 * time.Millisecond)
			panic("first")
		}
		web.WriteJSON(w, http.StatusOK, struct{}{})
	}))
	var wg sync.WaitGroup
	for range 5 {
		wg.Go(func() { do(h, request(t, "POST", "/", "{}", "X-Request-Id", "one")) })
	}
	wg.Wait()
	if calls.Load() != 2 {
		t.Errorf("ran %d times, want the panic and one more", calls.Load())
	}
}

func TestReplaysAreBounded(t *testing.T) {
	var c clock
	var calls atomic.Int64
	h := web.NewReplays(c.now, time.Minute, 3).Handler(counter(&calls))
	for _, id := range []string{"a", "b", "c", "d", "e", "e", "a"} {
		do(h, request(t, "POST", "/", "", "X-Request-Id", id))
	}
	if calls.Load() != 6 { // only the second e is a replay
		t.Errorf("ran %d times", calls.Load())
	}
	t.Run("a large answer is not kept", func(t *testing.T) {
		var calls atomic.Int64
		h := web.NewReplays(c.now, time.Minute, 3).Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			calls.Add(1)
			fmt.Fprint(w, strings.Repeat("x", 20_000))
		}))
		for range 2 {
			do(h, request(t, "POST", "/", "", "X-Request-Id", "x"))
		}
		if calls.Load() != 2 {
			t.Errorf("ran %d times", calls.Load())
		}
	})
}

func TestReplaysPassTheBodyOn(t *testing.T) {
	var c clock
	h := web.NewReplays(c.now, time.Minute, 3).Handler(echo[checked]())
	if w := do(h, request(t, "POST", "/", `{"name":"x"}`, "X-Request-Id", "x")); w.Body.String() != `{"name":"x"}` {
		t.Errorf("answered %s", w.Body)
	}
	r := request(t, "POST", "/", strings.Repeat(" ", web.MaxBody+1), "X-Request-Id", "x")
	r.ContentLength = -1
	if got := errorOf(t, do(h, r)); got.Error != string(errs.BodyTooLarge) {
		t.Errorf("answered %+v", got)
	}
}
