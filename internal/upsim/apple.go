package upsim

import (
	"crypto/ecdsa"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"
)

const (
	appleIssuer     = "https://appleid.apple.com"
	appleTokenLife  = time.Hour
	appleSecretLife = 15777000 * time.Second
)

// apple is Sign in with Apple. Its issuer is Apple's own name, whatever the address, as
// clients pin it. https://developer.apple.com/documentation/signinwithapplerestapi
type apple struct {
	s        *Server
	asks     asks
	grants   grants
	consents map[string]bool // by team, app and subject
}

func newApple(s *Server) vendor {
	a := &apple{s: s}
	a.reset()
	return vendor{
		name: "apple",
		routes: map[string]endpoint{
			"/apple/auth/authorize": a.authorize,
			"/apple/auth/token":     a.token,
			"/apple/auth/keys":      func(*exchange) answer { return a.s.publish("apple") },
			"/apple/auth/revoke":    a.revoke,
			"/apple/":               notFound,
		},
		refuse: func(_ *exchange, code string) answer { return oauthError(http.StatusBadRequest, code, "simulated") },
		codes:  map[string]string{"RATE": "slow_down", "BUSY": "temporarily_unavailable"},
		flags:  append(bareForms(tokenFaults()), "RELAY", "NOEMAIL", "BOOLEANS"),
		reset:  a.reset,
	}
}

func (a *apple) reset() {
	a.asks, a.grants, a.consents = asks{}, newGrants("apple"), make(map[string]bool)
	a.s.social["apple"] = &a.grants
}

// appleSub is equal for all apps of a team.
func appleSub(team, subject string) string {
	seed := "apple:" + team + ":" + subject
	return numberOf(seed, 6) + "." + hexOf(seed, 32) + "." + numberOf(seed, 4)
}

func (a *apple) authorize(x *exchange) answer {
	q := x.query
	app, ok := a.s.accounts.Apple[q.Get("client_id")]
	if !ok {
		return pageError(x, "invalid_client", "client_id")
	}
	back, ok := app.backTo(q.Get("redirect_uri"))
	scopes, mode := strings.Fields(q.Get("scope")), q.Get("response_mode")
	switch {
	case !ok:
		return pageError(x, "invalid_request", "redirect_uri")
	case q.Get("response_type") != "code" && q.Get("response_type") != "code id_token":
		return pageError(x, "invalid_request", "response_type")
	case len(scopes) > 0 && mode != "form_post":
		return pageError(x, "invalid_request", "response_mode")
	case slices.ContainsFunc(scopes, func(s string) bool { return s != "name" && s != "email" }):
		return pageError(x, "invalid_scope", "scope")
	}
	return a.s.visit(x, visit{
		title: nameOr(app.Name, q.Get("client_id")), vendor: "Apple", client: q.Get("client_id"), scope: q.Get("scope"), kind: "AP",
		back: back, post: mode == "form_post",
		refused: func() []string { return []string{"error", "user_cancelled_authorize", "state", q.Get("state")} },
		agreed: func(subject, code string) []string {
			a.asks[code] = asked{redirect: q.Get("redirect_uri"), nonce: q.Get("nonce"), scope: q.Get("scope")}
			return []string{"state", q.Get("state"), "code", code, "user", a.firstTime(app, q.Get("client_id"), subject, code, scopes)}
		},
	})
}

// firstTime is what Apple tells of a person once only, when they first agree.
func (a *apple) firstTime(app AppleApp, client, subject, code string, scopes []string) string {
	key := app.Team + " " + client + " " + subject
	if a.consents[key] || len(scopes) == 0 {
		return ""
	}
	a.consents[key] = true
	c, _ := parseCode(code)
	u, out := a.s.people.get(subject), object{}
	if slices.Contains(scopes, "name") {
		out["name"] = object{"firstName": u.Nickname, "lastName": "Appleseed"}
	}
	if email := appleEmail(u, c.flags); email != "" && slices.Contains(scopes, "email") {
		out["email"] = email
	}
	text, err := json.Marshal(out)
	if err != nil {
		return ""
	}
	return string(text)
}

func appleEmail(u User, f flags) string {
	switch {
	case f.has("NOEMAIL"):
		return ""
	case f.has("RELAY"):
		return hexOf("relay:"+u.Subject, 10) + "@privaterelay.appleid.example"
	}
	return u.Email
}

// secret checks the client secret, which is a token signed with the app's key, and
// tells what is wrong with it.
func (a *apple) secret(x *exchange, id string, app AppleApp) string {
	j, ok := readJWS(x.form.Get("client_secret"))
	key, isEC := readPublic(app.PublicKey).(*ecdsa.PublicKey)
	expires := time.Unix(j.unix("exp"), 0)
	switch {
	case !ok || j.header["alg"] != algES256:
		return "malformed"
	case j.header["kid"] != app.KeyID:
		return "unknown kid"
	case !isEC || !j.verifiedBy(key):
		return "wrong signature"
	case j.claim("iss") != app.Team:
		return "wrong iss"
	case j.claim("sub") != id:
		return "wrong sub"
	case !slices.Equal(j.audience(), []string{appleIssuer}) && !slices.Equal(j.audience(), []string{origin(x) + "/apple"}):
		return "wrong aud"
	case !x.at.Before(expires):
		return "expired"
	case expires.Sub(x.at) > appleSecretLife:
		return "exp is too far away"
	case j.unix("iat") == 0 || time.Unix(j.unix("iat"), 0).After(x.at.Add(time.Minute)):
		return "wrong iat"
	}
	return ""
}

// client checks who calls; an answer with a status refuses.
func (a *apple) client(x *exchange) (string, AppleApp, answer) {
	id := x.form.Get("client_id")
	app, ok := a.s.accounts.Apple[id]
	if x.req.Method != http.MethodPost || !x.isForm {
		return id, app, oauthError(http.StatusBadRequest, "invalid_request", "post a form")
	}
	if !ok {
		return id, app, oauthError(http.StatusBadRequest, "invalid_client", "unknown client_id")
	}
	if why := a.secret(x, id, app); why != "" {
		return id, app, oauthError(http.StatusBadRequest, "invalid_client", "client_secret: "+why)
	}
	return id, app, answer{}
}

func (a *apple) token(x *exchange) answer {
	id, app, refusal := a.client(x)
	if refusal.status != 0 {
		return refusal
	}
	if x.form.Get("grant_type") == "refresh_token" {
		g, err := a.grants.check(refreshToken, x.form.Get("refresh_token"), x.at)
		if err != nil || g.client != id {
			return oauthError(http.StatusBadRequest, "invalid_grant", "unknown refresh token")
		}
		return a.issue(x, app, g, asked{}, x.form.Get("refresh_token"))
	}
	text := x.form.Get("code")
	switch {
	case x.form.Get("grant_type") != "authorization_code":
		return oauthError(http.StatusBadRequest, "unsupported_grant_type", "no such grant type")
	case !a.asks.redirected(text, x.form.Get("redirect_uri")):
		return oauthError(http.StatusBadRequest, "invalid_grant", "redirect_uri is not the one of the request")
	}
	code, record, err := a.s.codes.take(x, text, id, "AP")
	if err != nil {
		verdict := "bad_code"
		if errors.Is(err, errCodeUsed) {
			verdict = "replay"
		}
		return oauthError(http.StatusBadRequest, "invalid_grant", err.Error()).as(verdict)
	}
	was, minted := a.asks[text]
	if !minted {
		record.scope = "name email"
	}
	g := grant{client: id, subject: code.subject, scope: record.scope, flags: x.flags, code: text, expires: x.at.Add(refreshTokenLife)}
	return a.issue(x, app, g, was, a.grants.issue(refreshToken, g))
}

func (a *apple) issue(x *exchange, app AppleApp, g grant, was asked, refresh string) answer {
	access := g
	access.expires = x.at.Add(appleTokenLife)
	text := a.grants.issue(accessToken, access)
	both := slices.Concat(g.flags, x.flags)
	t := idToken{owner: "apple", at: x.at, claims: object{
		"iss": appleIssuer, "sub": appleSub(app.Team, g.subject), "aud": g.client, "iat": x.at.Unix(), "exp": x.at.Add(appleTokenLife).Unix(),
		"at_hash": halfHash(text), "auth_time": x.at.Unix(), "nonce_supported": true,
	}}
	if was.nonce != "" {
		t.claims["nonce"] = was.nonce
	}
	u := a.s.people.get(g.subject)
	if email := appleEmail(u, both); email != "" && slices.Contains(strings.Fields(g.scope), "email") {
		// Booleans have been text here for years.
		t.claims["email"], t.claims["email_verified"] = email, boolText(u.EmailVerified || email != u.Email)
		if email != u.Email {
			t.claims["is_private_email"] = "true"
		}
		if both.has("BOOLEANS") {
			t.claims["email_verified"] = true
		}
	}
	signed, err := a.s.sign(t, both)
	if err != nil {
		return oauthError(http.StatusInternalServerError, "server_error", err.Error())
	}
	return reply(http.StatusOK, kindJSON, object{
		"access_token": text, "token_type": "Bearer", "expires_in": int(appleTokenLife / time.Second), "refresh_token": refresh, "id_token": signed,
	})
}

func boolText(b bool) string {
	if b {
		return "true"
	}
	return "false"
}

func (a *apple) revoke(x *exchange) answer {
	id, _, refusal := a.client(x)
	if refusal.status != 0 {
		return refusal
	}
	if g, ok := a.grants.live[x.form.Get("token")]; ok && g.client == id {
		a.grants.end(g.code)
		delete(a.grants.live, x.form.Get("token"))
		delete(a.consents, a.s.accounts.Apple[id].Team+" "+id+" "+g.subject) // the next consent is a first one
	}
	return answer{status: http.StatusOK, kind: kindText}
}
