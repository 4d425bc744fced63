package upsim

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const qqTokenLife = 90 * 24 * time.Hour

// qq is QQ Connect, which speaks forms and callbacks of JavaScript unless fmt=json is
// asked for. https://wiki.connect.qq.com/
type qq struct {
	s      *Server
	asks   asks
	grants grants
}

func newQQ(s *Server) vendor {
	v := &qq{s: s}
	v.reset()
	return vendor{
		name: "qq",
		routes: map[string]endpoint{
			"/qq/oauth2.0/authorize": v.authorize,
			"/qq/oauth2.0/token":     v.token,
			"/qq/oauth2.0/me":        v.me,
			"/qq/user/get_user_info": v.userInfo,
			"/qq/":                   notFound,
		},
		refuse: func(x *exchange, code string) answer {
			n, err := strconv.Atoi(code)
			if err != nil {
				n = qqBadToken
			}
			return v.fail(x, n)
		},
		flags: []string{"NOUNION", "OTHERCLIENT"},
		reset: v.reset,
	}
}

func (v *qq) reset() {
	v.asks, v.grants = asks{}, newGrants("qq")
	v.s.social["qq"] = &v.grants
}

// QQ's errors.
const (
	qqNoSecret    = 100002
	qqGrantType   = 100004
	qqNoCode      = 100005
	qqNoToken     = 100007
	qqUnknownApp  = 100008
	qqWrongSecret = 100009
	qqRedirect    = 100010
	qqBadToken    = 100013
	qqExpired     = 100014
	qqBadCode     = 100019
	qqUsedCode    = 100020
	qqBadOpenID   = -22
)

func qqError(code int) (text, verdict string) {
	all := map[int][2]string{
		qqNoSecret:    {"param client_secret is wrong or lost", "bad_request"},
		qqGrantType:   {"param grant_type is wrong or lost", "bad_request"},
		qqNoCode:      {"param code is wrong or lost", "bad_request"},
		qqNoToken:     {"param access_token is wrong or lost", "bad_token"},
		qqUnknownApp:  {"client_id is not exist", "unknown_app"},
		qqWrongSecret: {"client_secret is illegal", "wrong_secret"},
		qqRedirect:    {"redirect uri is illegal", "bad_redirect"},
		qqBadToken:    {"access token is illegal", "bad_token"},
		qqExpired:     {"access token expired", "expired"},
		qqBadCode:     {"code is invalid", "bad_code"},
		qqUsedCode:    {"code is reused error", "replay"},
		qqBadOpenID:   {"openid is invalid", "wrong_openid"},
	}
	if e, ok := all[code]; ok {
		return e[0], e[1]
	}
	return "error", "error"
}

func qqOpenID(app, subject string) string { return strings.ToUpper(hexOf("qq:"+app+":"+subject, 32)) }

// say answers as a callback, unless JSON is asked for.
func (v *qq) say(x *exchange, o object) answer {
	a := reply(http.StatusOK, kindJSON, o)
	if x.query.Get("fmt") != "json" {
		a.kind, a.body = "text/html", []byte("callback( "+string(a.body)+" );\n")
	}
	return a
}

func (v *qq) fail(x *exchange, code int) answer {
	text, verdict := qqError(code)
	return v.say(x, object{"error": code, "error_description": text}).as(verdict)
}

func (v *qq) authorize(x *exchange) answer {
	q := x.query
	app, ok := v.s.accounts.QQ[q.Get("client_id")]
	if !ok {
		return pageError(x, strconv.Itoa(qqUnknownApp), "client_id")
	}
	back, ok := app.backTo(q.Get("redirect_uri"))
	switch {
	case !ok:
		return pageError(x, strconv.Itoa(qqRedirect), "redirect_uri")
	case q.Get("response_type") != "code":
		return pageError(x, "100000", "response_type")
	}
	return v.s.visit(x, visit{
		title: nameOr(app.Name, q.Get("client_id")), vendor: "QQ", client: q.Get("client_id"), scope: q.Get("scope"), kind: "QQ", back: back,
		refused: func() []string { return []string{"usercancel", "1", "state", q.Get("state")} },
		agreed: func(_, code string) []string {
			v.asks[code] = asked{redirect: q.Get("redirect_uri")}
			return []string{"code", code, "state", q.Get("state")}
		},
	})
}

func (v *qq) token(x *exchange) answer {
	q := x.query
	app, ok := v.s.accounts.QQ[q.Get("client_id")]
	switch {
	case q.Get("client_secret") == "":
		return v.fail(x, qqNoSecret)
	case q.Get("grant_type") != "authorization_code":
		return v.fail(x, qqGrantType)
	case !ok:
		return v.fail(x, qqUnknownApp)
	case q.Get("client_secret") != app.Secret:
		return v.fail(x, qqWrongSecret)
	case q.Get("code") == "":
		return v.fail(x, qqNoCode)
	case q.Get("redirect_uri") == "" || !v.asks.redirected(q.Get("code"), q.Get("redirect_uri")):
		return v.fail(x, qqRedirect)
	}
	code, _, err := v.s.codes.take(x, q.Get("code"), q.Get("client_id"), "QQ")
	switch {
	case errors.Is(err, errCodeUsed):
		return v.fail(x, qqUsedCode)
	case err != nil:
		return v.fail(x, qqBadCode)
	}
	g := grant{client: q.Get("client_id"), subject: code.subject, flags: x.flags, expires: x.at.Add(qqTokenLife)}
	access, refresh := v.grants.issue(accessToken, g), v.grants.issue(refreshToken, g)
	life := strconv.Itoa(int(qqTokenLife / time.Second))
	if q.Get("fmt") == "json" {
		return v.say(x, object{"access_token": access, "expires_in": life, "refresh_token": refresh})
	}
	form := url.Values{"access_token": {access}, "expires_in": {life}, "refresh_token": {refresh}}
	return answer{status: http.StatusOK, kind: kindText, body: []byte(form.Encode())}
}

// check finds whose token it is, or QQ's error.
func (v *qq) check(x *exchange) (grant, int) {
	g, err := v.grants.check(accessToken, x.query.Get("access_token"), x.at)
	switch {
	case errors.Is(err, errTokenMissing):
		return g, qqNoToken
	case errors.Is(err, errTokenExpired):
		return g, qqExpired
	case err != nil:
		return g, qqBadToken
	}
	return g, 0
}

func (v *qq) me(x *exchange) answer {
	g, failed := v.check(x)
	if failed != 0 {
		return v.fail(x, failed)
	}
	client := g.client
	if x.flags.has("OTHERCLIENT") || g.flags.has("OTHERCLIENT") {
		client = "199999999"
	}
	out := object{"client_id": client, "openid": qqOpenID(g.client, g.subject)}
	if x.query.Get("unionid") == "1" && !g.flags.has("NOUNION") && !x.flags.has("NOUNION") {
		out["unionid"] = "UID_" + strings.ToUpper(hexOf("qq union:"+v.s.accounts.QQ[g.client].Group+":"+g.subject, 32))
	}
	return v.say(x, out)
}

func (v *qq) userInfo(x *exchange) answer {
	g, failed := v.check(x)
	switch {
	case failed != 0:
	case x.query.Get("oauth_consumer_key") != g.client:
		failed = qqUnknownApp
	case x.query.Get("openid") != qqOpenID(g.client, g.subject):
		failed = qqBadOpenID
	}
	if failed != 0 {
		text, verdict := qqError(failed)
		return reply(http.StatusOK, kindJSON, object{"ret": failed, "msg": text}).as(verdict)
	}
	u := v.s.people.get(g.subject)
	return reply(http.StatusOK, kindJSON, object{
		"ret": 0, "msg": "", "is_lost": 0, "nickname": u.Nickname, "figureurl_qq_1": u.Avatar, "figureurl_qq_2": "",
		"gender_type": 2, "year": "1990", "vip": "0", "level": "0", "is_yellow_year_vip": "0",
	})
}
