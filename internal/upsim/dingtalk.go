package upsim

import (
	"crypto/hmac"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"time"
)

const dingTalkTokenLife = 2 * time.Hour

// dingTalk is DingTalk's sign-in, whose names are camel case and whose token travels in
// a header of its own. https://open.dingtalk.com/document/orgapp/tutorial-obtaining-user-personal-information
type dingTalk struct {
	s      *Server
	grants grants
}

func newDingTalk(s *Server) vendor {
	d := &dingTalk{s: s}
	d.reset()
	return vendor{
		name: "dingtalk",
		routes: map[string]endpoint{
			"/dingtalk/oauth2/auth":                 d.authorize,
			"/dingtalk/v1.0/oauth2/userAccessToken": d.token,
			"/dingtalk/v1.0/contact/users/me":       d.me,
			"/dingtalk/sns/getuserinfo_bycode":      d.byCode,
			"/dingtalk/":                            notFound,
		},
		refuse: func(_ *exchange, code string) answer { return d.fail(http.StatusBadRequest, code, "refused") },
		codes:  map[string]string{"RATE": "Throttling.Api", "BUSY": "ServiceUnavailable"},
		flags:  []string{"VISITOR"},
		reset:  d.reset,
	}
}

func (d *dingTalk) reset() {
	d.grants = newGrants("dingtalk")
	d.s.social["dingtalk"] = &d.grants
}

func dingTalkUnionID(group, subject string) string {
	return base64.RawStdEncoding.EncodeToString(sha256Of("dingtalk union:" + group + ":" + subject)[:15]) + "iEiE"
}

func (d *dingTalk) fail(status int, code, verdict string) answer {
	return reply(status, kindJSON, object{
		"code": code, "message": "simulated: " + code, "requestid": strings.ToUpper(dashed(d.s.requestID(), 8, 4, 4, 4, 12)),
	}).as(verdict)
}

func (d *dingTalk) authorize(x *exchange) answer {
	q := x.query
	app, ok := d.s.accounts.DingTalk[q.Get("client_id")]
	if !ok {
		return pageError(x, "400002", "client_id")
	}
	back, ok := app.backTo(q.Get("redirect_uri"))
	switch {
	case !ok:
		return pageError(x, "400003", "redirect_uri")
	case q.Get("response_type") != "code":
		return pageError(x, "400004", "response_type")
	case !contains(strings.Fields(q.Get("scope")), "openid"):
		return pageError(x, "400005", "scope")
	case q.Get("prompt") != "consent":
		return pageError(x, "400006", "prompt")
	}
	return d.s.visit(x, visit{
		title: nameOr(app.Name, q.Get("client_id")), vendor: "DingTalk", client: q.Get("client_id"), scope: q.Get("scope"), kind: "DT", back: back,
		refused: func() []string { return []string{"error", "access_denied", "state", q.Get("state")} },
		agreed: func(_, code string) []string {
			return []string{"authCode", code, "code", code, "state", q.Get("state")}
		},
	})
}

func (d *dingTalk) token(x *exchange) answer {
	id := x.text("clientId")
	app, ok := d.s.accounts.DingTalk[id]
	switch {
	case x.req.Method != http.MethodPost || x.json == nil:
		return d.fail(http.StatusBadRequest, "invalidParameter", "bad_request")
	case !ok || x.text("clientSecret") != app.Secret:
		return d.fail(http.StatusBadRequest, "invalidClientIdOrSecret", "bad_auth")
	case x.text("grantType") != "authorization_code":
		return d.fail(http.StatusBadRequest, "invalidParameter.grantType", "bad_request")
	}
	code, record, err := d.s.codes.take(x, x.text("code"), id, "DT")
	switch {
	case errors.Is(err, errCodeUsed):
		return d.fail(http.StatusBadRequest, "invalidParameter.authCode.notFound", "replay")
	case err != nil:
		return d.fail(http.StatusBadRequest, "invalidParameter.authCode.notFound", "bad_code")
	}
	g := grant{client: id, subject: code.subject, scope: record.scope, flags: x.flags, expires: x.at.Add(dingTalkTokenLife)}
	out := object{"accessToken": d.grants.issue(accessToken, g), "expireIn": int(dingTalkTokenLife / time.Second)}
	g.expires = x.at.Add(refreshTokenLife)
	out["refreshToken"] = d.grants.issue(refreshToken, g)
	if contains(strings.Fields(record.scope), "corpid") {
		out["corpId"] = "ding" + hexOf("corp:"+code.subject, 32)
	}
	return reply(http.StatusOK, kindJSON, out)
}

func (d *dingTalk) me(x *exchange) answer {
	g, err := d.grants.check(accessToken, x.req.Header.Get("x-acs-dingtalk-access-token"), x.at)
	if err != nil {
		return d.fail(http.StatusUnauthorized, "InvalidAuthentication", "bad_token")
	}
	u := d.s.people.get(g.subject)
	out := object{
		"nick": u.Nickname, "avatarUrl": u.Avatar, "openId": hexOf("dingtalk open:"+g.client+":"+g.subject, 26),
		"unionId": dingTalkUnionID(d.s.accounts.DingTalk[g.client].Group, g.subject),
	}
	if u.Phone != "" {
		out["mobile"], out["stateCode"] = u.Phone, u.CountryCode
	}
	if u.Email != "" {
		out["email"] = u.Email
	}
	if g.flags.has("VISITOR") || x.flags.has("VISITOR") {
		out["visitor"] = true
	}
	return reply(http.StatusOK, kindJSON, out)
}

// byCode is the older call, signed with the app's secret over the time.
func (d *dingTalk) byCode(x *exchange) answer {
	fail := func(code int, verdict string) answer {
		return reply(http.StatusOK, kindJSON, object{"errcode": code, "errmsg": "simulated"}).as(verdict)
	}
	q := x.query
	app, ok := d.s.accounts.DingTalk[q.Get("accessKey")]
	switch {
	case !ok:
		return fail(dingTalkUnknownKey, "unknown_app")
	case !hmac.Equal([]byte(dingTalkSignature(app.Secret, q.Get("timestamp"))), []byte(q.Get("signature"))):
		return fail(dingTalkBadSignature, "sig_mismatch")
	case x.req.Method != http.MethodPost || x.text("tmp_auth_code") == "":
		return fail(dingTalkBadCode, "bad_request")
	}
	code, _, err := d.s.codes.take(x, x.text("tmp_auth_code"), q.Get("accessKey"), "DT")
	if err != nil {
		return fail(dingTalkBadCode, "bad_code")
	}
	return reply(http.StatusOK, kindJSON, object{"errcode": 0, "errmsg": "ok", "user_info": object{
		"nick": d.s.people.get(code.subject).Nickname, "openid": hexOf("dingtalk open:"+q.Get("accessKey")+":"+code.subject, 26),
		"unionid": dingTalkUnionID(app.Group, code.subject), "main_org_auth_high_level": false,
	}})
}

// Errors of the older call; the first two are not in the vendor's list, which names none.
const (
	dingTalkUnknownKey   = 40013
	dingTalkBadSignature = 853004
	dingTalkBadCode      = 40078
)

func dingTalkSignature(secret, timestamp string) string {
	return base64.StdEncoding.EncodeToString(hmacSHA256([]byte(secret), timestamp))
}
