package cloudbase_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/tigertally/tigertally/sdk/cloudbase"
	"github.com/tigertally/tigertally/sdk/tigertallytest"
)

const (
	password    = "correct horse battery"
	newPassword = "another good phrase 9"
	miniProgram = "wx0000000000000002" // of the simulated WeChat
	callback    = "http://localhost:3000/callback"
)

// city is a server and a source of addresses nobody has used yet.
type city struct {
	srv  *tigertallytest.Server
	last *atomic.Int64
}

func newCity(t *testing.T, opts ...tigertallytest.Option) city {
	t.Helper()
	return city{tigertallytest.Start(t, opts...), new(atomic.Int64)}
}

// world is one test's view of a city: somebody with an account, not signed in, and an
// app of theirs.
type world struct {
	*testing.T
	city

	wire                            *wire
	storage                         cloudbase.Storage
	app                             *cloudbase.App
	auth                            *cloudbase.Auth
	id, username, phone, email      string
	newPhone, newEmail, newUsername string // nobody's
}

func (c city) world(t *testing.T, change ...func(*cloudbase.Config)) *world {
	t.Helper()
	n := c.last.Add(1)
	w := &world{
		T: t, city: c, wire: newWire(), storage: cloudbase.NewMemoryStorage(),
		username: fmt.Sprintf("member%d", n), newUsername: fmt.Sprintf("fresh%d", n),
		phone: fmt.Sprintf("+86 1380000%04d", n), newPhone: fmt.Sprintf("+86 1390000%04d", n),
		email: fmt.Sprintf("member%d@example.com", n), newEmail: fmt.Sprintf("fresh%d@example.com", n),
	}
	w.id = c.srv.CreateUser(t, tigertallytest.User{Username: w.username, Phone: w.phone, Email: w.email, Password: password})
	w.app = w.open(change...)
	w.auth = w.app.Auth()
	return w
}

// open makes an App with the world's wire and storage.
func (w *world) open(change ...func(*cloudbase.Config)) *cloudbase.App {
	w.Helper()
	config := cloudbase.Config{
		Env: w.srv.Env, Endpoint: w.srv.URL, Lang: cloudbase.English, Storage: w.storage,
		HTTPClient: &http.Client{Transport: w.wire},
	}
	for _, fn := range change {
		fn(&config)
	}
	app, err := cloudbase.New(config)
	w.ok(err)
	w.Cleanup(func() {
		if err := app.Close(); err != nil {
			w.Error(err)
		}
	})
	return app
}

// stranger is an App of another device.
func (w *world) stranger() *cloudbase.Auth {
	w.Helper()
	return w.open(func(c *cloudbase.Config) { c.Storage = nil }).Auth()
}

func (w *world) ok(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) signIn() *world {
	w.Helper()
	_, err := w.auth.SignIn(w.Context(), cloudbase.SignInRequest{Username: w.username, Password: password})
	w.ok(err)
	return w
}

// refused checks that err is the refusal of this name.
func (w *world) refused(err error, want cloudbase.ErrorName) {
	w.Helper()
	e, ok := errors.AsType[*cloudbase.Error](err)
	if !ok || !errors.Is(err, want) {
		w.Fatalf("got %v, want %s", err, want)
	}
	if e.Status != 0 && (e.Code == 0 || e.Description == "" || len(e.RequestID) != 32 || !strings.HasPrefix(e.Path, "/auth/v")) {
		w.Errorf("the refusal says little: %#v", e)
	}
}

// code sends a code and returns it with the id of the verification.
func (w *world) code(a *cloudbase.Auth, r cloudbase.GetVerificationRequest) (*cloudbase.GetVerificationResponse, string) {
	w.Helper()
	sent, err := a.GetVerification(w.Context(), r)
	w.ok(err)
	return sent, w.srv.Code(w, r.PhoneNumber+r.Email)
}

// proof verifies an address.
func (w *world) proof(a *cloudbase.Auth, r cloudbase.GetVerificationRequest) string {
	w.Helper()
	sent, code := w.code(a, r)
	v, err := a.Verify(w.Context(), cloudbase.VerifyRequest{VerificationID: sent.VerificationID, VerificationCode: code})
	w.ok(err)
	return v.VerificationToken
}

func (w *world) sudo() string {
	w.Helper()
	s, err := w.auth.Sudo(w.Context(), cloudbase.SudoRequest{Password: password})
	w.ok(err)
	return s.SudoToken
}

// vouched returns a provider token for the person called name.
func (w *world) vouched(a *cloudbase.Auth, name string) string {
	w.Helper()
	g, err := a.GrantProviderToken(w.Context(), w.consent(a, name))
	w.ok(err)
	return g.ProviderToken
}

// consent takes the person called name to WeChat and back.
func (w *world) consent(a *cloudbase.Auth, name string) cloudbase.GrantProviderTokenRequest {
	w.Helper()
	to, err := a.GenProviderRedirectURI(w.Context(), cloudbase.GenProviderRedirectURIRequest{
		ProviderID: "wx_open", ProviderRedirectURI: callback, State: "wx_open",
	})
	w.ok(err)
	back := w.srv.Approve(w, to.URI, name)
	if back.Query().Get("state") != "wx_open" {
		w.Errorf("came back with %s", back)
	}
	return cloudbase.GrantProviderTokenRequest{
		ProviderID: "wx_open", ProviderRedirectURI: callback, ProviderCode: back.Query().Get("code"),
	}
}

// person is the name of somebody no provider has seen yet.
func (w *world) person() string { return fmt.Sprintf("person%d", w.last.Add(1)) }

// once is a one-time code of a mini-program.
func (w *world) once(kind, person string) string {
	return fmt.Sprintf("SIM-%s-%s-%d", kind, person, w.last.Add(1))
}

// sent is a request as it left.
type sent struct {
	*http.Request

	body []byte
}

// wire carries requests, remembers them and has the faults of wires.
type wire struct {
	mu    sync.Mutex
	calls []sent
	fault func(*http.Request) fault
	next  http.RoundTripper
}

type fault struct {
	cut    bool   // the request does not arrive
	lost   bool   // the answer does not arrive
	answer string // arrives in the place of the server's; the server hears nothing
	status int    // of answer
}

func newWire() *wire { return &wire{next: http.DefaultTransport} }

// suffer puts fn on the wire, nil for a wire without faults.
func (w *wire) suffer(fn func(*http.Request) fault) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fault = fn
}

func (w *wire) forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls = nil
}

func (w *wire) all() []sent {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]sent(nil), w.calls...)
}

// count returns how many requests went to a path.
func (w *wire) count(path string) int {
	n := 0
	for _, c := range w.all() {
		if c.URL.Path == path {
			n++
		}
	}
	return n
}

// RoundTrip implements http.RoundTripper.
func (w *wire) RoundTrip(req *http.Request) (*http.Response, error) {
	var body []byte
	if req.Body != nil {
		var err error
		if body, err = io.ReadAll(req.Body); err != nil {
			return nil, err
		}
		_ = req.Body.Close()
		req = req.Clone(req.Context())
		req.Body = io.NopCloser(bytes.NewReader(body))
	}
	w.mu.Lock()
	w.calls = append(w.calls, sent{req, body})
	var f fault
	if w.fault != nil {
		f = w.fault(req)
	}
	w.mu.Unlock()
	switch {
	case f.cut:
		return nil, errors.New("the wire is cut")
	case f.answer != "":
		return &http.Response{
			StatusCode: f.status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(f.answer)), Request: req,
		}, nil
	}
	res, err := w.next.RoundTrip(req)
	if err == nil && f.lost {
		_, _ = io.Copy(io.Discard, res.Body) // the server is done
		_ = res.Body.Close()
		return nil, errors.New("the answer is lost")
	}
	return res, err
}

// refusal is an answer in the form of the protocol.
func refusal(name cloudbase.ErrorName, code int) fault {
	body, _ := json.Marshal(map[string]any{"error": name, "error_code": code, "error_description": "no", "details": []string{}})
	return fault{answer: string(body), status: http.StatusBadRequest}
}
