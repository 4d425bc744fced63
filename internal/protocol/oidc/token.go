package oidc

import (
	"net/http"

	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/oauth"
	"github.com/tigertally/tigertally/internal/web"
)

// The grants.
const (
	grantCode    = "authorization_code"
	grantRefresh = "refresh_token"
	grantClient  = "client_credentials"
	// grantLogin is how Authing apps turn a login token into these tokens.
	grantLogin = "http://authing.cn/oidc/grant_type/authing_token"
)

type tokenAnswer struct {
	Access    string `json:"access_token"`
	ID        string `json:"id_token,omitempty"`
	Refresh   string `json:"refresh_token,omitempty"`
	Type      string `json:"token_type"`
	ExpiresIn int64  `json:"expires_in"`
	Scope     string `json:"scope"`
}

// token exchanges what a client has for tokens. The mobile SDKs send a verifier with
// every grant; only that of a code was promised to anybody, so no other is looked at.
func (p *Protocol) token(w http.ResponseWriter, r *http.Request) error {
	f, c, r, err := p.formOfClient(w, r)
	if err != nil {
		return err
	}
	ctx := r.Context()
	var g oauth.Grant
	switch f["grant_type"] {
	case grantCode:
		g, err = p.oauth.Code(ctx, c, f["code"], f["code_verifier"], f["redirect_uri"])
	case grantLogin:
		g, err = p.oauth.Exchange(ctx, c, f["token"], f["scope"])
	case grantRefresh:
		g, err = p.oauth.Refresh(ctx, c, f["refresh_token"], f["scope"])
	case grantClient:
		g, err = p.oauth.Machine(ctx, c, f["scope"])
	case "":
		err = errs.New(errs.FieldMissing, "field", "grant_type")
	default:
		err = errs.New(errs.GrantUnsupported)
	}
	if err != nil {
		return err
	}
	w.Header().Set("Pragma", "no-cache")
	web.WriteJSON(w, http.StatusOK, tokenAnswer{
		Access: g.Access, ID: g.ID, Refresh: g.Refresh, Type: g.TokenType,
		ExpiresIn: int64(g.ExpiresIn.Seconds()), Scope: g.Scope,
	})
	return nil
}

// me answers the claims of an access token, which comes as a bearer, in the form or,
// as one SDK does, in the query. More than one must be the same.
func (p *Protocol) me(w http.ResponseWriter, r *http.Request) error {
	query, err := paramsOf(r.URL.RawQuery)
	if err != nil {
		return err
	}
	form := params{}
	if r.Method == http.MethodPost {
		if form, err = formOf(w, r); err != nil {
			return err
		}
	}
	token := ""
	for _, t := range []string{web.Bearer(r.Context()), form["access_token"], query["access_token"]} {
		switch {
		case t == "":
		case token == "":
			token = t
		case token != t:
			return errs.New(errs.BadRequest, "field", "access_token")
		}
	}
	claims, err := p.oauth.UserInfo(r.Context(), token)
	if err != nil {
		return err
	}
	web.WriteJSON(w, http.StatusOK, claims)
	return nil
}

// introspection is RFC 7662 section 2.2.
type introspection struct {
	Active    bool   `json:"active"`
	Sub       string `json:"sub,omitempty"`
	ClientID  string `json:"client_id,omitempty"`
	Audience  string `json:"aud,omitempty"`
	Issuer    string `json:"iss,omitempty"`
	TokenID   string `json:"jti,omitempty"`
	SessionID string `json:"sid,omitempty"`
	Scope     string `json:"scope,omitempty"`
	TokenType string `json:"token_type,omitempty"`
	Expires   int64  `json:"exp,omitempty"`
	IssuedAt  int64  `json:"iat,omitempty"`
}

func (p *Protocol) introspect(w http.ResponseWriter, r *http.Request) error {
	f, c, r, err := p.aboutToken(w, r)
	if err != nil {
		return err
	}
	i, err := p.oauth.Introspect(r.Context(), c, f["token"])
	if err != nil {
		return err
	}
	out := introspection{}
	if i.Active {
		out = introspection{
			Active: true, Sub: i.Sub, ClientID: i.ClientID, Audience: i.ClientID, Issuer: i.Issuer,
			TokenID: i.TokenID, SessionID: i.SessionID, Scope: i.Scope, TokenType: i.TokenType,
			Expires: i.ExpiresAt.Unix(), IssuedAt: i.IssuedAt.Unix(),
		}
	}
	web.WriteJSON(w, http.StatusOK, out)
	return nil
}

// revoke ends a token. When that cannot be written down it says so with 503, which
// asks the client to try again (RFC 7009 section 2.2.1, SE-08).
func (p *Protocol) revoke(w http.ResponseWriter, r *http.Request) error {
	f, c, r, err := p.aboutToken(w, r)
	if err != nil {
		return err
	}
	err = p.oauth.Revoke(r.Context(), c, f["token"])
	if errs.CodeOf(err) == errs.Unexpected {
		return errs.New(errs.Unavailable).Because(err)
	}
	if err != nil {
		return err
	}
	web.WriteJSON(w, http.StatusOK, struct{}{})
	return nil
}
