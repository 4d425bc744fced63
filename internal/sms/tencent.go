package sms

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/tigertally/tigertally/internal/driver"
)

const (
	tencentName    = "tencent"
	tencentBase    = "https://sms.tencentcloudapi.com"
	tencentVersion = "2021-01-11"
)

func tencentOptions() []driver.Option {
	return append([]driver.Option{
		{Name: "secret_id", Doc: "SecretId of the API key.", Required: true},
		{Name: "secret_key", Doc: "SecretKey of the API key.", Required: true, Secret: true},
		{Name: "app_id", Doc: "SdkAppId of the SMS application.", Required: true},
		{Name: "sign_name", Doc: "Approved signature without its brackets; needed for +86."},
		{Name: "sender_id", Doc: "Sender id for numbers outside +86, if you have one."},
		{Name: "region", Doc: "Empty: ap-guangzhou."},
		baseOption(tencentBase), allowOption(),
	}, templateOptions()...)
}

// tencent sends with Tencent Cloud SMS.
// https://cloud.tencent.com/document/product/382/55981
type tencent struct {
	base, appID, signName, senderID, region string

	key       driver.TencentKey
	templates templates
	now       func() time.Time
	client    *http.Client
}

func newTencent(set map[string]string, now func() time.Time) (Driver, error) {
	t := &tencent{
		base: baseOf(set, tencentBase), appID: set["app_id"], signName: set["sign_name"],
		senderID: set["sender_id"], region: set["region"], now: now,
		key: driver.TencentKey{ID: set["secret_id"], Secret: set["secret_key"]},
	}
	if t.region == "" {
		t.region = "ap-guangzhou"
	}
	var err error
	if t.templates, err = parseTemplates(set["templates"]); err != nil {
		return nil, fmt.Errorf("sms %s: %w", tencentName, err)
	}
	if t.client, err = driver.Fixed(t.base, set["allow"], callTimeout, now); err != nil {
		return nil, fmt.Errorf("sms %s base %w", tencentName, err)
	}
	return t, nil
}

type tencentSend struct {
	Phones   []string `json:"PhoneNumberSet"`
	AppID    string   `json:"SmsSdkAppId"`
	SignName string   `json:"SignName,omitempty"`
	Template string   `json:"TemplateId"`
	Params   []string `json:"TemplateParamSet"`
	Context  string   `json:"SessionContext,omitempty"`
	SenderID string   `json:"SenderId,omitempty"`
}

type tencentAnswer struct {
	Response *struct {
		Error *struct {
			Code string
		}
		SendStatusSet []struct {
			SerialNo string
			Fee      int
			Code     string
		}
	}
}

// Send asks for one message to one number.
func (t *tencent) Send(ctx context.Context, m Message) (driver.Receipt, error) {
	req, err := t.request(ctx, m)
	if err != nil {
		return driver.Receipt{}, unsent(tencentName, err)
	}
	answer, err := driver.Do(t.client, req)
	if err != nil {
		return driver.Receipt{}, driver.Unanswered(tencentName, err)
	}
	return readTencent(answer)
}

func (t *tencent) request(ctx context.Context, m Message) (*http.Request, error) {
	filled, err := t.templates.fill(m)
	if err != nil {
		return nil, err
	}
	send := tencentSend{
		Phones: []string{m.To}, AppID: t.appID, Template: filled.id, Params: filled.values, Context: m.ID,
	}
	if home(m.To) {
		send.SignName = t.signName
	} else {
		send.SenderID = t.senderID
	}
	if send.Params == nil {
		send.Params = []string{}
	}
	body, err := json.Marshal(send)
	if err != nil {
		return nil, fmt.Errorf("encoding a text message: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, t.base+"/", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("X-TC-Region", t.region)
	t.key.Sign(req, body, driver.TencentCall{Service: "sms", Action: "SendSms", Version: tencentVersion, At: t.now()})
	return req, nil
}

// readTencent trusts nothing but the code Ok, written so: an error has status 200 too.
func readTencent(answer driver.Answer) (driver.Receipt, error) {
	var a tencentAnswer
	if err := json.Unmarshal(answer.Body, &a); err != nil || a.Response == nil {
		return driver.Receipt{}, driver.Garbled(tencentName, answer.Status)
	}
	code := ""
	switch {
	case a.Response.Error != nil:
		code = a.Response.Error.Code
	case len(a.Response.SendStatusSet) == 1:
		s := a.Response.SendStatusSet[0]
		if s.Code == "Ok" {
			return driver.Receipt{Driver: tencentName, VendorID: s.SerialNo, Units: s.Fee}, nil
		}
		code = s.Code
	}
	if code == "" {
		return driver.Receipt{}, driver.Garbled(tencentName, answer.Status)
	}
	class := classOf(code, tencentClasses())
	// Of their own failure they cannot say whether it came before or after.
	maybe := class == driver.Unavailable
	return driver.Receipt{}, &driver.Failure{Vendor: tencentName, Class: class, Code: code, Maybe: maybe}
}

func tencentClasses() map[string]driver.Class {
	return map[string]driver.Class{
		"LimitExceeded.PhoneNumber":                                driver.RateLimited,
		"LimitExceeded.DeliveryFrequencyLimit":                     driver.RateLimited,
		"LimitExceeded":                                            driver.Exhausted,
		"RequestLimitExceeded":                                     driver.Exhausted,
		"FailedOperation.InsufficientBalanceInSmsPackage":          driver.Exhausted,
		"UnauthorizedOperation.SerivceSuspendDueToArrears":         driver.Exhausted,
		"InvalidParameterValue.IncorrectPhoneNumber":               driver.BadAddress,
		"FailedOperation.PhoneNumberInBlacklist":                   driver.BadAddress,
		"UnsupportedOperation.UnsuportedRegion":                    driver.NoRoute,
		"UnsupportedOperation":                                     driver.Misconfigured,
		"FailedOperation.SignatureIncorrectOrUnapproved":           driver.Misconfigured,
		"FailedOperation.TemplateIncorrectOrUnapproved":            driver.Misconfigured,
		"FailedOperation.ContainSensitiveWord":                     driver.Misconfigured,
		"FailedOperation.MissingSignature":                         driver.Misconfigured,
		"FailedOperation.TemplateParamSetNotMatchApprovedTemplate": driver.Misconfigured,
		"InvalidParameter":                                         driver.Misconfigured,
		"MissingParameter":                                         driver.Misconfigured,
		"UnknownParameter":                                         driver.Misconfigured,
		"UnauthorizedOperation":                                    driver.Misconfigured,
		"AuthFailure":                                              driver.Misconfigured,
		"InvalidAction":                                            driver.Misconfigured,
		"NoSuchVersion":                                            driver.Misconfigured,
		"UnsupportedRegion":                                        driver.Misconfigured,
	}
}
