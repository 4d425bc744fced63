package authing_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/tigertally/tigertally/sdk/authing"
)

// Somebody signs in with a code, and the session outlives the program.
func Example() {
	ctx := context.Background()
	srv := theStage.server() // tigertallytest.Start(t)
	home, err := os.MkdirTemp("", "home")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(home) }()

	files, err := authing.NewFileStorage(filepath.Join(home, "session"))
	if err != nil {
		panic(err)
	}
	config := authing.Config{
		AppID:   srv.AppID,
		Host:    srv.URL, // leave it out for the original cloud
		Storage: files,
	}
	client, err := authing.New(config)
	if err != nil {
		panic(err)
	}
	if err := client.SendSms(ctx, "13900000001", nil); err != nil {
		panic(err)
	}
	code := received("+86 13900000001") // what the person types
	_, err = client.LoginByPhoneCode(ctx, "13900000001", code, &authing.LoginOptions{AutoRegister: true})
	if errors.Is(err, authing.ErrCodeWrong) {
		fmt.Println("Try again.")
		return
	}

	later, err := authing.New(config) // the program is started again
	if err != nil {
		panic(err)
	}
	user, err := later.GetCurrentUser(ctx)
	fmt.Println(user.PhoneCountryCode, user.Phone, err)
	// Output: +86 13900000001 <nil>
}

func ExampleAuthClient_RegisterByEmail() {
	ctx, client := context.Background(), newExampleClient()
	user, err := client.RegisterByEmail(ctx, "Ann@example.com", "strong-passw0rd", &authing.RegisterOptions{
		Profile: &authing.Profile{Nickname: "Ann"},
		Context: `{"campaign":"spring"}`, // for the functions of the pool
	})
	fmt.Println(user.Email, user.EmailVerified, user.Nickname, err)

	_, err = client.RegisterByEmail(ctx, "ann@example.com", "strong-passw0rd", nil)
	fmt.Println(errors.Is(err, authing.ErrAlreadyRegistered))
	// Output:
	// ann@example.com false Ann <nil>
	// true
}

func ExampleAuthClient_RegisterByEmailCode() {
	ctx, client := context.Background(), newExampleClient()
	if err := client.SendEmail(ctx, "cat@example.com", authing.SceneVerifyCode); err != nil {
		panic(err)
	}
	user, err := client.RegisterByEmailCode(ctx, "cat@example.com", received("cat@example.com"), nil)
	fmt.Println(user.Email, user.EmailVerified, err)
	// Output: cat@example.com true <nil>
}

func ExampleAuthClient_RegisterByUserName() {
	ctx, client := context.Background(), newExampleClient()
	user, err := client.RegisterByUserName(ctx, "bob", "strong-passw0rd", nil)
	fmt.Println(user.Username, err)
	// Output: bob <nil>
}

func ExampleAuthClient_RegisterByPhoneCode() {
	ctx, client := context.Background(), newExampleClient()
	if err := client.SendSms(ctx, "13900000002", nil); err != nil {
		panic(err)
	}
	code := received("+86 13900000002")
	user, err := client.RegisterByPhoneCode(ctx, "13900000002", code, "strong-passw0rd", nil)
	fmt.Println(user.Phone, user.PhoneVerified, err)
	// Output: 13900000002 true <nil>
}

func ExampleAuthClient_LoginByEmail() {
	ctx, client := context.Background(), newExampleClient()
	if err := client.SendEmail(ctx, "dan@example.com", authing.SceneVerifyCode); err != nil {
		panic(err)
	}
	code := received("dan@example.com")
	user, err := client.LoginByEmail(ctx, "dan@example.com", code, &authing.LoginOptions{AutoRegister: true})
	fmt.Println(user.Email, user.LoginsCount, err)
	// Output: dan@example.com 1 <nil>
}

func ExampleAuthClient_LoginByAccount() {
	ctx, client := context.Background(), newExampleClient()
	if _, err := client.RegisterByUserName(ctx, "eve", "strong-passw0rd", nil); err != nil {
		panic(err)
	}
	user, err := client.LoginByAccount(ctx, "eve", "strong-passw0rd", nil)
	fmt.Println(user.Username, user.LoginsCount, err)

	_, err = client.LoginByAccount(ctx, "eve", "not it", nil)
	fmt.Println(errors.Is(err, authing.ErrPasswordWrong))
	// Output:
	// eve 2 <nil>
	// true
}

func ExampleAuthClient_LoginByPhoneCode() {
	ctx, client := context.Background(), newExampleClient()
	err := client.SendSms(ctx, "7880000001", &authing.SmsOptions{CountryCode: "+44"})
	if err != nil {
		panic(err)
	}
	user, err := client.LoginByPhoneCode(ctx, "7880000001", received("+44 7880000001"), &authing.LoginOptions{
		CountryCode: "+44", AutoRegister: true,
	})
	fmt.Println(user.PhoneCountryCode, user.Phone, err)
	// Output: +44 7880000001 <nil>
}

func ExampleAuthClient_LoginByOneAuth() {
	ctx, client := context.Background(), newExampleClient()
	// Both tokens come from the carrier's library; a development server takes this one.
	user, err := client.LoginByOneAuth(ctx, "good-token", "access-token", &authing.OneAuthOptions{Network: 1})
	fmt.Println(user.PhoneVerified, err)
	// Output: true <nil>
}

func ExampleAuthClient_GetCurrentUser() {
	ctx, client := context.Background(), newExampleClient()
	_, err := client.GetCurrentUser(ctx)
	fmt.Println(errors.Is(err, authing.ErrNotLoggedIn))

	if _, err := client.RegisterByUserName(ctx, "frank", "strong-passw0rd", nil); err != nil {
		panic(err)
	}
	user, err := client.GetCurrentUser(ctx)
	fmt.Println(user.Username, err)
	// Output:
	// true
	// frank <nil>
}

func ExampleAuthClient_Logout() {
	ctx := context.Background()
	client := signedUp(ctx, "13900000003")
	fmt.Println(client.Logout(ctx, &authing.LogoutOptions{OnlySelf: true}))
	_, err := client.GetCurrentUser(ctx)
	fmt.Println(errors.Is(err, authing.ErrNotLoggedIn))
	// Output:
	// <nil>
	// true
}

func ExampleAuthClient_SendSms() {
	ctx, client := context.Background(), newExampleClient()
	fmt.Println(client.SendSms(ctx, "13900000004", &authing.SmsOptions{Scene: authing.SmsSceneLogin}))
	fmt.Println(errors.Is(client.SendSms(ctx, "123", nil), authing.ErrPhoneInvalid))
	// Output:
	// <nil>
	// true
}

func ExampleAuthClient_SendEmail() {
	ctx, client := context.Background(), newExampleClient()
	fmt.Println(client.SendEmail(ctx, "grace@example.com", authing.SceneVerifyCode))
	fmt.Println(errors.Is(client.SendEmail(ctx, "grace", authing.SceneVerifyCode), authing.ErrRecipientInvalid))
	// Output:
	// <nil>
	// true
}

func ExampleAuthClient_ResetPasswordByPhone() {
	ctx := context.Background()
	client := signedUp(ctx, "13900000005")
	if err := client.SendSms(ctx, "13900000005", nil); err != nil {
		panic(err)
	}
	code := received("+86 13900000005")
	fmt.Println(client.ResetPasswordByPhone(ctx, "13900000005", code, "new-passw0rd", nil))
	_, err := client.LoginByAccount(ctx, "13900000005", "new-passw0rd", nil)
	fmt.Println(err)
	// Output:
	// <nil>
	// <nil>
}

func ExampleAuthClient_ResetPasswordByFirstTimeLoginToken() {
	ctx, client := context.Background(), newExampleClient()
	inStock("newcomer", "initial-passw0rd") // an operator made the account
	_, err := client.LoginByAccount(ctx, "newcomer", "initial-passw0rd", nil)
	if errors.Is(err, authing.ErrFirstLogin) {
		token := authing.FirstTimeLoginToken(err)
		fmt.Println(client.ResetPasswordByFirstTimeLoginToken(ctx, token, "new-passw0rd"))
	}
	_, err = client.LoginByAccount(ctx, "newcomer", "new-passw0rd", nil)
	fmt.Println(err)
	// Output:
	// <nil>
	// <nil>
}

func ExampleAuthClient_ResetPasswordByEmail() {
	ctx, client := context.Background(), newExampleClient()
	if _, err := client.RegisterByEmail(ctx, "heidi@example.com", "first-passw0rd", nil); err != nil {
		panic(err)
	}
	if err := client.SendEmail(ctx, "heidi@example.com", authing.SceneResetPassword); err != nil {
		panic(err)
	}
	code := received("heidi@example.com")
	fmt.Println(client.ResetPasswordByEmail(ctx, "heidi@example.com", code, "new-passw0rd"))
	// Output: <nil>
}

func ExampleAuthClient_UpdatePassword() {
	ctx := context.Background()
	client := signedUp(ctx, "13900000006")
	_, err := client.UpdatePassword(ctx, "new-passw0rd", "not it")
	fmt.Println(errors.Is(err, authing.ErrOldPasswordWrong))
	_, err = client.UpdatePassword(ctx, "new-passw0rd", "first-passw0rd")
	fmt.Println(err)
	// Output:
	// true
	// <nil>
}

func ExampleAuthClient_BindPhone() {
	ctx := context.Background()
	client := signedUp(ctx, "13900000007")
	if err := client.SendSms(ctx, "13900000008", nil); err != nil {
		panic(err)
	}
	user, err := client.BindPhone(ctx, "13900000008", received("+86 13900000008"), nil)
	fmt.Println(user.Phone, err)
	// Output: 13900000008 <nil>
}

func ExampleAuthClient_UnbindPhone() {
	ctx := context.Background()
	client := signedUp(ctx, "13900000009")
	_, err := client.UnbindPhone(ctx)
	fmt.Println(errors.Is(err, authing.ErrLastLoginMethod))
	// Output: true
}

func ExampleAuthClient_BindEmail() {
	ctx := context.Background()
	client := signedUp(ctx, "13900000010")
	if err := client.SendEmail(ctx, "ivan@example.com", authing.SceneChangeEmail); err != nil {
		panic(err)
	}
	user, err := client.BindEmail(ctx, "ivan@example.com", received("ivan@example.com"))
	fmt.Println(user.Email, user.EmailVerified, err)
	// Output: ivan@example.com true <nil>
}

func ExampleAuthClient_UnbindEmail() {
	ctx := context.Background()
	client := signedUp(ctx, "13900000011")
	if err := client.SendEmail(ctx, "judy@example.com", authing.SceneChangeEmail); err != nil {
		panic(err)
	}
	if _, err := client.BindEmail(ctx, "judy@example.com", received("judy@example.com")); err != nil {
		panic(err)
	}
	user, err := client.UnbindEmail(ctx)
	fmt.Printf("%q %v\n", user.Email, err)
	// Output: "" <nil>
}
