package cloudbase

import (
	"context"
	"net/http"
	"unicode/utf8"

	"github.com/tigertally/tigertally/internal/account"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/session"
	"github.com/tigertally/tigertally/internal/user"
)

func (p *Protocol) contactRoutes() []route {
	return []route{
		once(http.MethodPost, "/auth/v1/user/sudo", bearer(p, p.sudo)),
		once(http.MethodPatch, "/auth/v1/user/contact", bearer(p, p.bindContact)),
		once(http.MethodPatch, "/auth/v1/user/password", bearer(p, p.setPassword)),
		once(http.MethodPost, "/auth/v1/user/basic/edit", bearer(p, p.editBasic)),
	}
}

type sudoRequest struct {
	Password          string `json:"password"`
	VerificationToken token  `json:"verification_token"`
}

type sudoAnswer struct {
	SudoToken string `json:"sudo_token"`
	ExpiresIn int64  `json:"expires_in"`
}

// sudo lets somebody prove themselves again.
func (p *Protocol) sudo(ctx context.Context, who session.Principal, in sudoRequest) (sudoAnswer, error) {
	got, err := p.account.Sudo(ctx, who, in.Password, string(in.VerificationToken))
	if err != nil {
		return sudoAnswer{}, err
	}
	return sudoAnswer{SudoToken: got.Token, ExpiresIn: seconds(got.ExpiresIn)}, nil
}

type contactRequest struct {
	PhoneNumber        text   `json:"phone_number"`
	Email              string `json:"email"`
	SudoToken          token  `json:"sudo_token"`
	VerificationToken  token  `json:"verification_token"`
	ConflictResolution string `json:"conflict_resolution"`
}

// bindContact gives the user a verified phone number or email address. Taking one over
// from another account is never done, whatever conflict_resolution says.
func (p *Protocol) bindContact(ctx context.Context, who session.Principal, in contactRequest) (done, error) {
	return done{}, p.account.BindContact(ctx, who, account.BindInput{
		Phone: string(in.PhoneNumber), Email: in.Email,
		SudoToken: string(in.SudoToken), Token: string(in.VerificationToken),
	})
}

type passwordRequest struct {
	NewPassword string `json:"new_password"`
	SudoToken   token  `json:"sudo_token"`
}

// setPassword sets a new password for a sudo token.
func (p *Protocol) setPassword(ctx context.Context, who session.Principal, in passwordRequest) (done, error) {
	return done{}, p.account.SetPassword(ctx, who, string(in.SudoToken), in.NewPassword)
}

type editRequest struct {
	UserID      string  `json:"user_id"`
	Nickname    *string `json:"nickname"`
	Username    *string `json:"username"`
	Description *string `json:"description"`
	AvatarURL   *string `json:"avatar_url"`
	Gender      *string `json:"gender"`
	Email       string  `json:"email"`
	Phone       text    `json:"phone"`
	Password    string  `json:"password"`
	NewPassword string  `json:"new_password"`

	EncryptPassword    string `json:"encrypt_password"`
	EncryptNewPassword string `json:"encrypt_new_password"`
	Thumbprint         string `json:"public_key_thumbprint"`
}

// editBasic changes several things at once. The flow checks the proofs that this call
// does not carry.
func (p *Protocol) editBasic(ctx context.Context, who session.Principal, in editRequest) (done, error) {
	if in.UserID != "" && in.UserID != who.UserID {
		return done{}, errs.New(errs.BadRequest, "field", "user_id")
	}
	for _, secret := range []struct{ sealed, into *string }{
		{&in.EncryptPassword, &in.Password}, {&in.EncryptNewPassword, &in.NewPassword},
	} {
		if *secret.sealed == "" {
			continue
		}
		var err error
		if *secret.into, err = p.decryptText(ctx, who.PoolID, in.Thumbprint, *secret.sealed); err != nil {
			return done{}, err
		}
	}
	old, password := in.Password, in.NewPassword
	if password == "" { // some clients name the new one so
		old, password = "", in.Password
	}
	return done{}, p.account.EditBasic(ctx, who, account.EditInput{
		Profile: user.Profile{
			Name: in.Nickname, Username: in.Username, Description: in.Description,
			Picture: in.AvatarURL, Gender: in.Gender,
		},
		Phone: string(in.Phone), Email: in.Email, Old: old, New: password,
	})
}

type renewRequest struct {
	app
	Username    text   `json:"username"`
	Password    string `json:"password"`
	NewPassword string `json:"new_password"`
	Thumbprint  string `json:"public_key_thumbprint"`
}

// changePassword replaces a known password without a session. Both passwords come
// encrypted; they are not JSON inside.
func (p *Protocol) changePassword(ctx context.Context, c pool.Client, in renewRequest) (done, error) {
	if in.Thumbprint == "" {
		return done{}, errs.New(errs.FieldMissing, "field", "public_key_thumbprint")
	}
	old, err := p.decryptText(ctx, c.Pool.ID, in.Thumbprint, in.Password)
	if err != nil {
		return done{}, err
	}
	password, err := p.decryptText(ctx, c.Pool.ID, in.Thumbprint, in.NewPassword)
	if err != nil {
		return done{}, err
	}
	return done{}, p.account.RenewPassword(ctx, account.RenewInput{
		Client: c, Identifier: string(in.Username), Old: old, Password: password,
		CaptchaToken: in.captcha(),
	})
}

// decryptText opens one encrypted password. What does not decrypt is random, so almost
// never text: it must not become somebody's password.
func (p *Protocol) decryptText(ctx context.Context, poolID, thumbprint, sealed string) (string, error) {
	plain, err := p.keys.Decrypt(ctx, poolID, thumbprint, sealed)
	if err != nil {
		return "", err
	}
	if !utf8.Valid(plain) {
		return "", errs.New(errs.BadRequest, "field", "public_key_thumbprint")
	}
	return string(plain), nil
}
