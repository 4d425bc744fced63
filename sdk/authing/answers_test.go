package authing_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tigertally/tigertally/sdk/authing"
)

// served is a client of a server that answers every request with fn.
func served(t *testing.T, fn http.HandlerFunc) *authing.AuthClient {
	t.Helper()
	s := httptest.NewServer(fn)
	t.Cleanup(s.Close)
	return newClient(t, authing.Config{AppID: "app", Host: s.URL})
}

// What is not the answer the API describes is an error that says what it was, and never a
// user.
func TestAnswersOfEveryShape(t *testing.T) {
	tests := map[string]struct {
		status int
		body   string
		code   authing.Code
		text   string // in the error
	}{
		"a refusal":                         {200, `{"code":2020,"message":"no"}`, authing.ErrNotLoggedIn, "GET /api/v2/users/me: 2020: no"},
		"a code as text":                    {200, `{"code":"2020","message":"no"}`, authing.ErrNotLoggedIn, "no"},
		"the newer refusal":                 {200, `{"statusCode":499,"apiCode":2011,"message":"no app"}`, authing.ErrAppNotFound, "no app"},
		"the newer refusal, code as text":   {200, `{"statusCode":499,"apiCode":"2011","message":"no app"}`, authing.ErrAppNotFound, "no app"},
		"a refusal with its HTTP status":    {401, `{"code":2020,"message":"no"}`, authing.ErrNotLoggedIn, "no"},
		"a page of a proxy":                 {502, `<html>bad gateway</html>`, 0, "HTTP 502: Bad Gateway"},
		"a failure, which is no bad number": {500, `{"message":"oops"}`, 0, "HTTP 500: oops"},
		"nothing":                           {200, ``, 0, "not of this API"},
		"no envelope":                       {200, `{"list":[]}`, 0, "no code"},
		"a list":                            {200, `[]`, 0, "not of this API"},
		"another API":                       {200, `{"code":"SUCCESS"}`, 0, "no code"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := served(t, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(tt.status)
				_, _ = io.WriteString(w, tt.body)
			})
			u, err := c.GetCurrentUser(t.Context())
			e, ok := errors.AsType[*authing.Error](err)
			if !ok || u != nil {
				t.Fatalf("got %v, %v", u, err)
			}
			if e.Code != tt.code || e.HTTPStatus != tt.status || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("got %#v: %v", e, err)
			}
			if tt.code != 0 && !errors.Is(err, tt.code) {
				t.Errorf("%v is not %v", err, tt.code)
			}
			if errors.Is(err, authing.ErrPhoneInvalid) {
				t.Error("an HTTP status is taken for a code")
			}
		})
	}
}

func TestAnswersWithoutAUser(t *testing.T) {
	for _, data := range []string{`null`, `true`, `[]`, `"text"`} {
		c := served(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"code":200,"data":`+data+`}`) })
		if u, err := c.GetCurrentUser(t.Context()); err == nil || u != nil {
			t.Errorf("%s: got %v, %v", data, u, err)
		}
		if u, err := c.LoginByEmail(t.Context(), "a@example.com", "1", nil); err == nil || u != nil {
			t.Errorf("%s: got %v, %v", data, u, err)
		}
	}
}

// Newer servers write statusCode for a success, too. An answer without a token leaves the
// session as it is.
func TestUserWithoutAToken(t *testing.T) {
	c := served(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer the-token" {
			t.Errorf("Authorization is %q", r.Header.Get("Authorization"))
		}
		_, _ = io.WriteString(w, `{"statusCode":200,"data":{"id":"u1","token":null}}`)
	})
	if err := c.SetToken(t.Context(), "the-token"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if u, err := c.GetCurrentUser(t.Context()); err != nil || u.ID != "u1" {
			t.Fatalf("got %+v, %v", u, err)
		}
	}
}

func TestAnswersThatAreTooLong(t *testing.T) {
	c := served(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"code":200,"message":"`+strings.Repeat("x", 5<<20)+`"}`)
	})
	if err := c.SendSms(t.Context(), "1", nil); err == nil || !strings.Contains(err.Error(), "too long") {
		t.Errorf("got %v", err)
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	var followed atomic.Bool
	c := served(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/elsewhere" {
			followed.Store(true)
		}
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	})
	err := c.SendSms(t.Context(), "1", nil)
	if e, ok := errors.AsType[*authing.Error](err); !ok || e.HTTPStatus != http.StatusTemporaryRedirect {
		t.Errorf("got %v", err)
	}
	if followed.Load() {
		t.Error("followed")
	}
}

// A gateway without a server behind it is asked again where that does no harm.
func TestGatewayErrorsAreWaitedOut(t *testing.T) {
	var asked atomic.Int64
	c := served(t, func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) < 3 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		_, _ = io.WriteString(w, `{"code":200,"data":{"id":"u1"}}`)
	})
	if _, err := c.GetCurrentUser(t.Context()); err != nil {
		t.Errorf("got %v", err)
	}
	asked.Store(0)
	if _, err := c.LoginByEmail(t.Context(), "a@example.com", "1", nil); err == nil || asked.Load() != 1 {
		t.Errorf("asked %d times: %v", asked.Load(), err)
	}
}

// What could not be sent at all is sent again, whatever it is.
func TestRefusedConnectionsAreTriedAgain(t *testing.T) {
	tries := 0
	network := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		tries++
		return nil, &net.OpError{Op: "dial", Err: errors.New("refused")}
	}}
	c := newClient(t, authing.Config{AppID: "app", Host: "http://id.test", HTTPClient: &http.Client{Transport: network}})
	if err := c.SendSms(t.Context(), "1", nil); err == nil || tries != 3 {
		t.Errorf("%d tries: %v", tries, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if err := c.SendSms(ctx, "1", nil); err == nil {
		t.Error("sent")
	}
}

func TestRequestsSayWhoAsks(t *testing.T) {
	var got http.Header
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r.Header.Clone()
		_, _ = io.WriteString(w, `{"code":200}`)
		if r.URL.Path != "/prefix/api/v2/sms/send" {
			t.Errorf("asked %s", r.URL.Path)
		}
	}))
	defer s.Close()
	c := newClient(t, authing.Config{AppID: "app", UserPoolID: "pool", Host: s.URL + "/prefix/", Lang: "en-US"})
	if err := c.SendSms(t.Context(), "1", nil); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"X-Authing-App-Id": "app", "X-Authing-Userpool-Id": "pool", "X-Authing-Lang": "en-US",
		"X-Authing-Request-From": "sdk", "X-Authing-Sdk-Version": "go:" + authing.Version, "Content-Type": "application/json",
		"Authorization": "",
	} {
		if got.Get(name) != want {
			t.Errorf("%s is %q, want %q", name, got.Get(name), want)
		}
	}
}

func TestConfigIsChecked(t *testing.T) {
	for name, config := range map[string]authing.Config{
		"no application":       {},
		"another scheme":       {AppID: "app", Host: "ftp://id.test"},
		"no host":              {AppID: "app", Host: "https://"},
		"a query":              {AppID: "app", Host: "https://id.test/?a=b"},
		"a password":           {AppID: "app", Host: "https://me:secret@id.test"},
		"no address":           {AppID: "app", Host: "https://id.test:port"},
		"a key of nothing":     {AppID: "app", PublicKey: "!"},
		"a key of no key":      {AppID: "app", PublicKey: "MIIB"},
		"a key that is no RSA": {AppID: "app", PublicKey: "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEh1bsWAW3R2BcJwzyHOgdo3KIL1h8zhzyPtzBNJOPWrsFmJ2CUG2GJhAQ37wUIwqPD0rD8gTIvyv5mFYzX8k6dw=="},
	} {
		if _, err := authing.New(config); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	for _, host := range []string{"", "id.test", "id.test:8443", "http://127.0.0.1:6868", "https://id.test/"} {
		if _, err := authing.New(authing.Config{AppID: "app", Host: host}); err != nil {
			t.Errorf("%q: %v", host, err)
		}
	}
}

// Nothing that is secret, or somebody's, is in a log.
func TestLogsTellNothing(t *testing.T) {
	w := newWorld(t)
	var out bytes.Buffer
	c := w.client(func(config *authing.Config) {
		config.Logger = slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	phone := w.phone()
	w.ok(c.SendSms(t.Context(), phone, nil))
	code := w.srv.Code(t, "+86"+phone)
	u := w.user(c.RegisterByPhoneCode(t.Context(), phone, code, password, nil))
	_, err := c.LoginByAccount(t.Context(), phone, "not it", nil)
	w.refused(err, authing.ErrPasswordWrong)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("somebody signed in", "user", u)
	for _, secret := range []string{u.Token, phone, code, password, "not it"} {
		if strings.Contains(out.String(), secret) {
			t.Errorf("%q is in the log", secret)
		}
	}
	var first struct {
		Method, Path string
		Status, Code int
	}
	line, _, _ := bytes.Cut(out.Bytes(), []byte("\n"))
	if err := json.Unmarshal(line, &first); err != nil {
		t.Fatal(err)
	}
	if first.Method != http.MethodPost || first.Path != "/api/v2/sms/send" || first.Status != 200 || first.Code != 200 {
		t.Errorf("logged %s", line)
	}
}

// What the options say is in the request; nothing else is.
func TestOptionsGoOut(t *testing.T) {
	out := &tap{}
	key, public := transportKey(t)
	c := newClient(t, authing.Config{AppID: "app", Host: "http://id.test", PublicKey: public, HTTPClient: &http.Client{Transport: out}})
	ctx := t.Context()
	_, _ = c.RegisterByPhoneCode(ctx, "1", "2", "", &authing.RegisterOptions{
		Context: "ctx", CountryCode: "+44", ClientIP: "192.0.2.1", Profile: &authing.Profile{City: "x"},
		CustomData: map[string]any{"age": 3}, CaptchaCode: "seen",
	})
	_, _ = c.LoginByAccount(ctx, "ann", password, &authing.LoginOptions{
		AutoRegister: true, Context: "ctx", CountryCode: "+44", ClientIP: "192.0.2.1", CaptchaCode: "seen",
	})
	_, _ = c.LoginByOneAuth(ctx, "t", "a", &authing.OneAuthOptions{Network: 3, Context: "ctx"})
	_, _ = c.LoginByOneAuth(ctx, "t", "a", nil)
	_ = c.SendSms(ctx, "1", &authing.SmsOptions{CountryCode: "+44", Scene: authing.SmsSceneBind})
	_ = c.ResetPasswordByPhone(ctx, "1", "2", password, &authing.PhoneOptions{CountryCode: "+44"})
	want := []map[string]any{
		{
			"phone": "1", "code": "2", "forceLogin": true, "context": "ctx", "phoneCountryCode": "+44", "clientIp": "192.0.2.1",
			"profile": map[string]any{"city": "x"}, "customData": map[string]any{"age": 3.0}, "captchaCode": "seen",
		},
		{"account": "ann", "password": password, "autoRegister": true, "context": "ctx", "clientIp": "192.0.2.1", "captchaCode": "seen"},
		{"token": "t", "accessToken": "a", "netWork": 3.0, "context": "ctx"},
		{"token": "t", "accessToken": "a"},
		{"phone": "1", "phoneCountryCode": "+44", "scene": "bind"},
		{"phone": "1", "code": "2", "newPassword": password, "phoneCountryCode": "+44"},
	}
	var got []map[string]any
	for _, s := range out.sent {
		got = append(got, s.as(t, key).Body)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +sent:\n%s", diff)
	}
	_ = c.Logout(ctx, &authing.LogoutOptions{OnlySelf: true})
	if q := out.sent[len(out.sent)-1].request.URL.RawQuery; q != "app_id=app&only_self=true" {
		t.Errorf("asked with %s", q)
	}
}
