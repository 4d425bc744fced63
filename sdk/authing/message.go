package authing

import "context"

// EmailScene is what a mail is for, which decides what its code is good for.
type EmailScene string

// The scenes of the documentation page.
const (
	SceneResetPassword EmailScene = "RESET_PASSWORD" // for ResetPasswordByEmail
	SceneChangeEmail   EmailScene = "CHANGE_EMAIL"   // for BindEmail
	SceneMFAVerify     EmailScene = "MFA_VERIFY"     // for a second factor
	SceneVerifyCode    EmailScene = "VERIFY_CODE"    // for registering, signing in and binding
)

// Newer scenes, each for one purpose.
const (
	SceneVerifyEmail             EmailScene = "VERIFY_EMAIL" // a link, to an address that somebody has
	SceneRegisterVerifyCode      EmailScene = "REGISTER_VERIFY_CODE"
	SceneLoginVerifyCode         EmailScene = "LOGIN_VERIFY_CODE"
	SceneResetPasswordVerifyCode EmailScene = "RESET_PASSWORD_VERIFY_CODE"
	SceneEmailBindVerifyCode     EmailScene = "EMAIL_BIND_VERIFY_CODE"
	SceneEmailUnbindVerifyCode   EmailScene = "EMAIL_UNBIND_VERIFY_CODE"
	SceneMFAVerifyCode           EmailScene = "MFA_VERIFY_CODE"
)

// SmsScene is what a text message is for. None, which is what the vendor's phone clients
// send, makes its code good for everything but a second factor.
type SmsScene string

// The scenes of text messages.
const (
	SmsSceneLogin         SmsScene = "login"
	SmsSceneRegister      SmsScene = "register"
	SmsSceneReset         SmsScene = "reset"
	SmsSceneBind          SmsScene = "bind"
	SmsSceneUnbind        SmsScene = "unbind"
	SmsSceneMFABind       SmsScene = "mfa-bind"
	SmsSceneMFAVerify     SmsScene = "mfa-verify"
	SmsSceneMFAUnbind     SmsScene = "mfa-unbind"
	SmsSceneCompletePhone SmsScene = "complete-phone"
)

// SmsOptions are what a text message may say beside its number.
type SmsOptions struct {
	// CountryCode is the country of the phone number, such as "+44"; "" is "+86".
	CountryCode string
	// Scene is what the code is for; "" is everything but a second factor.
	Scene SmsScene
}

// SendSms sends a code to a phone. opts may be nil.
//
// Refusals: [ErrPhoneInvalid], [ErrTooFrequent].
func (c *AuthClient) SendSms(ctx context.Context, phone string, opts *SmsOptions) error {
	body := members{"phone": phone}
	if opts != nil {
		body.text("phoneCountryCode", opts.CountryCode).text("scene", string(opts.Scene))
	}
	return c.tell(ctx, "/api/v2/sms/send", body)
}

// SendEmail sends a code to an address, whether or not anybody has registered it.
//
// Refusals: [ErrRecipientInvalid], [ErrTooFrequent].
func (c *AuthClient) SendEmail(ctx context.Context, email string, scene EmailScene) error {
	return c.tell(ctx, "/api/v2/email/send", members{"email": email, "scene": string(scene)})
}
