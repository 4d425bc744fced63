package sms

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/tigertally/tigertally/internal/driver"
)

// Tester is a driver whose vendor can be asked, without a message, whether it knows the
// key. Vendors without such a call have none.
type Tester interface {
	// Test returns an error when the vendor does not answer or refuses the key. A key that
	// is known and may send only is right.
	Test(ctx context.Context) error
}

// Each calls fn with every driver of the router, in the order they are asked.
func (r *Router) Each(fn func(name string, d Driver)) {
	for _, name := range r.order {
		fn(name, r.drivers[name])
	}
}

// Test asks how many messages are left in packages.
// https://cloud.tencent.com/document/product/382/55970
func (t *tencent) Test(ctx context.Context) error {
	body, err := json.Marshal(map[string]any{"SmsSdkAppId": t.appID, "Limit": 1, "Offset": 0})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, t.base+"/", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("X-TC-Region", t.region)
	t.key.Sign(req, body, driver.TencentCall{Service: "sms", Action: "SmsPackagesStatistics", Version: tencentVersion, At: t.now()})
	answer, err := driver.Do(t.client, req)
	if err != nil {
		return err
	}
	var a tencentAnswer
	if err := json.Unmarshal(answer.Body, &a); err != nil || a.Response == nil {
		return driver.Garbled(tencentName, answer.Status)
	}
	if e := a.Response.Error; e != nil && strings.HasPrefix(e.Code, "AuthFailure") && e.Code != "AuthFailure.UnauthorizedOperation" {
		return refusedKey(tencentName, e.Code)
	}
	return nil
}

// Test asks for the list of signatures.
// https://help.aliyun.com/zh/sms/developer-reference/api-dysmsapi-2017-05-25-querysmssignlist
func (a *aliyun) Test(ctx context.Context) error {
	query := driver.AliyunQuery(url.Values{"PageIndex": {"1"}, "PageSize": {"1"}})
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, a.base+"/?"+query, http.NoBody)
	if err != nil {
		return err
	}
	a.key.Sign(req, nil, driver.AliyunCall{Action: "QuerySmsSignList", Version: aliyunVersion, At: a.now()})
	answer, err := driver.Do(a.client, req)
	if err != nil {
		return err
	}
	var said struct{ Code string }
	if err := json.Unmarshal(answer.Body, &said); err != nil {
		return driver.Garbled(aliyunName, answer.Status)
	}
	refused := []string{"InvalidAccessKeyId", "SignatureDoesNotMatch", "IncompleteSignature", "InvalidTimeStamp", "Forbidden.AccessKeyDisabled"}
	if slices.ContainsFunc(refused, func(code string) bool { return strings.HasPrefix(said.Code, code) }) {
		return refusedKey(aliyunName, said.Code)
	}
	return nil
}

// Test reads the account.
// https://www.twilio.com/docs/iam/api/account
func (t *twilio) Test(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(t.url, "/Messages.json")+".json", http.NoBody)
	if err != nil {
		return err
	}
	req.SetBasicAuth(t.sid, t.token)
	answer, err := driver.Do(t.client, req)
	switch {
	case err != nil:
		return err
	case answer.Status == http.StatusUnauthorized || answer.Status == http.StatusForbidden || answer.Status == http.StatusNotFound:
		return refusedKey(twilioName, fmt.Sprint(answer.Status))
	case answer.Status >= http.StatusInternalServerError:
		return driver.Garbled(twilioName, answer.Status)
	}
	return nil
}

func refusedKey(vendor, code string) error {
	return &driver.Failure{Vendor: vendor, Class: driver.Misconfigured, Code: code}
}
