package tigertallytest_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tigertally/tigertally/sdk/tigertallytest"
)

// SignIn is the short way to a session; the second time it is the same person.
func TestSignIn(t *testing.T) {
	t.Parallel()
	srv := tigertallytest.Start(t)
	one := srv.SignIn(t, "+86 138 0000 0000")
	status, me := get(t, srv.URL+"/auth/v1/user/me", "Authorization", "Bearer "+one.AccessToken)
	if status != http.StatusOK || text(me, "sub") != one.UserID || one.UserID == "" || one.RefreshToken == "" || !one.ExpiresAt.After(srv.Now(t)) {
		t.Errorf("%d %v, %+v", status, me, one)
	}
	if again := srv.SignIn(t, "+86 13800000000"); again.UserID != one.UserID || again.AccessToken == one.AccessToken {
		t.Errorf("again: %+v, was %+v", again, one)
	}
	made := srv.CreateUser(t, tigertallytest.User{Phone: "+86 13900000000"})
	if other := srv.SignIn(t, "+86 139-0000-0000"); other.UserID != made {
		t.Errorf("somebody who was there: %s, want %s", other.UserID, made)
	}
	srv.CreateUser(t, tigertallytest.User{Phone: "+86 13700000000", Status: "blocked"})
	for phone, want := range map[string]string{"+86 13700000000": "signin: ", "13800000000": "write the number as"} {
		if why := failure(t, func(t testing.TB) { srv.SignIn(t, phone) }); !strings.Contains(why, want) {
			t.Errorf("%s: %q", phone, why)
		}
	}
}

// sendCode asks for a code as CloudBase apps do, and returns the verification.
func sendCode(t testing.TB, srv *tigertallytest.Server, phone string) string {
	t.Helper()
	status, answer := post(t, srv.URL+"/auth/v1/verification", map[string]any{"phone_number": phone, "target": "ANY", "client_id": srv.ClientID})
	if status != http.StatusOK {
		t.Fatalf("verification: %d %v", status, answer)
	}
	return text(answer, "verification_id")
}

// signIn signs a phone in, making its user on the way, and returns the answer.
func signIn(t testing.TB, srv *tigertallytest.Server, phone string) map[string]any {
	t.Helper()
	id := sendCode(t, srv, phone)
	_, answer := post(t, srv.URL+"/auth/v1/verification/verify", map[string]any{"verification_id": id, "verification_code": srv.Code(t, phone), "client_id": srv.ClientID})
	status, answer := post(t, srv.URL+"/auth/v1/signup", map[string]any{
		"phone_number": phone, "verification_token": text(answer, "verification_token"), "client_id": srv.ClientID,
	})
	if status != http.StatusOK || text(answer, "access_token") == "" {
		t.Fatalf("sign-up: %d %v", status, answer)
	}
	return answer
}

func TestFieldsAreThoseOfTheProject(t *testing.T) {
	t.Parallel()
	srv := tigertallytest.Start(t)
	_, p := get(t, srv.URL+"/emulator/v1/project")
	for field, got := range map[string]string{
		"env": srv.Env, "clientId": srv.ClientID, "appId": srv.AppID, "poolSecret": srv.PoolSecret,
		"manageKey": srv.ManageKey, "publicKey": srv.PublicKey, "issuer": srv.Issuer,
	} {
		if got == "" || got != text(p, field) {
			t.Errorf("%s is %q, want %q", field, got, text(p, field))
		}
	}
	if !strings.HasPrefix(srv.Issuer, srv.URL) {
		t.Errorf("issuer %s of another address than %s", srv.Issuer, srv.URL)
	}
}

// A code is found however its address is written, and it is the newest one.
func TestCodeIsTheNewest(t *testing.T) {
	t.Parallel()
	srv := tigertallytest.Start(t)
	first := sendCode(t, srv, "+86 13800000000")
	old := srv.Code(t, "+86 138 0000 0000")
	second := sendCode(t, srv, "+86 13800000000")
	if first == second {
		t.Fatal("one verification twice")
	}
	newest := srv.Code(t, "13800000000")
	for _, way := range []string{"+86 138-0000-0000", "+8613800000000", "138 0000 0000"} {
		if got := srv.Code(t, way); got != newest {
			t.Errorf("%q: got %s, want %s", way, got, newest)
		}
	}
	all := srv.Messages(t, "+8613800000000")
	if len(all) != 2 || all[0].Code != newest || all[1].Code != old || all[0].Channel != "sms" || !strings.Contains(all[0].Text, newest) {
		t.Errorf("messages: %+v", all)
	}
	if none := srv.Messages(t, "+86 13900000000"); len(none) != 0 {
		t.Errorf("messages of somebody else: %+v", none)
	}
}

// Code waits for a message that is sent after it was called.
func TestCodeWaits(t *testing.T) {
	t.Parallel()
	srv := tigertallytest.Start(t)
	var got string
	var waiting sync.WaitGroup
	waiting.Go(func() { got = srv.Code(t, "lion@example.com") })
	status, answer := post(t, srv.URL+"/auth/v1/verification", map[string]any{"email": "lion@example.com", "target": "ANY", "client_id": srv.ClientID})
	if status != http.StatusOK {
		t.Fatalf("%d %v", status, answer)
	}
	waiting.Wait()
	if len(got) < 4 {
		t.Errorf("got %q", got)
	}
}

// A test whose code never came is told what did.
func TestMissingCodeIsExplained(t *testing.T) {
	t.Parallel()
	srv := tigertallytest.Start(t, tigertallytest.WithPatience(50*time.Millisecond))
	why := failure(t, func(t testing.TB) { srv.Code(t, "+86 138 0000 0000") })
	if !strings.Contains(why, "+86 138 0000 0000") || !strings.Contains(why, "Nothing at all was sent") {
		t.Errorf("an empty inbox: %s", why)
	}
	for i := range 7 {
		sendCode(t, srv, fmt.Sprintf("+86 1390000000%d", i))
	}
	why = failure(t, func(t testing.TB) { srv.Code(t, "+86 138 0000 0000") })
	newest := srv.Messages(t, "")[0]
	if !strings.Contains(why, "of 7 messages") || !strings.Contains(why, newest.To) || !strings.Contains(why, newest.Code) || strings.Contains(why, "13900000001") {
		t.Errorf("another address: %s", why)
	}
	t.Log(why)
}

func TestAdvanceEndsWhatRunsOut(t *testing.T) {
	t.Parallel()
	srv := tigertallytest.Start(t)
	session := signIn(t, srv, "+86 13800000000")
	bearer := "Bearer " + text(session, "access_token")
	if status, _ := get(t, srv.URL+"/auth/v1/user/me", "Authorization", bearer); status != http.StatusOK {
		t.Fatalf("before: %d", status)
	}
	before := srv.Now(t)
	srv.Advance(t, 24*time.Hour)
	if ahead := srv.Now(t).Sub(before); ahead < 24*time.Hour || ahead > 25*time.Hour {
		t.Errorf("the clock moved by %v", ahead)
	}
	if status, _ := get(t, srv.URL+"/auth/v1/user/me", "Authorization", bearer); status != http.StatusUnauthorized {
		t.Errorf("a day later: %d", status)
	}
	if why := failure(t, func(t testing.TB) { srv.Advance(t, -time.Hour) }); !strings.Contains(why, "clock") {
		t.Errorf("backwards: %q", why)
	}
}

func TestCreateUser(t *testing.T) {
	t.Parallel()
	srv := tigertallytest.Start(t)
	lion := tigertallytest.User{Username: "lion", Password: "correct horse", Phone: "+86 13800000000", Email: "lion@example.com"}
	id := srv.CreateUser(t, lion)
	for _, name := range []string{"lion", "lion@example.com", "+86 13800000000"} {
		status, answer := post(t, srv.URL+"/auth/v1/signin", map[string]any{"username": name, "password": "correct horse", "client_id": srv.ClientID})
		if status != http.StatusOK || text(answer, "sub") != id {
			t.Errorf("%s: %d %v, want %s", name, status, answer, id)
		}
	}
	if why := failure(t, func(t testing.TB) { srv.CreateUser(t, lion) }); !strings.Contains(why, "users: 400 identifier_taken: ") {
		t.Errorf("twice: %q", why)
	}
	srv.CreateUser(t, tigertallytest.User{Username: "bear", Password: "correct horse", Status: "blocked"})
	if status, _ := post(t, srv.URL+"/auth/v1/signin", map[string]any{"username": "bear", "password": "correct horse", "client_id": srv.ClientID}); status == http.StatusOK {
		t.Error("a blocked user signs in")
	}
}

func TestResetLeavesNobody(t *testing.T) {
	t.Parallel()
	srv := tigertallytest.Start(t)
	session := signIn(t, srv, "+86 13800000000")
	srv.Advance(t, time.Hour)
	srv.Reset(t)
	if status, _ := get(t, srv.URL+"/auth/v1/user/me", "Authorization", "Bearer "+text(session, "access_token")); status != http.StatusUnauthorized {
		t.Errorf("the session: %d", status)
	}
	if all := srv.Messages(t, ""); len(all) != 0 {
		t.Errorf("messages: %v", all)
	}
	if ahead := time.Until(srv.Now(t)); ahead > 10*time.Minute {
		t.Errorf("the clock is still ahead by %v", ahead)
	}
	signIn(t, srv, "+86 13800000000")
}

// A restart keeps everything an application may rely on.
func TestRestartKeepsDataAddressAndClock(t *testing.T) {
	t.Parallel()
	srv := tigertallytest.Start(t)
	address, secret := srv.URL, srv.PoolSecret
	session := signIn(t, srv, "+86 13800000000")
	srv.Advance(t, time.Hour)
	before := srv.Now(t)
	srv.Restart(t)
	if srv.URL != address || srv.PoolSecret != secret {
		t.Errorf("%s %s, was %s %s", srv.URL, srv.PoolSecret, address, secret)
	}
	if srv.Now(t).Before(before) {
		t.Error("the clock went back")
	}
	if status, _ := get(t, srv.URL+"/auth/v1/user/me", "Authorization", "Bearer "+text(session, "access_token")); status != http.StatusOK {
		t.Errorf("the session: %d", status)
	}
	signIn(t, srv, "+86 13900000000")
}

func TestSettings(t *testing.T) {
	t.Parallel()
	srv := tigertallytest.Start(t, tigertallytest.WithSettings(tigertallytest.Settings{Anonymous: new(false)}))
	anonymous := func() int {
		status, _ := post(t, srv.URL+"/auth/v1/signin/anonymously", map[string]any{"client_id": srv.ClientID})
		return status
	}
	if status := anonymous(); status == http.StatusOK {
		t.Error("anonymous sign-in, which was switched off")
	}
	now := srv.Settings(t, tigertallytest.Settings{Anonymous: new(true), AccessTokenSeconds: new(60)})
	if !*now.Anonymous || *now.AccessTokenSeconds != 60 || *now.Captcha != "off" {
		t.Errorf("settings: %+v", now)
	}
	if status := anonymous(); status != http.StatusOK {
		t.Errorf("anonymous sign-in: %d", status)
	}
	if why := failure(t, func(t testing.TB) { srv.Settings(t, tigertallytest.Settings{Captcha: new("sometimes")}) }); !strings.Contains(why, "settings: 400") {
		t.Errorf("a wrong setting: %q", why)
	}
}

func TestLimitsAreOffUnlessAskedFor(t *testing.T) {
	t.Parallel()
	ask := func(srv *tigertallytest.Server) (last int) {
		for range 4 {
			last, _ = post(t, srv.URL+"/auth/v1/verification", map[string]any{"phone_number": "+86 13800000000", "target": "ANY", "client_id": srv.ClientID})
		}
		return last
	}
	if status := ask(tigertallytest.Start(t)); status != http.StatusOK {
		t.Errorf("without: %d", status)
	}
	if status := ask(tigertallytest.Start(t, tigertallytest.WithLimits())); status == http.StatusOK {
		t.Error("with limits, four codes at once")
	}
}

// The answer to a captcha is found by its token.
func TestCodeKnowsCaptchas(t *testing.T) {
	t.Parallel()
	srv := tigertallytest.Start(t)
	status, answer := post(t, srv.URL+"/auth/v1/captcha/data", map[string]any{"client_id": srv.ClientID, "redirect_uri": "http://localhost/", "state": "s"})
	if status != http.StatusOK || text(answer, "token") == "" {
		t.Fatalf("captcha: %d %v", status, answer)
	}
	status, answer = post(t, srv.URL+"/auth/v1/captcha/data/verify", map[string]any{
		"client_id": srv.ClientID, "token": text(answer, "token"), "key": srv.Code(t, text(answer, "token")),
	})
	if status != http.StatusOK || text(answer, "captcha_token") == "" {
		t.Errorf("verify: %d %v", status, answer)
	}
}

func TestTicketKeyIsTheFileOfASDK(t *testing.T) {
	t.Parallel()
	srv := tigertallytest.Start(t)
	var file struct {
		ID  string `json:"private_key_id"`
		Key string `json:"private_key"`
		Env string `json:"env_id"`
	}
	if err := json.Unmarshal(srv.TicketKey(t), &file); err != nil || file.ID == "" || file.Env != srv.Env || !strings.Contains(file.Key, "PRIVATE KEY") {
		t.Errorf("%v, %v", file.ID, err)
	}
}

// People come back from a provider with a code that signs them in, the same person twice.
func TestApprove(t *testing.T) {
	t.Parallel()
	srv := tigertallytest.Start(t, tigertallytest.WithProviders())
	const page = "http://localhost:3000/callback"
	enter := func(provider, name string) string {
		q := url.Values{"provider_id": {provider}, "redirect_uri": {page}, "state": {"mine"}, "client_id": {srv.ClientID}}
		device := []string{"X-Device-Id", "device-0000000000000001"}
		_, answer := get(t, srv.URL+"/auth/v1/provider/uri?"+q.Encode(), device...)
		back := srv.Approve(t, text(answer, "uri"), name)
		if !strings.HasPrefix(back.String(), page+"?") || back.Query().Get("state") != "mine" {
			t.Fatalf("%s comes back to %s", name, back)
		}
		_, answer = post(t, srv.URL+"/auth/v1/provider/token", map[string]any{
			"provider_id": provider, "provider_code": back.Query().Get("code"), "provider_redirect_uri": page, "client_id": srv.ClientID,
		}, device...)
		_, answer = post(t, srv.URL+"/auth/v1/signin/with/provider", map[string]any{"provider_token": text(answer, "provider_token"), "client_id": srv.ClientID}, device...)
		if text(answer, "sub") == "" {
			t.Fatalf("%s with %s: %v", name, provider, answer)
		}
		return text(answer, "sub")
	}
	for _, provider := range []string{"wx_open", "github", "apple"} { // a relay, a plain redirect, a posted form
		if alice := enter(provider, "alice"); alice != enter(provider, "alice") || alice == enter(provider, "bob") {
			t.Errorf("%s does not tell people apart", provider)
		}
	}
	plain := tigertallytest.Start(t)
	if why := failure(t, func(t testing.TB) { plain.Approve(t, "http://127.0.0.1/", "alice") }); !strings.Contains(why, "WithProviders") {
		t.Errorf("without providers: %q", why)
	}
}

// Servers share nothing that one could see of another, but for keys unless told so.
func TestServersAreApart(t *testing.T) {
	t.Parallel()
	a, b, own := tigertallytest.Start(t), tigertallytest.Start(t), tigertallytest.Start(t, tigertallytest.WithOwnKeys())
	session := signIn(t, a, "+86 13800000000")
	if len(b.Messages(t, "")) != 0 {
		t.Error("one inbox for two servers")
	}
	a.Advance(t, time.Hour)
	if ahead := time.Until(b.Now(t)); ahead > 10*time.Minute {
		t.Error("one clock for two servers")
	}
	if status, _ := get(t, b.URL+"/auth/v1/user/me", "Authorization", "Bearer "+text(session, "access_token")); status != http.StatusUnauthorized {
		t.Errorf("a session of another server: %d", status)
	}
	if own.PublicKey == a.PublicKey || own.PoolSecret == a.PoolSecret {
		t.Error("a server with keys of its own has those of the others")
	}
}

func TestManyServersAtOnce(t *testing.T) {
	t.Parallel()
	for i := range 12 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			signIn(t, tigertallytest.Start(t), fmt.Sprintf("+86 138000000%02d", i))
		})
	}
}

func TestRotateKeysPublishesMore(t *testing.T) {
	t.Parallel()
	srv := tigertallytest.Start(t)
	count := func() int {
		_, set := get(t, srv.Issuer+"/.well-known/jwks.json")
		keys, _ := set["keys"].([]any)
		return len(keys)
	}
	before := count()
	srv.RotateKeys(t)
	if after := count(); after <= before {
		t.Errorf("%d keys, then %d", before, after)
	}
}

func TestLoggerSeesTheServer(t *testing.T) {
	t.Parallel()
	var lines syncBuilder
	srv := tigertallytest.Start(t, tigertallytest.WithLogger(slog.New(slog.NewTextHandler(&lines, nil))))
	signIn(t, srv, "+86 13800000000")
	if got := lines.String(); !strings.Contains(got, "/auth/v1/signup") {
		t.Errorf("the log: %s", got)
	}
}

// syncBuilder is a strings.Builder for several goroutines.
type syncBuilder struct {
	mu sync.Mutex
	b  strings.Builder
}

func (s *syncBuilder) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuilder) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func BenchmarkStart(b *testing.B) {
	for b.Loop() {
		tigertallytest.Start(b)
	}
}
