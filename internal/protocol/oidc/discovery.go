package oidc

import (
	"net/http"

	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/keys"
	"github.com/tigertally/tigertally/internal/oauth"
	"github.com/tigertally/tigertally/internal/web"
)

// metadata describes the server to clients (OpenID Connect Discovery 1.0 section 3).
type metadata struct {
	Issuer        string   `json:"issuer"`
	Authorize     string   `json:"authorization_endpoint"`
	Token         string   `json:"token_endpoint"`
	UserInfo      string   `json:"userinfo_endpoint"`
	JWKS          string   `json:"jwks_uri"`
	Revocation    string   `json:"revocation_endpoint"`
	Introspection string   `json:"introspection_endpoint"`
	EndSession    string   `json:"end_session_endpoint"`
	Scopes        []string `json:"scopes_supported"`
	ResponseTypes []string `json:"response_types_supported"`
	ResponseModes []string `json:"response_modes_supported"`
	GrantTypes    []string `json:"grant_types_supported"`
	SubjectTypes  []string `json:"subject_types_supported"`
	Algorithms    []string `json:"id_token_signing_alg_values_supported"`
	ClientAuth    []string `json:"token_endpoint_auth_methods_supported"`
	Challenges    []string `json:"code_challenge_methods_supported"`
	Claims        []string `json:"claims_supported"`
	Locales       []string `json:"ui_locales_supported"`
	Prompts       []string `json:"prompt_values_supported"`
	NamesIssuer   bool     `json:"authorization_response_iss_parameter_supported"`
	Request       bool     `json:"request_parameter_supported"`
	RequestURI    bool     `json:"request_uri_parameter_supported"`
}

// poolOf is the pool a path names; without a name it is the default one, whose issuer
// has none either.
func (p *Protocol) poolOf(r *http.Request) (string, error) {
	id := r.PathValue("pool")
	if id == p.defaultPool {
		return "", errs.New(errs.PoolNotFound)
	}
	if id == "" {
		id = p.defaultPool
	}
	_, err := p.pools.Get(r.Context(), id)
	return id, err
}

func (p *Protocol) discovery(w http.ResponseWriter, r *http.Request) error {
	id, err := p.poolOf(r)
	if err != nil {
		return err
	}
	issuer, base := p.issuer(id), p.url+"/oidc"
	web.WriteJSON(w, http.StatusOK, metadata{
		Issuer: issuer, JWKS: issuer + "/.well-known/jwks.json",
		Authorize: base + "/auth", Token: base + "/token", UserInfo: base + "/me",
		Revocation: base + "/token/revocation", Introspection: base + "/token/introspection",
		EndSession: base + "/session/end",
		Scopes:     oauth.Scopes(), Claims: oauth.Claims(),
		ResponseTypes: []string{"code"}, ResponseModes: []string{"query"},
		GrantTypes:   []string{grantCode, grantRefresh, grantClient, grantLogin},
		SubjectTypes: []string{"public"}, Algorithms: []string{keys.RS256},
		ClientAuth:  []string{"none", "client_secret_post", "client_secret_basic"},
		Challenges:  []string{oauth.MethodS256},
		Locales:     []string{"zh-CN", "en"},
		Prompts:     []string{"none", "login", "consent"},
		NamesIssuer: true,
	})
	return nil
}

func (p *Protocol) jwks(w http.ResponseWriter, r *http.Request) error {
	id, err := p.poolOf(r)
	if err != nil {
		return err
	}
	set, err := p.keys.JWKS(r.Context(), id)
	if err != nil {
		return err
	}
	web.WriteJSON(w, http.StatusOK, set)
	return nil
}
