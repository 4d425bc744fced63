package authing_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/tigertally/tigertally/sdk/authing"
)

// The picture goes to the person, and what they read in it into the next try.
func ExampleAuthClient_Captcha() {
	ctx, client := context.Background(), newExampleClient()
	if _, err := client.RegisterByUserName(ctx, "ken", "strong-passw0rd", nil); err != nil {
		panic(err)
	}
	user, err := client.LoginByAccount(ctx, "ken", "strong-passw0rd", nil)
	if errors.Is(err, authing.ErrCaptchaRequired) {
		picture, failed := client.Captcha(ctx)
		if failed != nil {
			panic(failed)
		}
		user, err = client.LoginByAccount(ctx, "ken", "strong-passw0rd", &authing.LoginOptions{
			Captcha: picture, CaptchaCode: show(picture.Image),
		})
	}
	fmt.Println(user.Username, err)
	// Output: ken <nil>
}

// show puts a picture before somebody and returns what they typed.
func show([]byte) string { return "" }

// Token is for requests to a back end of one's own, which verifies it.
func ExampleAuthClient_Token() {
	ctx, client := context.Background(), newExampleClient()
	_, err := client.Token(ctx)
	fmt.Println(errors.Is(err, authing.ErrNotLoggedIn))

	if _, err := client.RegisterByUserName(ctx, "lily", "strong-passw0rd", nil); err != nil {
		panic(err)
	}
	token, err := client.Token(ctx)
	fmt.Println(token != "", err)
	// Output:
	// true
	// true <nil>
}

// A server acts for somebody whose token it got from a browser.
func ExampleAuthClient_SetToken() {
	ctx, browser := context.Background(), newExampleClient()
	shown, err := browser.RegisterByUserName(ctx, "mike", "strong-passw0rd", nil)
	if err != nil {
		panic(err)
	}

	client := newExampleClient()
	if err := client.SetToken(ctx, shown.Token); err != nil {
		panic(err)
	}
	user, err := client.GetCurrentUser(ctx)
	fmt.Println(user.Username, err)
	// Output: mike <nil>
}

func ExampleAuthClient_RefreshToken() {
	ctx := context.Background()
	client := signedUp(ctx, "13900000012")
	before, err := client.Token(ctx)
	if err != nil {
		panic(err)
	}
	after, err := client.RefreshToken(ctx)
	fmt.Println(after != before, err)
	// Output: true <nil>
}

func ExampleAuthClient_CachedUser() {
	ctx := context.Background()
	client := signedUp(ctx, "13900000013")
	user, err := client.CachedUser(ctx) // no request
	fmt.Println(user.Phone, err)
	// Output: 13900000013 <nil>
}
