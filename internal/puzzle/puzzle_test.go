package puzzle_test

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/puzzle"
)

func at() time.Time { return time.Unix(1700000000, 0) }

// ask sends a solution to a vendor that answers so, and returns what the vendor was asked.
func ask(t *testing.T, name string, set map[string]string, status int, answer string, s puzzle.Solution) (asked map[string]any, err error) {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = map[string]any{"path": r.URL.Path, "auth": strings.SplitN(r.Header.Get("Authorization"), " ", 2)[0]}
		body, readErr := io.ReadAll(r.Body)
		if readErr != nil {
			t.Error(readErr)
		}
		values := r.URL.Query()
		if form, formErr := url.ParseQuery(string(body)); formErr == nil && len(body) > 0 && body[0] != '{' {
			values = form
		}
		for key := range values {
			asked[key] = values.Get(key)
		}
		if len(body) > 0 && body[0] == '{' {
			if jsonErr := json.Unmarshal(body, &asked); jsonErr != nil {
				t.Error(jsonErr)
			}
		}
		w.WriteHeader(status)
		io.WriteString(w, answer)
	}))
	defer srv.Close()
	set = maps.Clone(set)
	set["base"] = srv.URL
	v, err := puzzle.New(name, set, at)
	if err != nil {
		t.Fatal(err)
	}
	return asked, v.Verify(t.Context(), s)
}

func settings(name string) map[string]string {
	return map[string]map[string]string{
		"turnstile": {"secret": "s3cret", "hostnames": "app.example.com", "action": "login"},
		"hcaptcha":  {"secret": "s3cret", "sitekey": "site"},
		"tencent":   {"secret_id": "id", "secret_key": "key", "app_id": "42", "app_secret": "s3cret"},
		"aliyun":    {"access_key_id": "id", "access_key_secret": "key", "scene_id": "scene"},
	}[name]
}

// C1, C2, C3: only a clear yes counts.
func TestC1OnlyAClearYesCounts(t *testing.T) {
	solution := puzzle.Solution{Response: "ticket", Random: "rand", IP: "192.0.2.1"}
	for _, tt := range []struct {
		vendor, name string
		status       int
		answer       string
		want         errs.Code
	}{
		{"turnstile", "yes", 200, `{"success":true,"hostname":"app.example.com","action":"login"}`, ""},
		{"turnstile", "another page", 200, `{"success":true,"hostname":"evil.example","action":"login"}`, errs.CaptchaWrong},
		{"turnstile", "another action", 200, `{"success":true,"hostname":"app.example.com","action":"buy"}`, errs.CaptchaWrong},
		{"turnstile", "used", 200, `{"success":false,"error-codes":["timeout-or-duplicate"]}`, errs.CaptchaWrong},
		{"turnstile", "our secret", 200, `{"success":false,"error-codes":["invalid-input-secret"]}`, errs.Unavailable},
		{"turnstile", "down", 500, ``, errs.Unavailable},
		{"turnstile", "a page", 200, `<html>`, errs.Unavailable},
		{"turnstile", "nothing", 200, `{}`, errs.Unavailable},
		{"hcaptcha", "yes", 200, `{"success":true,"hostname":"any"}`, ""},
		{"hcaptcha", "used", 200, `{"success":false,"error-codes":["already-seen-response"]}`, errs.CaptchaWrong},
		{"hcaptcha", "another account", 200, `{"success":false,"error-codes":["sitekey-secret-mismatch"]}`, errs.Unavailable},
		{"hcaptcha", "redirect", 302, ``, errs.Unavailable},
		{"tencent", "yes", 200, `{"Response":{"CaptchaCode":1,"CaptchaMsg":"OK"}}`, ""},
		{"tencent", "used", 200, `{"Response":{"CaptchaCode":9}}`, errs.CaptchaWrong},
		{"tencent", "evil", 200, `{"Response":{"CaptchaCode":1,"EvilLevel":100}}`, errs.CaptchaWrong},
		{"tencent", "our key", 200, `{"Response":{"Error":{"Code":"AuthFailure.SignatureFailure"}}}`, errs.Unavailable},
		{"tencent", "nothing", 200, `{"Response":{}}`, errs.Unavailable},
		{"aliyun", "yes", 200, `{"Code":"Success","Result":{"VerifyResult":true,"VerifyCode":"T001"}}`, ""},
		{"aliyun", "no", 200, `{"Result":{"VerifyResult":false,"VerifyCode":"F001"}}`, errs.CaptchaWrong},
		{"aliyun", "our key", 400, `{"Code":"SignatureDoesNotMatch"}`, errs.Unavailable},
		{"aliyun", "nothing", 200, `{"Code":"Success"}`, errs.Unavailable},
	} {
		_, err := ask(t, tt.vendor, settings(tt.vendor), tt.status, tt.answer, solution)
		if errs.CodeOf(err) != tt.want {
			t.Errorf("%s, %s: %v", tt.vendor, tt.name, err)
		}
		if err != nil && strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s, %s: the error names the secret", tt.vendor, tt.name)
		}
	}
}

func TestWhatVendorsAreAsked(t *testing.T) {
	solution := puzzle.Solution{Response: "tic+ket=", Random: "rand", IP: "192.0.2.1"}
	for vendor, want := range map[string]map[string]any{
		"turnstile": {"path": "/turnstile/v0/siteverify", "auth": "", "secret": "s3cret", "response": "tic+ket=", "remoteip": "192.0.2.1"},
		"hcaptcha":  {"path": "/siteverify", "auth": "", "secret": "s3cret", "response": "tic+ket=", "remoteip": "192.0.2.1", "sitekey": "site"},
		"tencent": {
			"path": "/", "auth": "TC3-HMAC-SHA256", "CaptchaType": 9.0, "Ticket": "tic+ket=", "Randstr": "rand",
			"UserIp": "192.0.2.1", "CaptchaAppId": 42.0, "AppSecretKey": "s3cret",
		},
		"aliyun": {"path": "/", "auth": "ACS3-HMAC-SHA256", "SceneId": "scene", "CaptchaVerifyParam": "tic+ket="},
	} {
		asked, _ := ask(t, vendor, settings(vendor), http.StatusOK, `{}`, solution)
		if diff := cmp.Diff(want, asked); diff != "" {
			t.Error(vendor, diff)
		}
	}
}

// C3: what no widget made, and what the page made itself, is refused without asking.
func TestC3ImplausibleSolutionsAreNotAskedAbout(t *testing.T) {
	for name, s := range map[string]puzzle.Solution{
		"empty": {}, "endless": {Response: strings.Repeat("x", 10<<10)}, "disaster": {Response: "trerror_1001_42_1"},
	} {
		asked, err := ask(t, "tencent", settings("tencent"), http.StatusOK, `{"Response":{"CaptchaCode":1}}`, s)
		if errs.CodeOf(err) != errs.CaptchaWrong || asked != nil {
			t.Errorf("%s: %v, asked %v", name, err, asked)
		}
	}
}

// C4: keys that vouch for everybody are refused.
func TestC4TestKeysAreRefused(t *testing.T) {
	for secret, name := range map[string]string{
		"1x0000000000000000000000000000000AA":        "turnstile",
		"2x0000000000000000000000000000000AA":        "turnstile",
		"0x0000000000000000000000000000000000000000": "hcaptcha",
	} {
		if _, err := puzzle.New(name, map[string]string{"secret": secret}, at); err == nil {
			t.Errorf("%s accepted %s", name, secret)
		}
		if _, err := puzzle.New(name, map[string]string{"secret": secret, "testing": "true"}, at); err != nil {
			t.Errorf("%s in tests: %v", name, err)
		}
	}
}
