package cloudbase

import (
	"context"
	"net/http"
	"strings"

	"github.com/tigertally/tigertally/internal/account"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/session"
	"github.com/tigertally/tigertally/internal/signin"
	"github.com/tigertally/tigertally/internal/web"
)

func (p *Protocol) verificationRoutes() []route {
	return []route{
		once(http.MethodPost, "/auth/v1/verification", public(p, p.sendCode)),
		once(http.MethodPost, "/auth/v1/verification/verify", public(p, p.verifyCode)),
		once(http.MethodPost, "/auth/v1/reset", public(p, p.resetPassword)),
	}
}

type sendRequest struct {
	app
	PhoneNumber text   `json:"phone_number"`
	Email       string `json:"email"`
	Target      string `json:"target"`
	Usage       string `json:"usage"`
}

type sendAnswer struct {
	VerificationID string `json:"verification_id"`
	ExpiresIn      int64  `json:"expires_in"`
	IsUser         bool   `json:"is_user"`
}

// sendCode sends a code, on behalf of the signed-in user when there is one.
func (p *Protocol) sendCode(ctx context.Context, c pool.Client, in sendRequest) (sendAnswer, error) {
	audience, err := audienceOf(in.Target)
	if err != nil {
		return sendAnswer{}, err
	}
	who, err := p.asker(ctx)
	if err != nil {
		return sendAnswer{}, err
	}
	if who != nil { // the client leaves its id out when it has a token
		if c, err = p.pools.Client(ctx, who.ClientID); err != nil {
			return sendAnswer{}, err
		}
		ctx = withClient(ctx, c.ID)
	}
	sent, err := p.account.SendCode(ctx, account.SendInput{
		Client: c, Phone: string(in.PhoneNumber), Email: in.Email,
		Audience: audience, Usage: usageOf(in.Usage), Principal: who, CaptchaToken: in.captcha(),
	})
	if err != nil {
		return sendAnswer{}, err
	}
	return sendAnswer{VerificationID: sent.ID, ExpiresIn: seconds(sent.ExpiresIn), IsUser: sent.IsUser}, nil
}

// asker is the signed-in user of a request that needs none, nil for nobody. A token
// that is no access token of ours counts as nobody: apps with an access key send that.
func (p *Protocol) asker(ctx context.Context) (*session.Principal, error) {
	var nobody *session.Principal
	raw := web.Bearer(ctx)
	if raw == "" {
		return nobody, nil
	}
	who, err := p.sessions.Verify(ctx, raw)
	switch errs.CodeOf(err) {
	case "":
		return &who, nil
	case errs.SessionInvalid:
		return nobody, nil
	default:
		return nobody, err
	}
}

func audienceOf(target string) (account.Audience, error) {
	switch strings.ToUpper(target) {
	case "", "ANY":
		return account.Anybody, nil
	case "USER":
		return account.UsersOnly, nil
	case "NOT_USER":
		return account.Strangers, nil
	case "CUR_USER":
		return account.MyselfOnly, nil
	}
	return "", errs.New(errs.BadRequest, "field", "target")
}

// usageOf translates the usages clients send. Apps may send words of their own, which
// promise nothing.
func usageOf(word string) signin.Usage {
	switch strings.ToUpper(word) {
	case "REGISTER":
		return signin.UsageRegister
	case "SIGN_IN":
		return signin.UsageSignIn
	case "PASSWORD_RESET":
		return signin.UsageReset
	case "EMAIL_ADDRESS_CHANGE", "PHONE_NUMBER_CHANGE":
		return signin.UsageContact
	case "EMAIL":
		return signin.UsageEnter
	case "RECOVERY":
		return signin.UsageRecover
	case "REAUTHENTICATION":
		return signin.UsageConfirm
	}
	return signin.UsageAny
}

type verifyAnswer struct {
	VerificationToken string `json:"verification_token"`
	ExpiresIn         int64  `json:"expires_in"`
}

// verifyCode exchanges the digits somebody typed for a verification token.
func (p *Protocol) verifyCode(ctx context.Context, c pool.Client, in codeRequest) (verifyAnswer, error) {
	got, err := p.account.VerifyCode(ctx, c, in.VerificationID, string(in.VerificationCode))
	if err != nil {
		return verifyAnswer{}, err
	}
	return verifyAnswer{VerificationToken: got.Token, ExpiresIn: seconds(got.ExpiresIn)}, nil
}

type resetRequest struct {
	app
	PhoneNumber       text   `json:"phone_number"`
	Email             string `json:"email"`
	NewPassword       string `json:"new_password"`
	VerificationToken token  `json:"verification_token"`
}

// resetPassword sets a new password for the owner of a verified address.
func (p *Protocol) resetPassword(ctx context.Context, c pool.Client, in resetRequest) (done, error) {
	return done{}, p.account.ResetPassword(ctx, account.ResetInput{
		Client: c, Phone: string(in.PhoneNumber), Email: in.Email,
		Token: string(in.VerificationToken), Password: in.NewPassword,
	})
}
