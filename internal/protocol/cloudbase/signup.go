package cloudbase

import (
	"context"
	"strings"

	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/signin"
	"github.com/tigertally/tigertally/internal/ticket"
	"github.com/tigertally/tigertally/internal/user"
)

// signUpRequest has what the client sends; fields of the app's own are ignored.
type signUpRequest struct {
	app
	PhoneNumber       text   `json:"phone_number"`
	Email             string `json:"email"`
	VerificationCode  text   `json:"verification_code"`
	VerificationToken token  `json:"verification_token"`
	Password          string `json:"password"`
	AnonymousToken    token  `json:"anonymous_token"`
	ProviderToken     token  `json:"provider_token"`
	profileFields
}

// profileFields are the names a profile is edited by.
type profileFields struct {
	Username  *string `json:"username"`
	Name      *string `json:"name"`
	Nickname  *string `json:"nickname"`
	Gender    *string `json:"gender"`
	Picture   *string `json:"picture"`
	Locale    *string `json:"locale"`
	Birthdate *string `json:"birthdate"`
	Zoneinfo  *string `json:"zoneinfo"`
}

func (f profileFields) profile() user.Profile {
	name := f.Name
	if name == nil {
		name = f.Nickname
	}
	return user.Profile{
		Username: f.Username, Name: name, Gender: f.Gender, Picture: f.Picture,
		Locale: f.Locale, Birthdate: f.Birthdate, Zoneinfo: f.Zoneinfo,
	}
}

// link is the provider token of the request. Some clients put a provider's id there, which
// stands for nothing.
func (in signUpRequest) link() string {
	if t := string(in.ProviderToken); strings.HasPrefix(t, string(ticket.Provider)+"_") {
		return t
	}
	return ""
}

// signUp makes an account for a verified address and signs it in.
func (p *Protocol) signUp(ctx context.Context, c pool.Client, in signUpRequest) (tokenSet, error) {
	out, err := p.signin.Register(ctx, signin.RegisterInput{
		Client: c, Phone: string(in.PhoneNumber), Email: in.Email,
		Token: string(in.VerificationToken), Code: string(in.VerificationCode),
		Password: in.Password, Profile: in.profile(),
		AnonymousAccess: string(in.AnonymousToken), CaptchaToken: in.captcha(),
		Link: in.link(),
	})
	if err != nil {
		return tokenSet{}, err
	}
	return tokensOf(out)
}
