package upsim

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// aliyunWords are the texts of limits, which callers read the window from.
//
//go:embed aliyun_words.json
var aliyunWords []byte

var aliyunForeign = regexp.MustCompile(`^\+?(?:00)?([1-9][0-9]{6,14})$`)

// sendSMS is SendSms of Dysmsapi.
func (a *aliyun) sendSMS(x *exchange, account AliyunAccount) object {
	raw := x.param("PhoneNumbers")
	if strings.Contains(raw, ",") {
		return a.business("isv.MOBILE_COUNT_OVER_LIMIT", "one number at a time here")
	}
	e164, foreign := aliyunNumber(raw)
	params, code := a.judge(x, account, e164, foreign)
	if code != "" {
		return a.business(code, "simulated: "+code)
	}
	sign := x.param("SignName")
	key := sign + " " + e164
	if account.Limits {
		if word := a.limited(key, x.at); word != "" {
			return a.business("isv.BUSINESS_LIMIT_CONTROL", word)
		}
		a.sent.count(key, x.at)
	}
	template := account.Templates[x.param("TemplateCode")].Text
	var ordered []string
	for _, name := range holes(template) {
		ordered = append(ordered, params[name])
	}
	id := fmt.Sprintf("%d^0", x.at.UnixNano()/1e3*100+int64(len(a.s.inbox.sms)%100))
	a.s.receive(SMS{
		Vendor: "aliyun", ToRaw: raw, To: e164, SignName: sign, Template: x.param("TemplateCode"), Params: ordered,
		Text: signedText(sign, fill(template, params)), Provider: id, Context: x.param("OutId"), callback: account.Callback,
	})
	out := a.business("OK", "OK")
	out["BizId"] = id
	return out
}

// aliyunNumber reads a number: of the mainland with or without its country code, of
// elsewhere with it.
func aliyunNumber(raw string) (e164 string, foreign bool) {
	if national, ok := mainlandNumber(raw); ok {
		return "+86" + national, false
	}
	m := aliyunForeign.FindStringSubmatch(raw)
	if m == nil || strings.HasPrefix(m[1], "86") || m[1][0] == '1' && len(m[1]) != 11 {
		return "", false // of ten digits that begin with 1, one is missing
	}
	return "+" + m[1], true
}

// judge returns the parameters of the template, or why the message is not sent.
func (a *aliyun) judge(x *exchange, account AliyunAccount, e164 string, foreign bool) (map[string]string, string) {
	template, known := account.Templates[x.param("TemplateCode")]
	switch {
	case e164 == "":
		return nil, "isv.MOBILE_NUMBER_ILLEGAL"
	case !slices.Contains(account.Signs, x.param("SignName")):
		return nil, "isv.SMS_SIGNATURE_ILLEGAL"
	case !known || template.International != foreign:
		return nil, "isv.SMS_TEMPLATE_ILLEGAL"
	}
	params := make(map[string]string)
	if text := x.param("TemplateParam"); text != "" && json.Unmarshal([]byte(text), &params) != nil {
		return nil, "isv.INVALID_JSON_PARAM" // values that are no strings too
	}
	for _, name := range holes(template.Text) {
		if _, ok := params[name]; !ok {
			return nil, "isv.TEMPLATE_MISSING_PARAMETERS"
		}
	}
	return params, ""
}

// limited names the window that has no room for one more message to a number.
func (a *aliyun) limited(key string, at time.Time) string {
	var words struct{ Minute, Hour, Day string }
	if err := json.Unmarshal(aliyunWords, &words); err != nil {
		return err.Error()
	}
	switch {
	case a.sent.full(key, at, time.Minute, 1):
		return words.Minute
	case a.sent.full(key, at, time.Hour, 5):
		return words.Hour
	case a.sent.full(key, at, 24*time.Hour, 10):
		return words.Day
	}
	return ""
}

// getMobile is GetMobile of Dypnsapi: the number of the phone that made the token.
func (a *aliyun) getMobile(x *exchange, _ AliyunAccount) object {
	phone, ok := a.phone(x, x.param("AccessToken"))
	if !ok {
		return a.business("isv.INVALID_ACCESS_TOKEN", "simulated: the token is unknown, expired or used")
	}
	out := a.business("OK", "OK")
	out["GetMobileResultDTO"] = object{"Mobile": phone}
	return out
}

// getPhoneWithToken is the same for a page of the web, whose number is at times a JSON number.
func (a *aliyun) getPhoneWithToken(x *exchange, _ AliyunAccount) object {
	phone, ok := a.phone(x, x.param("SpToken"))
	if !ok {
		return a.business("isv.INVALID_ACCESS_TOKEN", "simulated: the token is unknown, expired or used")
	}
	out := a.business("OK", "OK")
	out["Data"] = object{"Mobile": phone}
	if n, err := strconv.ParseInt(phone, 10, 64); err == nil && x.flags.has("MOBNUM") {
		out["Data"] = object{"Mobile": n}
	}
	return out
}

func (a *aliyun) phone(x *exchange, token string) (string, bool) {
	u, failed := a.s.oneTap(x, "aliyun", token, token)
	if failed != 0 || !u.mainland() {
		return "", false
	}
	if x.flags.has("EMPTYPHONE") {
		return "", true
	}
	return u.Phone, true
}
