package upsim

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"strconv"
	"time"
)

const (
	appTokenLife   = 2 * time.Hour
	tokenOverlap   = 5 * time.Minute // an old app token outlives its successor's birth by this
	tokensAMinute  = 10_000
	forcedADay     = 20
	forcedInterval = 30 * time.Second
	stableSeries   = ""
	legacySeries   = "L"
)

// stableToken gives the same token until its last five minutes.
func (w *wechat) stableToken(x *exchange) answer {
	if x.req.Method != http.MethodPost {
		return w.fail(43002)
	}
	if x.json == nil {
		return w.fail(47001)
	}
	id := x.text("appid")
	if a, ok := w.mayAsk(x, id, x.text("secret"), x.text("grant_type")); !ok {
		return a
	}
	if force, _ := x.json["force_refresh"].(bool); force {
		return w.forcedToken(x, id)
	}
	text, token := w.apps.newest(id, stableSeries)
	if token == nil || token.expires.Sub(x.at) <= tokenOverlap {
		text = w.apps.issue(id, stableSeries, x.at.Add(appTokenLife))
	}
	return w.appToken(x, text)
}

// forcedToken makes a new token at once, and the old one useless.
func (w *wechat) forcedToken(x *exchange, id string) answer {
	if w.forced.full(id, x.at, forcedInterval, 1) || w.forced.full(id, x.at, 24*time.Hour, forcedADay) {
		return w.fail(45009)
	}
	w.forced.count(id, x.at)
	old, _ := w.apps.newest(id, stableSeries)
	delete(w.apps.live, old)
	return w.appToken(x, w.apps.issue(id, stableSeries, x.at.Add(appTokenLife)))
}

// token gives a new token each time. The one before lives five minutes more.
func (w *wechat) token(x *exchange) answer {
	id := x.query.Get("appid")
	if x.req.Method != http.MethodGet {
		return w.fail(43001)
	}
	if a, ok := w.mayAsk(x, id, x.query.Get("secret"), x.query.Get("grant_type")); !ok {
		return a
	}
	if _, old := w.apps.newest(id, legacySeries); old != nil && old.expires.Sub(x.at) > tokenOverlap {
		old.expires = x.at.Add(tokenOverlap)
	}
	return w.appToken(x, w.apps.issue(id, legacySeries, x.at.Add(appTokenLife)))
}

// mayAsk checks who asks for an app token, and from where.
func (w *wechat) mayAsk(x *exchange, id, secret, grant string) (answer, bool) {
	app, failed := w.app(id, secret, "mp", "mini")
	switch {
	case failed != 0:
		return w.fail(failed), false
	case grant != "client_credential":
		return w.fail(40002), false
	case !allowedFrom(x.req.RemoteAddr, app.IPAllow):
		return w.refusedIP(x.req.RemoteAddr), false
	case w.calls.full("token "+id, x.at, time.Minute, tokensAMinute):
		return w.fail(45011), false
	}
	w.calls.count("token "+id, x.at)
	return answer{}, true
}

func (w *wechat) appToken(x *exchange, text string) answer {
	return w.ok(object{"access_token": text, "expires_in": seconds(w.apps.live[text].expires, x.at)})
}

// tokenError is WeChat's code for an app token that is no good.
func tokenError(err error) int {
	switch {
	case errors.Is(err, errTokenMissing):
		return 41001
	case errors.Is(err, errTokenExpired):
		return 42001
	}
	return 40001
}

func (w *wechat) phoneNumber(x *exchange) answer {
	if x.req.Method != http.MethodPost {
		return w.fail(43002)
	}
	id, err := w.apps.check(x.query.Get("access_token"), x.at)
	if err != nil {
		return w.fail(tokenError(err))
	}
	if x.json == nil {
		return w.fail(47001)
	}
	if w.s.accounts.WeChat[id].Kind != "mini" {
		return w.fail(48001)
	}
	text := x.text("code")
	code, _, err := w.s.codes.look(x, text, id, "WP")
	if err != nil {
		return w.fail(40029) // used ones too
	}
	// That a code of somebody else is 40003 is assumed: WeChat says only that it checks.
	if openID := x.text("openid"); openID != "" && openID != OpenID(id, code.subject) {
		return w.fail(40003)
	}
	u := w.s.people.get(code.subject)
	if x.flags.has("INTL") {
		u.CountryCode, u.Phone = "852", "51234567"
	}
	if u.Phone == "" {
		return w.fail(40029)
	}
	if _, _, err := w.s.codes.take(x, text, id, "WP"); err != nil {
		return w.fail(40029)
	}
	return w.ok(object{"errcode": 0, "errmsg": "ok", "phone_info": phoneInfo(x, id, u)})
}

func phoneInfo(x *exchange, appID string, u User) object {
	full, at := u.Phone, x.at
	if u.CountryCode != "86" {
		full = "+" + u.CountryCode + u.Phone
	}
	if x.flags.has("BADMARK") {
		appID = "wx0000000000000009"
	}
	if x.flags.has("OLDMARK") {
		at = at.Add(-time.Hour)
	}
	var country any = u.CountryCode
	if n, err := strconv.Atoi(u.CountryCode); err == nil && x.flags.has("CCNUM") {
		country = n
	}
	return object{
		"phoneNumber": full, "purePhoneNumber": u.Phone, "countryCode": country,
		"watermark": object{"timestamp": at.Unix(), "appid": appID},
	}
}

// checkSession verifies that the caller has the session key. Its base64 text, and not
// what it encodes, is the key of the signature.
func (w *wechat) checkSession(x *exchange) answer {
	id, err := w.apps.check(x.query.Get("access_token"), x.at)
	if err != nil {
		return w.fail(tokenError(err))
	}
	get := func(name string) string {
		if x.json != nil {
			return x.text(name)
		}
		return x.param(name)
	}
	key, ok := w.sessions[id+" "+get("openid")]
	switch {
	case !ok:
		return w.fail(40003)
	case get("sig_method") != "hmac_sha256", !hmac.Equal([]byte(get("signature")), []byte(sessionSignature(key, ""))):
		return w.fail(87009)
	}
	return w.ok(object{"errcode": 0, "errmsg": "ok"})
}

func sessionSignature(sessionKey, body string) string {
	h := hmac.New(sha256.New, []byte(sessionKey))
	h.Write([]byte(body))
	return hex.EncodeToString(h.Sum(nil))
}
