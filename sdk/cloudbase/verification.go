package cloudbase

import (
	"context"
	"net/http"
	"time"
)

// Target is who a code may be sent to.
type Target string

// The targets.
const (
	TargetAny         Target = "ANY"      // anybody; the default
	TargetUser        Target = "USER"     // somebody with an account
	TargetNotUser     Target = "NOT_USER" // somebody without one
	TargetCurrentUser Target = "CUR_USER" // who is signed in
)

// GetVerificationRequest says where to send a code: to a PhoneNumber or an Email.
type GetVerificationRequest struct {
	PhoneNumber string `json:"phone_number,omitempty"`
	Email       string `json:"email,omitempty"`
	Target      Target `json:"target,omitempty"`
	Usage       string `json:"usage,omitempty"` // for the environment's own use

	// WithCaptcha asks for a captcha before the server does.
	WithCaptcha bool `json:"-"`
}

// GetVerificationResponse is a code that is on its way.
type GetVerificationResponse struct {
	VerificationID string
	IsUser         bool // the address has an account: sign in rather than up
	ExpiresIn      time.Duration
}

// GetVerification sends a code. ErrResourceExhausted: too often; Error.RetryAfter says
// when again.
func (a *Auth) GetVerification(ctx context.Context, r GetVerificationRequest) (*GetVerificationResponse, error) {
	r.PhoneNumber = phone(r.PhoneNumber)
	c := call{method: http.MethodPost, path: "/v1/verification", body: r, captcha: r.WithCaptcha}
	if r.Target == TargetCurrentUser {
		c.who = bearer
	} else if _, err := a.app.current(ctx); err == nil {
		c.who = bearer // the code may be for an address the person is about to take
	}
	var out struct {
		VerificationID string  `json:"verification_id"`
		IsUser         truth   `json:"is_user"`
		ExpiresIn      integer `json:"expires_in"`
	}
	if err := a.app.do(ctx, c, &out); err != nil {
		return nil, err
	}
	return &GetVerificationResponse{out.VerificationID, bool(out.IsUser), out.ExpiresIn.seconds()}, nil
}

// VerifyRequest is a code somebody typed.
type VerifyRequest struct {
	VerificationID   string `json:"verification_id,omitempty"`
	VerificationCode string `json:"verification_code"`
}

// VerifyResponse proves that somebody reads what is sent to an address. It works once.
type VerifyResponse struct {
	VerificationToken string
	ExpiresIn         time.Duration
}

// Verify checks a code. ErrInvalidArgument: it is wrong or has expired. ErrAborted: too
// many tries; send another.
func (a *Auth) Verify(ctx context.Context, r VerifyRequest) (*VerifyResponse, error) {
	var out struct {
		VerificationToken string  `json:"verification_token"`
		ExpiresIn         integer `json:"expires_in"`
	}
	if err := a.app.do(ctx, call{method: http.MethodPost, path: "/v1/verification/verify", body: r}, &out); err != nil {
		return nil, err
	}
	return &VerifyResponse{out.VerificationToken, out.ExpiresIn.seconds()}, nil
}

// SudoRequest proves once more who is there, with a Password or with the
// VerificationToken of a code sent to the account's own address.
type SudoRequest struct {
	Password          string `json:"password,omitempty"`
	VerificationToken string `json:"verification_token,omitempty"`
}

// SudoResponse allows what SetPassword, BindPhoneNumber, BindEmail and DeleteMe do.
type SudoResponse struct {
	SudoToken string
	ExpiresIn time.Duration
}

// Sudo returns a token for what must not be done from a session somebody left open.
func (a *Auth) Sudo(ctx context.Context, r SudoRequest) (*SudoResponse, error) {
	var out struct {
		SudoToken string  `json:"sudo_token"`
		ExpiresIn integer `json:"expires_in"`
	}
	if err := a.app.do(ctx, call{method: http.MethodPost, path: "/v1/user/sudo", body: r, who: bearer}, &out); err != nil {
		return nil, err
	}
	return &SudoResponse{out.SudoToken, out.ExpiresIn.seconds()}, nil
}
