package upsim

import (
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

func (o *oidc) token(x *exchange) answer {
	p, ok := o.provider(x)
	switch {
	case !ok:
		return notFound(x)
	case x.req.Method != http.MethodPost || !x.isForm:
		return oauthError(http.StatusBadRequest, "invalid_request", "the token endpoint takes a posted form")
	}
	id, client, refusal := o.client(x, p)
	if refusal.status != 0 {
		return refusal
	}
	switch x.form.Get("grant_type") {
	case "authorization_code":
		return o.exchangeCode(x, p, id, client)
	case "refresh_token":
		g, err := o.grants.check(refreshToken, x.form.Get("refresh_token"), x.at)
		if err != nil || g.client != oidcOwner(x, id) {
			return oauthError(http.StatusBadRequest, "invalid_grant", "refresh token unknown or expired")
		}
		delete(o.grants.live, x.form.Get("refresh_token"))
		return o.issue(x, p, id, g, asked{scope: g.scope})
	}
	return oauthError(http.StatusBadRequest, "unsupported_grant_type", "no such grant type")
}

func (o *oidc) exchangeCode(x *exchange, p OIDCProvider, id string, client OIDCClient) answer {
	text := x.form.Get("code")
	was, asked := o.asks[text]
	if _, ok := client.backTo(x.form.Get("redirect_uri")); !ok || !o.asks.redirected(text, x.form.Get("redirect_uri")) {
		return oauthError(http.StatusBadRequest, "invalid_grant", "redirect_uri is not the one of the request")
	}
	if x.form.Get("code_verifier") == "" {
		return oauthError(http.StatusBadRequest, "invalid_request", "code_verifier is missing")
	}
	if !o.asks.proves(text, x.form.Get("code_verifier")) {
		return oauthError(http.StatusBadRequest, "invalid_grant", "code_verifier is wrong")
	}
	code, _, err := o.s.codes.take(x, text, oidcOwner(x, id), "OI")
	if err != nil {
		verdict := "bad_code"
		if errors.Is(err, errCodeUsed) {
			verdict = "replay"
			o.grants.end(text)
		}
		return oauthError(http.StatusBadRequest, "invalid_grant", err.Error()).as(verdict)
	}
	if !asked {
		was.scope = "openid profile email phone"
	}
	return o.issue(x, p, id, grant{
		client: oidcOwner(x, id), subject: code.subject, scope: was.scope, flags: x.flags, code: text,
	}, was)
}

// issue makes the tokens of a grant. What was asked matters to the ID token only.
func (o *oidc) issue(x *exchange, p OIDCProvider, id string, g grant, was asked) answer {
	g.expires = x.at.Add(oidcTokenLife)
	access := o.grants.issue(accessToken, g)
	out := object{"access_token": access, "token_type": "Bearer", "expires_in": int(oidcTokenLife / time.Second), "scope": g.scope}
	if slices.Contains(strings.Fields(g.scope), "offline_access") {
		g.expires = x.at.Add(refreshTokenLife)
		out["refresh_token"] = o.grants.issue(refreshToken, g)
	}
	name := x.req.PathValue("name")
	t := idToken{
		owner: name, alg: p.Alg, at: x.at,
		claims: object{
			"iss": issuerOf(x), "sub": oidcSub(name, g.subject), "aud": id, "azp": id,
			"iat": x.at.Unix(), "exp": x.at.Add(oidcTokenLife).Unix(), "auth_time": x.at.Unix(),
			"at_hash": halfHash(access), "sid": hexOf("sid:"+access, 16),
		},
	}
	maps.Copy(t.claims, p.Claims)
	maps.Copy(t.claims, profileClaims(o.s.people.get(g.subject), g.scope))
	if was.nonce != "" {
		t.claims["nonce"] = was.nonce
	}
	signed, err := o.s.sign(t, x.flags)
	if err != nil {
		return oauthError(http.StatusInternalServerError, "server_error", err.Error())
	}
	out["id_token"] = signed
	return reply(http.StatusOK, kindJSON, out)
}

// profileClaims are those that a scope lets a client know.
func profileClaims(u User, scope string) object {
	out := object{}
	scopes := strings.Fields(scope)
	if slices.Contains(scopes, "profile") {
		out["name"], out["nickname"], out["preferred_username"] = u.Nickname, u.Nickname, u.Subject
		if u.Avatar != "" {
			out["picture"] = u.Avatar
		}
	}
	if slices.Contains(scopes, "email") && u.Email != "" {
		out["email"], out["email_verified"] = u.Email, u.EmailVerified
	}
	if slices.Contains(scopes, "phone") && u.Phone != "" {
		out["phone_number"], out["phone_number_verified"] = u.e164(), true
	}
	return out
}

func (o *oidc) userInfo(x *exchange) answer {
	name := x.req.PathValue("name")
	g, err := o.grants.check(accessToken, bearer(x), x.at)
	if err != nil || !strings.HasPrefix(g.client, name+"/") {
		return oauthError(http.StatusUnauthorized, "invalid_token", "access token unknown or expired").as("bad_token")
	}
	claims := profileClaims(o.s.people.get(g.subject), g.scope)
	claims["sub"] = oidcSub(name, g.subject)
	both := slices.Concat(g.flags, x.flags)
	if both.marked("USERINFO_SUB_MISMATCH") {
		claims["sub"] = oidcSub(name, "somebodyelse")
	}
	if both.marked("SUB_CHANGED") {
		claims["sub"] = oidcSub(name, g.subject) + "0"
	}
	twistEmail(claims, both)
	return reply(http.StatusOK, kindJSON, claims)
}

// revoke ends a token as RFC 7009 says: one that nobody knows is no error.
func (o *oidc) revoke(x *exchange) answer {
	p, ok := o.provider(x)
	if !ok {
		return notFound(x)
	}
	id, _, refusal := o.client(x, p)
	if refusal.status != 0 {
		return refusal
	}
	text := x.form.Get("token")
	if g, ok := o.grants.live[text]; ok && g.client == oidcOwner(x, id) {
		o.grants.end(g.code)
		delete(o.grants.live, text)
	}
	return answer{status: http.StatusOK, kind: kindText}
}
