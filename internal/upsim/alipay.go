package upsim

import (
	"crypto"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

const alipayTokenLife = 365 * 24 * time.Hour

// alipay is Alipay's sign-in. Every call is signed with the app's key and every answer
// with Alipay's; there is no secret. https://opendocs.alipay.com/open/02ailc
type alipay struct {
	s      *Server
	grants grants
}

func newAlipay(s *Server) vendor {
	a := &alipay{s: s}
	a.reset()
	return vendor{
		name: "alipay",
		routes: map[string]endpoint{
			"/alipay/oauth2/publicAppAuthorize.htm": a.authorize,
			"/alipay/gateway.do":                    a.gateway,
			"/alipay/":                              notFound,
		},
		refuse: func(x *exchange, code string) answer { return a.fail(x, "40004", code, "refused") },
		codes:  map[string]string{"RATE": "isp.call-limited", "BUSY": "isp.unknow-error"},
		flags:  []string{"BADSIGN", "NOSIGN"},
		reset:  a.reset,
	}
}

func (a *alipay) reset() {
	a.grants = newGrants("alipay")
	a.s.social["alipay"] = &a.grants
}

// alipayIdentity is the open_id of a person, or the older user_id. An app has one of them.
func alipayIdentity(userID bool, app, subject string) string {
	if userID {
		return "2088" + numberOf("alipay:"+subject, 12)
	}
	return hexOf("alipay:"+app+":"+subject, 40)
}

func (a *alipay) authorize(x *exchange) answer {
	q := x.query
	app, ok := a.s.accounts.Alipay[q.Get("app_id")]
	if !ok {
		return pageError(x, "invalid-app-id", "app_id")
	}
	back, ok := app.backTo(q.Get("redirect_uri"))
	switch {
	case !ok:
		return pageError(x, "redirect-uri-mismatch", "redirect_uri")
	case q.Get("scope") != "auth_user" && q.Get("scope") != "auth_base":
		return pageError(x, "invalid-scope", "scope")
	}
	return a.s.visit(x, visit{
		title: nameOr(app.Name, q.Get("app_id")), vendor: "Alipay", client: q.Get("app_id"), scope: q.Get("scope"), kind: "AL", back: back,
		refused: func() []string {
			return []string{"error_scope", q.Get("scope"), "app_id", q.Get("app_id"), "state", q.Get("state")}
		},
		agreed: func(_, code string) []string {
			return []string{"app_id", q.Get("app_id"), "source", "alipay_wallet", "scope", q.Get("scope"), "auth_code", code, "state", q.Get("state")}
		},
	})
}

// stringToSign sorts everything that has a value, and leaves out the signature.
func stringToSign(all url.Values) string {
	var pairs []string
	for name, values := range all {
		if name != "sign" && values[0] != "" {
			pairs = append(pairs, name+"="+values[0])
		}
	}
	slices.Sort(pairs)
	return strings.Join(pairs, "&")
}

// signed reports whether an app signed its parameters with SHA256withRSA.
func (a *alipay) signed(app AlipayApp, all url.Values) bool {
	key, ok := readPublic(app.PublicKey).(*rsa.PublicKey)
	signature, err := base64.StdEncoding.DecodeString(all.Get("sign"))
	return ok && err == nil && rsa.VerifyPKCS1v15(key, crypto.SHA256, sha256Of(stringToSign(all)), signature) == nil
}

func (a *alipay) gateway(x *exchange) answer {
	x.action = x.param("method")
	all := url.Values{}
	for _, from := range []url.Values{x.query, x.form} {
		for name, values := range from {
			if len(values) != 1 || all.Has(name) {
				return a.fail(x, "40002", "isv.invalid-parameter", "bad_request")
			}
			all[name] = values
		}
	}
	app, known := a.s.accounts.Alipay[all.Get("app_id")]
	_, badTime := time.Parse(time.DateTime, all.Get("timestamp"))
	switch {
	case all.Get("method") == "":
		return a.fail(x, "40001", "isv.missing-method", "bad_request")
	case !known:
		return a.fail(x, "40002", "isv.invalid-app-id", "unknown_app")
	case all.Get("sign") == "":
		return a.fail(x, "40001", "isv.missing-signature", "bad_auth")
	case all.Get("sign_type") != "RSA2":
		return a.fail(x, "40002", "isv.invalid-signature-type", "bad_auth")
	case all.Get("version") != "1.0":
		return a.fail(x, "40001", "isv.missing-version", "bad_request")
	case !strings.EqualFold(all.Get("charset"), "utf-8"):
		return a.fail(x, "40002", "isv.invalid-charset", "bad_request")
	case badTime != nil:
		return a.fail(x, "40002", "isv.invalid-timestamp", "bad_request")
	case !a.signed(app, all):
		return a.fail(x, "40002", "isv.invalid-signature", "sig_mismatch")
	}
	switch all.Get("method") {
	case "alipay.system.oauth.token":
		return a.token(x, app, all)
	case "alipay.user.info.share":
		return a.share(x, app, all)
	}
	return a.fail(x, "40002", "isv.invalid-method", "unknown_action")
}

func (a *alipay) token(x *exchange, app AlipayApp, all url.Values) answer {
	if all.Get("grant_type") != "authorization_code" {
		return a.fail(x, "40002", "isv.grant-type-invalid", "bad_request")
	}
	id := all.Get("app_id")
	code, record, err := a.s.codes.take(x, all.Get("code"), id, "AL")
	if err != nil {
		verdict := "bad_code"
		if errors.Is(err, errCodeUsed) {
			verdict = "replay"
		}
		return a.fail(x, "40002", "isv.code-invalid", verdict)
	}
	scope := nameOr(record.scope, "auth_user")
	g := grant{client: id, subject: code.subject, scope: scope, flags: x.flags, expires: x.at.Add(alipayTokenLife)}
	out := object{
		"access_token": a.grants.issue(accessToken, g), "refresh_token": a.grants.issue(refreshToken, g), "auth_start": x.at.UTC().Format(time.DateTime),
		"expires_in": int(alipayTokenLife / time.Second), "re_expires_in": int(alipayTokenLife / time.Second),
		// Obsolete, and of another kind than the other ids: who takes it mixes people up.
		"alipay_user_id": "2088" + hexOf("alipay old:"+code.subject, 28),
	}
	a.identify(out, app, id, code.subject)
	return a.say(x, "alipay_system_oauth_token_response", out)
}

func (a *alipay) identify(out object, app AlipayApp, id, subject string) {
	name := "open_id"
	if app.UserID {
		name = "user_id"
	}
	out[name] = alipayIdentity(app.UserID, id, subject)
}

func (a *alipay) share(x *exchange, app AlipayApp, all url.Values) answer {
	g, err := a.grants.check(accessToken, all.Get("auth_token"), x.at)
	switch {
	case err != nil || g.client != all.Get("app_id"):
		return a.fail(x, "20001", "aop.invalid-auth-token", "bad_token")
	case g.scope != "auth_user":
		return a.fail(x, "40006", "isv.insufficient-user-permissions", "scope")
	}
	u := a.s.people.get(g.subject)
	out := object{"code": "10000", "msg": "Success", "nick_name": u.Nickname, "avatar": u.Avatar}
	a.identify(out, app, g.client, g.subject)
	return a.say(x, "alipay_user_info_share_response", out)
}

func (a *alipay) fail(x *exchange, code, sub, verdict string) answer {
	return a.say(x, "error_response", object{"code": code, "msg": "simulated", "sub_code": sub, "sub_msg": "simulated: " + sub}).as(verdict)
}

// say signs the text of the answer as it stands between its name and the next comma, so
// that whoever parses it first and writes it again fails.
func (a *alipay) say(x *exchange, name string, v object) answer {
	text, err := json.Marshal(v)
	if err != nil {
		return fault(http.StatusInternalServerError, kindText, []byte(err.Error()))
	}
	key := a.s.keys.rsa[alipayOwn]
	if x.flags.has("BADSIGN") {
		key = a.s.keys.rsa[0]
	}
	signature, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sha256Of(string(text)))
	if err != nil {
		return fault(http.StatusInternalServerError, kindText, []byte(err.Error()))
	}
	body := `{"` + name + `":` + string(text)
	if !x.flags.has("NOSIGN") {
		body += `,"sign":"` + base64.StdEncoding.EncodeToString(signature) + `"`
	}
	return answer{status: http.StatusOK, kind: "text/html;charset=utf-8", body: []byte(body + "}")}
}
