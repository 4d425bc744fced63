package upsim

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

const (
	userTokenLife    = 2 * time.Hour
	refreshTokenLife = 30 * 24 * time.Hour
	loginsAMinute    = 100
)

// wechat is the Open Platform, official accounts and mini-programs.
// https://developers.weixin.qq.com/doc/
type wechat struct {
	s        *Server
	apps     appTokens
	forced   meter // force_refresh by appid
	calls    meter
	tokens   map[string]userToken // by access token
	renewals map[string]userToken // by refresh token
	sessions map[string]string    // session keys by appid and openid
	serial   int
}

// userToken is what a person agreed to let an app know.
type userToken struct {
	appID, subject, openID, scope string
	noUnion                       bool
	expires                       time.Time
}

func newWeChat(s *Server) vendor {
	w := &wechat{s: s}
	w.reset()
	const api, open = "/wechat-api", "/wechat-open"
	return vendor{
		name: "wechat",
		routes: map[string]endpoint{
			open + "/connect/qrconnect":              w.authorize("open", "snsapi_login"),
			open + "/connect/oauth2/authorize":       w.authorize("mp", "snsapi_base", "snsapi_userinfo"),
			api + "/sns/oauth2/access_token":         w.accessToken,
			api + "/sns/oauth2/refresh_token":        w.refreshToken,
			api + "/sns/userinfo":                    w.userInfo,
			api + "/sns/auth":                        w.auth,
			api + "/sns/jscode2session":              w.codeToSession,
			api + "/cgi-bin/stable_token":            w.stableToken,
			api + "/cgi-bin/token":                   w.token,
			api + "/wxa/business/getuserphonenumber": w.phoneNumber,
			api + "/wxa/checksession":                w.checkSession,
			api + "/":                                notFound,
			open + "/":                               notFound,
		},
		refuse: func(_ *exchange, code string) answer {
			n, err := strconv.Atoi(code)
			if err != nil {
				n = -1
			}
			return w.fail(n)
		},
		codes: map[string]string{"RATE": "45011", "RISK": "40226", "BUSY": "-1"},
		flags: []string{"NOUNION", "SNAP", "BASE", "BADMARK", "OLDMARK", "CCNUM", "CCSTR", "INTL", "OTHERID", "DUPUNION"},
		reset: w.reset,
	}
}

func (w *wechat) reset() {
	*w = wechat{
		s: w.s, apps: newAppTokens(), forced: meter{}, calls: meter{}, tokens: make(map[string]userToken),
		renewals: make(map[string]userToken), sessions: make(map[string]string),
	}
}

// wechatErrors are the texts of the errors, and their verdicts in the journal.
func wechatErrors(code int) (text, verdict string) {
	all := map[int][2]string{
		-1:    {"system error", "busy"},
		40001: {"invalid credential, access_token is invalid or not latest", "bad_token"},
		40002: {"invalid grant_type", "bad_request"},
		40003: {"invalid openid", "wrong_openid"},
		40013: {"invalid appid", "unknown_app"},
		40029: {"invalid code", "bad_code"},
		40030: {"invalid refresh_token", "bad_token"},
		40125: {"invalid appsecret", "wrong_secret"},
		40163: {"code been used", "replay"},
		40164: {"invalid ip, not in whitelist", "ip_refused"},
		40226: {"code blocked", "risk"},
		41001: {"access_token missing", "bad_token"},
		41002: {"appid missing", "bad_request"},
		41003: {"refresh_token missing", "bad_request"},
		41004: {"appsecret missing", "bad_request"},
		41008: {"missing code", "bad_request"},
		41009: {"missing openid", "bad_request"},
		42001: {"access_token expired", "expired"},
		42002: {"refresh_token expired", "expired"},
		43001: {"require GET method", "bad_method"},
		43002: {"require POST method", "bad_method"},
		45009: {"reach max api daily quota limit", "rate_limited"},
		45011: {"api minute-quota reach limit, must slower, retry next minute", "rate_limited"},
		47001: {"data format error", "bad_request"},
		48001: {"api unauthorized", "scope"},
		87009: {"invalid signature", "sig_mismatch"},
	}
	if e, ok := all[code]; ok {
		return e[0], e[1]
	}
	return "error", "error"
}

// fail answers with an error as WeChat does: HTTP 200, as plain text, with a request id.
func (w *wechat) fail(code int) answer {
	text, verdict := wechatErrors(code)
	rid := dashed(w.s.requestID(), 8, 8, 8)
	return reply(http.StatusOK, kindText, object{"errcode": code, "errmsg": text + ", rid: " + rid}).as(verdict)
}

func (w *wechat) ok(v any) answer { return reply(http.StatusOK, kindText, v) }

// app checks appid and secret of a request; kinds are those the call is for.
func (w *wechat) app(id, secret string, kinds ...string) (WeChatApp, int) {
	app, ok := w.s.accounts.WeChat[id]
	suits := len(kinds) == 0
	for _, kind := range kinds {
		suits = suits || app.Kind == kind
	}
	switch {
	case id == "":
		return app, 41002
	case secret == "":
		return app, 41004
	case !ok || !suits:
		return app, 40013
	case secret != app.Secret:
		return app, 40125
	}
	return app, 0
}

// codeError is WeChat's word for a bad code: it tells used ones apart, and no others.
func codeError(err error) int {
	if errors.Is(err, errCodeUsed) {
		return 40163
	}
	return 40029
}

func (w *wechat) accessToken(x *exchange) answer {
	if x.req.Method != http.MethodGet {
		return w.fail(43001)
	}
	q := x.query
	if q.Get("appid") != "" && q.Get("secret") != "" && q.Get("code") == "" {
		return w.fail(41008)
	}
	app, failed := w.app(q.Get("appid"), q.Get("secret"), "open", "mp")
	if failed != 0 {
		return w.fail(failed)
	}
	if q.Get("grant_type") != "authorization_code" {
		return w.fail(40002)
	}
	kind := "WO"
	if app.Kind == "mp" {
		kind = "WM"
	}
	code, record, err := w.s.codes.take(x, q.Get("code"), q.Get("appid"), kind)
	if err != nil {
		return w.fail(codeError(err))
	}
	scope := record.scope
	switch {
	case x.flags.has("BASE"):
		scope = "snsapi_base"
	case scope == "" && kind == "WO":
		scope = "snsapi_login"
	case scope == "":
		scope = "snsapi_userinfo"
	}
	t := userToken{
		appID: q.Get("appid"), subject: code.subject, scope: scope,
		openID: openIDFor(x, q.Get("appid"), code.subject), noUnion: x.flags.has("NOUNION"),
	}
	return w.grant(x, app, t, "")
}

// openIDFor is the openid that an answer claims.
func openIDFor(x *exchange, appID, subject string) string {
	if x.flags.has("OTHERID") {
		return OpenID(appID, "somebodyelse")
	}
	return OpenID(appID, subject)
}

// grant makes tokens for t. A renewal keeps its refresh token.
func (w *wechat) grant(x *exchange, app WeChatApp, t userToken, refresh string) answer {
	w.serial++
	suffix := t.appID + "-" + t.subject + "-" + strconv.Itoa(w.serial)
	t.expires = x.at.Add(userTokenLife)
	w.tokens["SIMUT-"+suffix] = t
	if refresh == "" {
		refresh = "SIMRT-" + suffix
		renewal := t
		renewal.expires = x.at.Add(refreshTokenLife)
		w.renewals[refresh] = renewal
	}
	out := object{
		"access_token": "SIMUT-" + suffix, "expires_in": int(userTokenLife / time.Second),
		"refresh_token": refresh, "openid": t.openID, "scope": t.scope,
	}
	if union := w.union(x, app, t.subject); union != "" && !t.noUnion && t.scope != "snsapi_base" {
		out["unionid"] = union
	}
	if w.s.people.get(t.subject).Snapshot || x.flags.has("SNAP") {
		out["is_snapshotuser"] = 1
	}
	return w.ok(out)
}

// union is a person's unionid, "" for an app that is bound to no developer account.
func (w *wechat) union(x *exchange, app WeChatApp, subject string) string {
	switch {
	case app.UnionGroup == "" || x.flags.has("NOUNION"):
		return ""
	case x.flags.has("DUPUNION"):
		return UnionID(app.UnionGroup, "everybody")
	}
	return UnionID(app.UnionGroup, subject)
}

func (w *wechat) refreshToken(x *exchange) answer {
	q := x.query
	t, known := w.renewals[q.Get("refresh_token")]
	app, registered := w.s.accounts.WeChat[q.Get("appid")]
	switch {
	case q.Get("appid") == "":
		return w.fail(41002)
	case q.Get("refresh_token") == "":
		return w.fail(41003)
	case !registered:
		return w.fail(40013)
	case q.Get("grant_type") != "refresh_token":
		return w.fail(40002)
	case !known || t.appID != q.Get("appid"):
		return w.fail(40030)
	case !x.at.Before(t.expires):
		return w.fail(42002)
	}
	return w.grant(x, app, t, q.Get("refresh_token"))
}

// bearer checks the user token and openid of a request.
func (w *wechat) bearer(x *exchange) (userToken, int) {
	text, openID := x.query.Get("access_token"), x.query.Get("openid")
	t, known := w.tokens[text]
	switch {
	case text == "":
		return t, 41001
	case !known:
		return t, 40001
	case !x.at.Before(t.expires):
		return t, 42001
	case openID == "":
		return t, 41009
	case openID != t.openID:
		return t, 40003
	}
	return t, 0
}

func (w *wechat) userInfo(x *exchange) answer {
	t, failed := w.bearer(x)
	if failed != 0 {
		return w.fail(failed)
	}
	if t.scope == "snsapi_base" {
		return w.fail(48001)
	}
	u := w.s.people.get(t.subject)
	out := object{
		"openid": openIDFor(x, t.appID, t.subject), "nickname": u.Nickname, "sex": 0, "language": "", "province": "", "city": "",
		"country": "", "headimgurl": u.Avatar, "privilege": []string{},
	}
	if union := w.union(x, w.s.accounts.WeChat[t.appID], t.subject); union != "" && !t.noUnion {
		out["unionid"] = union
	}
	if u.Snapshot {
		out["is_snapshotuser"] = 1
	}
	return w.ok(out)
}

func (w *wechat) auth(x *exchange) answer {
	if _, failed := w.bearer(x); failed != 0 {
		return w.fail(failed)
	}
	return w.ok(object{"errcode": 0, "errmsg": "ok"})
}

func (w *wechat) codeToSession(x *exchange) answer {
	q := x.query
	if x.req.Method != http.MethodGet {
		return w.fail(41002) // as observed: a POST is told that the appid is missing
	}
	if q.Get("appid") != "" && q.Get("secret") != "" && q.Get("js_code") == "" {
		return w.fail(41008)
	}
	app, failed := w.app(q.Get("appid"), q.Get("secret"), "mini")
	if failed != 0 {
		return w.fail(failed)
	}
	if q.Get("grant_type") != "authorization_code" {
		return w.fail(40002)
	}
	if c, ok := parseCode(q.Get("js_code")); ok {
		key := "login " + q.Get("appid") + " " + c.subject
		if w.calls.full(key, x.at, time.Minute, loginsAMinute) {
			return w.fail(45011)
		}
		w.calls.count(key, x.at)
		if w.s.people.get(c.subject).Risk {
			return w.fail(40226)
		}
	}
	code, _, err := w.s.codes.take(x, q.Get("js_code"), q.Get("appid"), "WX")
	if err != nil {
		return w.fail(codeError(err))
	}
	openID := openIDFor(x, q.Get("appid"), code.subject)
	key := SessionKey(q.Get("appid"), q.Get("js_code"))
	w.sessions[q.Get("appid")+" "+openID] = key
	out := object{"openid": openID, "session_key": key}
	if union := w.union(x, app, code.subject); union != "" {
		out["unionid"] = union
	}
	return w.ok(out)
}

// refusedIP words 40164 as WeChat does, with the caller's address.
func (w *wechat) refusedIP(remote string) answer {
	a := w.fail(40164)
	return reply(http.StatusOK, kindText, object{
		"errcode": 40164, "errmsg": fmt.Sprintf("invalid ip %s, not in whitelist, rid: %s", remote, dashed(w.s.requestID(), 8, 8, 8)),
	}).as(a.verdict)
}
