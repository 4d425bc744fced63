package cloudbase

import (
	"context"
	"net/http"

	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/session"
	"github.com/tigertally/tigertally/internal/signin"
	"github.com/tigertally/tigertally/internal/web"
)

func (p *Protocol) tokenRoutes() []route {
	return []route{
		post("/auth/v1/token", public(p, p.grant)),
		post("/auth/v2/token", public(p, p.grant)),
		post("/auth/v1/revoke", web.JSON(p, p.revoke)),
		get("/auth/v1/token/introspect", public(p, p.introspect)),
		post("/auth/v1/user/signout", bearer(p, p.signOut)),
		{method: http.MethodDelete, path: "/auth/v1/user/revoke/all", handler: bearer(p, p.revokeAll)},
		{method: http.MethodDelete, path: "/auth/v1/user/authorized/devices/{device_id}", handler: bearer(p, p.revokeDevice)},
	}
}

// grantDevice is the grant of RFC 8628 section 3.4.
const grantDevice = "urn:ietf:params:oauth:grant-type:device_code"

type grantRequest struct {
	app
	GrantType    string `json:"grant_type"`
	RefreshToken string `json:"refresh_token"`
	Username     text   `json:"username"`
	Password     string `json:"password"`
	DeviceCode   string `json:"device_code"`
}

// grant exchanges what the client has for a full set of tokens.
func (p *Protocol) grant(ctx context.Context, c pool.Client, in grantRequest) (tokenSet, error) {
	switch in.GrantType {
	case "refresh_token":
		tokens, err := p.sessions.Rotate(ctx, c.Pool, c.ID, in.RefreshToken)
		if err != nil {
			return tokenSet{}, err
		}
		return tokenSetOf(tokens), nil
	case "password":
		return p.enter(ctx, signin.Input{
			Client: c, Method: signin.MethodPassword, CaptchaToken: in.captcha(),
			Identifier: string(in.Username), Password: in.Password,
		})
	case grantDevice, "device_code":
		return p.deviceToken(ctx, c, in.DeviceCode)
	case "":
		return tokenSet{}, errs.New(errs.FieldMissing, "field", "grant_type")
	}
	return tokenSet{}, errs.New(errs.GrantUnsupported)
}

type introspection struct {
	TokenType string `json:"token_type,omitempty"`
	ClientID  string `json:"client_id,omitempty"`
	Sub       string `json:"sub,omitempty"`
	Scope     string `json:"scope,omitempty"`
}

// introspect says what an access token stands for; nothing for one that is no good.
func (p *Protocol) introspect(ctx context.Context, _ pool.Client, _ app) (introspection, error) {
	who, err := p.sessions.Verify(ctx, web.Bearer(ctx))
	switch errs.CodeOf(err) {
	case "":
		return introspection{TokenType: "Bearer", ClientID: who.ClientID, Sub: who.UserID, Scope: who.Scope}, nil
	case errs.SessionInvalid:
		return introspection{}, nil
	default:
		return introspection{}, err
	}
}

type revokeRequest struct {
	Token token `json:"token"`
}

// revoke ends the session of an access token. It never refuses, for a refusal would
// leave the browser signed in, whatever application it names; only a failure to write is an error.
func (p *Protocol) revoke(ctx context.Context, in revokeRequest) (done, error) {
	return done{}, p.account.SignOut(ctx, string(in.Token))
}

type signOutRequest struct {
	RedirectURI string `json:"redirect_uri"`
}

type signOutAnswer struct {
	RedirectURI string `json:"redirect_uri,omitempty"`
}

// signOut ends the session and names the page to go on to, if that is the app's.
func (p *Protocol) signOut(ctx context.Context, who session.Principal, in signOutRequest) (signOutAnswer, error) {
	if err := p.account.EndSession(ctx, who); err != nil {
		return signOutAnswer{}, err
	}
	c, err := p.pools.Client(ctx, who.ClientID)
	if err != nil {
		return signOutAnswer{}, err
	}
	if _, err := redirectTarget(c.App, in.RedirectURI); err != nil {
		in.RedirectURI = ""
	}
	return signOutAnswer(in), nil
}

// revokeAll ends every session of the user.
func (p *Protocol) revokeAll(ctx context.Context, who session.Principal, _ done) (done, error) {
	return done{}, p.account.RevokeAll(ctx, who)
}

type deviceIDRequest struct {
	DeviceID string `path:"device_id"`
}

// revokeDevice ends the user's sessions on one device.
func (p *Protocol) revokeDevice(ctx context.Context, who session.Principal, in deviceIDRequest) (done, error) {
	return done{}, p.account.RevokeDevice(ctx, who, in.DeviceID)
}
