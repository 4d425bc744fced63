package cloudbase_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/app"
	"github.com/tigertally/tigertally/internal/connection"
	"github.com/tigertally/tigertally/internal/testkit"
)

// The providers of a vendors.
const (
	miniApp = "wx0000000000000003"
	page    = "http://127.0.0.1:3000/app"
)

// vendors plays WeChat and an OAuth server for one server under test. A code is the name
// of a person, a dash and anything; each works once.
type vendors struct {
	t  *testing.T
	at string

	mu   sync.Mutex
	used map[string]bool
	last url.Values // the form of the last code that was redeemed
}

// withVendors connects s to providers: wx_open, the mini-program and corp.
func withVendors(t *testing.T, s *testkit.Server) *vendors {
	t.Helper()
	v := &vendors{t: t, used: make(map[string]bool)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /sns/oauth2/access_token", v.webToken)
	mux.HandleFunc("GET /sns/userinfo", v.webUser)
	mux.HandleFunc("GET /sns/jscode2session", v.miniSession)
	mux.HandleFunc("POST /cgi-bin/stable_token", v.appToken)
	mux.HandleFunc("POST /wxa/business/getuserphonenumber", v.phone)
	mux.HandleFunc("POST /token", v.token)
	mux.HandleFunc("GET /me", v.me)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	v.at = server.URL
	wechat := func(id string) map[string]string {
		return map[string]string{"appid": id, "secret": "secret", "base": v.at}
	}
	v.put(s, connection.Connection{ID: "wx_open", Kind: "wechat_open", Name: "WeChat", UnionGroup: "g"}, wechat("wx0000000000000001"))
	v.put(s, connection.Connection{ID: miniApp, Kind: "wechat_mini", UnionGroup: "g", LinkPhone: true}, wechat(miniApp))
	v.put(s, connection.Connection{ID: "corp", Kind: "oauth2", Name: "Corp", TrustEmail: true}, map[string]string{
		"client_id": "us", "client_secret": "secret", "scope": "profile",
		"authorize_url": v.at + "/authorize", "token_url": v.at + "/token", "userinfo_url": v.at + "/me",
	})
	return v
}

func (v *vendors) put(s *testkit.Server, c connection.Connection, settings map[string]string) {
	v.t.Helper()
	c.PoolID, c.Enabled, c.SignUp = app.DevPool, true, true
	if err := s.App.PutProvider(v.t.Context(), c, settings); err != nil {
		v.t.Fatal(err)
	}
}

// redeem returns the person of a code, "" for one that was used.
func (v *vendors) redeem(code string) string {
	v.mu.Lock()
	defer v.mu.Unlock()
	who, _, ok := strings.Cut(code, "-")
	if !ok || v.used[code] {
		return ""
	}
	v.used[code] = true
	return who
}

func answer(w http.ResponseWriter, body map[string]any) {
	w.Header().Set("Content-Type", "text/plain")
	_ = json.NewEncoder(w).Encode(body)
}

func (v *vendors) webToken(w http.ResponseWriter, r *http.Request) {
	who := v.redeem(r.FormValue("code"))
	if who == "" {
		answer(w, map[string]any{"errcode": 40163, "errmsg": "code been used"})
		return
	}
	answer(w, map[string]any{
		"access_token": who, "openid": "web-" + who, "unionid": "union-" + who, "scope": "snsapi_login",
	})
}

func (v *vendors) webUser(w http.ResponseWriter, r *http.Request) {
	who := r.FormValue("access_token")
	answer(w, map[string]any{"openid": "web-" + who, "unionid": "union-" + who, "nickname": who})
}

func (v *vendors) miniSession(w http.ResponseWriter, r *http.Request) {
	who := v.redeem(r.FormValue("js_code"))
	if who == "" {
		answer(w, map[string]any{"errcode": 40029, "errmsg": "invalid code"})
		return
	}
	answer(w, map[string]any{"openid": "mini-" + who, "unionid": "union-" + who, "session_key": "a2V5a2V5a2V5a2V5a2V5aw=="})
}

func (v *vendors) appToken(w http.ResponseWriter, _ *http.Request) {
	answer(w, map[string]any{"access_token": "app-token", "expires_in": 7200})
}

// phone tells the number of a phone code, which is written like <person>-<number>-….
func (v *vendors) phone(w http.ResponseWriter, r *http.Request) {
	var in struct{ Code, OpenID string }
	_ = json.NewDecoder(r.Body).Decode(&in)
	who := v.redeem(in.Code)
	if who == "" || in.OpenID != "mini-"+who {
		answer(w, map[string]any{"errcode": 40029, "errmsg": "invalid code"})
		return
	}
	answer(w, map[string]any{"errcode": 0, "phone_info": map[string]any{
		"purePhoneNumber": strings.Split(in.Code, "-")[1], "countryCode": 86,
		"watermark": map[string]any{"appid": miniApp, "timestamp": time.Now().Unix()},
	}})
}

func (v *vendors) token(w http.ResponseWriter, r *http.Request) {
	who := v.redeem(r.FormValue("code"))
	v.mu.Lock()
	v.last = r.Form
	v.mu.Unlock()
	if who == "" {
		w.WriteHeader(http.StatusBadRequest)
		answer(w, map[string]any{"error": "invalid_grant"})
		return
	}
	answer(w, map[string]any{"access_token": who, "token_type": "bearer"})
}

func (v *vendors) me(w http.ResponseWriter, r *http.Request) {
	who := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	answer(w, map[string]any{"id": "corp-" + who, "name": who, "email": who + "@example.com", "email_verified": true})
}

// visitor is a browser or phone that talks to a server with vendors.
type visitor struct {
	t      *testing.T
	s      *testkit.Server
	device string
	codes  int
}

func newVisitor(t *testing.T, s *testkit.Server, n int) *visitor {
	t.Helper()
	return &visitor{t: t, s: s, device: fmt.Sprintf("%032x", 0xabc00+n)}
}

// code is a fresh one of a person.
func (b *visitor) code(who string) string {
	b.codes++
	return fmt.Sprintf("%s-%s-%d", who, b.device, b.codes)
}

func (b *visitor) do(method, path string, body map[string]any, header ...string) testkit.Answer {
	b.t.Helper()
	var sent any
	if body != nil {
		sent = body
	}
	return b.s.Do(method, path, sent, append(header, "X-Device-Id", b.device)...)
}

func (b *visitor) post(path string, body map[string]any) testkit.Answer {
	b.t.Helper()
	return b.do(http.MethodPost, path+"?client_id=dev", body)
}

// uri asks for the address of a provider's page.
func (b *visitor) uri(pairs ...string) testkit.Answer {
	b.t.Helper()
	q := url.Values{"client_id": {"dev"}}
	for i := 0; i+1 < len(pairs); i += 2 {
		q.Set(pairs[i], pairs[i+1])
	}
	return b.do(http.MethodGet, "/auth/v1/provider/uri?"+q.Encode(), nil)
}

// begin asks for an address, visits it and returns where it leads.
func (b *visitor) begin(provider, state string) *url.URL {
	b.t.Helper()
	got := b.uri("provider_id", provider, "redirect_uri", page, "state", state)
	at, ok := strings.CutPrefix(got.String("uri"), b.s.URL)
	if !ok || strings.Contains(at, "%") {
		b.t.Fatalf("the address: %d %s", got.Status, got.Raw)
	}
	return b.location(b.do(http.MethodGet, at, nil), http.StatusFound)
}

// location is where an answer leads.
func (b *visitor) location(got testkit.Answer, status int) *url.URL {
	b.t.Helper()
	to, err := url.Parse(got.Header.Get("Location"))
	if err != nil || got.Status != status || got.Header.Get("Cache-Control") != "no-store" {
		b.t.Fatalf("answered %d %v %s", got.Status, got.Header, got.Raw)
	}
	return to
}

// arrive comes back from corp's page and returns the address of the app's.
func (b *visitor) arrive(state, who string) *url.URL {
	b.t.Helper()
	q := url.Values{"state": {b.begin("corp", state).Query().Get("state")}, "code": {b.code(who)}}
	return b.location(b.do(http.MethodGet, "/auth/v1/provider/callback/corp?"+q.Encode(), nil), http.StatusSeeOther)
}

// grant exchanges a code on the app's page.
func (b *visitor) grant(provider, code string) testkit.Answer {
	b.t.Helper()
	return b.post("/auth/v1/provider/token", map[string]any{
		"provider_id": provider, "provider_redirect_uri": page, "provider_code": code,
	})
}

// granted is the provider token for somebody's WeChat.
func (b *visitor) granted(who string) string {
	b.t.Helper()
	got := b.grant("wx_open", b.code(who))
	if got.String("provider_token") == "" {
		b.t.Fatalf("no provider token: %d %s", got.Status, got.Raw)
	}
	return got.String("provider_token")
}

// mini exchanges a wx.login code.
func (b *visitor) mini(kind, who string, more ...string) testkit.Answer {
	b.t.Helper()
	params := map[string]any{"provider_code_type": kind, "appid": miniApp}
	for i := 0; i+1 < len(more); i += 2 {
		params[more[i]] = more[i+1]
	}
	return b.post("/auth/v1/provider/token", map[string]any{
		"provider_id": miniApp, "provider_code": b.code(who), "provider_params": params,
	})
}

// enter signs in with a provider token.
func (b *visitor) enter(token string) testkit.Answer {
	b.t.Helper()
	return b.post("/auth/v1/signin/with/provider", map[string]any{"provider_token": token})
}

// entered is enter for what must work.
func (b *visitor) entered(token string) testkit.Answer {
	b.t.Helper()
	got := b.enter(token)
	if got.Status != http.StatusOK || got.String("sub") == "" {
		b.t.Fatalf("not signed in: %d %s", got.Status, got.Raw)
	}
	return got
}

// bearer sends a request of somebody signed in.
func (b *visitor) bearer(session testkit.Answer, method, path string, body map[string]any) testkit.Answer {
	b.t.Helper()
	return b.do(method, path, body, "Authorization", "Bearer "+session.String("access_token"))
}

// refused checks a refusal.
func refused(t *testing.T, what string, got testkit.Answer, word string) {
	t.Helper()
	if got.String("error") != word {
		t.Errorf("%s: answered %d %s, want %s", what, got.Status, got.Raw, word)
		return
	}
	wantRefusal(t, got)
}

// form posts a form as a browser does.
func (b *visitor) form(path string, form url.Values, header ...string) testkit.Answer {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, b.s.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	return testkit.Answer{Status: res.StatusCode, Header: res.Header}
}
