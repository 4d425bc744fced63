package upsim

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

const (
	assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
	assertionLife = 10 * time.Minute
)

// client checks who calls the token endpoint. An answer with a status refuses.
func (o *oidc) client(x *exchange, p OIDCProvider) (id string, client OIDCClient, refusal answer) {
	method, id, secret := presented(x)
	if method == "" {
		return "", client, oauthError(http.StatusBadRequest, "invalid_request", "there are two ways of authentication")
	}
	client, known := p.Clients[id]
	if !known {
		return "", client, oauthError(http.StatusUnauthorized, "invalid_client", "unknown client")
	}
	if client.Auth != "" && client.Auth != method {
		return "", client, oauthError(http.StatusUnauthorized, "invalid_client", "the client authenticates with "+client.Auth)
	}
	why := ""
	switch {
	case method == "private_key_jwt":
		why = o.assertion(x, id, client)
	case method == "none" && client.Auth != "none":
		why = "the client did not authenticate"
	case method != "none" && (client.Secret == "" || secret != client.Secret):
		why = "wrong secret"
	}
	if why != "" {
		return "", client, oauthError(http.StatusUnauthorized, "invalid_client", why)
	}
	return id, client, answer{}
}

// presented reads how a client authenticates, "" when it does so twice.
func presented(x *exchange) (method, id, secret string) {
	header, hasHeader := strings.CutPrefix(x.req.Header.Get("Authorization"), "Basic ")
	hasSecret, hasAssertion := x.form.Has("client_secret"), x.form.Has("client_assertion")
	switch {
	case hasHeader && (hasSecret || hasAssertion) || hasSecret && hasAssertion:
		return "", "", ""
	case hasHeader:
		id, secret := basicPair(header)
		return "client_secret_basic", id, secret
	case hasAssertion:
		j, _ := readJWS(x.form.Get("client_assertion"))
		return "private_key_jwt", j.claim("sub"), ""
	case hasSecret:
		return "client_secret_post", x.form.Get("client_id"), x.form.Get("client_secret")
	}
	return "none", x.form.Get("client_id"), ""
}

// basicPair reads id and secret, which are form-encoded inside (RFC 6749 section 2.3.1).
func basicPair(header string) (id, secret string) {
	raw, err := base64.StdEncoding.DecodeString(header)
	if err != nil {
		return "", ""
	}
	user, password, _ := strings.Cut(string(raw), ":")
	if id, err = url.QueryUnescape(user); err != nil {
		return "", ""
	}
	if secret, err = url.QueryUnescape(password); err != nil {
		return "", ""
	}
	return id, secret
}

// assertion checks private_key_jwt as RFC 7523 says, and tells what is wrong with it.
func (o *oidc) assertion(x *exchange, id string, client OIDCClient) string {
	j, ok := readJWS(x.form.Get("client_assertion"))
	expires := time.Unix(j.unix("exp"), 0)
	issuer := issuerOf(x)
	switch {
	case !ok || x.form.Get("client_assertion_type") != assertionType:
		return "malformed assertion"
	case !j.verifiedBy(readPublic(client.PublicKey)):
		return "the assertion's signature is wrong"
	case j.claim("iss") != id || x.form.Has("client_id") && x.form.Get("client_id") != id:
		return "the assertion is of another client"
	case !slices.Contains(j.audience(), issuer) && !slices.Contains(j.audience(), issuer+"/token"):
		return "the assertion is for somebody else"
	case !x.at.Before(expires) || expires.Sub(x.at) > assertionLife:
		return "the assertion is expired, or good for too long"
	case j.claim("jti") == "":
		return "the assertion has no jti"
	}
	key := oidcOwner(x, id) + " " + j.claim("jti")
	if _, again := o.replays[key]; again {
		return "the assertion was used before"
	}
	o.replays[key] = x.at
	return ""
}
