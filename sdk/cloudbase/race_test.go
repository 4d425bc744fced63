package cloudbase_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tigertally/tigertally/sdk/cloudbase"
)

// stub is an App whose session has expired and whose requests fn answers.
func stub(t *testing.T, s cloudbase.Storage, fn transport) *cloudbase.App {
	t.Helper()
	const old = `{"token_type":"Bearer","access_token":"old","refresh_token":"r1","expires_in":7200,"expires_at":"1999-01-01T00:00:00Z"}`
	if err := s.Set(t.Context(), "credentials_e", old); err != nil {
		t.Fatal(err)
	}
	app, err := cloudbase.New(cloudbase.Config{Env: "e", Storage: s, HTTPClient: &http.Client{Transport: fn}})
	if err != nil {
		t.Fatal(err)
	}
	return app
}

func granted(name string) *http.Response {
	return answer(200, fmt.Sprintf(`{"token_type":"Bearer","access_token":%q,"refresh_token":%q,"expires_in":"7200"}`, name, "r-"+name))
}

func held(t *testing.T, app *cloudbase.App) string {
	t.Helper()
	token, err := app.Auth().GetAccessToken(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return token.AccessToken
}

// A server that says nothing at all is unreachable, for a refresh too, and no caller is
// told of somebody else's time limit.
func TestARefreshThatIsNeverAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		app := stub(t, cloudbase.NewMemoryStorage(), func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})
		start := time.Now()
		_, err := app.Auth().GetAccessToken(t.Context())
		if !errors.Is(err, cloudbase.ErrUnreachable) || errors.Is(err, cloudbase.ErrUnauthenticated) {
			t.Errorf("got %v", err)
		}
		if waited := time.Since(start); waited > time.Minute {
			t.Errorf("waited %v", waited)
		}
		if err := app.Close(); err != nil {
			t.Error(err)
		}
		if _, ok := app.Auth().HasLoginState(t.Context()); !ok {
			t.Error("the session is lost")
		}
	})
}

// Those who wait for the same refresh share its failure instead of each trying again.
func TestAFailureIsShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int64
		app := stub(t, cloudbase.NewMemoryStorage(), func(*http.Request) (*http.Response, error) {
			asked.Add(1)
			time.Sleep(time.Second)
			return answer(500, `{"error":"internal","error_code":13}`), nil
		})
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() {
				if _, err := app.Auth().GetAccessToken(t.Context()); !errors.Is(err, cloudbase.ErrInternal) {
					t.Errorf("got %v", err)
				}
			})
		}
		all.Wait()
		if n := asked.Load(); n != 1 {
			t.Errorf("asked %d times", n)
		}
	})
}

// What a refresh brings does not replace the session somebody began meanwhile, nor does
// its refusal end it, nor does it bring back one that was ended.
func TestARefreshIsLateForASession(t *testing.T) {
	for name, late := range map[string]func() *http.Response{
		"a successor": func() *http.Response { return granted("late") },
		"a refusal":   func() *http.Response { return answer(400, `{"error":"invalid_grant","error_code":4107}`) },
	} {
		for _, meanwhile := range []string{"signed in", "signed out"} {
			t.Run(name+" for somebody who "+meanwhile, func(t *testing.T) {
				var app *cloudbase.App
				storage := cloudbase.NewMemoryStorage()
				app = stub(t, storage, func(r *http.Request) (*http.Response, error) {
					switch r.URL.Path {
					case "/auth/v1/token":
						if meanwhile == "signed in" {
							if _, err := app.Auth().SignIn(t.Context(), cloudbase.SignInRequest{Username: "u", Password: "p"}); err != nil {
								return nil, err
							}
						} else if err := storage.Delete(t.Context(), "credentials_e"); err != nil { // as another process does
							return nil, err
						}
						return late(), nil
					case "/auth/v1/signin":
						return granted("new"), nil
					default:
						return answer(200, `{"sub":"me"}`), nil
					}
				})
				_, err := app.Auth().GetAccessToken(t.Context())
				if closed := app.Close(); closed != nil {
					t.Error(closed)
				}
				if meanwhile == "signed out" {
					if !errors.Is(err, cloudbase.ErrUnauthenticated) {
						t.Errorf("got %v", err)
					}
					if _, ok := app.Auth().HasLoginState(t.Context()); ok {
						t.Error("somebody is signed in again")
					}
				} else if token := held(t, app); token != "new" {
					t.Errorf("the session of %s is left", token)
				}
			})
		}
	}
}

// overtaken is a storage in which another process refreshes the session right after it
// was read for the first time.
type overtaken struct {
	*cloudbase.MemoryStorage

	once sync.Once
}

// Get implements cloudbase.Storage.
func (o *overtaken) Get(ctx context.Context, key string) (value string, ok bool, err error) {
	value, ok, err = o.MemoryStorage.Get(ctx, key)
	if key == "credentials_e" {
		o.once.Do(func() {
			const fresh = `{"token_type":"Bearer","access_token":"fresh","refresh_token":"r2","expires_in":7200,"expires_at":"2999-01-01T00:00:00Z"}`
			err = o.Set(ctx, key, fresh)
		})
	}
	return value, ok, err
}

func TestSomebodyElseWasFaster(t *testing.T) {
	app := stub(t, &overtaken{MemoryStorage: cloudbase.NewMemoryStorage()}, func(r *http.Request) (*http.Response, error) {
		t.Errorf("asked %s", r.URL.Path)
		return granted("again"), nil
	})
	if token := held(t, app); token != "fresh" {
		t.Errorf("got %s", token)
	}
}
