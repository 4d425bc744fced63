package authing_test

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"

	"github.com/tigertally/tigertally/sdk/authing"
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
		dir, err := os.MkdirTemp("", "authing")
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
	s.start.Do(func() { s.srv = tigertallytest.Start(s) })
	return s.srv
}

func (s *stage) end() {
	for i := range s.cleanups {
		s.cleanups[len(s.cleanups)-1-i]()
	}
}

// newExampleClient is a client of a development server.
func newExampleClient() *authing.AuthClient {
	srv := theStage.server()
	client, err := authing.New(authing.Config{AppID: srv.AppID, Host: srv.URL})
	if err != nil {
		panic(err)
	}
	return client
}

// received is the code that arrived at a number or address.
func received(to string) string { return theStage.server().Code(&theStage, to) }

// inStock makes an account with a password that has to be changed at the first sign-in,
// as an operator does.
func inStock(name, password string) {
	theStage.server().CreateUser(&theStage, tigertallytest.User{Username: name, Password: password, ResetPasswordOnFirstLogin: true})
}

// signedUp is a client that somebody new has signed in to, by number.
func signedUp(ctx context.Context, phone string) *authing.AuthClient {
	client := newExampleClient()
	if err := client.SendSms(ctx, phone, nil); err != nil {
		panic(err)
	}
	if _, err := client.RegisterByPhoneCode(ctx, phone, received("+86"+phone), "first-passw0rd", nil); err != nil {
		panic(err)
	}
	return client
}
