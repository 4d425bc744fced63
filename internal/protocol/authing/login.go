package authing

import (
	"context"

	"github.com/tigertally/tigertally/internal/contact"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/signin"
	"github.com/tigertally/tigertally/internal/web"
)

func (p *Protocol) loginRoutes() []route {
	return []route{
		post("/api/v2/login/account", public(p, loginWords(), p.loginByAccount)),
		post("/api/v2/login/email-code", public(p, codeLoginWords(), p.loginByEmailCode)),
		post("/api/v2/login/phone-code", public(p, codeLoginWords(), p.loginByPhoneCode)),
		post("/api/v2/ecConn/oneAuth/login", public(p, loginWords(), p.loginByOneAuth)),
	}
}

// loginRequest is the body of every sign-in; each reads its own members.
type loginRequest struct {
	Account      text           `json:"account"`
	Email        string         `json:"email"`
	Phone        text           `json:"phone"`
	CountryCode  text           `json:"phoneCountryCode"`
	Password     string         `json:"password"`
	Code         text           `json:"code"`
	Token        string         `json:"token"`
	AccessToken  string         `json:"accessToken"`
	AutoRegister flag           `json:"autoRegister"`
	Context      requestContext `json:"context"`
	Params       customFields   `json:"params"`
	CaptchaCode  string         `json:"captchaCode"`
}

// loginInput is what all sign-ins have in common. The Bearer is only looked at when an
// address is proved for the first time; a stale one says nothing.
func (p *Protocol) loginInput(ctx context.Context, c pool.Client, in loginRequest) (signin.Input, error) {
	proof, err := p.captchaToken(ctx, c, in.CaptchaCode)
	return signin.Input{
		Client: c, AutoRegister: bool(in.AutoRegister), Custom: in.Params, Bearer: web.Bearer(ctx),
		CaptchaToken: proof, Style: p.style(c), RequestContext: in.Context.value,
	}, err
}

// loginByAccount takes a password and any name of the account.
func (p *Protocol) loginByAccount(ctx context.Context, c pool.Client, in loginRequest) (any, error) {
	if in.Account == "" {
		return nil, missing("account")
	}
	return p.loginByPassword(ctx, c, string(in.Account), in)
}

// loginByPassword signs identifier in. A password that cannot be opened makes no account.
func (p *Protocol) loginByPassword(ctx context.Context, c pool.Client, identifier string, in loginRequest) (any, error) {
	s, err := p.loginInput(ctx, c, in)
	if err != nil {
		return nil, err
	}
	var opened bool
	if s.Password, opened, err = p.guess(ctx, c.Pool.ID, in.Password); err != nil {
		return nil, err
	}
	s.Method, s.Identifier = signin.MethodPassword, identifier
	s.AutoRegister = s.AutoRegister && opened
	return p.login(ctx, s)
}

func (p *Protocol) loginByEmailCode(ctx context.Context, c pool.Client, in loginRequest) (any, error) {
	if in.Email == "" {
		return nil, missing("email")
	}
	email, err := contact.Email(in.Email)
	if err != nil {
		return nil, err
	}
	return p.loginByCode(ctx, c, email, in)
}

func (p *Protocol) loginByPhoneCode(ctx context.Context, c pool.Client, in loginRequest) (any, error) {
	phone, err := phoneOf(string(in.Phone), string(in.CountryCode))
	if err != nil {
		return nil, err
	}
	return p.loginByCode(ctx, c, phone, in)
}

func (p *Protocol) loginByCode(ctx context.Context, c pool.Client, target string, in loginRequest) (any, error) {
	if in.Code == "" {
		return nil, errs.New(errs.CodeWrong)
	}
	s, err := p.loginInput(ctx, c, in)
	if err != nil {
		return nil, err
	}
	s.Method, s.Identifier, s.Token = signin.MethodVerification, target, string(in.Code)
	return p.login(ctx, s)
}

// loginByOneAuth takes what the carrier gave the phone.
func (p *Protocol) loginByOneAuth(ctx context.Context, c pool.Client, in loginRequest) (any, error) {
	if in.Token == "" {
		return nil, missing("token")
	}
	s, err := p.loginInput(ctx, c, in)
	if err != nil {
		return nil, err
	}
	s.Method, s.OneTapToken, s.OneTapAccess = signin.MethodOneTap, in.Token, in.AccessToken
	return p.login(ctx, s)
}

func (p *Protocol) login(ctx context.Context, in signin.Input) (any, error) {
	out, err := p.signin.SignIn(ctx, in)
	if err != nil {
		return nil, err
	}
	return p.entered(ctx, out)
}
