package authing_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tigertally/tigertally/sdk/authing"
	"github.com/tigertally/tigertally/sdk/tigertallytest"
)

const password = "passw0rd!"

// world is a server and the people who use it.
type world struct {
	*testing.T
	srv   *tigertallytest.Server
	wire  *wire
	count *int
}

func newWorld(t *testing.T) *world {
	t.Helper()
	return &world{T: t, srv: tigertallytest.Start(t), wire: &wire{}, count: new(int)}
}

// run is a subtest on the same server.
func (w *world) run(name string, fn func(w *world)) {
	w.Helper()
	w.Run(name, func(t *testing.T) { fn(&world{T: t, srv: w.srv, wire: w.wire, count: w.count}) })
}

// client is a new app of the server, whose requests go through the wire.
func (w *world) client(change ...func(*authing.Config)) *authing.AuthClient {
	w.Helper()
	config := authing.Config{AppID: w.srv.AppID, Host: w.srv.URL, HTTPClient: &http.Client{Transport: w.wire}}
	for _, fn := range change {
		fn(&config)
	}
	return newClient(w.T, config)
}

func newClient(t *testing.T, config authing.Config) *authing.AuthClient {
	t.Helper()
	c, err := authing.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Names, addresses and numbers nobody has used.

func (w *world) name() string {
	*w.count++
	return fmt.Sprintf("person%d", *w.count)
}

func (w *world) email() string { return w.name() + "@example.com" }

func (w *world) phone() string {
	*w.count++
	return fmt.Sprintf("1880000%04d", *w.count)
}

func (w *world) smsCode(phone string) string {
	w.Helper()
	w.ok(w.client().SendSms(w.Context(), phone, nil))
	return w.srv.Code(w, "+86"+phone)
}

func (w *world) mailCode(email string, scene authing.EmailScene) string {
	w.Helper()
	w.ok(w.client().SendEmail(w.Context(), email, scene))
	return w.srv.Code(w, email)
}

// byName is a client that somebody new has signed in to, by name and password.
func (w *world) byName() (*authing.AuthClient, *authing.User) {
	w.Helper()
	c := w.client()
	return c, w.user(c.RegisterByUserName(w.Context(), w.name(), password, nil))
}

// byPhone is a client that somebody new has signed in to, by number alone.
func (w *world) byPhone() (*authing.AuthClient, *authing.User) {
	w.Helper()
	c, phone := w.client(), w.phone()
	return c, w.user(c.RegisterByPhoneCode(w.Context(), phone, w.smsCode(phone), "", nil))
}

// byEmail is a client that somebody new has signed in to, by address alone.
func (w *world) byEmail() (*authing.AuthClient, *authing.User) {
	w.Helper()
	c, email := w.client(), w.email()
	return c, w.user(c.RegisterByEmailCode(w.Context(), email, w.mailCode(email, authing.SceneVerifyCode), nil))
}

// ok fails the test on an error.
func (w *world) ok(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// user checks a person who has just signed in or changed.
func (w *world) user(u *authing.User, err error) *authing.User {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
	if u.ID == "" || strings.Count(u.Token, ".") != 2 {
		w.Fatalf("not a person who is signed in: %+v", u)
	}
	return u
}

// refused checks what an error says.
func (w *world) refused(err error, want authing.Code) {
	w.Helper()
	if !errors.Is(err, want) {
		w.Fatalf("got %v, want code %d", err, int(want))
	}
	e, ok := errors.AsType[*authing.Error](err)
	if !ok || e.Code != want || e.Message == "" || e.HTTPStatus != http.StatusOK {
		w.Errorf("got %#v, want code %d with a message", err, int(want))
	}
}

// wrong is a code that is not the given one.
func wrong(code string) string {
	if strings.HasPrefix(code, "0") {
		return "9" + code[1:]
	}
	return "0" + code[1:]
}

// wire is the network between a client and its server: it notes what passes and can lose
// it.
type wire struct {
	mu   sync.Mutex
	sent []string // method and path
	// lose says which answers get lost on their way back, by method and path and how
	// many such requests were sent before.
	lose func(endpoint string, before int) bool
}

var errLost = errors.New("connection reset by peer")

// RoundTrip sends a request.
func (n *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	endpoint := r.Method + " " + r.URL.Path
	n.mu.Lock()
	before := 0
	for _, s := range n.sent {
		if s == endpoint {
			before++
		}
	}
	n.sent = append(n.sent, endpoint)
	lost := n.lose != nil && n.lose(endpoint, before)
	n.mu.Unlock()
	res, err := http.DefaultTransport.RoundTrip(r)
	if err == nil && lost {
		_, _ = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
		return nil, errLost
	}
	return res, err
}

// times is how often an endpoint was asked.
func (n *wire) times(endpoint string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	count := 0
	for _, s := range n.sent {
		if s == endpoint {
			count++
		}
	}
	return count
}

// forget starts counting anew, with a network that loses what lose says.
func (n *wire) forget(lose func(endpoint string, before int) bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.sent, n.lose = nil, lose
}

// clock is a clock of the client's machine, ahead of or behind the real one.
type clock struct {
	mu  sync.Mutex
	off time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.off)
}

func (c *clock) set(off time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.off = off
}
