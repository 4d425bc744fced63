package upsim

import (
	"errors"
	"net/http"
	"strings"
	"time"
)

const feishuTokenLife = 2 * time.Hour

// feishu is Feishu's sign-in: the token endpoint of version 2, which let a wrong PKCE
// verifier pass and says code 0, and that of version 3, which does neither.
// https://open.feishu.cn/document/authentication-management/access-token/get-user-access-token
type feishu struct {
	s      *Server
	asks   asks
	grants grants
}

func newFeishu(s *Server) vendor {
	f := &feishu{s: s}
	f.reset()
	return vendor{
		name: "feishu",
		routes: map[string]endpoint{
			"/feishu/open-apis/authen/v1/authorize":   f.authorize,
			"/feishu/open-apis/authen/v2/oauth/token": f.tokenV2,
			"/feishu/oauth/v3/token":                  f.tokenV3,
			"/feishu/open-apis/authen/v1/user_info":   f.userInfo,
			"/feishu/":                                notFound,
		},
		refuse: func(x *exchange, code string) answer {
			return f.fail(x, feishuError{code: 20050, name: code, verdict: "refused"})
		},
		codes: map[string]string{"RATE": "slow_down", "BUSY": "temporarily_unavailable"},
		flags: []string{"NOTALLOWED"},
		reset: f.reset,
	}
}

func (f *feishu) reset() {
	f.asks, f.grants = asks{}, newGrants("feishu")
	f.s.social["feishu"] = &f.grants
}

func feishuUnionID(group, subject string) string {
	return "on_" + hexOf("feishu union:"+group+":"+subject, 32)
}

// feishuError is one error in both of its forms: the number of version 2 and the name
// that version 3 leaves of it.
type feishuError struct {
	code          int
	name, verdict string
}

func (f *feishu) fail(x *exchange, e feishuError) answer {
	out := object{"error": e.name, "error_description": "simulated: " + e.name}
	if !strings.HasSuffix(x.req.URL.Path, "/v3/token") {
		out["code"] = e.code
	}
	status := http.StatusBadRequest
	if e.name == "invalid_client" {
		status = http.StatusUnauthorized
	}
	return reply(status, kindJSON, out).as(e.verdict)
}

func (f *feishu) authorize(x *exchange) answer {
	q := x.query
	app, ok := f.s.accounts.Feishu[q.Get("client_id")]
	if !ok {
		return pageError(x, "20048", "client_id")
	}
	back, ok := app.backTo(q.Get("redirect_uri"))
	switch {
	case !ok:
		return pageError(x, "20029", "redirect_uri")
	case q.Get("code_challenge") != "" && q.Get("code_challenge_method") != "S256":
		return pageError(x, "20049", "code_challenge_method")
	}
	return f.s.visit(x, visit{
		title: nameOr(app.Name, q.Get("client_id")), vendor: "Feishu", client: q.Get("client_id"), scope: q.Get("scope"), kind: "FS", back: back,
		refused: func() []string { return []string{"error", "access_denied", "state", q.Get("state")} },
		agreed: func(_, code string) []string {
			f.asks[code] = asked{redirect: q.Get("redirect_uri"), challenge: q.Get("code_challenge"), scope: q.Get("scope")}
			return []string{"code", code, "state", q.Get("state")}
		},
	})
}

func (f *feishu) tokenV2(x *exchange) answer { return f.token(x, false) }

func (f *feishu) tokenV3(x *exchange) answer { return f.token(x, true) }

// token exchanges a code. Strict is version 3, where a verifier must fit the challenge
// and must not be there without one.
func (f *feishu) token(x *exchange, strict bool) answer {
	id, text := x.given("client_id"), x.given("code")
	app, ok := f.s.accounts.Feishu[id]
	_, minted := f.asks[text]
	redirect, verifier := x.given("redirect_uri"), x.given("code_verifier")
	switch {
	case x.req.Method != http.MethodPost || x.json == nil && !x.isForm:
		return f.fail(x, feishuError{20063, "invalid_request", "bad_request"})
	case x.given("grant_type") != "authorization_code":
		return f.fail(x, feishuError{20036, "unsupported_grant_type", "bad_request"})
	case !ok:
		return f.fail(x, feishuError{20048, "invalid_client", "unknown_app"})
	case x.given("client_secret") != app.Secret:
		return f.fail(x, feishuError{20002, "invalid_client", "bad_auth"})
	case minted && redirect != "" && !f.asks.redirected(text, redirect) || strict && minted && redirect == "":
		return f.fail(x, feishuError{20071, "invalid_grant", "bad_redirect"})
	case strict && !f.asks.proves(text, verifier):
		return f.fail(x, feishuError{20049, "invalid_grant", "bad_verifier"})
	case x.flags.has("NOTALLOWED"):
		return f.fail(x, feishuError{20010, "access_denied", "refused"})
	}
	code, record, err := f.s.codes.take(x, text, id, "FS")
	switch {
	case errors.Is(err, errCodeUsed):
		return f.fail(x, feishuError{20065, "invalid_grant", "replay"})
	case errors.Is(err, errCodeExpired):
		return f.fail(x, feishuError{20004, "invalid_grant", "expired"})
	case err != nil:
		return f.fail(x, feishuError{20003, "invalid_grant", "bad_code"})
	}
	g := grant{client: id, subject: code.subject, scope: record.scope, flags: x.flags, expires: x.at.Add(feishuTokenLife)}
	out := object{
		"access_token": f.grants.issue(accessToken, g), "token_type": "Bearer",
		"expires_in": int(feishuTokenLife / time.Second), "scope": record.scope,
	}
	if !strict {
		out["code"] = 0
	}
	if contains(strings.Fields(record.scope), "offline_access") {
		g.expires = x.at.Add(refreshTokenLife)
		out["refresh_token"], out["refresh_token_expires_in"] = f.grants.issue(refreshToken, g), int(refreshTokenLife/time.Second)
	}
	return reply(http.StatusOK, kindJSON, out)
}

func (f *feishu) userInfo(x *exchange) answer {
	g, err := f.grants.check(accessToken, bearer(x), x.at)
	if err != nil {
		return reply(http.StatusUnauthorized, kindJSON, object{"code": 20005, "msg": "The user access token passed is invalid."}).as("bad_token")
	}
	u := f.s.people.get(g.subject)
	data := object{
		"name": u.Nickname, "en_name": u.Nickname, "avatar_url": u.Avatar, "avatar_thumb": u.Avatar, "avatar_middle": u.Avatar,
		"open_id": "ou_" + hexOf("feishu open:"+g.client+":"+g.subject, 32), "union_id": feishuUnionID(f.s.accounts.Feishu[g.client].Group, g.subject),
		"tenant_key": hexOf("feishu tenant", 16),
	}
	if u.Email != "" {
		data["email"] = u.Email
	}
	if u.Phone != "" {
		data["mobile"] = u.e164()
	}
	return reply(http.StatusOK, kindJSON, object{"code": 0, "msg": "success", "data": data})
}
