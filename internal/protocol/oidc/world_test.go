package oidc_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/account/accounttest"
	"github.com/tigertally/tigertally/internal/admin"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/keys"
	"github.com/tigertally/tigertally/internal/oauth"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/protocol/oidc"
	"github.com/tigertally/tigertally/internal/session"
	"github.com/tigertally/tigertally/internal/user"
	"github.com/tigertally/tigertally/internal/web"
)

// TestMain lets pipeline functions run: their worker is this binary.
func TestMain(m *testing.M) {
	accounttest.Worker()
	os.Exit(m.Run())
}

const (
	callback  = "https://app.test/callback?from=tally"
	verifier  = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
	everyone  = "openid profile email phone username address offline_access roles extended_fields"
	issuer    = "https://id.test/p"
)

// world is the edge on a server of its own. Pool "p" has the public applications "app"
// and "other" and "server", which has a secret; pool "q" has one of its own name.
type world struct {
	*accounttest.Kit
	t      *testing.T
	oauth  *oauth.Service
	url    string
	secret string // of "server"
	user   user.User
}

func newWorld(t *testing.T, d *db.DB, edit ...func(*pool.Settings)) *world {
	t.Helper()
	w := &world{Kit: accounttest.New(t, d, edit...), t: t}
	for _, id := range []string{"app", "other", "server"} {
		must(t, w.Pools.CreateApp(t.Context(), pool.App{ID: id, PoolID: "p", Name: id}))
	}
	_, err := w.Pools.Create(t.Context(), "q", "Q", pool.Settings{})
	must(t, err)
	for _, id := range []string{"app", "other", "server", "q"} {
		must(t, w.Pools.SetRedirects(t.Context(), id, []string{callback, "http://127.0.0.1/cb", "com.example.app:/in"}, []string{"https://app.test/bye"}))
	}
	must(t, w.Pools.SetOrigins(t.Context(), "app", []string{"https://app.test"}))
	w.secret, err = w.Pools.NewClientSecret(t.Context(), "server")
	must(t, err)
	name := func(id string) string { return "https://id.test/" + id }
	w.oauth = oauth.New(oauth.Deps{
		DB: d, Pools: w.Pools, Users: w.Users, Sessions: w.Sessions, Keys: w.Keys, Tickets: w.Tickets,
		Limits: w.Limits, Pipelines: w.Pipelines, Audit: w.Audit, Issuer: name, Now: w.Now,
	})
	p := oidc.New(oidc.Options{
		Pools: w.Pools, Keys: w.Keys, OAuth: w.oauth, Issuer: name, DefaultPool: "default", PublicURL: "https://id.test",
		SignIn: func(rw http.ResponseWriter, _ *http.Request, id string) {
			rw.Header().Set("X-Request-Ticket", id)
			rw.WriteHeader(http.StatusNoContent)
		},
	})
	server := httptest.NewServer(web.Middleware(web.Options{
		Now: time.Now, Protocol: func(*http.Request) web.Protocol { return p },
	}, p.Handler()))
	t.Cleanup(server.Close)
	w.url = server.URL
	w.user = w.User(t, admin.NewUser{
		Username: "lion", Phone: "+86 13800000001", Email: "lion@example.com", Password: accounttest.Password,
	})
	return w
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// begin starts a session of the user in an application.
func (w *world) begin(clientID string, st session.Style) session.Tokens {
	w.t.Helper()
	c, err := w.Pools.AppOf(w.t.Context(), clientID)
	must(w.t, err)
	tokens, err := w.Sessions.Start(w.t.Context(), session.Start{
		Pool: c.Pool, ClientID: c.ID, UserID: w.user.ID, Scope: "user", AMR: []string{"pwd"}, Style: st,
	})
	must(w.t, err)
	return tokens
}

// login is a login token of the user for an application.
func (w *world) login(clientID string) string {
	w.t.Helper()
	return w.begin(clientID, session.Style{
		Alg: keys.RS256, Typ: session.TypLogin, Life: 14 * 24 * time.Hour, Claims: map[string]any{"data": map[string]string{"id": w.user.ID}},
	}).Access
}

// answer is what the server said.
type answer struct {
	status int
	header http.Header
	raw    []byte
	body   map[string]any
}

func (a answer) str(name string) string {
	s, _ := a.body[name].(string)
	return s
}

func (w *world) do(method, path, body string, header ...string) answer {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), method, w.url+path, bytes.NewReader([]byte(body)))
	must(w.t, err)
	if body != "" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	req.Header.Set("Accept-Language", "en")
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	must(w.t, err)
	defer func() { _ = res.Body.Close() }()
	a := answer{status: res.StatusCode, header: res.Header}
	a.raw, err = io.ReadAll(res.Body)
	must(w.t, err)
	_ = json.Unmarshal(a.raw, &a.body) // not every answer is an object
	return a
}

// form sends name, value pairs.
func (w *world) form(path string, pairs ...string) answer {
	w.t.Helper()
	return w.do(http.MethodPost, path, query(pairs...))
}

// query writes name, value pairs; a later one wins, and "" takes a name away.
func query(pairs ...string) string {
	q := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if q.Del(pairs[i]); pairs[i+1] != "" {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	return q.Encode()
}

// good is an answer that must be a success.
func (w *world) good(a answer) answer {
	w.t.Helper()
	if a.status != http.StatusOK {
		w.t.Fatalf("%d %s", a.status, a.raw)
	}
	return a
}

// bad checks a refusal, and that it is written as RFC 6749 section 5.2 wants it.
func (w *world) bad(what string, a answer, status int, word string) {
	w.t.Helper()
	if a.status != status || a.str("error") != word {
		w.t.Errorf("%s: %d %s, want %d %s", what, a.status, a.raw, status, word)
	}
	if got := a.header.Get("Cache-Control"); got != "no-store" {
		w.t.Errorf("%s: Cache-Control %q", what, got)
	}
	if got := a.header.Get("Content-Type"); !strings.HasPrefix(got, "application/json") {
		w.t.Errorf("%s: Content-Type %q", what, got)
	}
	for _, c := range a.str("error_description") {
		if c < ' ' || c > '~' || c == '"' || c == '\\' {
			w.t.Errorf("%s: description %q", what, a.str("error_description"))
		}
	}
}

// exchange turns a fresh login token into tokens with every scope.
func (w *world) exchange(clientID string) answer {
	w.t.Helper()
	return w.good(w.form("/oidc/token", "grant_type", "http://authing.cn/oidc/grant_type/authing_token",
		"client_id", clientID, "token", w.login(clientID), "scope", everyone, "prompt", "consent",
		"code_verifier", "means nothing here", "redirect_uri", "https://console.authing.cn/x"))
}

func (w *world) refresh(clientID, token string) answer {
	w.t.Helper()
	return w.form("/oidc/token", "grant_type", "refresh_token", "client_id", clientID, "refresh_token", token,
		"code_verifier", "a fresh random one")
}

func (w *world) me(token string) answer {
	w.t.Helper()
	return w.do(http.MethodGet, "/oidc/me", "", "Authorization", "Bearer "+token)
}

// authorize sends the parameters of an authorization request, overridden by pairs. An
// override with "" takes a parameter away.
func (w *world) authorize(pairs ...string) answer {
	w.t.Helper()
	q := url.Values{
		"client_id": {"app"}, "redirect_uri": {callback}, "response_type": {"code"}, "scope": {everyone},
		"state": {"st&te"}, "nonce": {"n-0S6"}, "prompt": {"consent"},
		"code_challenge": {challenge}, "code_challenge_method": {"S256"},
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		if q.Del(pairs[i]); pairs[i+1] != "" {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	return w.do(http.MethodGet, "/oidc/auth?"+q.Encode(), "")
}

// code signs the user in and returns the code the application gets.
func (w *world) code(pairs ...string) string {
	w.t.Helper()
	a := w.authorize(pairs...)
	request := a.header.Get("X-Request-Ticket")
	if request == "" {
		w.t.Fatalf("no request: %d %s %s", a.status, a.header.Get("Location"), a.raw)
	}
	pending, err := w.oauth.Request(w.t.Context(), request)
	must(w.t, err)
	target, err := w.oauth.Finish(w.t.Context(), request, w.Principal(w.t, w.begin(pending.Client.ID, session.Style{})))
	must(w.t, err)
	u, err := url.Parse(target)
	must(w.t, err)
	if !strings.HasPrefix(target, pending.RedirectURI) || u.Query().Get("state") != pending.State || u.Query().Get("iss") != issuer {
		w.t.Fatalf("goes to %s", target)
	}
	return u.Query().Get("code")
}

// redeem exchanges a code of "app", overridden by pairs.
func (w *world) redeem(code string, pairs ...string) answer {
	w.t.Helper()
	all := append([]string{
		"grant_type", "authorization_code", "client_id", "app", "code", code, "code_verifier", verifier,
		"redirect_uri", callback, "prompt", "consent",
	}, pairs...)
	return w.form("/oidc/token", all...)
}

// claimsOf reads a token without believing it.
func claimsOf(t *testing.T, token string) (head, body map[string]any) {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("no JWT: %q", token)
	}
	for i, into := range []*map[string]any{&head, &body} {
		raw, err := base64.RawURLEncoding.DecodeString(parts[i])
		must(t, err)
		must(t, json.Unmarshal(raw, into))
	}
	return head, body
}

func atHash(access string) string {
	sum := sha256.Sum256([]byte(access))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}
