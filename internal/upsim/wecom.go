package upsim

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

const ticketLife = 30 * time.Minute

// wecom is WeChat Work. https://developer.work.weixin.qq.com/document/
type wecom struct {
	s       *Server
	tokens  appTokens
	tickets map[string]weComTicket // user tickets
}

type weComTicket struct {
	corp, subject string
	expires       time.Time
}

func newWeCom(s *Server) vendor {
	w := &wecom{s: s}
	w.reset()
	const api, login = "/wecom-api", "/wecom-login"
	return vendor{
		name: "wecom",
		routes: map[string]endpoint{
			login + "/wwlogin/sso/login":        w.login,
			api + "/cgi-bin/gettoken":           w.getToken,
			api + "/cgi-bin/auth/getuserinfo":   w.userInfo("userid", "openid", "external_userid"),
			api + "/cgi-bin/user/getuserinfo":   w.userInfo("UserId", "OpenId", "external_userid"),
			api + "/cgi-bin/auth/getuserdetail": w.userDetail,
			api + "/cgi-bin/user/get":           w.user,
			api + "/":                           notFound,
			login + "/":                         notFound,
		},
		refuse: func(_ *exchange, code string) answer {
			n, err := strconv.Atoi(code)
			if err != nil {
				n = -1
			}
			return w.fail(n)
		},
		codes: map[string]string{"RATE": "45009", "BUSY": "-1"},
		flags: []string{"EXT"},
		reset: w.reset,
	}
}

func (w *wecom) reset() {
	*w = wecom{s: w.s, tokens: newAppTokens(), tickets: make(map[string]weComTicket)}
}

func (w *wecom) fail(code int) answer {
	text, verdict := wechatErrors(code)
	switch code {
	case 40001:
		text, verdict = "invalid credential", "wrong_secret"
	case 40014:
		text, verdict = "invalid access_token", "bad_token"
	case 50001:
		text, verdict = "redirect_uri is not trusted", "redirect"
	case 60020:
		text, verdict = "not allow to access from your ip", "ip_refused"
	case 60111:
		text, verdict = "userid not found", "unknown_user"
	}
	hint := "hint: [" + w.s.requestID()[:20] + "], more info at https://open.work.weixin.qq.com/devtool/query?e=" + strconv.Itoa(code)
	return reply(http.StatusOK, kindJSON, object{"errcode": code, "errmsg": text + ", " + hint}).as(verdict)
}

func (w *wecom) ok(o object) answer {
	o["errcode"], o["errmsg"] = 0, "ok"
	return reply(http.StatusOK, kindJSON, o)
}

// login is the page of a code that a member of the company scans.
func (w *wecom) login(x *exchange) answer {
	corp, known := w.s.accounts.WeCom[x.query.Get("appid")]
	switch {
	case x.query.Get("login_type") != "CorpApp":
		return pageError(x, "10005", "login_type")
	case !known:
		return pageError(x, "10016", "appid")
	case x.query.Get("agentid") != corp.AgentID:
		return pageError(x, "10016", "agentid")
	}
	return w.s.weComConsent(x)
}

// weComConsent serves the scan and the page inside the app alike.
func (s *Server) weComConsent(x *exchange) answer {
	corp := s.accounts.WeCom[x.query.Get("appid")]
	if back, err := url.Parse(x.query.Get("redirect_uri")); err != nil || !allowedHost(back.Host, back.Hostname(), corp.RedirectDomain) {
		return pageError(x, "50001", "redirect_uri")
	}
	return s.consent(x, consent{
		title: x.query.Get("appid"), vendor: "WeCom", owner: x.query.Get("appid"), scope: x.query.Get("scope"),
		kind: "WC", domains: corp.RedirectDomain,
	})
}

func (w *wecom) getToken(x *exchange) answer {
	id := x.query.Get("corpid")
	corp, known := w.s.accounts.WeCom[id]
	switch {
	case id == "":
		return w.fail(41002)
	case x.query.Get("corpsecret") == "":
		return w.fail(41004)
	case !known:
		return w.fail(40013)
	case x.query.Get("corpsecret") != corp.Secret:
		return w.fail(40001)
	case !allowedFrom(x.req.RemoteAddr, corp.IPAllow):
		return w.fail(60020)
	}
	text, token := w.tokens.newest(id, "")
	if token == nil || !x.at.Before(token.expires) {
		text = w.tokens.issue(id, "", x.at.Add(appTokenLife))
	}
	return w.ok(object{"access_token": text, "expires_in": seconds(w.tokens.live[text].expires, x.at)})
}

// company checks the token of a request.
func (w *wecom) company(x *exchange) (string, int) {
	id, err := w.tokens.check(x.query.Get("access_token"), x.at)
	switch {
	case errors.Is(err, errTokenMissing):
		return "", 41001
	case errors.Is(err, errTokenExpired):
		return "", 42001
	case err != nil:
		return "", 40014
	case !allowedFrom(x.req.RemoteAddr, w.s.accounts.WeCom[id].IPAllow):
		return "", 60020
	}
	return id, 0
}

// userInfo tells who a code is about. The two addresses differ in how they spell it.
func (w *wecom) userInfo(member, guest, external string) endpoint {
	return func(x *exchange) answer {
		id, failed := w.company(x)
		if failed != 0 {
			return w.fail(failed)
		}
		code, record, err := w.s.codes.take(x, x.query.Get("code"), id, "WC")
		if err != nil {
			return w.fail(40029) // used and expired ones too
		}
		if x.flags.has("EXT") {
			return w.ok(object{guest: OpenID(id, code.subject), external: "wm" + OpenID(id, code.subject)[1:]})
		}
		out := object{member: code.subject}
		if record.scope != "snsapi_base" {
			ticket := fmt.Sprintf("SIMTICKET-%s-%d", code.subject, len(w.tickets)+1)
			w.tickets[ticket] = weComTicket{id, code.subject, x.at.Add(ticketLife)}
			out["user_ticket"], out["expires_in"] = ticket, seconds(x.at.Add(ticketLife), x.at)
		}
		return w.ok(out)
	}
}

func (w *wecom) userDetail(x *exchange) answer {
	id, failed := w.company(x)
	if failed != 0 {
		return w.fail(failed)
	}
	if x.req.Method != http.MethodPost {
		return w.fail(43002)
	}
	t, ok := w.tickets[x.text("user_ticket")]
	if !ok || t.corp != id || !x.at.Before(t.expires) {
		return w.fail(40029)
	}
	u := w.s.people.get(t.subject)
	return w.ok(object{
		"userid": t.subject, "gender": "0", "avatar": u.Avatar, "qr_code": "", "mobile": u.Phone, "email": u.Email,
		"biz_mail": u.Email, "address": "",
	})
}

func (w *wecom) user(x *exchange) answer {
	if _, failed := w.company(x); failed != 0 {
		return w.fail(failed)
	}
	subject := x.query.Get("userid")
	if !isSubject(subject) {
		return w.fail(60111)
	}
	u := w.s.people.get(subject)
	return w.ok(object{
		"userid": subject, "name": u.Nickname, "department": []int{1}, "status": 1, "avatar": u.Avatar,
		"open_userid": "wo" + OpenID("corp", subject)[1:],
	})
}
