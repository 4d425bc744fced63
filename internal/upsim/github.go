package upsim

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

const githubTokenLife = 8 * time.Hour

// github is GitHub's OAuth apps, with the answers that surprise: errors are HTTP 200, and
// forms unless JSON is asked for.
// https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps
type github struct {
	s      *Server
	asks   asks
	grants grants
}

func newGitHub(s *Server) vendor {
	g := &github{s: s}
	g.reset()
	return vendor{
		name: "github",
		routes: map[string]endpoint{
			"/github/login/oauth/authorize":    g.authorize,
			"/github/login/oauth/access_token": g.token,
			"/github/user":                     g.user,
			"/github/user/emails":              g.emails,
			"/github/":                         notFound,
		},
		refuse: func(x *exchange, code string) answer { return g.fail(x, code) },
		codes:  map[string]string{"RATE": "slow_down"},
		flags:  []string{"PUBEMAIL", "EMAILUNVERIFIED"},
		reset:  g.reset,
	}
}

func (g *github) reset() {
	g.asks, g.grants = asks{}, newGrants("github")
	g.s.social["github"] = &g.grants
}

// githubID is the number of an account, which stays when its name changes.
func githubID(subject string) string { return numberOf("github:"+subject, 8) }

func (g *github) authorize(x *exchange) answer {
	q := x.query
	app, ok := g.s.accounts.GitHub[q.Get("client_id")]
	if !ok {
		return pageError(x, "404", "client_id")
	}
	back, ok := app.backTo(q.Get("redirect_uri"))
	if !ok {
		return pageError(x, "redirect_uri_mismatch", "redirect_uri")
	}
	return g.s.visit(x, visit{
		title: nameOr(app.Name, q.Get("client_id")), vendor: "GitHub", client: q.Get("client_id"), scope: q.Get("scope"), kind: "GH", back: back,
		refused: func() []string {
			return []string{"error", "access_denied", "error_description", "The user has denied your application access.", "state", q.Get("state")}
		},
		agreed: func(_, code string) []string {
			g.asks[code] = asked{redirect: q.Get("redirect_uri"), challenge: q.Get("code_challenge"), scope: q.Get("scope")}
			return []string{"code", code, "state", q.Get("state")}
		},
	})
}

// given is a parameter of the form, the query or the JSON body.
func (x *exchange) given(name string) string {
	if v := x.text(name); v != "" {
		return v
	}
	return x.param(name)
}

// say answers as a form, unless the caller asked for JSON.
func (g *github) say(x *exchange, pairs ...string) answer {
	form, o := url.Values{}, object{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
		o[pairs[i]] = pairs[i+1]
	}
	if strings.Contains(x.req.Header.Get("Accept"), "json") {
		return reply(http.StatusOK, kindJSON, o)
	}
	return answer{status: http.StatusOK, kind: "application/x-www-form-urlencoded; charset=utf-8", body: []byte(form.Encode())}
}

func (g *github) fail(x *exchange, code string) answer {
	verdict := code
	if code == "incorrect_client_credentials" {
		verdict = "bad_auth"
	}
	return g.say(x, "error", code, "error_description", "simulated: "+code, "error_uri", origin(x)+"/github/errors").as(verdict)
}

func (g *github) token(x *exchange) answer {
	if x.req.Method != http.MethodPost {
		return notFound(x)
	}
	id, text := x.given("client_id"), x.given("code")
	app, ok := g.s.accounts.GitHub[id]
	switch {
	case !ok || x.given("client_secret") != app.Secret:
		return g.fail(x, "incorrect_client_credentials")
	case x.given("redirect_uri") != "" && !g.asks.redirected(text, x.given("redirect_uri")):
		return g.fail(x, "redirect_uri_mismatch")
	case !g.asks.proves(text, x.given("code_verifier")):
		return g.fail(x, "bad_verification_code")
	}
	code, record, err := g.s.codes.take(x, text, id, "GH")
	if err != nil {
		a := g.fail(x, "bad_verification_code")
		if errors.Is(err, errCodeUsed) {
			a.verdict = "replay"
		}
		return a
	}
	scope := record.scope
	if _, asked := g.asks[text]; !asked {
		scope = "read:user user:email"
	}
	token := g.grants.issue(accessToken, grant{
		client: id, subject: code.subject, scope: scope, flags: x.flags, expires: x.at.Add(githubTokenLife),
	})
	return g.say(x, "access_token", token, "scope", strings.Join(strings.Fields(scope), ","), "token_type", "bearer")
}

// person finds whose token it is; an answer with a status refuses.
func (g *github) person(x *exchange) (grant, answer) {
	if x.req.UserAgent() == "" {
		return grant{}, answer{
			status: http.StatusForbidden, kind: kindText, verdict: "no_user_agent",
			body: []byte("Request forbidden by administrative rules. Please make sure your request has a User-Agent header.\n"),
		}
	}
	t, err := g.grants.check(accessToken, bearer(x), x.at)
	if err != nil {
		return t, reply(http.StatusUnauthorized, kindJSON, object{"message": "Bad credentials"}).as("bad_token")
	}
	return t, answer{}
}

func (g *github) user(x *exchange) answer {
	t, refusal := g.person(x)
	if refusal.status != 0 {
		return refusal
	}
	u := g.s.people.get(t.subject)
	out := object{
		"id": json.Number(githubID(t.subject)), "login": t.subject, "node_id": hexOf("node:"+t.subject, 20), "type": "User",
		"name": u.Nickname, "avatar_url": u.Avatar, "email": nil, "two_factor_authentication": false,
	}
	if t.flags.has("PUBEMAIL") || x.flags.has("PUBEMAIL") {
		out["email"] = u.Email
	}
	return reply(http.StatusOK, kindJSON, out)
}

func (g *github) emails(x *exchange) answer {
	t, refusal := g.person(x)
	if refusal.status != 0 {
		return refusal
	}
	if scopes := strings.Fields(t.scope); !contains(scopes, "user:email", "user") {
		return reply(http.StatusNotFound, kindJSON, object{"message": "Not Found"}).as("scope")
	}
	u := g.s.people.get(t.subject)
	list := []object{{
		"email": githubID(t.subject) + "+" + t.subject + "@users.noreply.github.example", "primary": u.Email == "", "verified": true, "visibility": nil,
	}}
	if u.Email != "" {
		verified := u.EmailVerified && !t.flags.has("EMAILUNVERIFIED") && !x.flags.has("EMAILUNVERIFIED")
		list = append(list, object{"email": u.Email, "primary": true, "verified": verified, "visibility": "private"})
	}
	return reply(http.StatusOK, kindJSON, list)
}

// contains reports whether one of the wanted texts is there.
func contains(all []string, wanted ...string) bool {
	return slices.ContainsFunc(wanted, func(w string) bool { return slices.Contains(all, w) })
}
