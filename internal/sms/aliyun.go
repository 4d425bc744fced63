package sms

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/tigertally/tigertally/internal/contact"
	"github.com/tigertally/tigertally/internal/driver"
)

const (
	aliyunName    = "aliyun"
	aliyunBase    = "https://dysmsapi.aliyuncs.com"
	aliyunVersion = "2017-05-25"
)

func aliyunOptions() []driver.Option {
	return append([]driver.Option{
		{Name: "access_key_id", Doc: "AccessKey ID.", Required: true},
		{Name: "access_key_secret", Doc: "AccessKey secret.", Required: true, Secret: true},
		{Name: "sign_name", Doc: "Approved signature without its brackets.", Required: true},
		baseOption(aliyunBase), allowOption(),
	}, templateOptions()...)
}

// aliyun sends with Aliyun's SMS service.
// https://help.aliyun.com/zh/sms/developer-reference/api-dysmsapi-2017-05-25-sendsms
type aliyun struct {
	base, signName string

	key       driver.AliyunKey
	templates templates
	now       func() time.Time
	client    *http.Client
}

func newAliyun(set map[string]string, now func() time.Time) (Driver, error) {
	a := &aliyun{
		base: baseOf(set, aliyunBase), signName: set["sign_name"], now: now,
		key: driver.AliyunKey{ID: set["access_key_id"], Secret: set["access_key_secret"]},
	}
	var err error
	if a.templates, err = parseTemplates(set["templates"]); err != nil {
		return nil, fmt.Errorf("sms %s: %w", aliyunName, err)
	}
	if a.client, err = driver.Fixed(a.base, set["allow"], callTimeout, now); err != nil {
		return nil, fmt.Errorf("sms %s base %w", aliyunName, err)
	}
	return a, nil
}

// Send asks for one message to one number.
func (a *aliyun) Send(ctx context.Context, m Message) (driver.Receipt, error) {
	req, err := a.request(ctx, m)
	if err != nil {
		return driver.Receipt{}, unsent(aliyunName, err)
	}
	answer, err := driver.Do(a.client, req)
	if err != nil {
		return driver.Receipt{}, driver.Unanswered(aliyunName, err)
	}
	return readAliyun(answer)
}

func (a *aliyun) request(ctx context.Context, m Message) (*http.Request, error) {
	filled, err := a.templates.fill(m)
	if err != nil {
		return nil, err
	}
	// The values must be texts, a code of digits too.
	named := make(map[string]string, len(filled.names))
	for i, name := range filled.names {
		named[name] = filled.values[i]
	}
	params, err := json.Marshal(named)
	if err != nil {
		return nil, fmt.Errorf("encoding a text message: %w", err)
	}
	query := driver.AliyunQuery(url.Values{
		"PhoneNumbers": {aliyunNumber(m.To)}, "SignName": {a.signName}, "OutId": {m.ID},
		"TemplateCode": {filled.id}, "TemplateParam": {string(params)},
	})
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, a.base+"/?"+query, http.NoBody)
	if err != nil {
		return nil, err
	}
	a.key.Sign(req, nil, driver.AliyunCall{Action: "SendSms", Version: aliyunVersion, At: a.now()})
	return req, nil
}

// aliyunNumber is a number as they write it: bare at home, without the plus abroad.
func aliyunNumber(e164 string) string {
	country, national := contact.SplitPhone(e164)
	if country == mainland {
		return national
	}
	return strings.TrimPrefix(e164, "+")
}

// readAliyun reads both forms: a business refusal has status 200, a refused key has not.
func readAliyun(answer driver.Answer) (driver.Receipt, error) {
	var a struct{ Code, BizID string }
	if err := json.Unmarshal(answer.Body, &a); err != nil || a.Code == "" {
		return driver.Receipt{}, driver.Garbled(aliyunName, answer.Status)
	}
	if a.Code == "OK" && answer.Status == http.StatusOK {
		return driver.Receipt{Driver: aliyunName, VendorID: a.BizID}, nil
	}
	class := classOf(a.Code, aliyunClasses())
	maybe := class == driver.Unavailable
	return driver.Receipt{}, &driver.Failure{Vendor: aliyunName, Class: class, Code: a.Code, Maybe: maybe}
}

func aliyunClasses() map[string]driver.Class {
	return map[string]driver.Class{
		"isv.BUSINESS_LIMIT_CONTROL":        driver.RateLimited,
		"isv.DAY_LIMIT_CONTROL":             driver.Exhausted,
		"isv.MONTH_LIMIT_CONTROL":           driver.Exhausted,
		"isv.AMOUNT_NOT_ENOUGH":             driver.Exhausted,
		"isv.OUT_OF_SERVICE":                driver.Exhausted,
		"Throttling":                        driver.Exhausted,
		"isv.MOBILE_NUMBER_ILLEGAL":         driver.BadAddress,
		"isv.MOBILE_COUNT_OVER_LIMIT":       driver.BadAddress,
		"isv.BLACK_KEY_CONTROL_LIMIT":       driver.BadAddress,
		"isv.DOMESTIC_NUMBER_NOT_SUPPORTED": driver.NoRoute,
		"isv.":                              driver.Misconfigured,
		"isp.RAM_PERMISSION_DENY":           driver.Misconfigured,
		"isp.":                              driver.Unavailable,
		"SignatureDoesNotMatch":             driver.Misconfigured,
		"SignatureNonceUsed":                driver.Misconfigured,
		"InvalidAccessKeyId":                driver.Misconfigured,
		"InvalidTimeStamp":                  driver.Misconfigured,
		"InvalidParameter":                  driver.Misconfigured,
		"InvalidAction":                     driver.Misconfigured,
		"InvalidVersion":                    driver.Misconfigured,
		"IncompleteSignature":               driver.Misconfigured,
		"MissingParameter":                  driver.Misconfigured,
		"Missing":                           driver.Misconfigured,
		"Forbidden":                         driver.Misconfigured,
		"NoPermission":                      driver.Misconfigured,
	}
}
