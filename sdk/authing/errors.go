package authing

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
)

// Error is a refusal of the server. errors.Is matches it with the sentinels, which are
// its Code; errors.As gives the message, which is text for people in [Config.Lang].
type Error struct {
	// Code is the number of the answer, 0 when the answer had none: what replied was
	// then a proxy, or no server of this API, and HTTPStatus says what there is to know.
	Code Code
	// Message is the server's text.
	Message string
	// HTTPStatus is 200 for most refusals.
	HTTPStatus int
	// Data is what came with the code, nil for most codes.
	Data json.RawMessage
	// Endpoint is the method and path that were asked, such as "POST /api/v2/sms/send".
	Endpoint string
}

// Error says what was asked and the server's answer.
func (e *Error) Error() string {
	text := e.Message
	if e.Code != 0 {
		return fmt.Sprintf("authing: %s: %d: %s", e.Endpoint, int(e.Code), text)
	}
	if text == "" {
		text = http.StatusText(e.HTTPStatus)
	}
	return fmt.Sprintf("authing: %s: HTTP %d: %s", e.Endpoint, e.HTTPStatus, text)
}

// Unwrap returns the code, which makes errors.Is(err, ErrPasswordWrong) true.
func (e *Error) Unwrap() error {
	if e.Code == 0 {
		return nil
	}
	return e.Code
}

// token is a member of the data, "" when it has none.
func (e *Error) token(name string) string {
	var data map[string]json.RawMessage
	if json.Unmarshal(e.Data, &data) != nil {
		return ""
	}
	var text string
	if json.Unmarshal(data[name], &text) != nil {
		return ""
	}
	return text
}

// FirstTimeLoginToken returns the token that came with [ErrFirstLogin], with which
// [AuthClient.ResetPasswordByFirstTimeLoginToken] sets the person's own password. It
// returns "" for every other error.
func FirstTimeLoginToken(err error) string {
	if e, ok := errors.AsType[*Error](err); ok && e.Code == ErrFirstLogin {
		return e.token("token")
	}
	return ""
}

// MFAToken returns the token that came with [ErrMFARequired], "" for every other error.
func MFAToken(err error) string {
	if e, ok := errors.AsType[*Error](err); ok && e.Code == ErrMFARequired {
		return e.token("mfaToken")
	}
	return ""
}

// Code is the number of a refusal. It is an error so that errors.Is can be asked for one.
type Code int

// Error names the code.
func (c Code) Error() string { return "authing: code " + strconv.Itoa(int(c)) }

// The codes of the documentation page of the sign-in API.
const (
	ErrPhoneInvalid      Code = 500     // SendSms: no telephone number
	ErrTokenInvalid      Code = 1010001 // Logout: the token is not or no longer good
	ErrRecipientInvalid  Code = 1020017 // SendEmail: no email address
	ErrLastLoginMethod   Code = 1320005 // UnbindPhone, UnbindEmail: nothing else is left to sign in with, or nothing is bound
	ErrOldPasswordWrong  Code = 1320011 // UpdatePassword: the old password is wrong or missing
	ErrCodeWrong         Code = 2001    // the code is wrong, used or too old
	ErrEmailInvalid      Code = 2003    // registration: no email address
	ErrUserNotFound      Code = 2004    // nobody has this address
	ErrNotLoggedIn       Code = 2020    // there is no session, or it has ended
	ErrAlreadyRegistered Code = 2026    // the name, address or number has an account
	ErrPasswordWrong     Code = 2333    // sign-in: account or password, or one-tap token, wrong
)

// More codes of the vendor's table that the methods of this package can meet.
const (
	ErrBusy                  Code = 1000 // try again later
	ErrForbidden             Code = 1001 // not allowed, or not set up on the server
	ErrMFARequired           Code = 1636 // a second factor comes next, see [MFAToken]
	ErrFirstLogin            Code = 1639 // a password has to be chosen first, see [FirstTimeLoginToken]
	ErrCaptchaRequired       Code = 2000 // a picture has to be read first, see [AuthClient.Captcha]
	ErrUserLocked            Code = 2005 // the account is blocked or suspended
	ErrAppNotFound           Code = 2011 // there is no such application
	ErrPasswordUnreadable    Code = 2016 // encrypted with another key than the server's
	ErrReauthenticate        Code = 2019 // sign in again before setting a password
	ErrPasswordTooWeak       Code = 2029
	ErrRegistrationDisabled  Code = 2031
	ErrPasswordMissing       Code = 2032
	ErrUsernameTaken         Code = 2034
	ErrPhoneTaken            Code = 2035 // BindPhone: another account has the number
	ErrTooFrequent           Code = 2080 // codes are sent too often
	ErrRegisterTooFrequent   Code = 2100
	ErrEmailTaken            Code = 2200 // BindEmail: another account has the address
	ErrBindEmailInvalid      Code = 2204 // BindEmail: no email address
	ErrLoginExpired          Code = 2206
	ErrLoginTokenInvalid     Code = 2207 // ResetPasswordByFirstTimeLoginToken: used, too old or none
	ErrParameterMissing      Code = 2231
	ErrParameterInvalid      Code = 422
	ErrPasswordResetRequired Code = 2058
)
