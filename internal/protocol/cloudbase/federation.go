package cloudbase

import (
	"context"
	"net/http"
	"time"

	"github.com/tigertally/tigertally/internal/caller"
	"github.com/tigertally/tigertally/internal/federation"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/signin"
	"github.com/tigertally/tigertally/internal/web"
)

func (p *Protocol) federationRoutes() []route {
	return []route{
		get("/auth/v1/provider/uri", public(p, p.providerURI)),
		once(http.MethodPost, "/auth/v1/provider/token", public(p, p.grantProvider)),
		once(http.MethodPatch, "/auth/v1/provider/token", public(p, p.amendProvider)),
		once(http.MethodPost, "/auth/v1/signin/with/provider", public(p, p.signInWithProvider)),
		once(http.MethodPost, "/auth/v2/signin/with/provider", public(p, p.signInWithProvider)),
	}
}

type uriRequest struct {
	app
	ProviderID  string            `query:"provider_id"`
	RedirectURI string            `query:"redirect_uri"`
	State       string            `query:"state"`
	Scope       string            `query:"scope"`
	Other       map[string]string `query:"other_params,brackets"`
}

type uriAnswer struct {
	URI        string `json:"uri"`
	SignOutURI string `json:"signout_uri"`
}

// providerURI begins a sign-in elsewhere.
func (p *Protocol) providerURI(ctx context.Context, c pool.Client, in uriRequest) (uriAnswer, error) {
	s, err := p.federation.Start(ctx, c, federation.StartInput{
		ProviderID: in.ProviderID, RedirectURI: in.RedirectURI, State: in.State, Scope: in.Scope,
		SignOutURI: in.Other["sign_out_uri"], LoginHint: in.Other["login_hint"], Lang: caller.From(ctx).Lang,
	})
	if err != nil {
		return uriAnswer{}, err
	}
	return uriAnswer{URI: s.URL, SignOutURI: s.SignOutURL}, nil
}

type grantProviderRequest struct {
	app
	ProviderID  string         `json:"provider_id"`
	Code        text           `json:"provider_code"`
	RedirectURI string         `json:"provider_redirect_uri"`
	AccessToken string         `json:"provider_access_token"`
	IDToken     string         `json:"provider_id_token"`
	Params      providerParams `json:"provider_params"`
}

// providerParams are what a mini-program adds. Code is its phone code.
type providerParams struct {
	CodeType      string `json:"provider_code_type"`
	Code          text   `json:"code"`
	EncryptedData string `json:"encryptedData"`
	IV            string `json:"iv"`
	AppID         string `json:"appid"`
	Nonce         string `json:"nonce"`
}

func (in providerParams) input(providerID string) federation.GrantInput {
	return federation.GrantInput{
		ProviderID: providerID, CodeType: in.CodeType, PhoneCode: string(in.Code),
		EncryptedData: in.EncryptedData, IV: in.IV, AppID: in.AppID, Nonce: in.Nonce,
	}
}

type providerTokenAnswer struct {
	ProviderToken string          `json:"provider_token"`
	ExpiresIn     int64           `json:"expires_in"`
	Profile       providerProfile `json:"provider_profile"`
}

// providerProfile is who the provider says somebody is.
type providerProfile struct {
	ProviderID  string       `json:"provider_id"`
	Sub         string       `json:"sub"`
	Name        string       `json:"name"`
	PhoneNumber string       `json:"phone_number"`
	Picture     string       `json:"picture"`
	Email       string       `json:"email"`
	Meta        providerMeta `json:"meta"`
}

type providerMeta struct {
	AppID  string `json:"appid"`
	OpenID string `json:"openid"`
}

func providerTokenOf(g federation.Granted) providerTokenAnswer {
	v := g.Profile
	return providerTokenAnswer{
		ProviderToken: g.Token, ExpiresIn: int64(g.ExpiresIn / time.Second),
		Profile: providerProfile{
			ProviderID: v.ProviderID, Sub: v.Subject, Name: v.Name, PhoneNumber: phoneNumber(v.Phone),
			Picture: v.Picture, Email: v.Email, Meta: providerMeta{AppID: v.AppID, OpenID: v.Subject},
		},
	}
}

// grantProvider exchanges what a provider handed out for a provider token.
func (p *Protocol) grantProvider(ctx context.Context, c pool.Client, in grantProviderRequest) (providerTokenAnswer, error) {
	grant := in.Params.input(in.ProviderID)
	grant.Code, grant.RedirectURI = string(in.Code), in.RedirectURI
	grant.AccessToken, grant.IDToken = in.AccessToken, in.IDToken
	grant.Bearer = web.Bearer(ctx)
	g, err := p.federation.Grant(ctx, c, grant)
	if err != nil {
		return providerTokenAnswer{}, err
	}
	return providerTokenOf(g), nil
}

type amendProviderRequest struct {
	app
	ProviderToken token          `json:"provider_token"`
	ProviderID    string         `json:"provider_id"`
	Params        providerParams `json:"provider_params"`
}

// amendProvider adds a phone number to a provider token, as older clients do in a second
// request.
func (p *Protocol) amendProvider(ctx context.Context, c pool.Client, in amendProviderRequest) (providerTokenAnswer, error) {
	g, err := p.federation.Amend(ctx, c, string(in.ProviderToken), in.Params.input(in.ProviderID))
	if err != nil {
		return providerTokenAnswer{}, err
	}
	return providerTokenOf(g), nil
}

type withProviderRequest struct {
	app
	ProviderToken token  `json:"provider_token"`
	ProviderID    string `json:"provider_id"`
	NoSignUp      bool   `json:"force_disable_sign_up"`
	SyncProfile   bool   `json:"sync_profile"`
}

// signInWithProvider signs in whom a provider token vouches for.
func (p *Protocol) signInWithProvider(ctx context.Context, c pool.Client, in withProviderRequest) (tokenSet, error) {
	return p.enter(ctx, signin.Input{
		Client: c, Method: signin.MethodProvider, CaptchaToken: in.captcha(),
		Token: string(in.ProviderToken), ProviderID: in.ProviderID, NoSignUp: in.NoSignUp, SyncProfile: in.SyncProfile,
		Bearer: web.Bearer(ctx),
	})
}
