package cloudbase_test

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"

	"github.com/tigertally/tigertally/sdk/cloudbase"
	"github.com/tigertally/tigertally/sdk/tigertallytest"
)

func TestMain(m *testing.M) {
	code := m.Run()
	theStage.end()
	os.Exit(code)
}

// stage is where the examples play: one server for all of them. Examples have no
// testing.T, so it is the test that the server belongs to.
type stage struct {
	testing.TB // never there: a call of a method the stage does not have is a bug

	start    sync.Once
	srv      *tigertallytest.Server
	dir      string
	cleanups []func()
}

var theStage stage

func (s *stage) Helper()                           {}
func (s *stage) Context() context.Context          { return context.Background() }
func (s *stage) Cleanup(fn func())                 { s.cleanups = append(s.cleanups, fn) }
func (s *stage) Fatal(args ...any)                 { panic(fmt.Sprint(args...)) }
func (s *stage) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }
func (s *stage) Errorf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }
func (s *stage) TempDir() string {
	if s.dir == "" {
		dir, err := os.MkdirTemp("", "cloudbase")
		if err != nil {
			panic(err)
		}
		s.dir = dir
		s.Cleanup(func() { _ = os.RemoveAll(dir) })
	}
	return s.dir
}

// server is the one of the examples.
func (s *stage) server() *tigertallytest.Server {
	s.start.Do(func() { s.srv = tigertallytest.Start(s, tigertallytest.WithProviders()) })
	return s.srv
}

func (s *stage) end() {
	for i := range s.cleanups {
		s.cleanups[len(s.cleanups)-1-i]()
	}
}

// check ends an example that went wrong.
func check(err error) {
	if err != nil {
		panic(err)
	}
}

// newExample is an app of a development server.
func newExample() *cloudbase.Auth {
	srv := theStage.server()
	app, err := cloudbase.New(cloudbase.Config{Env: srv.Env, Endpoint: srv.URL, Lang: cloudbase.English})
	check(err)
	return app.Auth()
}

// signedIn is an app with somebody new signed in: name, name@example.com and a password.
func signedIn(ctx context.Context, name string) *cloudbase.Auth {
	theStage.server().CreateUser(&theStage, tigertallytest.User{Username: name, Email: name + "@example.com", Password: password})
	auth := newExample()
	_, err := auth.SignIn(ctx, cloudbase.SignInRequest{Username: name, Password: password})
	check(err)
	return auth
}

// received is the code that arrived at a number or address.
func received(to string) string { return theStage.server().Code(&theStage, to) }

// verified proves that somebody reads what is sent to an email address.
func verified(ctx context.Context, auth *cloudbase.Auth, email string) (token string) {
	sent, err := auth.GetVerification(ctx, cloudbase.GetVerificationRequest{Email: email})
	check(err)
	proof, err := auth.Verify(ctx, cloudbase.VerifyRequest{VerificationID: sent.VerificationID, VerificationCode: received(email)})
	check(err)
	return proof.VerificationToken
}

// trusted is a token for what must not be done from a session somebody left open.
func trusted(ctx context.Context, auth *cloudbase.Auth) (token string) {
	s, err := auth.Sudo(ctx, cloudbase.SudoRequest{Password: password})
	check(err)
	return s.SudoToken
}

// agreed is a provider token of somebody who agreed to sign in with WeChat.
func agreed(ctx context.Context, auth *cloudbase.Auth, name string) (token string) {
	to, err := auth.GenProviderRedirectURI(ctx, cloudbase.GenProviderRedirectURIRequest{
		ProviderID: "wx_open", ProviderRedirectURI: callback, State: "random",
	})
	check(err)
	back := theStage.server().Approve(&theStage, to.URI, name)
	granted, err := auth.GrantProviderToken(ctx, cloudbase.GrantProviderTokenRequest{
		ProviderID: "wx_open", ProviderRedirectURI: callback, ProviderCode: back.Query().Get("code"),
	})
	check(err)
	return granted.ProviderToken
}
