package upsim

import (
	"crypto"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	oidcPrefix    = "/oidc/"
	oidcTokenLife = time.Hour
	hugeKeys      = 4 << 20
)

// oidc plays any number of OpenID Connect providers, each with an issuer of its own.
// https://openid.net/specs/openid-connect-core-1_0.html
type oidc struct {
	s       *Server
	asks    asks
	grants  grants
	replays map[string]time.Time // client assertions by client and jti
}

func newOIDC(s *Server) vendor {
	o := &oidc{s: s}
	o.reset()
	at := func(path string) string { return oidcPrefix + "{name}" + path }
	return vendor{
		name: "oidc",
		routes: map[string]endpoint{
			at("/.well-known/openid-configuration"): o.discovery,
			at("/jwks"):                             o.jwks,
			at("/authorize"):                        o.authorize,
			at("/token"):                            o.token,
			at("/userinfo"):                         o.userInfo,
			at("/end_session"):                      o.endSession,
			at("/revoke"):                           o.revoke,
			oidcPrefix:                              notFound,
		},
		refuse: func(_ *exchange, code string) answer { return oauthError(http.StatusBadRequest, code, "simulated") },
		codes:  map[string]string{"BUSY": "temporarily_unavailable", "RATE": "slow_down"},
		flags: bareForms(append(tokenFaults(),
			"MIXUP_ISS", "USERINFO_SUB_MISMATCH", "JWKS_500", "JWKS_HUGE", "DISCOVERY_ISS", "NO_ISS")),
		reset: o.reset,
	}
}

func (o *oidc) reset() {
	o.asks, o.grants, o.replays = asks{}, newGrants("oidc"), make(map[string]time.Time)
	o.s.social["oidc"] = &o.grants
	clear(o.s.keys.turns)
}

// bareForms adds to flags their forms without underscores, which a code has no place for.
func bareForms(all []string) []string {
	for _, flag := range slices.Clone(all) {
		if bare := strings.ReplaceAll(flag, "_", ""); bare != flag {
			all = append(all, bare)
		}
	}
	return all
}

// marked reports whether a flag is set, in either of its forms.
func (f flags) marked(name string) bool {
	return f.has(name) || f.has(strings.ReplaceAll(name, "_", ""))
}

// origin is the simulator's address as the caller wrote it, so that an issuer is the
// one that was configured.
func origin(x *exchange) string {
	if x.req.TLS != nil {
		return "https://" + x.req.Host
	}
	return "http://" + x.req.Host
}

func issuerOf(x *exchange) string { return origin(x) + oidcPrefix + x.req.PathValue("name") }

// oidcSub is the subject of a person at a provider.
func oidcSub(name, subject string) string { return hexOf("sub:"+name+":"+subject, 24) }

// oauthError answers in the form of RFC 6749.
func oauthError(status int, code, why string) answer {
	verdict := code
	if code == "invalid_client" {
		verdict = "bad_auth"
	}
	return reply(status, kindJSON, object{"error": code, "error_description": why}).as(verdict)
}

// provider finds who is meant by the path.
func (o *oidc) provider(x *exchange) (OIDCProvider, bool) {
	p, ok := o.s.accounts.OIDC[x.req.PathValue("name")]
	return p, ok
}

func (o *oidc) discovery(x *exchange) answer {
	if _, ok := o.provider(x); !ok {
		return notFound(x)
	}
	issuer := issuerOf(x)
	doc := object{
		"issuer":                 issuer,
		"authorization_endpoint": issuer + "/authorize",
		"token_endpoint":         issuer + "/token",
		"userinfo_endpoint":      issuer + "/userinfo",
		"jwks_uri":               issuer + "/jwks",
		"end_session_endpoint":   issuer + "/end_session",
		"revocation_endpoint":    issuer + "/revoke",

		"response_types_supported":                         []string{"code"},
		"response_modes_supported":                         []string{"query", "form_post"},
		"grant_types_supported":                            []string{"authorization_code", "refresh_token"},
		"subject_types_supported":                          []string{"pairwise"},
		"scopes_supported":                                 []string{"openid", "profile", "email", "phone", "offline_access"},
		"id_token_signing_alg_values_supported":            []string{algRS256, algES256},
		"token_endpoint_auth_methods_supported":            []string{"client_secret_basic", "client_secret_post", "private_key_jwt"},
		"token_endpoint_auth_signing_alg_values_supported": []string{algRS256, algES256},
		"code_challenge_methods_supported":                 []string{"S256"},
		"authorization_response_iss_parameter_supported":   true,
		"claims_supported": []string{
			"sub", "name", "picture", "email", "email_verified", "phone_number", "phone_number_verified", "nonce", "auth_time",
		},
	}
	if x.flags.marked("DISCOVERY_ISS") {
		doc["issuer"] = issuer + "-elsewhere"
	}
	return reply(http.StatusOK, kindJSON, doc)
}

// kids are the ids of a provider's RSA and EC key at a turn.
func kids(name string, turn int) (rs, es string) {
	n := strconv.Itoa(turn)
	return name + "-rs-" + n, name + "-es-" + n
}

// jwks lists the keys of now and those before, with which older tokens are signed.
func (o *oidc) jwks(x *exchange) answer {
	if _, ok := o.provider(x); !ok {
		return notFound(x)
	}
	if x.flags.marked("JWKS_500") {
		return fault(http.StatusInternalServerError, kindText, []byte("key store is down\n"))
	}
	if x.flags.marked("JWKS_HUGE") {
		return fault(http.StatusOK, kindJSON, []byte(`{"keys":[],"filler":"`+strings.Repeat("x", hugeKeys)+`"}`))
	}
	return o.s.publish(x.req.PathValue("name"))
}

// publish answers with the public keys of an owner.
func (s *Server) publish(owner string) answer {
	keys := []object{}
	turn := s.keys.turns[owner]
	for n := turn; n >= max(0, turn-1); n-- {
		rs, es := kids(owner, n)
		ec, err := s.keys.ecOf(owner, n)
		if err != nil {
			return fault(http.StatusInternalServerError, kindText, []byte(err.Error()))
		}
		keys = append(keys, jwkOf(s.keys.rsaOf(owner, n).Public(), rs), jwkOf(ec.Public(), es))
	}
	return reply(http.StatusOK, kindJSON, object{"keys": keys})
}

// signer is the key that an owner signs with now, and its id.
func (s *Server) signer(owner, alg string) (crypto.Signer, string, error) {
	turn := s.keys.turns[owner]
	rs, es := kids(owner, turn)
	if alg != algES256 {
		return s.keys.rsaOf(owner, turn), rs, nil
	}
	key, err := s.keys.ecOf(owner, turn)
	return key, es, err
}

// RotateKeys makes a provider sign with new keys: an OIDC provider by its name, or
// "apple". The keys before stay published until the next rotation.
func (s *Server) RotateKeys(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys.turns[name]++
}

// authorize is the page where people agree. Whoever may not be led back sees an error.
func (o *oidc) authorize(x *exchange) answer {
	p, ok := o.provider(x)
	if !ok {
		return notFound(x)
	}
	maps.Copy(x.query, x.form)
	q := x.query
	client, ok := p.Clients[q.Get("client_id")]
	if !ok {
		return pageError(x, "invalid_client", "client_id")
	}
	back, ok := client.backTo(q.Get("redirect_uri"))
	if !ok {
		return pageError(x, "invalid_request", "redirect_uri")
	}
	issuer := issuerOf(x)
	if x.flags.marked("MIXUP_ISS") || strings.Contains(q.Get("sim_flags"), "MIXUP") {
		issuer += "-elsewhere"
	}
	if x.flags.marked("NO_ISS") {
		issuer = ""
	}
	v := visit{
		title: nameOr(client.Name, q.Get("client_id")), vendor: x.req.PathValue("name"), client: oidcOwner(x, q.Get("client_id")),
		scope: q.Get("scope"), kind: "OI", back: back, post: q.Get("response_mode") == "form_post", chosen: o.hinted(q.Get("login_hint")),
	}
	refuse := func(code string) []string { return []string{"error", code, "state", q.Get("state"), "iss", issuer} }
	v.refused = func() []string { return refuse("access_denied") }
	if wrong := wrongRequest(q); wrong != "" {
		return goBack(x, v, refuse(wrong)).as(wrong)
	}
	v.agreed = func(_, code string) []string {
		o.asks[code] = asked{
			redirect: q.Get("redirect_uri"), challenge: q.Get("code_challenge"), nonce: q.Get("nonce"), scope: q.Get("scope"),
		}
		return []string{"code", code, "state", q.Get("state"), "iss", issuer}
	}
	return o.s.visit(x, v)
}

// wrongRequest is the error with which a person is led straight back, "" for none.
func wrongRequest(q url.Values) string {
	prompts := strings.Fields(q.Get("prompt"))
	switch {
	case q.Get("response_type") != "code":
		return "unsupported_response_type"
	case !slices.Contains(strings.Fields(q.Get("scope")), "openid"):
		return "invalid_scope"
	case q.Get("code_challenge") == "" || q.Get("code_challenge_method") != "S256":
		return "invalid_request"
	case slices.Contains(prompts, "none") && len(prompts) > 1:
		return "invalid_request"
	case slices.Contains(prompts, "none") && !q.Has("sim_user"):
		return "login_required" // nobody has a session here
	}
	return ""
}

// oidcOwner keeps clients of one name at two providers apart.
func oidcOwner(x *exchange, client string) string { return x.req.PathValue("name") + "/" + client }

func nameOr(name, otherwise string) string {
	if name == "" {
		return otherwise
	}
	return name
}

// hinted is the person that a login_hint means: a subject, an address or a number of
// somebody registered. Others see the page.
func (o *oidc) hinted(hint string) string {
	for _, u := range o.s.people.registered() {
		if hint != "" && (u.Subject == hint || strings.EqualFold(u.Email, hint) || u.e164() == hint) {
			return u.Subject
		}
	}
	return ""
}

// endSession signs out, and leads back where the client may.
func (o *oidc) endSession(x *exchange) answer {
	p, ok := o.provider(x)
	if !ok {
		return notFound(x)
	}
	client, to := x.param("client_id"), x.param("post_logout_redirect_uri")
	if hint := x.param("id_token_hint"); hint != "" {
		j, ok := readJWS(hint)
		if !ok || j.claim("iss") != issuerOf(x) || len(j.audience()) == 0 || !o.s.signedBy(j, x.req.PathValue("name")) {
			return pageError(x, "invalid_request", "id_token_hint")
		}
		if client != "" && !slices.Contains(j.audience(), client) {
			return pageError(x, "invalid_request", "client_id")
		}
		client = j.audience()[0]
	}
	if to == "" {
		return render(x, http.StatusOK, "signedout", map[string]string{"vendor": x.req.PathValue("name")})
	}
	back, ok := p.Clients[client].backTo(to)
	if !ok {
		return pageError(x, "invalid_request", "post_logout_redirect_uri")
	}
	return goBack(x, visit{back: back}, []string{"state", x.param("state")})
}

// signedBy reports whether an owner signed j with a key that is still published.
func (s *Server) signedBy(j jws, owner string) bool {
	turn := s.keys.turns[owner]
	for n := turn; n >= max(0, turn-1); n-- {
		if j.verifiedBy(s.keys.rsaOf(owner, n).Public()) {
			return true
		}
		if key, err := s.keys.ecOf(owner, n); err == nil && j.verifiedBy(key.Public()) {
			return true
		}
	}
	return false
}
