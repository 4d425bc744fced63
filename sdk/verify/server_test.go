package verify_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tigertally/tigertally/sdk/tigertallytest"
	"github.com/tigertally/tigertally/sdk/verify"
)

// person is somebody signed in to a real server in every way that gives a token.
type person struct {
	srv                     *tigertallytest.Server
	id                      string
	access, login, identity string
}

// send posts a body, JSON or a form, and returns the answer.
func send(t *testing.T, address string, in any, header ...string) map[string]any {
	t.Helper()
	var body io.Reader
	kind := "application/json"
	if form, ok := in.(url.Values); ok {
		body, kind = strings.NewReader(form.Encode()), "application/x-www-form-urlencoded"
	} else {
		raw, err := json.Marshal(in)
		if err != nil {
			t.Fatal(err)
		}
		body = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", kind)
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]any
	if err := json.Unmarshal(raw, &out); err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d %s", address, res.StatusCode, raw)
	}
	return out
}

const mobile = "+86 138 0000 0000"

func signIn(t *testing.T, srv *tigertallytest.Server) *person {
	t.Helper()
	p := &person{srv: srv}
	p.id = srv.CreateUser(t, tigertallytest.User{Username: "lion", Phone: mobile, Email: "lion@example.com", Password: "correct horse"})
	p.access, _ = send(t, srv.URL+"/auth/v1/signin", map[string]any{"username": "lion", "password": "correct horse", "client_id": srv.ClientID})["access_token"].(string)

	send(t, srv.URL+"/api/v2/sms/send", map[string]any{"phone": "13800000000"}, "X-Authing-App-Id", srv.AppID)
	answer := send(t, srv.URL+"/graphql/v2", map[string]any{
		"query":     "mutation loginByPhoneCode($input: LoginByPhoneCodeInput!) { loginByPhoneCode(input: $input) { token } }",
		"variables": map[string]any{"input": map[string]any{"phone": "13800000000", "code": srv.Code(t, mobile)}},
	}, "X-Authing-App-Id", srv.AppID)
	data, _ := answer["data"].(map[string]any)
	user, _ := data["loginByPhoneCode"].(map[string]any)
	p.login, _ = user["token"].(string)

	tokens := send(t, srv.URL+"/oidc/token", url.Values{
		"grant_type": {"http://authing.cn/oidc/grant_type/authing_token"}, "client_id": {srv.AppID},
		"token": {p.login}, "scope": {"openid profile email"},
	})
	p.identity, _ = tokens["id_token"].(string)
	if p.access == "" || p.login == "" || p.identity == "" {
		t.Fatalf("tokens: %v %v", answer, tokens)
	}
	return p
}

func (p *person) config() verify.Config {
	return verify.Config{Issuer: p.srv.Issuer, Audience: []string{p.srv.ClientID, p.srv.AppID}, Pool: p.srv.Env}
}

// Every kind of token of a real server is what it says, over a rotation of its keys too.
func TestTokensOfAServerAreVerified(t *testing.T) {
	srv := tigertallytest.Start(t)
	p := signIn(t, srv)
	conf := p.config()
	conf.Kinds = []verify.Kind{verify.Access, verify.Login, verify.ID}
	v := newVerifier(t, conf)
	for token, want := range map[string]verify.Kind{p.access: verify.Access, p.login: verify.Login, p.identity: verify.ID} {
		c, err := v.Verify(t.Context(), token)
		if err != nil {
			t.Fatalf("%v: %v", want, err)
		}
		if c.Kind != want || c.Subject != p.id || c.Pool != srv.Env || c.SessionID == "" || c.Anonymous || time.Until(c.ExpiresAt) < time.Minute {
			t.Errorf("%v: %+v", want, c)
		}
		if _, err := newVerifier(t, p.config()).Verify(t.Context(), token); (want == verify.ID) != errors.Is(err, verify.ErrKind) {
			t.Errorf("%v by default: %v", want, err)
		}
	}
	c, err := v.Verify(t.Context(), p.identity)
	if err != nil {
		t.Fatal(err)
	}
	var profile struct {
		Email    string `json:"email"`
		Verified bool   `json:"email_verified"`
	}
	if err := c.Decode(&profile); err != nil || profile.Email != "lion@example.com" || !profile.Verified {
		t.Errorf("profile: %+v, %v", profile, err)
	}

	srv.RotateKeys(t)
	again := send(t, srv.URL+"/auth/v1/signin", map[string]any{"username": "lion", "password": "correct horse", "client_id": srv.ClientID})
	fresh, _ := again["access_token"].(string)
	for name, token := range map[string]string{"before": p.access, "after": fresh} {
		if _, err := v.Verify(t.Context(), token); err != nil {
			t.Errorf("%s the rotation: %v", name, err)
		}
	}

	srv.Advance(t, 3*time.Hour)
	conf.Now = func() time.Time { return srv.Now(t) }
	if _, err := newVerifier(t, conf).Verify(t.Context(), fresh); !errors.Is(err, verify.ErrExpired) {
		t.Errorf("three hours later: %v", err)
	}
}

// Tokens of one server are nothing to another, and Any knows which is whose.
func TestIssuersAreKeptApart(t *testing.T) {
	a, b := signIn(t, tigertallytest.Start(t)), signIn(t, tigertallytest.Start(t))
	va, vb := newVerifier(t, a.config()), newVerifier(t, b.config())
	if _, err := va.Verify(t.Context(), b.access); !errors.Is(err, verify.ErrIssuer) {
		t.Errorf("a token of another server: %v", err)
	}
	all, err := verify.Any(va, vb)
	if err != nil {
		t.Fatal(err)
	}
	if err := all.Ready(t.Context()); err != nil {
		t.Error(err)
	}
	for _, p := range []*person{a, b} {
		if c, err := all.Verify(t.Context(), p.access); err != nil || c.Subject != p.id {
			t.Errorf("either server: %v, %v", c, err)
		}
	}
	if _, err := verify.Any(va, va); err == nil {
		t.Error("one issuer twice is accepted")
	}
}

// With introspection a sign-out counts at once, for both kinds of token; without, when the
// token expires.
func TestIntrospectionSeesTheEndOfASession(t *testing.T) {
	srv := tigertallytest.Start(t)
	p := signIn(t, srv)
	conf := p.config()
	offline := newVerifier(t, conf)
	conf.Introspection = &verify.Introspection{Remember: -1}
	conf.Kinds = []verify.Kind{verify.Access, verify.Login, verify.ID}
	online := newVerifier(t, conf)
	conf.Introspection = &verify.Introspection{}
	remembers := newVerifier(t, conf)
	tokens := []string{p.access, p.login, p.identity}
	for i, token := range tokens {
		for _, v := range []*verify.Verifier{online, remembers} {
			if _, err := v.Verify(t.Context(), token); err != nil {
				t.Fatalf("token %d while signed in: %v", i, err)
			}
		}
	}
	send(t, srv.URL+"/auth/v1/user/signout", struct{}{}, "Authorization", "Bearer "+p.access)
	send(t, srv.URL+"/auth/v1/revoke", map[string]string{"token": p.login})
	if _, err := online.Verify(t.Context(), p.access); !errors.Is(err, verify.ErrRevoked) || !errors.Is(err, verify.ErrInvalid) {
		t.Errorf("after the sign-out: %v", err)
	}
	if _, err := offline.Verify(t.Context(), p.access); err != nil {
		t.Errorf("offline: %v", err)
	}
	if _, err := remembers.Verify(t.Context(), p.access); err != nil {
		t.Errorf("an answer of this moment is not remembered: %v", err)
	}
	srv.Reset(t) // nobody is left
	for _, token := range tokens {
		if _, err := online.Verify(t.Context(), token); !errors.Is(err, verify.ErrRevoked) {
			t.Errorf("after everybody is gone: %v", err)
		}
	}
}

// When the server cannot be asked, a token is neither good nor bad, unless the program
// has chosen otherwise.
func TestIntrospectionDuringAnOutage(t *testing.T) {
	f := newForger(t)
	token := f.ec.sign(t, f.ec.head(), f.access())
	conf := f.config(f.clock)
	conf.Introspection = &verify.Introspection{URL: "http://127.0.0.1:1"}
	if _, err := newVerifier(t, conf).Verify(t.Context(), token); !errors.Is(err, verify.ErrUnavailable) || errors.Is(err, verify.ErrInvalid) {
		t.Errorf("closed: %v", err)
	}
	conf.Introspection = &verify.Introspection{URL: "http://127.0.0.1:1", FailOpen: true}
	if _, err := newVerifier(t, conf).Verify(t.Context(), token); err != nil {
		t.Errorf("open: %v", err)
	}
	forged := ecKey(t, "ec-1")
	if _, err := newVerifier(t, conf).Verify(t.Context(), forged.sign(t, forged.head(), f.access())); !errors.Is(err, verify.ErrSignature) {
		t.Errorf("a forged token, open: %v", err)
	}
}

// Many requests with one token share one question, its answer is remembered, and a failure
// is not.
func TestIntrospectionAsksOnce(t *testing.T) {
	f := newForger(t)
	var asked atomic.Int64
	var broken atomic.Bool
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		<-release
		if broken.Load() {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		if r.URL.Path != "/auth/v1/token/introspect" || r.URL.Query().Get("client_id") != "shop" || !strings.HasPrefix(r.Header.Get("Authorization"), "Bearer ey") {
			t.Errorf("asked %s", r.URL)
		}
		_, _ = w.Write([]byte(`{"sub":"user-1"}`))
	}))
	t.Cleanup(server.Close)
	conf := f.config(f.clock)
	conf.Introspection = &verify.Introspection{URL: server.URL, Remember: time.Minute}
	v := newVerifier(t, conf)
	if err := v.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	token := f.ec.sign(t, f.ec.head(), f.access())
	many := func() (failed int) {
		errs := make(chan error, 30)
		for range cap(errs) {
			go func() {
				_, err := v.Verify(t.Context(), token)
				errs <- err
			}()
		}
		for range cap(errs) {
			if err := <-errs; err != nil {
				failed++
			}
		}
		return failed
	}
	broken.Store(true)
	go func() {
		for asked.Load() == 0 {
			time.Sleep(time.Millisecond)
		}
		close(release)
	}()
	if failed := many(); failed == 0 {
		t.Error("nobody hears of the failure")
	}
	broken.Store(false)
	if failed := many(); failed != 0 {
		t.Errorf("%d of 30 are refused after the failure", failed)
	}
	before := asked.Load()
	if many(); asked.Load() != before {
		t.Errorf("asked again within a minute")
	}
	f.clock.advance(time.Minute)
	if many(); asked.Load() != before+1 {
		t.Errorf("asked %d times after a minute, want once", asked.Load()-before)
	}
}
