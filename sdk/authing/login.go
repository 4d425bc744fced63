package authing

import "context"

// LoginByEmail signs in with an address and the code that [AuthClient.SendEmail] sent
// there. opts may be nil.
//
// Refusals: [ErrCodeWrong]; [ErrUserNotFound] without AutoRegister.
func (c *AuthClient) LoginByEmail(ctx context.Context, email, code string, opts *LoginOptions) (*User, error) {
	return c.enter(ctx, "/api/v2/login/email-code", opts.onto(members{"email": email, "code": code}), opts.reading())
}

// LoginByAccount signs in with a password and a phone number, address or name. opts may
// be nil.
//
// Refusals: [ErrPasswordWrong], the same whether the account or the password is wrong;
// [ErrCaptchaRequired] after many of them; [ErrUserLocked]; [ErrFirstLogin], whose
// [FirstTimeLoginToken] sets a password.
func (c *AuthClient) LoginByAccount(ctx context.Context, account, password string, opts *LoginOptions) (*User, error) {
	sealed, err := c.encrypt(ctx, password)
	if err != nil {
		return nil, err
	}
	return c.enter(ctx, "/api/v2/login/account", opts.onto(members{"account": account, "password": sealed}), opts.reading())
}

// LoginByPhoneCode signs in with a number and the code that [AuthClient.SendSms] sent
// there. opts may be nil.
//
// Refusals: [ErrCodeWrong]; [ErrUserNotFound] without AutoRegister.
func (c *AuthClient) LoginByPhoneCode(ctx context.Context, phone, code string, opts *LoginOptions) (*User, error) {
	body := members{"phone": phone, "code": code}.text("phoneCountryCode", opts.countryCode())
	return c.enter(ctx, "/api/v2/login/phone-code", opts.onto(body), opts.reading())
}

// LoginByOneAuth signs in the number of the phone that the carrier's library gave token
// and accessToken to, and makes an account for a new one. opts may be nil.
//
// Refusals: [ErrPasswordWrong] when the carrier does not stand by the tokens.
func (c *AuthClient) LoginByOneAuth(ctx context.Context, token, accessToken string, opts *OneAuthOptions) (*User, error) {
	body := members{"token": token, "accessToken": accessToken}
	if opts != nil {
		body.text("context", opts.Context)
		if opts.Network != 0 {
			body["netWork"] = opts.Network
		}
	}
	return c.enter(ctx, "/api/v2/ecConn/oneAuth/login", body, reading{})
}
