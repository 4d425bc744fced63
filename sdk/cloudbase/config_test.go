package cloudbase_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tigertally/tigertally/sdk/cloudbase"
)

// transport answers requests.
type transport func(*http.Request) (*http.Response, error)

// RoundTrip implements http.RoundTripper.
func (t transport) RoundTrip(r *http.Request) (*http.Response, error) { return t(r) }

func answer(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
}

func TestWhereRequestsGo(t *testing.T) {
	for _, c := range []struct {
		config cloudbase.Config
		want   string
	}{
		{cloudbase.Config{Env: "my-env"}, "https://my-env.api.tcloudbasegateway.com/auth/v1/checkIfUserExist?username=u&client_id=my-env"},
		{cloudbase.Config{Env: "my-env", Region: "ap-shanghai", ClientID: "c"}, "https://my-env.ap-shanghai.tcb-api.tencentcloudapi.com/auth/v1/checkIfUserExist?username=u&client_id=c"},
		{cloudbase.Config{Env: "e", Endpoint: "http://127.0.0.1:6868/web", Region: "x"}, "http://127.0.0.1:6868/auth/v1/checkIfUserExist?username=u&client_id=e"},
		{cloudbase.Config{Env: "e", Endpoint: "https://id.example.com", APIPath: "/pre/auth/"}, "https://id.example.com/pre/auth/v1/checkIfUserExist?username=u&client_id=e"},
		{cloudbase.Config{Env: "e", Endpoint: "https://id.example.com", APIPath: "/"}, "https://id.example.com/v1/checkIfUserExist?username=u&client_id=e"},
	} {
		var got string
		c.config.HTTPClient = &http.Client{Transport: transport(func(r *http.Request) (*http.Response, error) {
			got = r.URL.String()
			return answer(200, `{"exist":true}`), nil
		})}
		app, err := cloudbase.New(c.config)
		if err != nil {
			t.Fatal(err)
		}
		if taken, err := app.Auth().IsUsernameRegistered(t.Context(), "u"); err != nil || !taken || got != c.want {
			t.Errorf("got %s, %v\nwant %s", got, err, c.want)
		}
	}
}

func TestConfigThatMakesNoSense(t *testing.T) {
	for name, c := range map[string]cloudbase.Config{
		"no env":                  {},
		"an env that is no label": {Env: "evil.example.com/"},
		"a region that is none":   {Env: "e", Region: "evil.example.com/"},
		"no scheme":               {Env: "e", Endpoint: "auth.example.com"},
		"another scheme":          {Env: "e", Endpoint: "ftp://auth.example.com"},
		"no host":                 {Env: "e", Endpoint: "https:///x"},
		"a short device":          {Env: "e", DeviceID: "short"},
	} {
		if _, err := cloudbase.New(c); !errors.Is(err, cloudbase.ErrLocal) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// What servers say in strange ways is understood as the JavaScript library does, or more
// carefully.
func TestAnswers(t *testing.T) {
	for _, c := range []struct {
		name, body string
		status     int
		want       cloudbase.ErrorName // "" for success
		code       int
		wait       time.Duration
	}{
		{"success", `{"exist":true}`, 200, "", 0, 0},
		{"success with a code of 0", `{"exist":true,"code":0}`, 200, "", 0, 0},
		{"a word", `{"exist":"true"}`, 200, "", 0, 0},
		{"an error", `{"error":"not_found","error_code":5,"error_description":"no"}`, 404, cloudbase.ErrNotFound, 5, 0},
		{"an error with 200", `{"error":"not_found","error_code":"5"}`, 200, cloudbase.ErrNotFound, 5, 0},
		{"an error nobody knows", `{"error":"very_new"}`, 400, "very_new", 0, 0},
		{"too often", `{"error":"resource_exhausted","error_code":8,"retry_after":1.5}`, 429, cloudbase.ErrResourceExhausted, 8, 1500 * time.Millisecond},
		{"a code", `{"code":"PERMISSION_DENIED","message":"no"}`, 200, "PERMISSION_DENIED", 0, 0},
		{"a number without a word", `{"error_code":9}`, 200, cloudbase.ErrUnknown, 9, 0},
		{"a status without a word", `{}`, 500, cloudbase.ErrUnknown, 0, 0},
		{"another form", `{"exist":{"deep":[]}}`, 200, "", 0, 0},
		{"nothing", ``, 204, cloudbase.ErrUnreachable, 0, 0},
		{"a page", `<html>`, 502, cloudbase.ErrUnreachable, 0, 0},
		{"no object", `[]`, 200, cloudbase.ErrUnreachable, 0, 0},
		{"null", `null`, 200, cloudbase.ErrUnreachable, 0, 0},
		{"too much", strings.Repeat(" ", 5<<20), 200, cloudbase.ErrUnreachable, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			app, err := cloudbase.New(cloudbase.Config{Env: "e", HTTPClient: &http.Client{Transport: transport(func(*http.Request) (*http.Response, error) {
				return answer(c.status, c.body), nil
			})}})
			if err != nil {
				t.Fatal(err)
			}
			_, err = app.Auth().IsUsernameRegistered(t.Context(), "u")
			if c.want == "" {
				if err != nil {
					t.Errorf("got %v", err)
				}
				return
			}
			e, ok := errors.AsType[*cloudbase.Error](err)
			if !ok || e.Name != c.want || e.Code != c.code || e.Status != c.status && c.want != cloudbase.ErrUnreachable || e.RetryAfter != c.wait {
				t.Errorf("got %#v", err)
			}
		})
	}
}

// Neither an error nor a log line says who somebody is or what lets others be them.
func TestNothingSecretIsSaid(t *testing.T) {
	c := newCity(t)
	var lines bytes.Buffer
	w := c.world(t, func(c *cloudbase.Config) {
		c.Logger = slog.New(slog.NewTextHandler(&lines, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	w.signIn()
	token, err := w.auth.GetAccessToken(t.Context())
	w.ok(err)
	sudo := w.sudo()
	_, err = w.auth.QueryUser(t.Context(), cloudbase.QueryUserRequest{PhoneNumber: w.phone})
	w.ok(err)
	_, _, err = w.storage.Get(t.Context(), "device_id")
	w.ok(err)
	w.wire.suffer(func(*http.Request) fault { return fault{cut: true} })
	_, err = w.auth.DeleteMe(t.Context(), cloudbase.WithSudoRequest{SudoToken: sudo})
	w.refused(err, cloudbase.ErrUnreachable)
	device, _, _ := w.storage.Get(t.Context(), "device_id")
	said := lines.String() + err.Error()
	if !strings.Contains(said, "path=/auth/v1/user/sudo") || !strings.Contains(said, "status=200") {
		t.Fatalf("the log says nothing:\n%s", said)
	}
	for name, secret := range map[string]string{
		"password": password, "access token": token.AccessToken, "sudo token": sudo, "device": device,
		"phone": w.phone[len("+86 "):], "username": w.username,
	} {
		if strings.Contains(said, secret) {
			t.Errorf("the %s is said:\n%s", name, said)
		}
	}
}

// An App of its own transport keeps one connection, and leaves nothing behind.
func TestConnectionsAndGoroutines(t *testing.T) {
	w := newCity(t).world(t)
	var dials atomic.Int64
	shared := &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		dials.Add(1)
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}}
	a := w.open(func(c *cloudbase.Config) { c.HTTPClient = &http.Client{Transport: shared} }).Auth()
	_, err := a.SignIn(t.Context(), cloudbase.SignInRequest{Username: w.username, Password: "wrong password"})
	w.refused(err, cloudbase.ErrInvalidPassword)
	_, err = a.SignIn(t.Context(), cloudbase.SignInRequest{Username: w.username, Password: password})
	w.ok(err)
	for range 20 {
		_, err := a.GetUserInfo(t.Context())
		w.ok(err)
	}
	if n := dials.Load(); n != 1 {
		t.Errorf("%d connections", n)
	}
	shared.CloseIdleConnections()

	before := runtime.NumGoroutine()
	k := &clock{}
	app := w.open(func(c *cloudbase.Config) { c.HTTPClient, c.Now = nil, k.now })
	w.elapse(k, 3*time.Hour)
	_, err = app.Auth().GetUserInfo(t.Context()) // with a refresh
	w.ok(err)
	w.ok(app.Close())
	for wait := 0; runtime.NumGoroutine() > before && wait < 500; wait++ { // connections take a moment to end
		time.Sleep(10 * time.Millisecond)
	}
	if after := runtime.NumGoroutine(); after > before {
		t.Errorf("%d goroutines, %d before", after, before)
	}
}
