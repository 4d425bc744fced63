package authing

import (
	"context"
	"net/http"
)

// ResetPasswordByPhone sets a new password with the code that [AuthClient.SendSms] sent to
// the person's number. All their sessions may end. opts may be nil.
//
// Refusals: [ErrUserNotFound], [ErrCodeWrong].
func (c *AuthClient) ResetPasswordByPhone(ctx context.Context, phone, code, newPassword string, opts *PhoneOptions) error {
	sealed, err := c.encrypt(ctx, newPassword)
	if err != nil {
		return err
	}
	body := members{"phone": phone, "code": code, "newPassword": sealed}
	return c.tell(ctx, "/api/v2/password/reset/sms", body.text("phoneCountryCode", opts.countryCode()))
}

// ResetPasswordByFirstTimeLoginToken sets the first password of somebody's own. token is
// the [FirstTimeLoginToken] of a refused [AuthClient.LoginByAccount]; it is good once.
// Then they sign in again.
//
// Refusals: [ErrLoginTokenInvalid].
func (c *AuthClient) ResetPasswordByFirstTimeLoginToken(ctx context.Context, token, password string) error {
	sealed, err := c.encrypt(ctx, password)
	if err != nil {
		return err
	}
	return c.tell(ctx, "/api/v2/users/password/reset-by-first-login-token", members{"token": token, "password": sealed})
}

// ResetPasswordByEmail sets a new password with the code that [AuthClient.SendEmail] sent
// to the person's address for [SceneResetPassword]. All their sessions may end.
//
// Refusals: [ErrUserNotFound], [ErrCodeWrong].
func (c *AuthClient) ResetPasswordByEmail(ctx context.Context, email, code, newPassword string) error {
	sealed, err := c.encrypt(ctx, newPassword)
	if err != nil {
		return err
	}
	return c.tell(ctx, "/api/v2/password/reset/email", members{"email": email, "code": code, "newPassword": sealed})
}

// UpdatePassword changes the password of the person who is signed in. Somebody who has
// none leaves oldPassword empty. This session goes on; others may end.
//
// Refusals: [ErrNotLoggedIn], [ErrOldPasswordWrong].
func (c *AuthClient) UpdatePassword(ctx context.Context, newPassword, oldPassword string) (*User, error) {
	sealed, err := c.encrypt(ctx, newPassword)
	if err != nil {
		return nil, err
	}
	body := members{"newPassword": sealed}
	if oldPassword != "" {
		if body["oldPassword"], err = c.encrypt(ctx, oldPassword); err != nil {
			return nil, err
		}
	}
	return c.own(ctx, request{method: http.MethodPost, path: "/api/v2/password/update", body: body})
}
