package authing_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tigertally/tigertally/sdk/authing"
	"github.com/tigertally/tigertally/sdk/cloudbase"
)

const (
	refreshes = "POST /api/v2/users/refresh-token"
	mes       = "GET /api/v2/users/me"
	logouts   = "GET /api/v2/logout"
	signIns   = "POST /api/v2/login/account"
)

// tokenLife is how long a login token lasts on the development server.
func tokenLife(t *testing.T, u *authing.User, now time.Time) time.Duration {
	t.Helper()
	life := u.TokenExpiredAt.Sub(now)
	if life < time.Hour {
		t.Fatalf("a token lasts %s", life)
	}
	return life
}

// together runs fn in 100 goroutines and returns their errors.
func together(fn func() error) []error {
	all := make([]error, 100)
	var wg sync.WaitGroup
	for i := range all {
		wg.Go(func() { all[i] = fn() })
	}
	wg.Wait()
	return all
}

func TestManyGoroutinesCauseOneRefresh(t *testing.T) {
	w := newWorld(t)
	watch := &clock{}
	signedIn := func(w *world) (*authing.AuthClient, *authing.User) {
		watch.set(0)
		c := w.client(func(config *authing.Config) { config.Now = watch.now })
		u := w.user(c.RegisterByUserName(w.Context(), w.name(), password, nil))
		w.wire.forget(nil)
		return c, u
	}

	w.run("of a token that grows old", func(w *world) {
		c, u := signedIn(w)
		ahead := tokenLife(w.T, u, time.Now()) * 9 / 10
		watch.set(ahead)
		w.srv.Advance(w, ahead)
		for _, err := range together(func() error { _, err := c.GetCurrentUser(w.Context()); return err }) {
			w.ok(err)
		}
		if n := w.wire.times(refreshes); n != 1 {
			w.Errorf("%d refreshes", n)
		}
		token, err := c.Token(w.Context())
		w.ok(err)
		if token == u.Token {
			w.Error("still the old token")
		}
		if n := w.wire.times(mes); n != 100 {
			w.Errorf("%d questions", n)
		}
	})

	w.run("of a token that has expired", func(w *world) {
		c, u := signedIn(w)
		ahead := u.TokenExpiredAt.Sub(w.srv.Now(w)) + time.Hour
		watch.set(ahead)
		w.srv.Advance(w, ahead)
		for _, err := range together(func() error { _, err := c.GetCurrentUser(w.Context()); return err }) {
			w.refused(err, authing.ErrNotLoggedIn)
		}
		if n := w.wire.times(refreshes); n != 1 {
			w.Errorf("%d refreshes", n)
		}
		w.user(c.LoginByAccount(w.Context(), u.Username, password, nil))
		w.user(c.GetCurrentUser(w.Context()))
	})

	w.run("and a young one causes none", func(w *world) {
		c, u := signedIn(w)
		watch.set(u.TokenExpiredAt.Sub(w.srv.Now(w)) / 2)
		w.user(c.GetCurrentUser(w.Context()))
		if n := w.wire.times(refreshes); n != 0 {
			w.Errorf("%d refreshes", n)
		}
	})
}

// Goroutines may use everything at once; the race detector looks on.
func TestClientIsSharedByGoroutines(t *testing.T) {
	w := newWorld(t)
	c, u := w.byName()
	var turn atomic.Int64
	for _, err := range together(func() error {
		n := turn.Add(1)
		switch {
		case n%50 == 0: // a password costs the server time
			_, err := c.LoginByAccount(w.Context(), u.Username, password, nil)
			return err
		case n%4 == 0:
			_, err := c.GetCurrentUser(w.Context())
			return err
		case n%4 == 1:
			_, err := c.RefreshToken(w.Context())
			return err
		case n%4 == 2:
			_, err := c.CachedUser(w.Context())
			return err
		default:
			_, err := c.Token(w.Context())
			return err
		}
	}) {
		w.ok(err)
	}
	w.user(c.GetCurrentUser(w.Context()))
}

func TestSessionSurvives(t *testing.T) {
	w := newWorld(t)

	w.run("a restart of the server", func(w *world) {
		c, u := w.byName()
		w.srv.Restart(w)
		if again := w.user(c.GetCurrentUser(w.Context())); again.ID != u.ID {
			w.Errorf("got %+v", again)
		}
		w.srv.Restart(w)
		w.user(c.UpdatePassword(w.Context(), "an0ther-password", password))
	})

	w.run("a restart while many are at it", func(w *world) {
		c, u := w.byName()
		stop := make(chan struct{})
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				for {
					select {
					case <-stop:
						return
					default: // nobody is promised an answer while there is no server
						if _, err := c.GetCurrentUser(w.Context()); errors.Is(err, authing.ErrNotLoggedIn) {
							w.Error(err)
							return
						}
					}
				}
			})
		}
		w.srv.Restart(w)
		close(stop)
		wg.Wait()
		if again := w.user(c.GetCurrentUser(w.Context())); again.ID != u.ID {
			w.Errorf("got %+v", again)
		}
	})

	for _, off := range []time.Duration{5 * time.Minute, -5 * time.Minute} {
		w.run("a clock that is wrong by "+off.String(), func(w *world) {
			w.wire.forget(nil)
			watch := &clock{}
			watch.set(off)
			c := w.client(func(config *authing.Config) { config.Now = watch.now })
			u := w.user(c.RegisterByUserName(w.Context(), w.name(), password, nil))
			w.user(c.GetCurrentUser(w.Context()))
			watch.set(-off) // somebody sets it, too far
			w.user(c.GetCurrentUser(w.Context()))
			if token, err := c.Token(w.Context()); err != nil || token != u.Token || w.wire.times(refreshes) != 0 {
				w.Errorf("%v, %d refreshes", err, w.wire.times(refreshes))
			}
		})
	}

	w.run("a dropped answer", func(w *world) {
		c, u := w.byName()
		w.wire.forget(func(_ string, before int) bool { return before == 0 })
		w.user(c.GetCurrentUser(w.Context()))
		token, err := c.RefreshToken(w.Context())
		w.ok(err)
		if token == u.Token || w.wire.times(mes) != 2 || w.wire.times(refreshes) != 2 {
			w.Errorf("asked %d and %d times", w.wire.times(mes), w.wire.times(refreshes))
		}
		w.wire.forget(nil)
		w.user(c.GetCurrentUser(w.Context()))
	})

	w.run("a dropped answer to what must not be repeated", func(w *world) {
		c, u := w.byName()
		w.wire.forget(func(endpoint string, _ int) bool { return endpoint == signIns })
		if _, err := c.LoginByAccount(w.Context(), u.Username, password, nil); !errors.Is(err, errLost) {
			w.Fatalf("got %v", err)
		}
		if n := w.wire.times(signIns); n != 1 {
			w.Errorf("sent %d times", n)
		}
		w.user(c.GetCurrentUser(w.Context()))
	})

	w.run("a refresh that fails", func(w *world) {
		watch := &clock{}
		c := w.client(func(config *authing.Config) { config.Now = watch.now })
		u := w.user(c.RegisterByUserName(w.Context(), w.name(), password, nil))
		watch.set(u.TokenExpiredAt.Sub(w.srv.Now(w)) * 4 / 5)
		w.wire.forget(func(endpoint string, _ int) bool { return endpoint == refreshes })
		w.user(c.GetCurrentUser(w.Context()))
		w.user(c.GetCurrentUser(w.Context()))
		if n := w.wire.times(refreshes); n != 3 { // one refresh, sent three times
			w.Errorf("sent %d times", n)
		}
		w.wire.forget(nil)
		watch.set(u.TokenExpiredAt.Sub(w.srv.Now(w))*4/5 + 2*time.Minute)
		w.user(c.GetCurrentUser(w.Context()))
		if token, err := c.Token(w.Context()); err != nil || token == u.Token {
			w.Errorf("the refresh was not made up for: %v", err)
		}
	})
}

// The first request ends the session, its answer is lost, and the second finds none.
func TestLogoutWhoseAnswerIsLost(t *testing.T) {
	w := newWorld(t)
	c, u := w.byName()
	w.wire.forget(func(endpoint string, before int) bool { return endpoint == logouts && before == 0 })
	w.ok(c.Logout(t.Context(), nil))
	if n := w.wire.times(logouts); n != 2 {
		t.Errorf("asked %d times", n)
	}
	w.ok(c.SetToken(t.Context(), u.Token))
	_, err := c.GetCurrentUser(t.Context())
	w.refused(err, authing.ErrNotLoggedIn)
}

func TestLogoutForgetsEvenWithoutAServer(t *testing.T) {
	w := newWorld(t)
	c, _ := w.byName()
	w.wire.forget(func(string, int) bool { return true })
	if err := c.Logout(t.Context(), nil); !errors.Is(err, errLost) {
		t.Fatalf("got %v", err)
	}
	if _, err := c.Token(t.Context()); !errors.Is(err, authing.ErrNotLoggedIn) {
		t.Errorf("got %v", err)
	}
	if _, err := c.CachedUser(t.Context()); !errors.Is(err, authing.ErrNotLoggedIn) {
		t.Errorf("got %v", err)
	}
}

func TestAnswersAboutSomebodyElseChangeNothing(t *testing.T) {
	w := newWorld(t)
	_, ann := w.byName()
	_, bob := w.byName()
	var c *authing.AuthClient
	c = w.client(func(config *authing.Config) {
		config.HTTPClient = &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			if r.URL.Path == "/api/v2/users/me" { // bob signs in while ann is asked about
				w.ok(c.SetToken(t.Context(), bob.Token))
			}
			return http.DefaultTransport.RoundTrip(r)
		})}
	})
	w.ok(c.SetToken(t.Context(), ann.Token))
	if u := w.user(c.GetCurrentUser(t.Context())); u.ID != ann.ID {
		t.Errorf("got %+v", u)
	}
	if token, err := c.Token(t.Context()); err != nil || token != bob.Token {
		t.Errorf("bob's session is gone: %v", err)
	}
	if _, err := c.CachedUser(t.Context()); !errors.Is(err, authing.ErrNotLoggedIn) {
		t.Errorf("ann is shown in bob's session: %v", err)
	}
}

// roundTrip is a network made of a function.
type roundTrip func(r *http.Request) (*http.Response, error)

// RoundTrip sends a request.
func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestContextsEndWaiting(t *testing.T) {
	w := newWorld(t)
	watch := &clock{}
	held, release := make(chan struct{}), make(chan struct{})
	c := w.client(func(config *authing.Config) {
		config.Now = watch.now
		config.HTTPClient = &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			if r.Method+" "+r.URL.Path == refreshes {
				close(held)
				<-release
			}
			return http.DefaultTransport.RoundTrip(r)
		})}
	})
	u := w.user(c.RegisterByUserName(t.Context(), w.name(), password, nil))
	watch.set(u.TokenExpiredAt.Sub(w.srv.Now(w)) * 4 / 5)
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, err := c.Token(t.Context()); err != nil {
			t.Error(err)
		}
	})
	<-held
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Token(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	close(release)
	wg.Wait()
}

// Whoever gives up waiting when the server has answered is signed in all the same.
func TestSessionIsKeptWhenTheContextEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	storage := &strict{MemoryStorage: authing.NewMemoryStorage()}
	config := authing.Config{AppID: "app", Host: "http://id.test", Storage: storage}
	config.HTTPClient = &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		body := ended{strings.NewReader(`{"code":200,"data":{"id":"u1","token":"t"}}`), cancel}
		return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Request: r, Body: body}, nil
	})}
	if _, err := newClient(t, config).LoginByEmail(ctx, "a@example.com", "1", nil); err != nil {
		t.Fatal(err)
	}
	if token, err := newClient(t, config).Token(t.Context()); err != nil || token != "t" || ctx.Err() == nil {
		t.Errorf("got %q, %v", token, err)
	}
}

// strict is a storage that does nothing for those who gave up.
type strict struct{ *authing.MemoryStorage }

// Set writes the value of key.
func (s *strict) Set(ctx context.Context, key, value string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return s.MemoryStorage.Set(ctx, key, value)
}

// ended is a body after which the context of its request ends.
type ended struct {
	io.Reader

	cancel context.CancelFunc
}

// Close ends the context.
func (e ended) Close() error {
	e.cancel()
	return nil
}

// A client starts no goroutine; those of connections end with them.
func TestNoGoroutineIsLeft(t *testing.T) {
	w := newWorld(t)
	network := &http.Transport{}
	before := runtime.NumGoroutine()
	for range 10 {
		c := w.client(func(config *authing.Config) { config.HTTPClient = &http.Client{Transport: network} })
		ctx, cancel := context.WithCancel(t.Context())
		u := w.user(c.RegisterByUserName(ctx, w.name(), password, nil))
		cancel()
		if _, err := c.LoginByAccount(ctx, u.Username, password, nil); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	}
	for range 200 {
		network.CloseIdleConnections()
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%d goroutines, %d before", runtime.NumGoroutine(), before)
}

func TestConnectionsAreUsedAgain(t *testing.T) {
	w := newWorld(t)
	fresh := 0
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) {
		if !info.Reused {
			fresh++
		}
	}})
	network := &http.Transport{}
	defer network.CloseIdleConnections()
	c := w.client(func(config *authing.Config) { config.HTTPClient = &http.Client{Transport: network} })
	for range 5 {
		w.user(c.RegisterByUserName(ctx, w.name(), password, nil))
		w.user(c.GetCurrentUser(ctx))
		_, err := c.LoginByAccount(ctx, "nobody", password, nil)
		w.refused(err, authing.ErrPasswordWrong)
	}
	if fresh != 1 {
		t.Errorf("%d connections", fresh)
	}
}

func TestSessionIsKeptInAFile(t *testing.T) {
	w := newWorld(t)
	files, err := authing.NewFileStorage(filepath.Join(t.TempDir(), "home"))
	w.ok(err)
	kept := func(config *authing.Config) { config.Storage = files }
	u := w.user(w.client(kept).RegisterByUserName(t.Context(), w.name(), password, nil))

	later := w.client(kept)
	if known, err := later.CachedUser(t.Context()); err != nil || known.ID != u.ID || known.Username != u.Username {
		t.Errorf("got %+v, %v", known, err)
	}
	w.user(later.GetCurrentUser(t.Context()))

	for name, change := range map[string]func(*authing.Config){
		"another application": func(config *authing.Config) { config.AppID = "another-app" },
		"another server":      func(config *authing.Config) { config.Host = "https://another.test" },
	} {
		if _, err := w.client(kept, change).Token(t.Context()); !errors.Is(err, authing.ErrNotLoggedIn) {
			t.Errorf("%s has the session: %v", name, err)
		}
	}

	w.ok(later.Logout(t.Context(), nil))
	if _, err := w.client(kept).Token(t.Context()); !errors.Is(err, authing.ErrNotLoggedIn) {
		t.Errorf("after the logout: %v", err)
	}
}

// A storage made for one of the two SDKs serves the other.
var _ authing.Storage = cloudbase.Storage(nil)

func TestSetToken(t *testing.T) {
	w := newWorld(t)
	_, u := w.byName()
	c := w.client()
	w.ok(c.SetToken(t.Context(), u.Token))
	if same := w.user(c.GetCurrentUser(t.Context())); same.ID != u.ID {
		t.Errorf("got %+v", same)
	}
	w.ok(c.SetToken(t.Context(), ""))
	if _, err := c.Token(t.Context()); !errors.Is(err, authing.ErrNotLoggedIn) {
		t.Errorf("got %v", err)
	}
	_, err := c.RefreshToken(t.Context())
	w.refused(err, authing.ErrNotLoggedIn)
}

// What somebody does with the user they got does not change what the client keeps.
func TestCachedUserIsACopy(t *testing.T) {
	w := newWorld(t)
	c, u := w.byName()
	name := u.Username
	u.Username = "changed"
	known, err := c.CachedUser(t.Context())
	w.ok(err)
	known.RegisterSource[0] = "changed"
	known, err = c.CachedUser(t.Context())
	w.ok(err)
	if known.Username != name || known.RegisterSource[0] == "changed" {
		t.Errorf("got %+v", known)
	}
}
