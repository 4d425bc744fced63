package cloudbase_test

import (
	"context"
	"errors"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tigertally/tigertally/sdk/cloudbase"
	"github.com/tigertally/tigertally/sdk/tigertallytest"
)

const tokenPath = "/auth/v1/token"

// clock is a clock that tests set.
type clock struct {
	mu    sync.Mutex
	ahead time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.ahead)
}

func (c *clock) set(ahead time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead = ahead
}

// timed is a world whose app has a clock of its own.
func (c city) timed(t *testing.T) (*world, *clock) {
	t.Helper()
	k := &clock{}
	return c.world(t, func(c *cloudbase.Config) { c.Now = k.now }), k
}

// elapse lets time pass for the server and for the app.
func (w *world) elapse(k *clock, d time.Duration) {
	w.Helper()
	w.srv.Advance(w, d)
	k.set(k.ahead + d)
}

func TestOneRefreshForAHundredGoroutines(t *testing.T) {
	for name, fails := range map[string]int{"at once": 0, "after two answers were lost": 2} {
		t.Run(name, func(t *testing.T) {
			w, k := newCity(t).timed(t)
			w.signIn()
			w.elapse(k, 3*time.Hour)
			w.wire.forget()
			w.wire.suffer(func(r *http.Request) fault {
				if r.URL.Path != tokenPath || fails == 0 {
					return fault{}
				}
				fails--
				return fault{lost: true}
			})
			want := 1 + fails
			var all sync.WaitGroup
			tokens := make([]string, 100)
			for i := range tokens {
				all.Go(func() {
					if i%2 == 0 {
						if _, err := w.auth.GetUserInfo(t.Context()); err != nil {
							t.Error(err)
						}
					}
					token, err := w.auth.GetAccessToken(t.Context())
					if err != nil {
						t.Error(err)
						return
					}
					tokens[i] = token.AccessToken
				})
			}
			all.Wait()
			for _, token := range tokens {
				if token != tokens[0] {
					t.Fatal("goroutines got different tokens")
				}
			}
			ids := map[string]bool{}
			for _, c := range w.wire.all() {
				if c.URL.Path == tokenPath {
					ids[c.Header.Get("X-Request-Id")] = true
				}
			}
			if n := w.wire.count(tokenPath); n != want || len(ids) != 1 {
				t.Errorf("%d requests of %d refreshes, want %d of 1", n, len(ids), want)
			}
		})
	}
}

func TestTheSessionSurvivesARestartOfTheServer(t *testing.T) {
	w, k := newCity(t).timed(t)
	w.signIn()
	w.srv.Restart(t)
	w.me()
	w.srv.Restart(t)
	w.elapse(k, 3*time.Hour) // and a refresh
	w.me()
}

// While the server is away calls fail and nothing is forgotten.
func TestTheSessionSurvivesAServerThatIsAway(t *testing.T) {
	w, k := newCity(t).timed(t)
	w.signIn()
	w.elapse(k, 3*time.Hour)
	for _, f := range []fault{
		{cut: true},
		{answer: "<html>Bad Gateway</html>", status: 502},
		{answer: `{"message":"no Route matched"}`, status: 404},
		refusal(cloudbase.ErrInternal, 13), refusal(cloudbase.ErrUnavailable, 14), refusal(cloudbase.ErrResourceExhausted, 8),
	} {
		w.wire.suffer(func(*http.Request) fault { return f })
		if _, err := w.auth.GetUserInfo(t.Context()); err == nil || errors.Is(err, cloudbase.ErrUnauthenticated) {
			t.Errorf("%+v: got %v", f, err)
		}
		if _, ok := w.auth.HasLoginState(t.Context()); !ok {
			t.Fatalf("%+v: nobody is signed in", f)
		}
	}
	w.wire.suffer(nil)
	w.me()
}

func TestTheSessionSurvivesAClockThatIsWrong(t *testing.T) {
	for _, c := range []struct {
		name           string
		atSignIn, then time.Duration // how far the app's clock is ahead
		pass           time.Duration // on the server
	}{
		{"five minutes ahead", 5 * time.Minute, 5 * time.Minute, 2*time.Hour - time.Second},
		{"five minutes behind", -5 * time.Minute, -5 * time.Minute, 2*time.Hour - time.Second},
		{"set back by five minutes", 5 * time.Minute, 0, 2*time.Hour + time.Second},
		{"set back by ten minutes", 5 * time.Minute, -5 * time.Minute, 2*time.Hour + time.Minute},
		{"put forward by five minutes", 0, 5 * time.Minute, time.Hour},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, k := newCity(t).timed(t)
			k.set(c.atSignIn)
			w.signIn()
			w.srv.Advance(t, c.pass)
			k.set(c.then + c.pass)
			w.me()
			if _, ok := w.auth.HasLoginState(t.Context()); !ok {
				t.Error("nobody is signed in")
			}
		})
	}
}

// An answer that is lost on the way is asked for again, whatever it was.
func TestLostAnswers(t *testing.T) {
	c := newCity(t)
	t.Run("to a request that changes something", func(t *testing.T) {
		w := c.world(t)
		lost := 0
		w.wire.suffer(func(r *http.Request) fault {
			if r.Method != http.MethodPost || strings.HasSuffix(r.URL.Path, "publichkey") {
				return fault{}
			}
			lost++
			return fault{lost: lost%2 == 1}
		})
		proof := w.proof(w.auth, cloudbase.GetVerificationRequest{PhoneNumber: w.newPhone})
		info := w.settled(w.auth.SignUp(t.Context(), cloudbase.SignUpRequest{PhoneNumber: w.newPhone, VerificationToken: proof}))
		if lost != 6 || info.PhoneNumber != w.newPhone {
			t.Errorf("%d requests, signed in as %+v", lost, info)
		}
		if sent := w.srv.Messages(t, w.newPhone); len(sent) != 1 {
			t.Errorf("%d codes were sent", len(sent))
		}
	})
	t.Run("to a refresh by somebody who stopped waiting", func(t *testing.T) {
		w, k := newCity(t).timed(t)
		w.signIn()
		w.elapse(k, 3*time.Hour)
		ctx, cancel := context.WithCancel(t.Context())
		w.wire.suffer(func(r *http.Request) fault {
			if r.URL.Path == tokenPath {
				cancel()
			}
			return fault{}
		})
		if _, err := w.auth.GetAccessToken(ctx); err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		w.ok(w.app.Close()) // waits for the answer
		w.elapse(k, time.Hour)
		w.wire.forget()
		w.me()
		if n := w.wire.count(tokenPath); n != 0 {
			t.Errorf("%d more refreshes: the answer was lost", n)
		}
	})
}

// The session ends when the server says so, and only then.
func TestTheServerEndsTheSession(t *testing.T) {
	c := newCity(t)
	reset := func(w *world) {
		w.Helper()
		a := w.stranger()
		proof := w.proof(a, cloudbase.GetVerificationRequest{Email: w.email})
		w.ok(a.ResetPassword(w.Context(), cloudbase.ResetPasswordRequest{Email: w.email, NewPassword: newPassword, VerificationToken: proof}))
	}
	ended := func(w *world, err error) {
		w.Helper()
		w.refused(err, cloudbase.ErrUnauthenticated)
		if _, ok := w.auth.HasLoginState(w.Context()); ok {
			w.Error("somebody is signed in still")
		}
	}
	t.Run("when a token is used", func(t *testing.T) {
		w := c.world(t).signIn()
		reset(w)
		_, err := w.auth.Sudo(t.Context(), cloudbase.SudoRequest{Password: newPassword})
		ended(w, err)
	})
	t.Run("when a token is replaced", func(t *testing.T) {
		w, k := newCity(t).timed(t)
		w.signIn()
		reset(w)
		w.elapse(k, 3*time.Hour)
		_, err := w.auth.GetAccessToken(t.Context())
		ended(w, err)
	})
	t.Run("but not the one that began meanwhile", func(t *testing.T) {
		w := c.world(t).signIn()
		reset(w)
		again := w.open().Auth()
		_, err := again.SignIn(t.Context(), cloudbase.SignInRequest{Username: w.username, Password: newPassword})
		w.ok(err)
		w.me()
	})
}

// Who was nobody stays the same nobody, even after the session is long over.
func TestAnonymousPeopleComeBack(t *testing.T) {
	w, k := newCity(t).timed(t)
	first := w.settled(w.auth.SignInAnonymously(t.Context()))
	w.elapse(k, 366*24*time.Hour)
	w.wire.forget()
	if got := w.me(); got.UID != first.UID {
		t.Errorf("came back as %s, was %s", got.UID, first.UID)
	}
	if w.wire.count("/auth/v1/signin/anonymously") != 1 {
		t.Error("there was no new sign-in, so this proves nothing")
	}
}

// An access token of a short life is replaced again and again.
func TestShortLives(t *testing.T) {
	w := newCity(t, tigertallytest.WithSettings(tigertallytest.Settings{AccessTokenSeconds: new(20)})).world(t).signIn()
	for range 5 {
		w.me()
	}
}

// Two apps that share a storage, as two processes do, share the session.
func TestProcessesShareASession(t *testing.T) {
	c := newCity(t)
	k := &clock{}
	dir := filepath.Join(t.TempDir(), "session")
	files := func() cloudbase.Storage {
		s, err := cloudbase.NewFileStorage(dir)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	w := c.world(t, func(c *cloudbase.Config) { c.Storage, c.Now = files(), k.now })
	w.signIn()
	var apps []*cloudbase.Auth
	for range 8 {
		apps = append(apps, w.open(func(c *cloudbase.Config) { c.Storage, c.Now = files(), k.now }).Auth())
	}
	for range 3 {
		w.elapse(k, 3*time.Hour)
		var all sync.WaitGroup
		for _, a := range apps {
			all.Go(func() {
				if u, err := a.GetCurrentUser(t.Context()); err != nil || u.Info().UID != w.id {
					t.Error(err)
				}
			})
		}
		all.Wait()
	}
	w.ok(apps[0].SignOut(t.Context()))
	_, err := w.auth.GetUserInfo(t.Context())
	w.refused(err, cloudbase.ErrUnauthenticated)
}

func TestEvents(t *testing.T) {
	w, k := newCity(t).timed(t)
	var mu sync.Mutex
	var got []string
	stop := w.auth.OnAuthStateChange(func(ctx context.Context, e cloudbase.Event) {
		if e.Type == cloudbase.CredentialsError { // must not hang
			_, _ = w.auth.GetLoginState(ctx)
		}
		mu.Lock()
		defer mu.Unlock()
		got = append(got, string(e.Type))
	})
	w.signIn()
	s, _ := w.auth.HasLoginState(t.Context())
	w.ok(s.User().Update(t.Context(), cloudbase.UserUpdate{Name: new("n")}))
	w.elapse(k, 3*time.Hour)
	w.me()
	w.ok(w.app.Close()) // events of a refresh come after it
	w.ok(w.auth.SignOut(t.Context()))
	w.settled(w.auth.SignInWithSms(t.Context(), w.sms()))
	w.elapse(k, 366*24*time.Hour)
	_, err := w.auth.GetUserInfo(t.Context())
	w.refused(err, cloudbase.ErrUnauthenticated)
	w.ok(w.app.Close())
	stop()
	w.signIn()
	want := "SIGNED_IN USER_UPDATED TOKEN_REFRESHED SIGNED_OUT SIGNED_IN CREDENTIALS_ERROR"
	if text := strings.Join(got, " "); text != want {
		t.Errorf("got %s\nwant %s", text, want)
	}
}

// sms is a code for the world's number.
func (w *world) sms() cloudbase.SignInWithSmsRequest {
	w.Helper()
	info, code := w.code(w.auth, cloudbase.GetVerificationRequest{PhoneNumber: w.phone})
	return cloudbase.SignInWithSmsRequest{VerificationInfo: *info, VerificationCode: code, PhoneNum: w.phone}
}

func TestACallEndsWithItsContext(t *testing.T) {
	w := newCity(t).world(t).signIn()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	w.wire.suffer(func(*http.Request) fault { return fault{cut: true} })
	_, err := w.auth.GetUserInfo(ctx)
	if !errors.Is(err, cloudbase.ErrCancelled) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}
