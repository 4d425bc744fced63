package authing

import (
	"context"

	"github.com/tigertally/tigertally/internal/account"
	"github.com/tigertally/tigertally/internal/code"
	"github.com/tigertally/tigertally/internal/contact"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/session"
	"github.com/tigertally/tigertally/internal/signin"
)

func (p *Protocol) contactRoutes() []route {
	sendEmail := public(p, mailWords(), p.sendEmail)
	return []route{
		post("/api/v2/sms/send", public(p, nil, p.sendSMS)),
		post("/api/v2/email/send", sendEmail),
		post("/api/v2/email/send-email", sendEmail),
		post("/api/v2/users/phone/bind", bearer(p, phoneWords(), p.bindPhone)),
		post("/api/v2/users/phone/unbind", bearer(p, phoneWords(), p.unbindPhone)),
		post("/api/v2/users/phone/update", bearer(p, phoneWords(), p.updatePhone)),
		post("/api/v2/users/email/bind", bearer(p, emailWords(), p.bindEmail)),
		post("/api/v2/users/email/unbind", bearer(p, emailWords(), p.unbindEmail)),
		post("/api/v2/users/email/update", bearer(p, emailWords(), p.updateEmail)),
	}
}

type sendRequest struct {
	Phone       text   `json:"phone"`
	CountryCode text   `json:"phoneCountryCode"`
	Email       string `json:"email"`
	Scene       string `json:"scene"`
}

// sendSMS sends a code by text message. Most clients do not say what it is for, so that
// one is good for everything but a second proof.
func (p *Protocol) sendSMS(ctx context.Context, c pool.Client, in sendRequest) (any, error) {
	phone, err := phoneOf(string(in.Phone), string(in.CountryCode))
	if err != nil {
		return nil, err
	}
	_, err = p.account.SendCode(ctx, account.SendInput{Client: c, Phone: phone, Usage: smsUsage(in.Scene)})
	return nil, err
}

// sendEmail sends a code by mail, whether or not anybody has the address, or a link to
// whose address it is.
func (p *Protocol) sendEmail(ctx context.Context, c pool.Client, in sendRequest) (any, error) {
	if in.Email == "" {
		return nil, missing("email")
	}
	email, err := contact.Email(in.Email)
	if err != nil {
		return nil, err
	}
	if scene := in.Scene; scene == "VERIFY_EMAIL" || scene == "CONSOLE_CONDUCTED_VERIFY" {
		return nil, p.account.SendLink(ctx, c, email, "")
	}
	usage, ok := emailUsage(in.Scene)
	if !ok {
		return nil, errs.New(errs.BadRequest, "field", "scene")
	}
	_, err = p.account.SendCode(ctx, account.SendInput{Client: c, Email: email, Usage: usage})
	return nil, err
}

// smsUsage translates the scenes of text messages. Client libraries pass on whatever an
// app says, so an unknown one is as good as none.
func smsUsage(scene string) signin.Usage {
	switch scene {
	case "login":
		return signin.UsageSignIn
	case "register":
		return signin.UsageRegister
	case "reset":
		return signin.UsageReset
	case "bind", "unbind", "complete-phone":
		return signin.UsageContact
	case "mfa-bind", "mfa-verify", "mfa-unbind":
		return signin.UsageMFA
	}
	return signin.UsageAll
}

// emailUsage translates the scenes of mails. Apps bind an address with either of the
// first two.
func emailUsage(scene string) (signin.Usage, bool) {
	switch scene {
	case "VERIFY_CODE":
		return signin.UsageEnter, true
	case "CHANGE_EMAIL":
		return signin.UsageJoin, true
	case "RESET_PASSWORD", "RESET_PASSWORD_VERIFY_CODE":
		return signin.UsageReset, true
	case "MFA_VERIFY", "MFA_VERIFY_CODE":
		return signin.UsageMFA, true
	case "REGISTER_VERIFY_CODE":
		return signin.UsageRegister, true
	case "LOGIN_VERIFY_CODE", "FIRST_EMAIL_LOGIN_VERIFY":
		return signin.UsageSignIn, true
	case "EMAIL_BIND_VERIFY_CODE", "EMAIL_UNBIND_VERIFY_CODE", "INFORMATION_COMPLETION_VERIFY_CODE":
		return signin.UsageContact, true
	}
	return "", false
}

// bindRequest is the body of every change of a contact; each reads its own members.
type bindRequest struct {
	Phone          text   `json:"phone"`
	PhoneCode      text   `json:"phoneCode"`
	CountryCode    text   `json:"phoneCountryCode"`
	Email          string `json:"email"`
	EmailCode      text   `json:"emailCode"`
	OldPhone       text   `json:"oldPhone"`
	OldPhoneCode   text   `json:"oldPhoneCode"`
	OldCountryCode text   `json:"oldPhoneCountryCode"`
	OldEmail       string `json:"oldEmail"`
	OldEmailCode   text   `json:"oldEmailCode"`
}

func (p *Protocol) bindPhone(ctx context.Context, who session.Principal, in bindRequest) (any, error) {
	phone, err := phoneOf(string(in.Phone), string(in.CountryCode))
	if err != nil {
		return nil, err
	}
	return p.bind(ctx, who, account.BindInput{Phone: phone, Token: string(in.PhoneCode)})
}

func (p *Protocol) bindEmail(ctx context.Context, who session.Principal, in bindRequest) (any, error) {
	if in.Email == "" {
		return nil, missing("email")
	}
	return p.bind(ctx, who, account.BindInput{Email: in.Email, Token: string(in.EmailCode)})
}

// bind gives who another contact. The protocol has no second proof than the session.
func (p *Protocol) bind(ctx context.Context, who session.Principal, in account.BindInput) (any, error) {
	if in.Token == "" {
		return nil, errs.New(errs.CodeWrong)
	}
	in.Assurance = account.BySession
	if err := p.account.BindContact(ctx, who, in); err != nil {
		return nil, err
	}
	return p.me(ctx, who)
}

func (p *Protocol) unbindPhone(ctx context.Context, who session.Principal, _ nothing) (any, error) {
	return p.unbind(ctx, who, code.SMS)
}

func (p *Protocol) unbindEmail(ctx context.Context, who session.Principal, _ nothing) (any, error) {
	return p.unbind(ctx, who, code.Email)
}

func (p *Protocol) unbind(ctx context.Context, who session.Principal, channel string) (any, error) {
	u, err := p.account.UnbindContact(ctx, who, channel)
	if err != nil {
		return nil, err
	}
	return p.mine(ctx, who, u)
}

// updatePhone replaces the number, with a code for the new one and, where there is an old
// one, for that too.
func (p *Protocol) updatePhone(ctx context.Context, who session.Principal, in bindRequest) (any, error) {
	phone, err := phoneOf(string(in.Phone), string(in.CountryCode))
	if err != nil {
		return nil, err
	}
	old := ""
	if in.OldPhone != "" {
		if old, err = phoneOf(string(in.OldPhone), string(in.OldCountryCode)); err != nil {
			return nil, err
		}
	}
	return p.update(ctx, who, account.UpdateInput{
		Phone: phone, Token: codeOr(in.PhoneCode), OldPhone: old, OldToken: string(in.OldPhoneCode),
	})
}

func (p *Protocol) updateEmail(ctx context.Context, who session.Principal, in bindRequest) (any, error) {
	if in.Email == "" {
		return nil, missing("email")
	}
	return p.update(ctx, who, account.UpdateInput{
		Email: in.Email, Token: codeOr(in.EmailCode), OldEmail: in.OldEmail, OldToken: string(in.OldEmailCode),
	})
}

func (p *Protocol) update(ctx context.Context, who session.Principal, in account.UpdateInput) (any, error) {
	if err := p.account.UpdateContact(ctx, who, in); err != nil {
		return nil, err
	}
	return p.me(ctx, who)
}
