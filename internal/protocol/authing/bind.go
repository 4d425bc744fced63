package authing

import (
	"cmp"
	"context"

	"github.com/tigertally/tigertally/internal/caller"
	"github.com/tigertally/tigertally/internal/contact"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/signin"
	"github.com/tigertally/tigertally/internal/user"
	"github.com/tigertally/tigertally/internal/web"
)

// A sign-in by which somebody is not known goes on with what an app asks them: to sign in
// otherwise, to choose an account or to make one. Each carries the key of the first step.

func (p *Protocol) bindRoutes() []route {
	w := loginWords()
	return []route{
		post("/api/v2/ecConn/{connection}/authByCodeIdentity", public(p, nil, p.identify)),
		post("/api/v2/ecConn/wechatMobile/register", public(p, nil, p.bindNew)),
		post("/api/v2/ecConn/wechatMobile/byAccount", public(p, w, p.bindByAccount)),
		post("/api/v2/ecConn/wechatMobile/byPhoneCode", public(p, codeLoginWords(), p.bindByPhoneCode)),
		post("/api/v2/ecConn/wechatMobile/byEmailCode", public(p, codeLoginWords(), p.bindByEmailCode)),
		post("/api/v2/ecConn/wechatMobile/select", public(p, nil, p.bindChosen)),
		post("/api/v2/ecConn/wechatMobile/byAccountId", public(p, nil, p.bindChosen)),
	}
}

// identify is loginBySocial for an app that can ask people what to do.
func (p *Protocol) identify(ctx context.Context, c pool.Client, in socialRequest) (any, error) {
	return p.social(ctx, c, in, web.Bearer(ctx), true)
}

// bindData is what an app needs to go on.
type bindData struct {
	Key      string        `json:"key"`
	Methods  []string      `json:"methods"`
	Accounts []bindAccount `json:"accounts"`
}

// bindAccount tells somebody which account of theirs it is, and nobody else much.
type bindAccount struct {
	ID       string  `json:"id"`
	Photo    *string `json:"photo"`
	Nickname *string `json:"nickname"`
	Name     *string `json:"name"`
	Username *string `json:"username"`
	Phone    *string `json:"phone"`
	Email    *string `json:"email"`
}

// bindStep is the answer to a sign-in that goes on.
func (p *Protocol) bindStep(ctx context.Context, next signin.Step) envelope {
	e := refusal(caller.From(ctx).Lang, nil, errs.New(errs.LinkRequired))
	switch {
	case next.Kind == signin.StepChooseAccount:
		e.Code = chooseAccount
	case next.MayCreate:
		e.Code = bindOrCreate
	default:
		e.Code = bindOnly
	}
	data := bindData{
		Key: next.Token, Accounts: make([]bindAccount, 0, len(next.Accounts)),
		Methods: []string{"phone-code", "email-code", "username-password", "phone-password", "email-password"},
	}
	for _, u := range next.Accounts {
		data.Accounts = append(data.Accounts, bindAccount{
			ID: u.ID, Photo: orNull(u.Picture), Nickname: orNull(u.Attributes[user.AttributeNickname]),
			Name: orNull(u.Name), Username: orNull(u.Username), Phone: masked(u.Phone), Email: masked(u.Email),
		})
	}
	e.Data = data
	return e
}

func masked(address string) *string {
	if address == "" {
		return nil
	}
	return orNull(contact.Mask(address))
}

// bindBody is the body of the steps; each reads its own members.
type bindBody struct {
	loginRequest

	Key       string `json:"key"`
	AccountID string `json:"accountId"`
}

// bindInput is what the steps have in common.
func (p *Protocol) bindInput(ctx context.Context, c pool.Client, in bindBody) (signin.Input, error) {
	if in.Key == "" {
		return signin.Input{}, missing("key")
	}
	in.AutoRegister = false
	return p.loginInput(ctx, c, in.loginRequest)
}

// bindNew makes a new account.
func (p *Protocol) bindNew(ctx context.Context, c pool.Client, in bindBody) (any, error) {
	s, err := p.bindInput(ctx, c, in)
	if err != nil {
		return nil, err
	}
	s.Method, s.Token, s.Create = signin.MethodProvider, in.Key, true
	return p.login(ctx, s)
}

// bindChosen signs in to one of the accounts that were offered.
func (p *Protocol) bindChosen(ctx context.Context, c pool.Client, in bindBody) (any, error) {
	s, err := p.bindInput(ctx, c, in)
	if err != nil {
		return nil, err
	}
	s.Method, s.Token = signin.MethodProvider, in.Key
	if s.AccountID = cmp.Or(in.AccountID, string(in.Account)); s.AccountID == "" { // clients differ in the name
		return nil, missing("accountId")
	}
	return p.login(ctx, s)
}

// bindByAccount signs in with a password and links the identity.
func (p *Protocol) bindByAccount(ctx context.Context, c pool.Client, in bindBody) (any, error) {
	if in.Account == "" {
		return nil, missing("account")
	}
	s, err := p.bindInput(ctx, c, in)
	if err != nil {
		return nil, err
	}
	if s.Password, _, err = p.guess(ctx, c.Pool.ID, in.Password); err != nil {
		return nil, err
	}
	s.Method, s.Identifier, s.Link = signin.MethodPassword, string(in.Account), in.Key
	return p.login(ctx, s)
}

func (p *Protocol) bindByPhoneCode(ctx context.Context, c pool.Client, in bindBody) (any, error) {
	phone, err := phoneOf(string(in.Phone), string(in.CountryCode))
	if err != nil {
		return nil, err
	}
	return p.bindByCode(ctx, c, phone, in)
}

func (p *Protocol) bindByEmailCode(ctx context.Context, c pool.Client, in bindBody) (any, error) {
	if in.Email == "" {
		return nil, missing("email")
	}
	email, err := contact.Email(in.Email)
	if err != nil {
		return nil, err
	}
	return p.bindByCode(ctx, c, email, in)
}

// bindByCode signs in with a code and links the identity.
func (p *Protocol) bindByCode(ctx context.Context, c pool.Client, target string, in bindBody) (any, error) {
	if in.Code == "" {
		return nil, errs.New(errs.CodeWrong)
	}
	s, err := p.bindInput(ctx, c, in)
	if err != nil {
		return nil, err
	}
	s.Method, s.Identifier, s.Token, s.Link = signin.MethodVerification, target, string(in.Code), in.Key
	return p.login(ctx, s)
}
