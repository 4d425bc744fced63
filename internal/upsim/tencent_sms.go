package upsim

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	tencentMostNumbers = 200
	tencentLongest     = 12 // characters of a parameter
)

var (
	tencentForeign = regexp.MustCompile(`^(?:\+|00)([1-9][0-9]{6,14})$`)
	codeParameter  = regexp.MustCompile(`^[0-9]{0,6}$`)
)

// sendSMS is SendSms of 2021-01-11.
func (t *tencent) sendSMS(x *exchange, account TencentAccount) (object, string) {
	numbers, ok := texts(x.json["PhoneNumberSet"])
	switch {
	case !ok || len(numbers) == 0:
		return nil, "MissingParameter"
	case len(numbers) > tencentMostNumbers:
		return nil, "LimitExceeded.PhoneNumberCountLimit"
	case !slices.Contains(account.Apps, x.text("SmsSdkAppId")):
		return nil, "InvalidParameterValue.SdkAppIdNotExist"
	}
	params, ok := texts(x.json["TemplateParamSet"])
	if !ok && x.json["TemplateParamSet"] != nil {
		return nil, "InvalidParameter"
	}
	domestic := 0
	for _, n := range numbers {
		if _, ok := mainlandNumber(n); ok {
			domestic++
		}
	}
	if domestic > 0 && domestic < len(numbers) {
		return nil, "UnsupportedOperation.ContainDomesticAndInternationalPhoneNumber"
	}
	statuses := []object{}
	for _, n := range numbers {
		statuses = append(statuses, t.sendOne(x, account, n, params, domestic == 0))
	}
	return object{"SendStatusSet": statuses}, ""
}

// texts reads a JSON array of strings.
func texts(v any) ([]string, bool) {
	list, ok := v.([]any)
	if !ok {
		return nil, false
	}
	all := make([]string, 0, len(list))
	for _, item := range list {
		text, ok := item.(string)
		if !ok {
			return nil, false
		}
		all = append(all, text)
	}
	return all, true
}

// sendOne sends to one number. What is wrong is told in its status, not as an error.
func (t *tencent) sendOne(x *exchange, account TencentAccount, number string, params []string, foreign bool) object {
	status := object{
		"SerialNo": "", "PhoneNumber": number, "Fee": 0, "SessionContext": x.text("SessionContext"), "IsoCode": "",
	}
	e164, iso := "", "CN"
	if national, ok := mainlandNumber(number); ok {
		e164 = "+86" + national
	} else if m := tencentForeign.FindStringSubmatch(number); m != nil && foreign && !strings.HasPrefix(m[1], "86") {
		e164, iso = "+"+m[1], ""
	}
	code := t.judge(x, account, e164, params, foreign)
	if code != "" {
		status["Code"], status["Message"] = code, "simulated: "+code
		return status
	}
	serial := strconv.Itoa(len(t.s.inbox.sms)+1) + ":" + strconv.FormatInt(x.at.UnixNano(), 10)
	values := make(map[string]string)
	for i, p := range params {
		values[strconv.Itoa(i+1)] = p
	}
	t.s.receive(SMS{
		Vendor: "tencent", ToRaw: number, To: e164, SignName: x.text("SignName"), Template: x.text("TemplateId"), Params: params,
		Text: signedText(x.text("SignName"), fill(account.Templates[x.text("TemplateId")].Text, values)), Provider: serial,
		Context: x.text("SessionContext"), callback: account.Callback,
	})
	if account.Limits {
		t.sent.count(e164, x.at)
	}
	status["SerialNo"], status["Fee"], status["Code"], status["Message"], status["IsoCode"] = serial, 1, "Ok", "send success", iso
	return status
}

// signedText puts the sender's name before a text, as a phone shows it.
func signedText(sign, text string) string {
	if sign == "" {
		return text
	}
	return fmt.Sprintf("[%s] %s", sign, text)
}

// judge returns why one message is not sent, "" if it is.
func (t *tencent) judge(x *exchange, account TencentAccount, e164 string, params []string, foreign bool) string {
	template, known := account.Templates[x.text("TemplateId")]
	switch {
	case e164 == "" || x.flags.has("NUMBER"):
		return "InvalidParameterValue.IncorrectPhoneNumber"
	case !foreign && !slices.Contains(account.Signs, x.text("SignName")):
		return "FailedOperation.SignatureIncorrectOrUnapproved"
	case !known || template.International != foreign:
		return "FailedOperation.TemplateIncorrectOrUnapproved"
	case len(holes(template.Text)) != len(params):
		return "FailedOperation.TemplateParamSetNotMatchApprovedTemplate"
	}
	for _, p := range params {
		switch {
		case template.Code && !codeParameter.MatchString(p):
			return "InvalidParameterValue.TemplateParameterFormatError"
		case utf8.RuneCountInString(p) > tencentLongest:
			return "InvalidParameterValue.TemplateParameterLengthLimit"
		case strings.Contains(p, "://"):
			return "InvalidParameterValue.ProhibitedUseUrlInTemplateParameter"
		}
	}
	if !account.Limits {
		return ""
	}
	switch {
	case t.sent.full(e164, x.at, 30*time.Second, 1):
		return "LimitExceeded.PhoneNumberThirtySecondLimit"
	case t.sent.full(e164, x.at, time.Hour, 5):
		return "LimitExceeded.PhoneNumberOneHourLimit"
	case t.sent.full(e164, x.at, 24*time.Hour, 10):
		return "LimitExceeded.PhoneNumberDailyLimit"
	}
	return ""
}
