package sms_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/driver"
	"github.com/tigertally/tigertally/internal/sms"
)

// A vendor is asked something harmless: it must not be a message, and a key that is known
// but may send only is right.
func TestVendorsAreAskedWithoutAMessage(t *testing.T) {
	for _, c := range []struct {
		name, vendor string
		status       int
		body         string
		asked        string
		right        bool
	}{
		{"tencent takes the key", "tencent", 200, `{"Response":{"SmsPackagesStatisticsSet":[],"RequestId":"r"}}`, "SmsPackagesStatistics", true},
		{"tencent's key may send only", "tencent", 200, `{"Response":{"Error":{"Code":"AuthFailure.UnauthorizedOperation"}}}`, "SmsPackagesStatistics", true},
		{"tencent refuses the key", "tencent", 200, `{"Response":{"Error":{"Code":"AuthFailure.SecretIdNotFound"}}}`, "SmsPackagesStatistics", false},
		{"tencent makes no sense", "tencent", 502, `<html>`, "SmsPackagesStatistics", false},
		{"aliyun takes the key", "aliyun", 200, `{"Code":"OK","SmsSignList":[]}`, "QuerySmsSignList", true},
		{"aliyun's key may send only", "aliyun", 403, `{"Code":"NoPermission"}`, "QuerySmsSignList", true},
		{"aliyun refuses the key", "aliyun", 400, `{"Code":"SignatureDoesNotMatch"}`, "QuerySmsSignList", false},
		{"twilio takes the token", "twilio", 200, `{"sid":"AC0"}`, "/Accounts/", true},
		{"twilio refuses the token", "twilio", 401, `{"code":20003}`, "/Accounts/", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			var asked string
			vendor := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked = r.Header.Get("X-TC-Action") + r.Header.Get("x-acs-action") + r.URL.Path
				w.WriteHeader(c.status)
				_, _ = w.Write([]byte(c.body))
			}))
			t.Cleanup(vendor.Close)
			d, err := sms.New(c.vendor, settings(c.vendor, vendor.URL), time.Now)
			if err != nil {
				t.Fatal(err)
			}
			tester, ok := d.(sms.Tester)
			if !ok {
				t.Fatal("it cannot be asked")
			}
			err = tester.Test(t.Context())
			if (err == nil) != c.right {
				t.Errorf("error = %v", err)
			}
			if err != nil && driver.FailureOf(err).Class != driver.Misconfigured && c.status < 500 {
				t.Errorf("class %q", driver.FailureOf(err).Class)
			}
			if !strings.Contains(asked, c.asked) || strings.Contains(asked, "Messages") || strings.Contains(asked, "SendSms") {
				t.Errorf("asked %q", asked)
			}
		})
	}
}
