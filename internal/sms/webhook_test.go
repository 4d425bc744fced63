package sms_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tigertally/tigertally/internal/sms"
)

const key = "0123456789abcdef"

func at() time.Time { return time.Unix(1700000000, 0) }

func message() sms.Message {
	return sms.Message{
		ID: "m1", To: "+8613800000000", Template: "sign_in", Lang: "en",
		Params: map[string]string{"code": "246810", "minutes": "10"}, Text: "246810 is your code.",
	}
}

// gateway is an operator's server that checks what it is sent and answers status.
func gateway(t *testing.T, status int, got *map[string]any, hits *int) *httptest.Server {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*hits++
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		stamp, nonce := r.Header.Get("X-Sms-Timestamp"), r.Header.Get("X-Sms-Nonce")
		mac := hmac.New(sha256.New, []byte(key))
		io.WriteString(mac, "v1:"+stamp+":"+nonce+":"+string(body))
		if want := "v1=" + hex.EncodeToString(mac.Sum(nil)); r.Header.Get("X-Sms-Signature") != want {
			t.Errorf("signature %q, want %q", r.Header.Get("X-Sms-Signature"), want)
		}
		if stamp != "1700000000" || len(nonce) < 16 || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("headers %v", r.Header)
		}
		if err := json.Unmarshal(body, got); err != nil {
			t.Error(err)
		}
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(status)
		io.WriteString(w, `{"error":{"message":"no message for +8613800000000 with 246810"}}`)
	}))
	t.Cleanup(srv.Close)
	return srv
}

func open(t *testing.T, url string) sms.Driver {
	t.Helper()
	d, err := sms.New("webhook", map[string]string{"url": url, "secret": key, "sign_name": "Tiger"}, at)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestWebhookPostsASignedMessage(t *testing.T) {
	var got map[string]any
	var hits int
	srv := gateway(t, http.StatusOK, &got, &hits)
	if _, err := open(t, srv.URL).Send(t.Context(), message()); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"message_id": "m1", "purpose": "sign_in", "template": "sign_in", "locale": "en",
		"to":     map[string]any{"e164": "+8613800000000", "country_code": "86", "national": "13800000000"},
		"params": map[string]any{"code": "246810", "minutes": "10"},
		"text":   "246810 is your code.", "sign_name": "Tiger",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// VC-01: the error of a refused message repeats neither the number nor the code.
func TestVC01WebhookErrorsTellNothing(t *testing.T) {
	for _, status := range []int{http.StatusFound, http.StatusTemporaryRedirect, http.StatusBadRequest, http.StatusBadGateway} {
		var got map[string]any
		var hits int
		srv := gateway(t, status, &got, &hits)
		_, err := open(t, srv.URL).Send(t.Context(), message())
		if err == nil || strings.Contains(err.Error(), "138") || strings.Contains(err.Error(), "246810") {
			t.Errorf("status %d: %v", status, err)
		}
		if hits != 1 {
			t.Errorf("status %d: %d requests, want one and no redirect", status, hits)
		}
	}
}

// VC-10: a gateway that does not answer costs three seconds.
func TestVC10WebhookGivesUpAfterThreeSeconds(t *testing.T) {
	done := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-done }))
	t.Cleanup(srv.Close)
	t.Cleanup(func() { close(done) })
	begin := time.Now()
	if _, err := open(t, srv.URL).Send(t.Context(), message()); err == nil {
		t.Error("no answer counted as sent")
	}
	if took := time.Since(begin); took < 2*time.Second || took > 8*time.Second {
		t.Errorf("gave up after %v", took)
	}
}

func TestNewRefusesBadSettings(t *testing.T) {
	good := map[string]string{"url": "https://sms.example.com/send", "secret": key}
	if _, err := sms.New("webhook", good, at); err != nil {
		t.Errorf("good settings: %v", err)
	}
	for name, set := range map[string]map[string]string{
		"no url":              {"secret": key},
		"no secret":           {"url": good["url"]},
		"short secret":        {"url": good["url"], "secret": "short"},
		"clear text":          {"url": "http://sms.example.com/send", "secret": key},
		"relative":            {"url": "/send", "secret": key},
		"password in it":      {"url": "https://u:p@sms.example.com/", "secret": key},
		"another scheme":      {"url": "file:///etc/passwd", "secret": key},
		"unknown option":      {"url": good["url"], "secret": key, "colour": "red"},
		"loopback look-alike": {"url": "http://127.0.0.1.example.com/", "secret": key},
	} {
		if _, err := sms.New("webhook", set, at); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := sms.New("pigeon", nil, at); err == nil {
		t.Error("unknown driver accepted")
	}
}

func TestEveryDriverIsDocumented(t *testing.T) {
	for _, k := range sms.Drivers() {
		if k.Name == "" || k.Doc == "" || len(k.Options) == 0 {
			t.Errorf("driver %+v lacks words", k.Name)
		}
		for _, o := range k.Options {
			if o.Name == "" || o.Doc == "" {
				t.Errorf("%s: option %q lacks words", k.Name, o.Name)
			}
		}
	}
}
