package upsim

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
)

// Results of Tencent's captcha. https://cloud.tencent.com/document/api/1110/36926
const (
	captchaPassed    = 1
	captchaRandstr   = 7
	captchaExpired   = 8
	captchaReused    = 9
	captchaUnread    = 15
	captchaOtherApp  = 16
	captchaDifferent = 21
	captchaParams    = 100
)

const (
	captchaSliding = "9" // the only CaptchaType there is
	suspicious     = 100 // the EvilLevel of bad ones
)

// Randstr is what the widget of Tencent's captcha hands out with a ticket.
func Randstr(ticket string) string { return "@" + digest("randstr:" + ticket)[:3] }

func captchaMessage(code int) (text, verdict string) {
	all := map[int][2]string{
		captchaPassed: {"OK", verdictOK}, captchaRandstr: {"captcha no match", "bad_ticket"}, captchaExpired: {"ticket expired", "expired"},
		captchaReused: {"ticket reused", "replay"}, captchaUnread: {"decrypt fail", "bad_ticket"}, captchaOtherApp: {"appid ticket mismatch", "bad_ticket"},
		captchaDifferent: {"ticket different", "bad_ticket"}, captchaParams: {"param err", "bad_auth"},
	}
	return all[code][0], all[code][1]
}

// describeCaptcha is DescribeCaptchaResult of 2019-07-22. A bad ticket is no error of
// the call but a code in its answer.
func (t *tencent) describeCaptcha(x *exchange, _ TencentAccount) (object, string) {
	number := func(name string) string {
		n, _ := x.json[name].(json.Number)
		return n.String()
	}
	if number("CaptchaType") != captchaSliding || number("CaptchaAppId") == "" || x.text("UserIp") == "" {
		return nil, "InvalidParameterValue"
	}
	code := t.judgeTicket(x, number("CaptchaAppId"))
	message, _ := captchaMessage(code)
	out := object{"CaptchaCode": code, "CaptchaMsg": message, "EvilLevel": 0, "GetCaptchaTime": 0, "EvilBitmap": nil, "SubmitCaptchaTime": x.at.Unix()}
	if x.flags.has("EVIL") {
		out["EvilLevel"] = suspicious
	}
	return out, ""
}

func (t *tencent) judgeTicket(x *exchange, id string) int {
	app, ok := t.s.accounts.TencentCaptcha[id]
	ticket := x.text("Ticket")
	switch {
	case !ok || x.text("AppSecretKey") != app.Secret || ticket == "" || x.text("Randstr") == "":
		return captchaParams
	case strings.HasPrefix(ticket, "trerror_"):
		return captchaDifferent // made by a client that could not reach the widget
	case x.text("Randstr") != Randstr(ticket):
		return captchaRandstr
	}
	if _, ok := parseCode(ticket); !ok {
		return captchaUnread
	}
	_, _, err := t.s.codes.take(x, ticket, id, "CT")
	switch {
	case errors.Is(err, errCodeUsed):
		return captchaReused
	case errors.Is(err, errCodeExpired):
		return captchaExpired
	case err != nil:
		return captchaOtherApp
	}
	return captchaPassed
}

// CaptchaParam is what the widget of Aliyun's captcha hands out with a ticket. A server
// passes it on as it is.
func CaptchaParam(scene, ticket string) string {
	return `{"sceneId":"` + scene + `","certifyId":"` + ticket + `","deviceToken":"` +
		base64.StdEncoding.EncodeToString([]byte("sim:"+ticket)) + `","data":"` + digest("data:" + ticket)[:16] + `"}`
}

// verifyCaptcha is VerifyIntelligentCaptcha of 2023-03-05.
func (a *aliyun) verifyCaptcha(x *exchange, _ AliyunAccount) object {
	code := a.judgeTicket(x, x.param("SceneId"), x.param("CaptchaVerifyParam"))
	out := a.business("Success", "success")
	out["Success"] = true
	out["Result"] = object{"VerifyResult": strings.HasPrefix(code, "T"), "VerifyCode": code}
	return out
}

func (a *aliyun) judgeTicket(x *exchange, id, param string) string {
	scene, ok := a.s.accounts.AliyunCaptcha[id]
	in := readObject([]byte(param))
	ticket, _ := in["certifyId"].(string)
	if c, ok := parseCode(ticket); ok { // inside a parameter, where nobody looked for its flags
		x.flags = append(x.flags, c.flags...)
	}
	switch {
	case param == "":
		return "F002"
	case in == nil || ticket == "" || !isCaptcha(ticket):
		return "F003"
	case !ok:
		return "F005"
	case in["sceneId"] != id:
		return "F012"
	case param != CaptchaParam(id, ticket):
		return "F003" // somebody parsed it and wrote it again
	case scene.TestMode == "pass":
		return "T005"
	case scene.TestMode == "fail":
		return "F004"
	case x.flags.has("RISK"):
		return "F001"
	}
	_, _, err := a.s.codes.take(x, ticket, id, "CT")
	switch {
	case errors.Is(err, errCodeUsed):
		return "F008"
	case errors.Is(err, errCodeExpired):
		return "F014"
	case err != nil:
		return "F012"
	}
	return "T001"
}

func isCaptcha(ticket string) bool {
	c, ok := parseCode(ticket)
	return ok && c.kind == "CT"
}
