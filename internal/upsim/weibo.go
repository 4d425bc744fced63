package upsim

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"
)

const weiboTokenLife = 5 * 24 * time.Hour

// weibo is Sina Weibo. https://open.weibo.com/wiki/
type weibo struct {
	s      *Server
	asks   asks
	grants grants
}

func newWeibo(s *Server) vendor {
	w := &weibo{s: s}
	w.reset()
	return vendor{
		name: "weibo",
		routes: map[string]endpoint{
			"/weibo/oauth2/authorize":      w.authorize,
			"/weibo/oauth2/access_token":   w.token,
			"/weibo/oauth2/get_token_info": w.tokenInfo,
			"/weibo/2/users/show.json":     w.show,
			"/weibo/":                      notFound,
		},
		refuse: func(x *exchange, code string) answer {
			n, err := strconv.Atoi(code)
			if err != nil {
				n = weiboBadRequest
			}
			return w.fail(x, n)
		},
		codes: map[string]string{"RATE": "10023", "BUSY": "10010"},
		flags: []string{"FOREIGNKEY"},
		reset: w.reset,
	}
}

func (w *weibo) reset() {
	w.asks, w.grants = asks{}, newGrants("weibo")
	w.s.social["weibo"] = &w.grants
}

// Weibo's errors.
const (
	weiboRedirect   = 21322
	weiboBadRequest = 21323
	weiboBadClient  = 21324
	weiboBadGrant   = 21325
	weiboExpired    = 21327
	weiboBadToken   = 21332
)

func weiboID(subject string) string { return numberOf("weibo:"+subject, 10) }

func (w *weibo) fail(x *exchange, code int) answer {
	names := map[int][2]string{
		weiboRedirect: {"redirect_uri_mismatch", "bad_redirect"}, weiboBadRequest: {"invalid_request", "bad_request"},
		weiboBadClient: {"invalid_client", "bad_auth"}, weiboBadGrant: {"invalid_grant", "bad_code"},
		weiboExpired: {"expired_token", "expired"}, weiboBadToken: {"invalid_access_token", "bad_token"},
	}
	name, ok := names[code]
	if !ok {
		name = [2]string{"error", "error"}
	}
	path := x.req.URL.Path[len("/weibo"):]
	return reply(http.StatusBadRequest, kindJSON, object{
		"error": name[0], "error_code": code, "request": path, "error_uri": path, "error_description": "simulated: " + name[0],
	}).as(name[1])
}

func (w *weibo) authorize(x *exchange) answer {
	q := x.query
	app, ok := w.s.accounts.Weibo[q.Get("client_id")]
	if !ok {
		return pageError(x, strconv.Itoa(weiboBadClient), "client_id")
	}
	back, ok := app.backTo(q.Get("redirect_uri"))
	if !ok {
		return pageError(x, strconv.Itoa(weiboRedirect), "redirect_uri")
	}
	return w.s.visit(x, visit{
		title: nameOr(app.Name, q.Get("client_id")), vendor: "Weibo", client: q.Get("client_id"), scope: q.Get("scope"), kind: "WB", back: back,
		refused: func() []string {
			return []string{"error", "access_denied", "error_code", "21330", "state", q.Get("state")}
		},
		agreed: func(_, code string) []string {
			w.asks[code] = asked{redirect: q.Get("redirect_uri")}
			return []string{"code", code, "state", q.Get("state")}
		},
	})
}

func (w *weibo) token(x *exchange) answer {
	id, text := x.param("client_id"), x.param("code")
	app, ok := w.s.accounts.Weibo[id]
	switch {
	case x.req.Method != http.MethodPost || x.param("grant_type") != "authorization_code" || text == "":
		return w.fail(x, weiboBadRequest)
	case !ok || x.param("client_secret") != app.Secret:
		return w.fail(x, weiboBadClient)
	case x.param("redirect_uri") == "" || !w.asks.redirected(text, x.param("redirect_uri")):
		return w.fail(x, weiboRedirect)
	}
	code, _, err := w.s.codes.take(x, text, id, "WB")
	if err != nil {
		a := w.fail(x, weiboBadGrant)
		if errors.Is(err, errCodeUsed) {
			a.verdict = "replay"
		}
		return a
	}
	life := int(weiboTokenLife / time.Second)
	return reply(http.StatusOK, kindJSON, object{
		"access_token": w.grants.issue(accessToken, grant{client: id, subject: code.subject, flags: x.flags, expires: x.at.Add(weiboTokenLife)}),
		"expires_in":   life, "remind_in": strconv.Itoa(life), "uid": weiboID(code.subject), "isRealName": "true",
	})
}

// check finds whose token it is; an answer with a status refuses.
func (w *weibo) check(x *exchange) (grant, answer) {
	token := x.param("access_token")
	if token == "" {
		token = bearer(x)
	}
	g, err := w.grants.check(accessToken, token, x.at)
	switch {
	case errors.Is(err, errTokenExpired):
		return g, w.fail(x, weiboExpired)
	case err != nil:
		return g, w.fail(x, weiboBadToken)
	}
	return g, answer{}
}

// tokenInfo tells whose token it is and which app's, the only way to tell a token that
// another app's user was talked into giving.
func (w *weibo) tokenInfo(x *exchange) answer {
	if x.req.Method != http.MethodPost {
		return w.fail(x, weiboBadRequest)
	}
	g, refusal := w.check(x)
	if refusal.status != 0 {
		return refusal
	}
	key := g.client
	if x.flags.has("FOREIGNKEY") || g.flags.has("FOREIGNKEY") {
		key = "9999999999"
	}
	return reply(http.StatusOK, kindJSON, object{
		"uid": json.Number(weiboID(g.subject)), "appkey": key, "scope": nil,
		"create_at": x.at.Unix(), "expire_in": seconds(g.expires, x.at),
	})
}

func (w *weibo) show(x *exchange) answer {
	g, refusal := w.check(x)
	switch {
	case refusal.status != 0:
		return refusal
	case x.query.Get("uid") == "" && x.query.Get("screen_name") == "":
		return w.fail(x, weiboBadRequest)
	}
	uid := x.query.Get("uid")
	if uid != weiboID(g.subject) {
		return reply(http.StatusBadRequest, kindJSON, object{"error": "User does not exists!", "error_code": 20003, "request": "/2/users/show.json"}).as("wrong_openid")
	}
	u := w.s.people.get(g.subject)
	return reply(http.StatusOK, kindJSON, object{
		"id": json.Number(uid), "idstr": uid, "screen_name": u.Nickname, "name": u.Nickname, "gender": "n",
		"profile_image_url": u.Avatar, "avatar_large": u.Avatar, "avatar_hd": u.Avatar,
	})
}
