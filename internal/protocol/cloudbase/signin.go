package cloudbase

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/tigertally/tigertally/internal/caller"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/signin"
)

func (p *Protocol) signinRoutes() []route {
	return []route{
		once(http.MethodPost, "/auth/v1/signup", public(p, p.signUp)),
		once(http.MethodPost, "/auth/v1/signin", public(p, p.signIn)),
		once(http.MethodPost, "/auth/v2/signin/username", public(p, p.signIn)),
		once(http.MethodPost, "/auth/v1/signin/anonymously", public(p, p.signInAnonymously)),
		once(http.MethodPost, "/auth/v1/signin/custom", public(p, p.signInCustom)),
		once(http.MethodPost, "/auth/v2/signin/verificationcode", public(p, p.signInWithCode)),
		post("/auth/v2/signin/publichkey", public(p, p.publicKey)),
		once(http.MethodPost, "/auth/v2/signin/password/update", public(p, p.changePassword)),
	}
}

type credentials struct {
	Username          text   `json:"username"`
	Password          string `json:"password"`
	VerificationToken token  `json:"verification_token"`
}

type signInRequest struct {
	app
	credentials
	// Params is the whole of credentials, encrypted.
	Params     string `json:"params"`
	Thumbprint string `json:"public_key_thumbprint"`
}

// signIn takes a password or a verification token, in clear or encrypted.
func (p *Protocol) signIn(ctx context.Context, c pool.Client, in signInRequest) (tokenSet, error) {
	if in.Params != "" {
		plain, err := p.keys.Decrypt(ctx, c.Pool.ID, in.Thumbprint, in.Params)
		if err != nil {
			return tokenSet{}, err
		}
		in.credentials = credentials{}
		if err := json.Unmarshal(plain, &in.credentials); err != nil {
			return tokenSet{}, errs.New(errs.BadRequest, "field", "params").Because(err)
		}
	}
	method := signin.MethodPassword
	if in.VerificationToken != "" {
		method = signin.MethodVerification
	}
	return p.enter(ctx, signin.Input{
		Client: c, Method: method, CaptchaToken: in.captcha(),
		Identifier: string(in.Username), Password: in.Password, Token: string(in.VerificationToken),
	})
}

type anonymousRequest struct {
	app
	ProviderToken token `json:"provider_token"`
}

// signInAnonymously continues the anonymous user of the device or, in a mini-program, of
// whom a provider token vouches for.
func (p *Protocol) signInAnonymously(ctx context.Context, c pool.Client, in anonymousRequest) (tokenSet, error) {
	return p.enter(ctx, signin.Input{
		Client: c, Method: signin.MethodAnonymous, CaptchaToken: in.captcha(),
		DeviceID: caller.From(ctx).DeviceID, Token: string(in.ProviderToken),
	})
}

type customRequest struct {
	app
	Ticket string `json:"ticket"`
}

// signInCustom takes a ticket the app's own server signed.
func (p *Protocol) signInCustom(ctx context.Context, c pool.Client, in customRequest) (tokenSet, error) {
	return p.enter(ctx, signin.Input{
		Client: c, Method: signin.MethodCustom, CaptchaToken: in.captcha(), Ticket: in.Ticket,
	})
}

type codeRequest struct {
	app
	VerificationID   string `json:"verification_id"`
	VerificationCode text   `json:"verification_code"`
}

// signInWithCode is verify and signIn in one.
func (p *Protocol) signInWithCode(ctx context.Context, c pool.Client, in codeRequest) (tokenSet, error) {
	proof, err := p.verifyCode(ctx, c, in)
	if err != nil {
		return tokenSet{}, err
	}
	return p.enter(ctx, signin.Input{
		Client: c, Method: signin.MethodVerification, CaptchaToken: in.captcha(),
		Token: proof.VerificationToken,
	})
}

// enter signs somebody in and answers with their tokens.
func (p *Protocol) enter(ctx context.Context, in signin.Input) (tokenSet, error) {
	out, err := p.signin.SignIn(ctx, in)
	if err != nil {
		return tokenSet{}, err
	}
	return tokensOf(out)
}

// tokensOf turns the outcome of a sign-in into the answer. The protocol has no word for
// a next step but the error that sends people to the same place.
func tokensOf(out signin.Outcome) (tokenSet, error) {
	if out.Session == nil {
		if out.Next != nil && out.Next.Kind == signin.StepResetPassword {
			return tokenSet{}, errs.New(errs.PasswordNotSet)
		}
		return tokenSet{}, errs.New(errs.NotImplemented)
	}
	return tokenSetOf(*out.Session), nil
}

type publicKeyAnswer struct {
	PublicKey  string `json:"public_key"`
	Thumbprint string `json:"public_key_thumbprint"`
}

// publicKey is what apps encrypt passwords with.
func (p *Protocol) publicKey(ctx context.Context, c pool.Client, _ app) (publicKeyAnswer, error) {
	pem, thumbprint, err := p.keys.Transport(ctx, c.Pool.ID)
	return publicKeyAnswer{PublicKey: pem, Thumbprint: thumbprint}, err
}
