package cloudbase

import (
	"context"
	"net/http"
	"strings"
)

// ConflictResolution is what to do about a number that another account has.
type ConflictResolution string

// The resolutions. Tigertally refuses all but the default.
const (
	ConflictDefault        ConflictResolution = "DEFAULT"                 // fail with ErrFailedPrecondition
	ConflictDeleteAccount  ConflictResolution = "DELETE_ACCOUNT_TRANSFER" // close the other account
	ConflictTransferNumber ConflictResolution = "TRANSFER"                // take the number from the other account
)

// BindPhoneRequest gives the account a number, with a VerificationToken for it.
type BindPhoneRequest struct {
	PhoneNumber        string             `json:"phone_number"`
	SudoToken          string             `json:"sudo_token"`
	VerificationToken  string             `json:"verification_token"`
	ConflictResolution ConflictResolution `json:"conflict_resolution,omitempty"`
}

// BindPhoneNumber sets the number of the account. ErrFailedPrecondition: another account
// has it.
func (a *Auth) BindPhoneNumber(ctx context.Context, r BindPhoneRequest) error {
	return a.app.do(ctx, call{method: http.MethodPatch, path: "/v1/user/contact", body: r, who: bearer}, nil)
}

// BindEmailRequest gives the account an address, with a VerificationToken for it.
type BindEmailRequest struct {
	Email             string `json:"email"`
	SudoToken         string `json:"sudo_token"`
	VerificationToken string `json:"verification_token"`
}

// BindEmail sets the email address of the account. ErrFailedPrecondition: another
// account has it.
func (a *Auth) BindEmail(ctx context.Context, r BindEmailRequest) error {
	return a.app.do(ctx, call{method: http.MethodPatch, path: "/v1/user/contact", body: r, who: bearer}, nil)
}

// SetPasswordRequest changes a password. SudoToken is empty for an account that has
// none yet.
type SetPasswordRequest struct {
	NewPassword string `json:"new_password"`
	SudoToken   string `json:"sudo_token"`
}

// SetPassword sets the password of who is signed in. Their other sessions end.
func (a *Auth) SetPassword(ctx context.Context, r SetPasswordRequest) error {
	return a.app.do(ctx, call{method: http.MethodPatch, path: "/v1/user/password", body: r, who: bearer}, nil)
}

// ResetPasswordRequest replaces a forgotten password, with a VerificationToken for the
// Email or the PhoneNumber.
type ResetPasswordRequest struct {
	Email             string `json:"email,omitempty"`
	PhoneNumber       string `json:"phone_number,omitempty"`
	NewPassword       string `json:"new_password"`
	VerificationToken string `json:"verification_token,omitempty"`
}

// ResetPassword sets the password of somebody who cannot sign in. All their sessions end.
func (a *Auth) ResetPassword(ctx context.Context, r ResetPasswordRequest) error {
	return a.app.do(ctx, call{method: http.MethodPost, path: "/v1/reset", body: r}, nil)
}

// QueryUserRequest says who to look for: up to 50 IDs, or one of the others.
type QueryUserRequest struct {
	ID          []string
	Username    string
	Email       string
	PhoneNumber string
}

// QueryUserResponse is who was found.
type QueryUserResponse struct {
	Total int
	Data  []SimpleUserProfile
}

// SimpleUserProfile is what people may know of each other.
type SimpleUserProfile struct {
	Sub         string // the id of the account
	Name        string
	Picture     string
	Gender      string
	Locale      string
	Email       string
	PhoneNumber string
}

// QueryUser looks for other people. ErrPermissionDenied: anonymous people and those of
// custom login may not.
func (a *Auth) QueryUser(ctx context.Context, r QueryUserRequest) (*QueryUserResponse, error) {
	path := "/v1/user/query" + query("id", strings.Join(r.ID, ","), "username", r.Username, "email", r.Email, "phone_number", r.PhoneNumber)
	var out struct {
		Total integer   `json:"total"`
		Data  []profile `json:"data"`
	}
	if err := a.app.do(ctx, call{method: http.MethodGet, path: path, who: bearer}, &out); err != nil {
		return nil, err
	}
	found := &QueryUserResponse{Total: int(out.Total)}
	for _, p := range out.Data {
		found.Data = append(found.Data, SimpleUserProfile{p.Sub, p.Name, p.Picture, p.Gender, p.Locale, p.Email, p.PhoneNumber})
	}
	return found, nil
}

// IsUsernameRegistered reports whether somebody signs in with username.
func (a *Auth) IsUsernameRegistered(ctx context.Context, username string) (bool, error) {
	var out struct {
		Exist truth `json:"exist"`
	}
	path := "/v1/checkIfUserExist" + query("username", username)
	err := a.app.do(ctx, call{method: http.MethodGet, path: path}, &out)
	return bool(out.Exist), err
}

// WithSudoRequest allows something dangerous, with a token of [Auth.Sudo].
type WithSudoRequest struct {
	SudoToken string
}

// DeleteMe deletes the account of who is signed in and returns what it was. The session
// is worth nothing afterwards; SignOut removes it.
func (a *Auth) DeleteMe(ctx context.Context, r WithSudoRequest) (*UserInfo, error) {
	var out profile
	path := "/v1/user/me" + query("sudo_token", r.SudoToken)
	if err := a.app.do(ctx, call{method: http.MethodDelete, path: path, who: bearer}, &out); err != nil {
		return nil, err
	}
	deleted := out.info()
	return &deleted, nil
}

// query writes the pairs whose value is not empty, in their order.
func query(pairs ...string) string {
	var all []string
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			all = append(all, pairs[i]+"="+escape(pairs[i+1]))
		}
	}
	if all == nil {
		return ""
	}
	return "?" + strings.Join(all, "&")
}
