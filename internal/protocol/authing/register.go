package authing

import (
	"context"
	"maps"
	"strings"

	"github.com/tigertally/tigertally/internal/caller"
	"github.com/tigertally/tigertally/internal/contact"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/signin"
)

func (p *Protocol) registerRoutes() []route {
	w := registerWords()
	return []route{
		post("/api/v2/register/email", public(p, w, p.registerByEmail)),
		post("/api/v2/register/email-code", public(p, w, p.registerByEmailCode)),
		post("/api/v2/register/username", public(p, w, p.registerByUsername)),
		post("/api/v2/register/phone-code", public(p, w, p.registerByPhoneCode)),
		// register-phone, register-<field> and, from a mistaken client, register-+86.
		post("/api/v2/{register}", public(p, w, p.registerByField)),
	}
}

// registerRequest is the body of every registration; each reads its own members.
type registerRequest struct {
	Register    string `path:"register"`
	Account     text   `json:"account"`
	Email       string `json:"email"`
	Username    string `json:"username"`
	Phone       text   `json:"phone"`
	CountryCode text   `json:"phoneCountryCode"`
	Code        text   `json:"code"`
	Password    string `json:"password"`

	// ForceLogin is set by mobile clients and cleared by the others, which then hold no
	// session; left out it counts as set.
	ForceLogin    *flag          `json:"forceLogin"`
	GenerateToken flag           `json:"generateToken"`
	Profile       profileFields  `json:"profile"`
	Context       requestContext `json:"context"`
	CustomData    customFields   `json:"customData"`
	Params        customFields   `json:"params"`
	CaptchaCode   string         `json:"captchaCode"`
}

// input is what all registrations have in common.
func (p *Protocol) registerInput(ctx context.Context, c pool.Client, in registerRequest) (signin.RegisterInput, error) {
	profile, err := in.Profile.profile()
	if err != nil {
		return signin.RegisterInput{}, err
	}
	profile.Username = nil
	proof, err := p.captchaToken(ctx, c, in.CaptchaCode)
	if err != nil {
		return signin.RegisterInput{}, err
	}
	custom := in.Profile.custom() // clients differ in where they put custom data
	maps.Copy(custom, in.Params)
	maps.Copy(custom, in.CustomData)
	return signin.RegisterInput{
		Client: c, Profile: profile, Custom: custom, CaptchaToken: proof,
		NoSession: in.ForceLogin != nil && !bool(*in.ForceLogin) && !bool(in.GenerateToken),
		Style:     p.style(c), RequestContext: in.Context.value,
	}, nil
}

// registerByEmail takes an address nobody has proved and a password.
func (p *Protocol) registerByEmail(ctx context.Context, c pool.Client, in registerRequest) (any, error) {
	if in.Email == "" {
		return nil, missing("email")
	}
	return p.registerUnproved(ctx, c, in, func(r *signin.RegisterInput) { r.Email = in.Email })
}

func (p *Protocol) registerByUsername(ctx context.Context, c pool.Client, in registerRequest) (any, error) {
	if in.Username == "" {
		return nil, missing("username")
	}
	return p.registerUnproved(ctx, c, in, func(r *signin.RegisterInput) { r.Profile.Username = &in.Username })
}

// registerUnproved registers by a password and an identifier that set fills in.
func (p *Protocol) registerUnproved(ctx context.Context, c pool.Client, in registerRequest, set func(*signin.RegisterInput)) (any, error) {
	r, err := p.registerInput(ctx, c, in)
	if err != nil {
		return nil, err
	}
	set(&r)
	if r.Email != "" { // a bad address is named before a bad password
		if _, err := contact.Email(r.Email); err != nil {
			return nil, err
		}
	}
	if r.Password, err = p.password(ctx, c.Pool.ID, in.Password); err != nil {
		return nil, err
	}
	r.Unproved = true
	return p.register(ctx, r)
}

func (p *Protocol) registerByEmailCode(ctx context.Context, c pool.Client, in registerRequest) (any, error) {
	if in.Email == "" {
		return nil, missing("email")
	}
	if _, err := contact.Email(in.Email); err != nil {
		return nil, err
	}
	return p.registerProved(ctx, c, in, func(r *signin.RegisterInput) { r.Email = in.Email })
}

func (p *Protocol) registerByPhoneCode(ctx context.Context, c pool.Client, in registerRequest) (any, error) {
	phone, err := phoneOf(string(in.Phone), string(in.CountryCode))
	if err != nil {
		return nil, err
	}
	return p.registerProved(ctx, c, in, func(r *signin.RegisterInput) { r.Phone = phone })
}

// registerProved registers by a code for the address that set fills in.
func (p *Protocol) registerProved(ctx context.Context, c pool.Client, in registerRequest, set func(*signin.RegisterInput)) (any, error) {
	if in.Code == "" {
		return nil, errs.New(errs.CodeWrong)
	}
	r, err := p.registerInput(ctx, c, in)
	if err != nil {
		return nil, err
	}
	set(&r)
	if in.Password != "" {
		if r.Password, err = p.password(ctx, c.Pool.ID, in.Password); err != nil {
			return nil, err
		}
	}
	r.Code = string(in.Code)
	return p.register(ctx, r)
}

// registerByField serves register-<field>: an account and a password. A field that looks
// like a country's code is a phone number there.
func (p *Protocol) registerByField(ctx context.Context, c pool.Client, in registerRequest) (any, error) {
	field, ok := strings.CutPrefix(in.Register, "register-")
	if !ok || field == "" {
		return nil, errs.New(errs.RouteNotFound)
	}
	account := string(in.Account)
	if account == "" {
		return nil, missing("account")
	}
	country := string(in.CountryCode)
	if strings.Trim(field, "+0123456789") == "" {
		field, country = "phone", field
	}
	switch field {
	case "phone":
		phone, err := phoneOf(account, country)
		if err != nil {
			return nil, err
		}
		return p.registerUnproved(ctx, c, in, func(r *signin.RegisterInput) { r.Phone = phone })
	case "email":
		in.Email = account
		return p.registerByEmail(ctx, c, in)
	case "username":
		in.Username = account
		return p.registerByUsername(ctx, c, in)
	}
	return nil, errs.New(errs.NotImplemented) // a sign-in name of the pool's own making
}

func (p *Protocol) register(ctx context.Context, in signin.RegisterInput) (any, error) {
	out, err := p.signin.Register(ctx, in)
	if err != nil {
		return nil, err
	}
	return p.entered(ctx, out)
}

// entered answers with the outcome of a sign-in: the person with their token, or the
// step before there is one.
func (p *Protocol) entered(ctx context.Context, out signin.Outcome) (any, error) {
	if out.Next != nil {
		return p.nextStep(ctx, *out.Next)
	}
	return p.outcome(out), nil
}

// outcome is the person of an outcome without a next step.
func (p *Protocol) outcome(out signin.Outcome) userObject {
	token := ""
	if out.Session != nil {
		token = out.Session.Access
	}
	return p.userJSON(out.User, token)
}

// firstSignInData is what a client needs to choose a new password with.
type firstSignInData struct {
	Token string `json:"token"`
}

func (p *Protocol) nextStep(ctx context.Context, next signin.Step) (envelope, error) {
	switch next.Kind {
	case signin.StepResetPassword:
	case signin.StepBindIdentity, signin.StepChooseAccount:
		return p.bindStep(ctx, next), nil
	default:
		return envelope{}, errs.New(errs.NotImplemented)
	}
	e := refusal(caller.From(ctx).Lang, nil, errs.New(errs.PasswordMustChange))
	e.Data = firstSignInData{next.Token}
	return e, nil
}

// phoneOf is the E.164 form of a number as typed beside its country's code; without one
// it is a mainland number.
func phoneOf(number, country string) (string, error) {
	if number == "" {
		return "", missing("phone")
	}
	return contact.Phone(number, country)
}
