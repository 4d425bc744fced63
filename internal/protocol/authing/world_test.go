package authing_test

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/tigertally/tigertally/internal/secret"
	"github.com/tigertally/tigertally/internal/testkit"
)

const (
	appID  = "dev-app"
	poolID = "dev"
)

// world is a server as an Authing client sees it.
type world struct {
	*testing.T
	s   *testkit.Server
	key *rsa.PublicKey
}

// each runs fn on both storage engines.
func each(t *testing.T, fn func(w *world)) {
	t.Helper()
	testkit.Each(t, func(t *testing.T, s *testkit.Server) { fn(newWorld(t, s)) })
}

func newWorld(t *testing.T, s *testkit.Server) *world {
	t.Helper()
	return &world{T: t, s: s, key: parsedKey(t, s.Do(http.MethodGet, "/emulator/v1/project", nil).String("publicKey"))}
}

func parsedKey(t *testing.T, text string) *rsa.PublicKey {
	t.Helper()
	der, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatalf("key %q: %v", text, err)
	}
	parsed, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		t.Fatal(err)
	}
	key, ok := parsed.(*rsa.PublicKey)
	if !ok {
		t.Fatal("not an RSA key")
	}
	return key
}

// run is a subtest on the same server.
func (w *world) run(name string, fn func(w *world)) {
	w.Helper()
	w.Run(name, func(t *testing.T) { fn(&world{T: t, s: w.s.On(t), key: w.key}) })
}

// seal encrypts a password as the clients do: never the same twice.
func (w *world) seal(plain string) string {
	w.Helper()
	b, err := rsa.EncryptPKCS1v15(secret.Reader(), w.key, []byte(plain)) //nolint:staticcheck // the clients' padding
	if err != nil {
		w.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(b)
}

// body is a JSON object.
type body = map[string]any

// answer is an envelope.
type answer struct {
	testkit.Answer
	w    *world
	what string
}

func (w *world) do(method, path string, in any, header ...string) answer {
	w.Helper()
	return answer{w.s.Do(method, path, in, append([]string{"X-Authing-App-Id", appID}, header...)...), w, method + " " + path}
}

func (w *world) post(path string, in any, header ...string) answer {
	w.Helper()
	return w.do(http.MethodPost, path, in, header...)
}

// as sends a request with a token; "" sends none.
func (w *world) as(token, method, path string, in any, header ...string) answer {
	w.Helper()
	if token != "" {
		header = append(header, "Authorization", "Bearer "+token)
	}
	return w.do(method, path, in, header...)
}

func (w *world) postAs(token, path string, in any) answer {
	w.Helper()
	return w.as(token, http.MethodPost, path, in)
}

// want checks the envelope: status 200, a whole number as code and a message.
func (a answer) want(code int) answer {
	a.w.Helper()
	number, ok := a.Body["code"].(float64)
	if a.Status != http.StatusOK || !ok || int(number) != code || a.String("message") == "" {
		a.w.Fatalf("%s: status %d %s, want code %d", a.what, a.Status, a.Raw, code)
	}
	if _, has := a.Body["data"]; has && code != 200 && code != 1639 {
		a.w.Errorf("%s: code %d comes with data: %s", a.what, code, a.Raw)
	}
	return a
}

// data is a member of the answer's data.
func (a answer) data(name string) any {
	a.w.Helper()
	data, ok := a.Body["data"].(map[string]any)
	if !ok {
		a.w.Fatalf("%s: no data: %s", a.what, a.Raw)
	}
	return data[name]
}

func (a answer) text(name string) string {
	a.w.Helper()
	s, _ := a.data(name).(string)
	return s
}

// person is what the tests keep of a signed-in user.
type person struct{ id, token string }

// user checks that the answer is a user under the null and type rules, and returns who.
func (a answer) user() person {
	a.w.Helper()
	a.want(200)
	for _, name := range []string{"emailVerified", "phoneVerified", "blocked", "isDeleted"} {
		if _, ok := a.data(name).(bool); !ok {
			a.w.Errorf("%s: %s is no boolean: %v", a.what, name, a.data(name))
		}
	}
	if _, ok := a.data("loginsCount").(float64); !ok {
		a.w.Errorf("%s: loginsCount is no number", a.what)
	}
	if _, ok := a.data("identities").([]any); !ok {
		a.w.Errorf("%s: identities is no list", a.what)
	}
	for _, name := range []string{"password", "salt"} {
		if _, has := a.Body["data"].(map[string]any)[name]; has {
			a.w.Errorf("%s: %s leaves the server", a.what, name)
		}
	}
	for _, name := range []string{"phone", "email", "username", "nickname", "photo"} {
		if v, has := a.Body["data"].(map[string]any)[name]; !has || v == "" {
			a.w.Errorf("%s: %s is %v, %v", a.what, name, v, has)
		}
	}
	p := person{a.text("id"), a.text("token")}
	if p.id == "" || strings.Count(p.token, ".") != 2 {
		a.w.Fatalf("%s: no user with a token: %s", a.what, a.Raw)
	}
	return p
}

// has compares members of the data.
func (a answer) has(want body) answer {
	a.w.Helper()
	for name, v := range want {
		if got := a.data(name); fmt.Sprint(got) != fmt.Sprint(v) {
			a.w.Errorf("%s: %s is %v, want %v", a.what, name, got, v)
		}
	}
	return a
}

// smsCode sends a code to a mainland number and reads it.
func (w *world) smsCode(phone string) string {
	w.Helper()
	w.post("/api/v2/sms/send", body{"phone": phone}).want(200)
	return w.s.Code("+86" + phone)
}

// mailCode sends a code to an address and reads it.
func (w *world) mailCode(email, scene string) string {
	w.Helper()
	w.post("/api/v2/email/send", body{"email": email, "scene": scene}).want(200)
	return w.s.Code(email)
}

// wrong is a code that is not the given one.
func wrong(code string) string {
	if strings.HasPrefix(code, "0") {
		return "9" + code[1:]
	}
	return "0" + code[1:]
}

// The people the tests register, with the password "passw0rd" if any.

func (w *world) byName(name string) person {
	w.Helper()
	return w.post("/api/v2/register/username", body{"username": name, "password": w.seal("passw0rd"), "forceLogin": true}).user()
}

// ann registers by an address nobody has proved.
func (w *world) ann() person {
	w.Helper()
	return w.post("/api/v2/register/email", body{"email": "ann@example.com", "password": w.seal("passw0rd"), "forceLogin": true}).user()
}

// byMailCode registers a proved address, without a password.
func (w *world) byMailCode(email string) person {
	w.Helper()
	return w.post("/api/v2/register/email-code", body{"email": email, "code": w.mailCode(email, "VERIFY_CODE"), "forceLogin": true}).user()
}

// byPhone registers a proved number, without a password.
func (w *world) byPhone(phone string) person {
	w.Helper()
	return w.post("/api/v2/register/phone-code", body{"phone": phone, "code": w.smsCode(phone), "forceLogin": true}).user()
}

func (w *world) login(account, password string) answer {
	w.Helper()
	return w.post("/api/v2/login/account", body{"account": account, "password": w.seal(password), "autoRegister": false})
}

func (w *world) me(token string) answer {
	w.Helper()
	return w.as(token, http.MethodGet, "/api/v2/users/me", nil)
}

// raw sends a body as it is, without the headers of an application.
func (w *world) raw(method, path, text string, header ...string) answer {
	w.Helper()
	req, err := http.NewRequestWithContext(w.Context(), method, w.s.URL+path, strings.NewReader(text))
	if err != nil {
		w.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		w.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	a := testkit.Answer{Status: res.StatusCode, Header: res.Header}
	if a.Raw, err = io.ReadAll(res.Body); err != nil {
		w.Fatal(err)
	}
	_ = json.Unmarshal(a.Raw, &a.Body) // not every answer is an object
	return answer{a, w, method + " " + path}
}
