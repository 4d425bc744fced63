package cloudbase

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// GenProviderRedirectURIRequest says who to sign in with and where to come back to.
type GenProviderRedirectURIRequest struct {
	ProviderID          string // "wx_open", "wx_mp" or another of the environment
	ProviderRedirectURI string // a page of the app; the code and State are added to its query
	State               string // what the page must get back
	Scope               string
	ResponseType        string
	OtherParams         map[string]string // such as "sign_out_uri"
}

// GenProviderRedirectURIResponse is where to send a person.
type GenProviderRedirectURIResponse struct {
	URI        string `json:"uri"`
	SignoutURI string `json:"signout_uri"`
}

// GenProviderRedirectURI returns the page where a provider asks somebody who they are.
func (a *Auth) GenProviderRedirectURI(ctx context.Context, r GenProviderRedirectURIRequest) (*GenProviderRedirectURIResponse, error) {
	pairs := []string{
		"provider_id", r.ProviderID, "state", r.State, "scope", r.Scope, "response_type", r.ResponseType,
		"redirect_uri", r.ProviderRedirectURI,
	}
	for _, name := range slices.Sorted(maps.Keys(r.OtherParams)) {
		pairs = append(pairs, "other_params["+escape(name)+"]", r.OtherParams[name])
	}
	var out GenProviderRedirectURIResponse
	if err := a.app.do(ctx, call{method: http.MethodGet, path: "/v1/provider/uri" + query(pairs...)}, &out); err != nil {
		return nil, err
	}
	return &out, nil
}

// GrantProviderTokenRequest is what a provider answered: usually a code.
type GrantProviderTokenRequest struct {
	ProviderID          string          `json:"provider_id"`
	ProviderRedirectURI string          `json:"provider_redirect_uri,omitempty"` // as it was in GenProviderRedirectURI
	ProviderCode        string          `json:"provider_code,omitempty"`
	ProviderAccessToken string          `json:"provider_access_token,omitempty"`
	ProviderIDToken     string          `json:"provider_id_token,omitempty"`
	ProviderParams      *ProviderParams `json:"provider_params,omitempty"` // of a WeChat mini-program
}

// ProviderParams say what a mini-program's code is for.
type ProviderParams struct {
	ProviderCodeType string `json:"provider_code_type,omitempty"` // "open_id", "union_id" or "phone"
	Code             string `json:"code,omitempty"`               // of the phone number
	AppID            string `json:"appid,omitempty"`
}

// GrantProviderTokenResponse vouches for somebody a provider knows. It works once.
type GrantProviderTokenResponse struct {
	ProviderToken   string
	ExpiresIn       time.Duration
	ProviderProfile ProviderProfile
}

// ProviderProfile is what a provider says of somebody.
type ProviderProfile struct {
	ProviderID  string
	Sub         string // their id at the provider
	Name        string
	PhoneNumber string
	Email       string
	Picture     string
	Meta        ProviderProfileMeta
}

// ProviderProfileMeta is what WeChat adds.
type ProviderProfileMeta struct {
	AppID  string
	OpenID string
}

// grant is a GrantProviderTokenResponse as servers send it.
type grant struct {
	ProviderToken string  `json:"provider_token"`
	ExpiresIn     integer `json:"expires_in"`
	Profile       struct {
		ProviderID  string `json:"provider_id"`
		Sub         string `json:"sub"`
		Name        string `json:"name"`
		PhoneNumber string `json:"phone_number"`
		Email       string `json:"email"`
		Picture     string `json:"picture"`
		Meta        struct {
			AppID  string `json:"appid"`
			OpenID string `json:"openid"`
		} `json:"meta"`
	} `json:"provider_profile"`
}

// GrantProviderToken exchanges what a provider answered. ErrFailedPrecondition: the
// provider did not say who it was.
func (a *Auth) GrantProviderToken(ctx context.Context, r GrantProviderTokenRequest) (*GrantProviderTokenResponse, error) {
	var out grant
	if err := a.app.do(ctx, call{method: http.MethodPost, path: "/v1/provider/token", body: r}, &out); err != nil {
		return nil, err
	}
	if out.ProviderToken == "" {
		return nil, &Error{Name: ErrUnknown, Description: "the answer has no provider token"}
	}
	p := out.Profile
	return &GrantProviderTokenResponse{
		ProviderToken: out.ProviderToken, ExpiresIn: out.ExpiresIn.seconds(),
		ProviderProfile: ProviderProfile{
			p.ProviderID, p.Sub, p.Name, p.PhoneNumber, p.Email, p.Picture, ProviderProfileMeta(p.Meta),
		},
	}, nil
}

// SignInWithProviderRequest is a token of [Auth.GrantProviderToken].
type SignInWithProviderRequest struct {
	ProviderToken string  `json:"provider_token"`
	ProviderID    string  `json:"provider_id,omitempty"`
	Version       Version `json:"-"`
}

// SignInWithProvider signs in whom a provider vouched for. Whether somebody new gets an
// account is a setting of the environment.
func (a *Auth) SignInWithProvider(ctx context.Context, r SignInWithProviderRequest) (*LoginState, error) {
	path := "/v1/signin/with/provider"
	if r.Version == V2 {
		path = "/v2/signin/with/provider"
	}
	return a.signIn(ctx, path, r, r.Version)
}

// SignInWithOpenIDRequest is somebody in a WeChat mini-program.
type SignInWithOpenIDRequest struct {
	AppID string // of the mini-program
	Code  string // that wx.login gave it
}

// SignInWithOpenID signs in whom WeChat knows by the id they have in this mini-program.
// The JavaScript library asks its host for AppID and Code; here they are handed in.
func (a *Auth) SignInWithOpenID(ctx context.Context, r SignInWithOpenIDRequest) (*LoginState, error) {
	return a.signInMini(ctx, r.AppID, r.Code, "", ProviderParams{ProviderCodeType: "open_id", AppID: r.AppID})
}

// SignInWithUnionIDRequest is somebody in a WeChat mini-program.
type SignInWithUnionIDRequest struct {
	AppID string // of the mini-program
	Code  string // that wx.login gave it
}

// SignInWithUnionID signs in whom WeChat knows by the id they have in all apps of their
// maker.
func (a *Auth) SignInWithUnionID(ctx context.Context, r SignInWithUnionIDRequest) (*LoginState, error) {
	return a.signInMini(ctx, r.AppID, r.Code, r.AppID, ProviderParams{ProviderCodeType: "union_id", AppID: r.AppID})
}

// SignInWithPhoneAuthRequest is somebody in a WeChat mini-program who let it have their
// number.
type SignInWithPhoneAuthRequest struct {
	AppID     string // of the mini-program
	Code      string // that wx.login gave it
	PhoneCode string // that its phone number button gave it
}

// SignInWithPhoneAuth signs in whom WeChat knows the phone number of.
func (a *Auth) SignInWithPhoneAuth(ctx context.Context, r SignInWithPhoneAuthRequest) (*LoginState, error) {
	return a.signInMini(ctx, r.AppID, r.Code, "", ProviderParams{ProviderCodeType: "phone", Code: r.PhoneCode, AppID: r.AppID})
}

func (a *Auth) signInMini(ctx context.Context, appID, code, providerID string, p ProviderParams) (*LoginState, error) {
	if appID == "" || code == "" {
		return nil, local("AppID and Code come from a mini-program and are required")
	}
	granted, err := a.GrantProviderToken(ctx, GrantProviderTokenRequest{ProviderID: appID, ProviderCode: code, ProviderParams: &p})
	if err != nil {
		return nil, err
	}
	return a.SignInWithProvider(ctx, SignInWithProviderRequest{ProviderToken: granted.ProviderToken, ProviderID: providerID})
}

// UnbindProviderRequest names a provider.
type UnbindProviderRequest struct {
	ProviderID string
}

// UnbindProvider ends that the account can be signed in to with a provider.
// ErrFailedPrecondition: there is no other way left to sign in.
func (a *Auth) UnbindProvider(ctx context.Context, r UnbindProviderRequest) error {
	if r.ProviderID == "" || strings.Trim(r.ProviderID, ".") == "" {
		return local("ProviderID is required")
	}
	return a.app.do(ctx, call{method: http.MethodDelete, path: "/v1/user/provider/" + escape(r.ProviderID), who: bearer}, nil)
}

// Providers are what an account is and could be linked to.
type Providers struct {
	Total int
	Data  []Provider
}

// Provider is one of them.
type Provider struct {
	ID               string
	Name             string
	ProviderUserID   string
	ProviderUserName string
	Bind             bool // the account is linked to it
}

// GetProviders returns what the account is and could be linked to.
func (a *Auth) GetProviders(ctx context.Context) (*Providers, error) {
	var out struct {
		Total integer `json:"total"`
		Data  []struct {
			ID               string `json:"id"`
			Name             string `json:"name"`
			ProviderUserID   string `json:"provider_user_id"`
			ProviderUserName string `json:"provider_user_name"`
			Bind             truth  `json:"bind"`
		} `json:"data"`
	}
	if err := a.app.do(ctx, call{method: http.MethodGet, path: "/v1/user/provider", who: bearer}, &out); err != nil {
		return nil, err
	}
	all := &Providers{Total: int(out.Total)}
	for _, d := range out.Data {
		all.Data = append(all.Data, Provider{d.ID, d.Name, d.ProviderUserID, d.ProviderUserName, bool(d.Bind)})
	}
	return all, nil
}

// BindWithProviderRequest is a token of [Auth.GrantProviderToken].
type BindWithProviderRequest struct {
	ProviderToken string `json:"provider_token"`
	// SudoToken is for Tigertally, which wants one when the sign-in was a while ago.
	SudoToken string `json:"sudo_token,omitempty"`
}

// BindWithProvider links the account to somebody a provider vouched for.
// ErrFailedPrecondition: they have another account.
func (a *Auth) BindWithProvider(ctx context.Context, r BindWithProviderRequest) error {
	return a.app.do(ctx, call{method: http.MethodPost, path: "/v1/user/provider/bind", body: r, who: bearer}, nil)
}
