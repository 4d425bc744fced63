package tigertallytest_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"github.com/tigertally/tigertally/sdk/authing"
	"github.com/tigertally/tigertally/sdk/cloudbase"
	"github.com/tigertally/tigertally/sdk/tigertallytest"
	"github.com/tigertally/tigertally/sdk/verify"
)

func ExampleStart() {
	_ = func(t *testing.T) {
		srv := tigertallytest.Start(t)
		app, err := cloudbase.New(cloudbase.Config{Env: srv.Env, Endpoint: srv.URL})
		if err != nil {
			t.Fatal(err)
		}
		defer app.Close()
		sent, err := app.Auth().GetVerification(t.Context(), cloudbase.GetVerificationRequest{PhoneNumber: "+86 13800000000"})
		if err != nil {
			t.Fatal(err)
		}
		state, err := app.Auth().SignInWithSms(t.Context(), cloudbase.SignInWithSmsRequest{
			VerificationInfo: *sent, VerificationCode: srv.Code(t, "+86 138 0000 0000"), PhoneNum: "+86 13800000000",
		})
		if err != nil {
			t.Fatal(err)
		}
		fmt.Println(state.User().Info().UID)
	}
}

func ExampleServer_SignIn() {
	_ = func(t *testing.T, handler http.Handler) {
		srv := tigertallytest.Start(t)
		person := srv.SignIn(t, "+86 13800000000")
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/orders", nil)
		r.Header.Set("Authorization", "Bearer "+person.AccessToken)
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, r)
		if answer.Code != http.StatusOK {
			t.Errorf("%s gets %d", person.UserID, answer.Code)
		}
	}
}

func ExampleServer_Function() {
	_ = func(m *testing.M) { // TestMain
		os.Exit(tigertallytest.Main(m))
	}
	_ = func(t *testing.T) {
		srv := tigertallytest.Start(t)
		srv.Function(t, "PRE_REGISTER", "guard", `
			async function pipe(user, context, callback) {
				if (user.email && user.email.endsWith('@evil.com')) return callback(new Error('evil.com is not welcome'));
				return callback(null, user, context);
			}`)
		// … somebody of evil.com signs up, and is told so
	}
}

func ExampleServer_Advance() {
	_ = func(t *testing.T) {
		srv := tigertallytest.Start(t)
		// … sign in …
		srv.Advance(t, 31*24*time.Hour)
		// … the session has ended, and the program under test asks to sign in again
	}
}

func ExampleServer_Settings() {
	_ = func(t *testing.T) {
		srv := tigertallytest.Start(t)
		srv.Settings(t, tigertallytest.Settings{Captcha: new("always"), AccessTokenSeconds: new(60)})
	}
}

func ExampleServer_Approve() {
	_ = func(t *testing.T) {
		srv := tigertallytest.Start(t, tigertallytest.WithProviders())
		app, err := cloudbase.New(cloudbase.Config{Env: srv.Env, Endpoint: srv.URL})
		if err != nil {
			t.Fatal(err)
		}
		defer app.Close()
		there, err := app.Auth().GenProviderRedirectURI(t.Context(), cloudbase.GenProviderRedirectURIRequest{
			ProviderID: "wx_open", ProviderRedirectURI: "http://localhost:3000/callback", State: "mine",
		})
		if err != nil {
			t.Fatal(err)
		}
		back := srv.Approve(t, there.URI, "alice") // what a browser would do
		fmt.Println(back.Query().Get("code"), back.Query().Get("state"))
	}
}

// What the examples show, run: both clients sign one person in, a handler believes their
// tokens, and a month later it does not.
func TestClientsAndVerifierMeet(t *testing.T) {
	t.Parallel()
	const phone = "+86 13800000000"
	srv := tigertallytest.Start(t)
	app, err := cloudbase.New(cloudbase.Config{Env: srv.Env, Endpoint: srv.URL, Now: func() time.Time { return srv.Now(t) }})
	if err != nil {
		t.Fatal(err)
	}
	defer app.Close()
	sent, err := app.Auth().GetVerification(t.Context(), cloudbase.GetVerificationRequest{PhoneNumber: phone})
	if err != nil {
		t.Fatal(err)
	}
	if _, err = app.Auth().SignInWithSms(t.Context(), cloudbase.SignInWithSmsRequest{
		VerificationInfo: *sent, VerificationCode: srv.Code(t, phone), PhoneNum: phone,
	}); err != nil {
		t.Fatal(err)
	}
	access, err := app.Auth().GetAccessToken(t.Context())
	if err != nil {
		t.Fatal(err)
	}

	client, err := authing.New(authing.Config{AppID: srv.AppID, Host: srv.URL, PublicKey: srv.PublicKey})
	if err != nil {
		t.Fatal(err)
	}
	if err := client.SendSms(t.Context(), "13800000000", nil); err != nil {
		t.Fatal(err)
	}
	user, err := client.LoginByPhoneCode(t.Context(), "13800000000", srv.Code(t, phone), nil)
	if err != nil {
		t.Fatal(err)
	}

	v, err := verify.New(verify.Config{
		Issuer: srv.Issuer, Audience: []string{srv.ClientID, srv.AppID}, Pool: srv.Env,
		Now: func() time.Time { return srv.Now(t) },
	})
	if err != nil {
		t.Fatal(err)
	}
	guarded := v.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		claims, _ := verify.FromContext(r.Context())
		fmt.Fprint(w, claims.Subject)
	}))
	ask := func(token string) *httptest.ResponseRecorder {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		guarded.ServeHTTP(w, r)
		return w
	}
	for name, token := range map[string]string{"CloudBase": access.AccessToken, "Authing": user.Token} {
		if w := ask(token); w.Code != http.StatusOK || w.Body.String() != user.ID {
			t.Errorf("%s: %d %s, want %s", name, w.Code, w.Body, user.ID)
		}
	}
	srv.Advance(t, 31*24*time.Hour)
	if w := ask(user.Token); w.Code != http.StatusUnauthorized {
		t.Errorf("a month later: %d", w.Code)
	}
	if _, err := app.Auth().GetAccessToken(t.Context()); !errors.Is(err, cloudbase.ErrUnauthenticated) {
		t.Errorf("a month later: %v", err)
	}
}
