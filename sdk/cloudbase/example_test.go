package cloudbase_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/tigertally/tigertally/sdk/cloudbase"
)

// Somebody signs in with a code, and the session outlives the program.
func Example() {
	ctx := context.Background()
	srv := theStage.server() // tigertallytest.Start(t)
	home, err := os.MkdirTemp("", "home")
	check(err)
	defer func() { _ = os.RemoveAll(home) }()

	files, err := cloudbase.NewFileStorage(filepath.Join(home, "session"))
	check(err)
	config := cloudbase.Config{
		Env:      srv.Env,
		Endpoint: srv.URL, // leave it out for CloudBase
		Storage:  files,
	}
	app, err := cloudbase.New(config)
	check(err)
	defer func() { _ = app.Close() }()
	auth := app.Auth()

	info, err := auth.GetVerification(ctx, cloudbase.GetVerificationRequest{PhoneNumber: "13700000001"})
	check(err)
	_, err = auth.SignInWithSms(ctx, cloudbase.SignInWithSmsRequest{
		VerificationInfo: *info,
		VerificationCode: received("+86 13700000001"), // what the person types
		PhoneNum:         "13700000001",
	})
	if errors.Is(err, cloudbase.ErrInvalidArgument) {
		fmt.Println("Try again.")
		return
	}
	check(err)

	later, err := cloudbase.New(config) // the program is started again
	check(err)
	user, err := later.Auth().GetCurrentUser(ctx)
	check(err)
	fmt.Println(user.Info().PhoneNumber)
	// Output: +86 13700000001
}

func ExampleNew() {
	app, err := cloudbase.New(cloudbase.Config{
		Env: "my-env",
		Captcha: func(_ context.Context, c cloudbase.Captcha) (string, error) {
			if err := os.WriteFile("captcha.png", c.Image, 0o600); err != nil {
				return "", err
			}
			var typed string
			_, err := fmt.Scanln(&typed)
			return typed, err
		},
	})
	check(err)
	fmt.Println(app.Close())
	// Output: <nil>
}

func ExampleApp_Auth() {
	app, err := cloudbase.New(cloudbase.Config{Env: "my-env"})
	check(err)
	_, ok := app.Auth().HasLoginState(context.Background())
	fmt.Println(ok)
	// Output: false
}

func ExampleAuth_SignUp() {
	ctx, auth := context.Background(), newExample()
	sent, err := auth.GetVerification(ctx, cloudbase.GetVerificationRequest{Email: "ann@example.com"})
	check(err)
	proof, err := auth.Verify(ctx, cloudbase.VerifyRequest{
		VerificationID: sent.VerificationID, VerificationCode: received("ann@example.com"),
	})
	check(err)
	state, err := auth.SignUp(ctx, cloudbase.SignUpRequest{
		Email: "ann@example.com", VerificationToken: proof.VerificationToken,
		Name: "Ann", Username: "ann", Password: "correct horse battery",
	})
	check(err)
	info := state.User().Info()
	fmt.Println(info.Name, info.Username, info.EmailVerified)
	// Output: Ann ann true
}

func ExampleAuth_SignIn() {
	ctx, auth := context.Background(), newExample()
	signedIn(ctx, "bob")
	_, err := auth.SignIn(ctx, cloudbase.SignInRequest{Username: "bob@example.com", Password: "wrong"})
	fmt.Println(errors.Is(err, cloudbase.ErrInvalidPassword))
	state, err := auth.SignIn(ctx, cloudbase.SignInRequest{Username: "bob@example.com", Password: "correct horse battery"})
	check(err)
	fmt.Println(state.User().Info().Username)
	// Output:
	// true
	// bob
}

func ExampleAuth_SignOut() {
	ctx := context.Background()
	auth := signedIn(ctx, "carl")
	check(auth.SignOut(ctx))
	_, ok := auth.HasLoginState(ctx)
	fmt.Println(ok)
	// Output: false
}

func ExampleAuth_SignInAnonymously() {
	ctx, auth := context.Background(), newExample()
	state, err := auth.SignInAnonymously(ctx)
	check(err)
	before := state.User().Info().UID

	// Later they want an account.
	token, err := auth.GetAccessToken(ctx)
	check(err)
	state, err = auth.SignUp(ctx, cloudbase.SignUpRequest{
		Email: "dora@example.com", VerificationToken: verified(ctx, auth, "dora@example.com"), AnonymousToken: token.AccessToken,
	})
	check(err)
	fmt.Println(state.User().Info().UID == before)
	// Output: true
}

func ExampleAuth_SetCustomSignFunc() {
	ctx, auth := context.Background(), newExample()
	key, err := cloudbase.ParseTicketKey(theStage.server().TicketKey(&theStage)) // on the program's own server
	check(err)
	auth.SetCustomSignFunc(func(context.Context) (string, error) {
		return key.CreateTicket("employee-0042", cloudbase.TicketOptions{})
	})
	_, err = auth.SignInWithCustomTicket(ctx)
	fmt.Println(err)
	// Output: <nil>
}

func ExampleAuth_SignInWithCustomTicket() {
	_, err := newExample().SignInWithCustomTicket(context.Background())
	fmt.Println(errors.Is(err, cloudbase.ErrFailedPrecondition)) // SetCustomSignFunc comes first
	// Output: true
}

func ExampleTicketKey_CreateTicket() {
	key, err := cloudbase.ParseTicketKey(theStage.server().TicketKey(&theStage))
	check(err)
	_, err = key.CreateTicket("bob", cloudbase.TicketOptions{})
	fmt.Println(err)
	// Output: cloudbase: local: uid must be 4 to 32 letters, digits or _-#@~=*(){}[]:.,<>+
}

func ExampleAuth_SignInWithOpenID() {
	ctx, auth := context.Background(), newExample()
	state, err := auth.SignInWithOpenID(ctx, cloudbase.SignInWithOpenIDRequest{
		AppID: "wx0000000000000002",
		Code:  "SIM-WX-erin-901", // the mini-program sent what wx.login gave it
	})
	check(err)
	fmt.Println(state.User().Info().UID != "")
	// Output: true
}

func ExampleAuth_SignInWithUnionID() {
	ctx, auth := context.Background(), newExample()
	state, err := auth.SignInWithUnionID(ctx, cloudbase.SignInWithUnionIDRequest{AppID: "wx0000000000000002", Code: "SIM-WX-finn-902"})
	check(err)
	fmt.Println(state.User().Info().UID != "")
	// Output: true
}

func ExampleAuth_SignInWithPhoneAuth() {
	ctx, auth := context.Background(), newExample()
	state, err := auth.SignInWithPhoneAuth(ctx, cloudbase.SignInWithPhoneAuthRequest{
		AppID: "wx0000000000000002", Code: "SIM-WX-13700000002-903", PhoneCode: "SIM-WP-13700000002-904",
	})
	check(err)
	fmt.Println(state.User().Info().PhoneNumber)
	// Output: +86 13700000002
}

func ExampleAuth_SignInWithSms() {
	ctx, auth := context.Background(), newExample()
	info, err := auth.GetVerification(ctx, cloudbase.GetVerificationRequest{PhoneNumber: "13700000003"})
	check(err)
	state, err := auth.SignInWithSms(ctx, cloudbase.SignInWithSmsRequest{
		VerificationInfo: *info, VerificationCode: received("+86 13700000003"), PhoneNum: "13700000003",
	})
	check(err)
	fmt.Println(state.User().Info().PhoneNumber)
	// Output: +86 13700000003
}

func ExampleAuth_GenProviderRedirectURI() {
	ctx, auth := context.Background(), newExample()
	to, err := auth.GenProviderRedirectURI(ctx, cloudbase.GenProviderRedirectURIRequest{
		ProviderID: "wx_open", ProviderRedirectURI: "http://localhost:3000/callback", State: "random",
	})
	check(err)
	back := theStage.server().Approve(&theStage, to.URI, "gwen") // her browser follows to.URI
	fmt.Println(back.Path, back.Query().Get("state"), back.Query().Has("code"))
	// Output: /callback random true
}

func ExampleAuth_GrantProviderToken() {
	ctx, auth := context.Background(), newExample()
	granted, err := auth.GrantProviderToken(ctx, cloudbase.GrantProviderTokenRequest{
		ProviderID: "wx0000000000000002", ProviderCode: "SIM-WX-hugo-905",
	})
	check(err)
	fmt.Println(granted.ProviderProfile.ProviderID, granted.ProviderToken != "")
	// Output: wx0000000000000002 true
}

func ExampleAuth_SignInWithProvider() {
	ctx, auth := context.Background(), newExample()
	state, err := auth.SignInWithProvider(ctx, cloudbase.SignInWithProviderRequest{ProviderToken: agreed(ctx, auth, "iris")})
	check(err)
	fmt.Println(state.User().Info().UID != "")
	// Output: true
}

func ExampleAuth_BindWithProvider() {
	ctx := context.Background()
	auth := signedIn(ctx, "jack")
	check(auth.BindWithProvider(ctx, cloudbase.BindWithProviderRequest{ProviderToken: agreed(ctx, auth, "jack")}))
	other := newExample()
	state, err := other.SignInWithProvider(ctx, cloudbase.SignInWithProviderRequest{ProviderToken: agreed(ctx, other, "jack")})
	check(err)
	fmt.Println(state.User().Info().Username)
	// Output: jack
}

func ExampleAuth_GetProviders() {
	ctx := context.Background()
	auth := signedIn(ctx, "kate")
	check(auth.BindWithProvider(ctx, cloudbase.BindWithProviderRequest{ProviderToken: agreed(ctx, auth, "kate")}))
	providers, err := auth.GetProviders(ctx)
	check(err)
	for _, p := range providers.Data {
		if p.Bind {
			fmt.Println(p.ID)
		}
	}
	// Output: wx_open
}

func ExampleAuth_UnbindProvider() {
	ctx := context.Background()
	auth := signedIn(ctx, "luke")
	check(auth.BindWithProvider(ctx, cloudbase.BindWithProviderRequest{ProviderToken: agreed(ctx, auth, "luke")}))
	fmt.Println(auth.UnbindProvider(ctx, cloudbase.UnbindProviderRequest{ProviderID: "wx_open"}))
	// Output: <nil>
}

func ExampleAuth_Verify() {
	ctx, auth := context.Background(), newExample()
	sent, err := auth.GetVerification(ctx, cloudbase.GetVerificationRequest{Email: "mona@example.com"})
	check(err)
	_, err = auth.Verify(ctx, cloudbase.VerifyRequest{VerificationID: sent.VerificationID, VerificationCode: "1"})
	fmt.Println(errors.Is(err, cloudbase.ErrInvalidArgument))
	proof, err := auth.Verify(ctx, cloudbase.VerifyRequest{
		VerificationID: sent.VerificationID, VerificationCode: received("mona@example.com"),
	})
	check(err)
	fmt.Println(proof.VerificationToken != "")
	// Output:
	// true
	// true
}

func ExampleAuth_GetVerification() {
	ctx, auth := context.Background(), newExample()
	sent, err := auth.GetVerification(ctx, cloudbase.GetVerificationRequest{PhoneNumber: "13700000004"})
	if e, ok := errors.AsType[*cloudbase.Error](err); ok && e.Name == cloudbase.ErrResourceExhausted {
		fmt.Println("Try again in", e.RetryAfter)
		return
	}
	fmt.Println(sent.IsUser, len(received("+86 13700000004")))
	// Output: false 6
}

func ExampleAuth_Sudo() {
	ctx := context.Background()
	auth := signedIn(ctx, "nora")
	s, err := auth.Sudo(ctx, cloudbase.SudoRequest{Password: "correct horse battery"})
	check(err)
	fmt.Println(auth.SetPassword(ctx, cloudbase.SetPasswordRequest{NewPassword: "another good phrase 9", SudoToken: s.SudoToken}))
	// Output: <nil>
}

func ExampleAuth_SetPassword() {
	ctx := context.Background()
	auth := signedIn(ctx, "omar")
	err := auth.SetPassword(ctx, cloudbase.SetPasswordRequest{NewPassword: "another good phrase 9", SudoToken: "made up"})
	fmt.Println(errors.Is(err, cloudbase.ErrPermissionDenied))
	// Output: true
}

func ExampleAuth_GetAccessToken() {
	ctx := context.Background()
	token, err := signedIn(ctx, "paul").GetAccessToken(ctx)
	check(err)
	fmt.Println(token.Env) // and token.AccessToken for "Authorization: Bearer …"
	// Output: dev
}

func ExampleAuth_GetCurrentUser() {
	ctx := context.Background()
	user, err := signedIn(ctx, "quin").GetCurrentUser(ctx)
	check(err)
	fmt.Println(user.Info().Username)
	// Output: quin
}

func ExampleAuth_GetUserInfo() {
	ctx := context.Background()
	info, err := signedIn(ctx, "rosa").GetUserInfo(ctx)
	check(err)
	fmt.Println(info.Email, info.EmailVerified)
	_, err = newExample().GetUserInfo(ctx)
	fmt.Println(errors.Is(err, cloudbase.ErrUnauthenticated))
	// Output:
	// rosa@example.com true
	// true
}

func ExampleAuth_BindPhoneNumber() {
	ctx := context.Background()
	auth := signedIn(ctx, "sven")
	sent, err := auth.GetVerification(ctx, cloudbase.GetVerificationRequest{PhoneNumber: "13700000005"})
	check(err)
	proof, err := auth.Verify(ctx, cloudbase.VerifyRequest{VerificationID: sent.VerificationID, VerificationCode: received("+86 13700000005")})
	check(err)
	fmt.Println(auth.BindPhoneNumber(ctx, cloudbase.BindPhoneRequest{
		PhoneNumber: "+86 13700000005", SudoToken: trusted(ctx, auth), VerificationToken: proof.VerificationToken,
	}))
	// Output: <nil>
}

func ExampleAuth_BindEmail() {
	ctx := context.Background()
	auth := signedIn(ctx, "tina")
	fmt.Println(auth.BindEmail(ctx, cloudbase.BindEmailRequest{
		Email: "new.tina@example.com", SudoToken: trusted(ctx, auth), VerificationToken: verified(ctx, auth, "new.tina@example.com"),
	}))
	// Output: <nil>
}

func ExampleAuth_QueryUser() {
	ctx := context.Background()
	found, err := signedIn(ctx, "ulla").QueryUser(ctx, cloudbase.QueryUserRequest{Email: "ulla@example.com"})
	check(err)
	fmt.Println(found.Total, found.Data[0].Email)
	// Output: 1 ulla@example.com
}

func ExampleAuth_ResetPassword() {
	ctx, auth := context.Background(), newExample()
	signedIn(ctx, "vera")
	check(auth.ResetPassword(ctx, cloudbase.ResetPasswordRequest{
		Email: "vera@example.com", VerificationToken: verified(ctx, auth, "vera@example.com"), NewPassword: "another good phrase 9",
	}))
	_, err := auth.SignIn(ctx, cloudbase.SignInRequest{Username: "vera", Password: "another good phrase 9"})
	fmt.Println(err)
	// Output: <nil>
}

func ExampleAuth_IsUsernameRegistered() {
	ctx, auth := context.Background(), newExample()
	signedIn(ctx, "will")
	for _, name := range []string{"will", "nobody-yet"} {
		taken, err := auth.IsUsernameRegistered(ctx, name)
		fmt.Println(name, taken, err)
	}
	// Output:
	// will true <nil>
	// nobody-yet false <nil>
}

func ExampleAuth_DeleteMe() {
	ctx := context.Background()
	auth := signedIn(ctx, "xena")
	deleted, err := auth.DeleteMe(ctx, cloudbase.WithSudoRequest{SudoToken: trusted(ctx, auth)})
	check(err)
	fmt.Println(deleted.Username, auth.SignOut(ctx))
	// Output: xena <nil>
}

func ExampleAuth_LoginScope() {
	ctx, auth := context.Background(), newExample()
	_, err := auth.SignInAnonymously(ctx)
	check(err)
	scope, err := auth.LoginScope(ctx)
	fmt.Println(scope, err)
	// Output: anonymous <nil>
}

func ExampleAuth_HasLoginState() {
	ctx := context.Background()
	if state, ok := signedIn(ctx, "yves").HasLoginState(ctx); ok {
		fmt.Println(state.User().Info().Username)
	}
	// Output: yves
}

func ExampleAuth_GetLoginState() {
	ctx := context.Background()
	state, err := signedIn(ctx, "zoe1").GetLoginState(ctx)
	check(err)
	fmt.Println(state.User().Info().Username)
	// Output: zoe1
}

func ExampleAuth_OnAuthStateChange() {
	ctx := context.Background()
	auth := signedIn(ctx, "abel")
	stop := auth.OnAuthStateChange(func(_ context.Context, e cloudbase.Event) { fmt.Println(e.Type) })
	defer stop()
	check(auth.SignOut(ctx))
	// Output: SIGNED_OUT
}

func ExampleLoginState_User() {
	ctx, auth := context.Background(), newExample()
	signedIn(ctx, "beth")
	state, err := auth.SignIn(ctx, cloudbase.SignInRequest{Username: "beth", Password: "correct horse battery"})
	check(err)
	fmt.Println(state.User().Info().Email)
	// Output: beth@example.com
}

func ExampleUser_Update() {
	ctx := context.Background()
	user, err := signedIn(ctx, "cora").GetCurrentUser(ctx)
	check(err)
	check(user.Update(ctx, cloudbase.UserUpdate{Name: new("Cora"), Gender: new("FEMALE")}))
	fmt.Println(user.Info().Name, user.Info().Gender)
	// Output: Cora FEMALE
}

func ExampleUser_Refresh() {
	ctx := context.Background()
	state, _ := signedIn(ctx, "dean").HasLoginState(ctx)
	info, err := state.User().Refresh(ctx)
	check(err)
	fmt.Println(info.Username)
	// Output: dean
}
