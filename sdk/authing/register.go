package authing

import "context"

// RegisterByEmail makes an account with an address nobody has proved yet, and signs it
// in. email is the same in upper and lower case; password is as typed. opts may be nil.
//
// Refusals: [ErrEmailInvalid], [ErrAlreadyRegistered].
func (c *AuthClient) RegisterByEmail(ctx context.Context, email, password string, opts *RegisterOptions) (*User, error) {
	sealed, err := c.encrypt(ctx, password)
	if err != nil {
		return nil, err
	}
	return c.enter(ctx, "/api/v2/register/email", opts.onto(members{"email": email, "password": sealed}), opts.reading())
}

// RegisterByEmailCode makes an account with an address and the code that
// [AuthClient.SendEmail] sent there, and signs it in. It has no password. opts may be nil.
//
// Refusals: [ErrEmailInvalid], [ErrAlreadyRegistered], [ErrCodeWrong].
func (c *AuthClient) RegisterByEmailCode(ctx context.Context, email, code string, opts *RegisterOptions) (*User, error) {
	return c.enter(ctx, "/api/v2/register/email-code", opts.onto(members{"email": email, "code": code}), opts.reading())
}

// RegisterByUserName makes an account with a name and a password, and signs it in. opts
// may be nil.
//
// Refusals: [ErrAlreadyRegistered].
func (c *AuthClient) RegisterByUserName(ctx context.Context, username, password string, opts *RegisterOptions) (*User, error) {
	sealed, err := c.encrypt(ctx, password)
	if err != nil {
		return nil, err
	}
	return c.enter(ctx, "/api/v2/register/username", opts.onto(members{"username": username, "password": sealed}), opts.reading())
}

// RegisterByPhoneCode makes an account with a number and the code that
// [AuthClient.SendSms] sent there, and signs it in. Without a password ("") people sign in
// by code. opts may be nil.
//
// Refusals: [ErrCodeWrong], [ErrAlreadyRegistered].
func (c *AuthClient) RegisterByPhoneCode(ctx context.Context, phone, code, password string, opts *RegisterOptions) (*User, error) {
	body := members{"phone": phone, "code": code}.text("phoneCountryCode", opts.countryCode())
	if password != "" {
		sealed, err := c.encrypt(ctx, password)
		if err != nil {
			return nil, err
		}
		body["password"] = sealed
	}
	return c.enter(ctx, "/api/v2/register/phone-code", opts.onto(body), opts.reading())
}
