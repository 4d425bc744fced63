package authing

import (
	"context"
	"strings"

	"github.com/tigertally/tigertally/internal/account"
	"github.com/tigertally/tigertally/internal/contact"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/session"
	"github.com/tigertally/tigertally/internal/web"
)

func (p *Protocol) passwordRoutes() []route {
	return []route{
		post("/api/v2/password/reset/sms", public(p, nil, p.resetByPhone)),
		post("/api/v2/password/reset/email", public(p, nil, p.resetByEmail)),
		post("/api/v2/users/password/reset-by-first-login-token", public(p, nil, p.resetByFirstLogin)),
		post("/api/v2/password/update", bearer(p, passwordWords(), p.updatePassword)),
		get("/api/v2/users/password/check", bearer(p, nil, p.checkPassword)),
	}
}

type resetRequest struct {
	Phone       text   `json:"phone"`
	CountryCode text   `json:"phoneCountryCode"`
	Email       string `json:"email"`
	Code        text   `json:"code"`
	NewPassword string `json:"newPassword"`
}

func (p *Protocol) resetByPhone(ctx context.Context, c pool.Client, in resetRequest) (any, error) {
	phone, err := phoneOf(string(in.Phone), string(in.CountryCode))
	if err != nil {
		return nil, err
	}
	return p.reset(ctx, c, account.ResetInput{Phone: phone}, in)
}

func (p *Protocol) resetByEmail(ctx context.Context, c pool.Client, in resetRequest) (any, error) {
	if in.Email == "" {
		return nil, missing("email")
	}
	email, err := contact.Email(in.Email)
	if err != nil {
		return nil, err
	}
	return p.reset(ctx, c, account.ResetInput{Email: email}, in)
}

// reset chooses a new password for the owner of the address in to. A code that is empty
// is a wrong one.
func (p *Protocol) reset(ctx context.Context, c pool.Client, to account.ResetInput, in resetRequest) (any, error) {
	var err error
	if to.Password, err = p.password(ctx, c.Pool.ID, in.NewPassword); err != nil {
		return nil, err
	}
	to.Client, to.Code, to.Bearer = c, codeOr(in.Code), web.Bearer(ctx)
	return nil, p.account.ResetPassword(ctx, to)
}

// codeOr is a code as shown, or, for none, one that is never right.
func codeOr(code text) string {
	if code == "" {
		return "none"
	}
	return string(code)
}

type firstLoginRequest struct {
	Token    string `json:"token"`
	Password string `json:"password"`
}

func (p *Protocol) resetByFirstLogin(ctx context.Context, c pool.Client, in firstLoginRequest) (any, error) {
	if in.Token == "" {
		return nil, missing("token")
	}
	password, err := p.password(ctx, c.Pool.ID, in.Password)
	if err != nil {
		return nil, err
	}
	return nil, p.account.ResetByFirstLogin(ctx, c, in.Token, password)
}

type changeRequest struct {
	NewPassword string `json:"newPassword"`
	OldPassword string `json:"oldPassword"`
}

// updatePassword changes a known password, or sets the first one. The session goes on:
// clients do not look at the token of this answer.
func (p *Protocol) updatePassword(ctx context.Context, who session.Principal, in changeRequest) (any, error) {
	if err := p.changePassword(ctx, who, in.OldPassword, in.NewPassword); err != nil {
		return nil, err
	}
	return p.me(ctx, who)
}

// changePassword takes both passwords as clients encrypt them.
func (p *Protocol) changePassword(ctx context.Context, who session.Principal, sealedOld, sealedNew string) error {
	u, err := p.account.Me(ctx, who)
	if err != nil {
		return err
	}
	if sealedOld == "" && u.HasPassword() {
		return errs.New(errs.PasswordWrong)
	}
	next, err := p.password(ctx, who.PoolID, sealedNew)
	if err != nil {
		return err
	}
	old := ""
	if sealedOld != "" && u.HasPassword() {
		if old, _, err = p.guess(ctx, who.PoolID, sealedOld); err != nil {
			return err
		}
	}
	return p.account.ChangePassword(ctx, who, old, next)
}

type checkRequest struct {
	Password string `query:"password"`
}

// checkPassword says whether a password is the caller's own. Wrong ones count as they do
// anywhere. The client does not escape the ciphertext, so a plus sign arrives as a space.
func (p *Protocol) checkPassword(ctx context.Context, who session.Principal, in checkRequest) (any, error) {
	password, _, err := p.guess(ctx, who.PoolID, strings.ReplaceAll(in.Password, " ", "+"))
	if err != nil {
		return nil, err
	}
	_, err = p.account.Sudo(ctx, who, password, "")
	switch errs.CodeOf(err) {
	case "":
		return true, nil
	case errs.PasswordWrong, errs.PasswordNotSet:
		return false, nil
	default:
		return nil, err
	}
}
