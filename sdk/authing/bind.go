package authing

import (
	"context"
	"net/http"
)

// BindPhone gives the person who is signed in a number, with the code that
// [AuthClient.SendSms] sent there, in the place of the one they had. opts may be nil.
//
// Refusals: [ErrNotLoggedIn], [ErrCodeWrong], [ErrPhoneTaken].
func (c *AuthClient) BindPhone(ctx context.Context, phone, code string, opts *PhoneOptions) (*User, error) {
	body := members{"phone": phone, "phoneCode": code}.text("phoneCountryCode", opts.countryCode())
	return c.own(ctx, request{method: http.MethodPost, path: "/api/v2/users/phone/bind", body: body})
}

// UnbindPhone takes the number from the person who is signed in, if they have another way
// to sign in.
//
// Refusals: [ErrNotLoggedIn], [ErrLastLoginMethod].
func (c *AuthClient) UnbindPhone(ctx context.Context) (*User, error) {
	return c.own(ctx, request{method: http.MethodPost, path: "/api/v2/users/phone/unbind", body: members{}})
}

// BindEmail gives the person who is signed in an address, with the code that
// [AuthClient.SendEmail] sent there for [SceneChangeEmail] or [SceneVerifyCode], in the
// place of the one they had.
//
// Refusals: [ErrNotLoggedIn], [ErrCodeWrong], [ErrEmailTaken].
func (c *AuthClient) BindEmail(ctx context.Context, email, code string) (*User, error) {
	body := members{"email": email, "emailCode": code}
	return c.own(ctx, request{method: http.MethodPost, path: "/api/v2/users/email/bind", body: body})
}

// UnbindEmail takes the address from the person who is signed in, if they have another
// way to sign in.
//
// Refusals: [ErrNotLoggedIn], [ErrLastLoginMethod].
func (c *AuthClient) UnbindEmail(ctx context.Context) (*User, error) {
	return c.own(ctx, request{method: http.MethodPost, path: "/api/v2/users/email/unbind", body: members{}})
}
