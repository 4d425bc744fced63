package upsim_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/upsim"
)

type tc3Inputs struct {
	SecretID      string      `json:"secret_id"`
	SecretKey     string      `json:"secret_key"`
	Service       string      `json:"service"`
	Timestamp     int64       `json:"timestamp"`
	Date          string      `json:"date"`
	SignedHeaders string      `json:"signed_headers"`
	Headers       [][2]string `json:"headers"`
	Payload       string      `json:"payload"`
}

// tc3Call writes the request that a vector describes.
func tc3Call(t testing.TB, s *upsim.Server, v vector) (call, tc3Inputs) {
	t.Helper()
	var in tc3Inputs
	var out struct {
		Signature string `json:"signature"`
	}
	v.read(t, &in, &out)
	c := call{method: http.MethodPost, base: s.Bases().Tencent, path: "/", body: in.Payload, header: map[string]string{
		"X-TC-Timestamp": strconv.FormatInt(in.Timestamp, 10), "X-TC-Version": "2021-01-11", "X-TC-Action": "DescribeInstances",
		"Authorization": fmt.Sprintf("TC3-HMAC-SHA256 Credential=%s/%s/%s/tc3_request, SignedHeaders=%s, Signature=%s",
			in.SecretID, in.Date, in.Service, in.SignedHeaders, out.Signature),
	}}
	if in.Service == "sms" {
		c.header["X-TC-Action"] = "SendSms"
	}
	for _, h := range in.Headers {
		switch h[0] {
		case "host":
			c.host = h[1]
		case "content-type":
			c.header["Content-Type"] = h[1]
		}
	}
	return c, in
}

func tencentCode(a answer) string {
	if code := a.text("Response", "Error", "Code"); code != "" {
		return code
	}
	return a.text("Response", "SendStatusSet", "Code")
}

// S1 of Tencent: what the vectors sign is accepted. Only the service of one is simulated,
// so the others get as far as an unknown action.
func TestTencentAcceptsTheVectors(t *testing.T) {
	for _, v := range append(vectors(t, "tencent.tc3."), vectors(t, "sim.tencent.tc3.")...) {
		t.Run(v.ID, func(t *testing.T) {
			s := start(t, vectorTime)
			c, in := tc3Call(t, s, v)
			s.SetTime(time.Unix(in.Timestamp, 0))
			want := "InvalidAction"
			if in.Service == "sms" {
				want = "Ok"
			} else {
				s.Edit(func(a *upsim.Accounts) { a.Tencent[in.SecretID] = upsim.TencentAccount{SecretKey: in.SecretKey} })
			}
			if a := c.do(t); tencentCode(a) != want {
				t.Errorf("want %s: %s", want, a.body)
			}
		})
	}
}

// S2 of Tencent.
func TestTencentRefusesMutants(t *testing.T) {
	s := start(t, vectorTime)
	good, _ := tc3Call(t, s, vectors(t, "sim.tencent.tc3.")[0])
	const (
		failure, shape = "AuthFailure.SignatureFailure", "AuthFailure.InvalidAuthorization"
		expire         = "AuthFailure.SignatureExpire"
	)
	auth := func(from, to string) func(*call) {
		return headed("Authorization", func(v string) string { return strings.Replace(v, from, to, 1) })
	}
	mutants(t, s, good, "Ok", tencentCode, []mutant{
		{name: "one byte of the body", change: replaced("246810", "246811"), want: failure},
		{name: "a space in the body", change: replaced(",", ", "), want: failure},
		{name: "another content type", change: headed("Content-Type", instead("application/json")), want: failure},
		{name: "another action", change: headed("X-TC-Action", instead("SendSmsX")), want: failure},
		{name: "another host", change: func(c *call) { c.host = "127.0.0.1:18082" }, want: failure},
		{name: "an unknown key", change: auth("AKIDsim", "AKIDsin"), want: "AuthFailure.SecretIdNotFound"},
		{name: "another service", change: auth("/sms/", "/cvm/"), want: failure},
		{name: "another date", change: auth("2023-11-14", "2023-11-15"), want: expire},
		{name: "another timestamp", change: headed("X-TC-Timestamp", instead("1700000001")), want: failure},
		{name: "no timestamp", change: headed("X-TC-Timestamp", instead("")), want: expire},
		{name: "301 s later", change: func(*call) {}, advance: 301 * time.Second, want: expire},
		{name: "301 s earlier", change: func(*call) {}, advance: -301 * time.Second, want: expire},
		{name: "signature in capitals", change: auth("Signature=e6eb8e", "Signature=E6EB8E"), want: failure},
		{name: "signature cut short", change: headed("Authorization", func(v string) string { return v[:len(v)-1] }), want: failure},
		{name: "signature of another end", change: headed("Authorization", flip), want: failure},
		{name: "headers in another order", change: auth("content-type;host;x-tc-action", "host;content-type;x-tc-action"), want: shape},
		{name: "host not signed", change: auth("content-type;host;", "content-type;"), want: shape},
		{name: "a signed header that was not sent", change: auth("x-tc-action", "x-tc-action;x-tc-language"), want: shape},
		{name: "no credential", change: auth("Credential=", "Credentials="), want: shape},
		{name: "no authorization", change: headed("Authorization", instead("")), want: shape},
		{name: "a query", change: func(c *call) { c.query = "a=b" }, want: failure},
		{name: "GET", change: func(c *call) { c.method = http.MethodGet }, want: failure},
	})
	t.Run("another secret", func(t *testing.T) {
		s.Reset()
		s.Edit(func(a *upsim.Accounts) {
			account := a.Tencent["AKIDsim00000000000000000000000001"]
			account.SecretKey = "sim-secret-key-0000000000000002"
			a.Tencent["AKIDsim00000000000000000000000001"] = account
		})
		if a := good.do(t); tencentCode(a) != failure {
			t.Error(a.body)
		}
	})
}

// signTC3 signs with code of the tests' own: a third hand beside driver and verifier.
func sendTencent(t *testing.T, s *upsim.Server, body string) answer {
	t.Helper()
	at := s.Now()
	host := strings.TrimPrefix(s.Bases().Tencent, "http://")
	canonical := "POST\n/\n\ncontent-type:application/json\nhost:" + host + "\n\ncontent-type;host\n" + sha256Hex(body)
	scope := at.UTC().Format(time.DateOnly) + "/sms/tc3_request"
	key := hmac256([]byte("TC3sim-secret-key-0000000000000001"), at.UTC().Format(time.DateOnly))
	key = hmac256(hmac256(key, "sms"), "tc3_request")
	stamp := strconv.FormatInt(at.Unix(), 10)
	signature := fmt.Sprintf("%x", hmac256(key, "TC3-HMAC-SHA256\n"+stamp+"\n"+scope+"\n"+sha256Hex(canonical)))
	return call{method: http.MethodPost, base: s.Bases().Tencent, path: "/", body: body, header: map[string]string{
		"Content-Type": "application/json", "X-TC-Action": "SendSms", "X-TC-Version": "2021-01-11", "X-TC-Timestamp": stamp,
		"Authorization": "TC3-HMAC-SHA256 Credential=AKIDsim00000000000000000000000001/" + scope + ", SignedHeaders=content-type;host, Signature=" + signature,
	}}.do(t)
}

const tencentBody = `{"PhoneNumberSet":["+8613800000001"],"SmsSdkAppId":"1400006666","SignName":"模拟签名","TemplateId":"1234","TemplateParamSet":["246810","10"],"SessionContext":"m1"}`

func TestTencentSMSFollowsTheVendorsRules(t *testing.T) {
	s := start(t, vectorTime)
	for _, c := range []struct{ name, from, to, want string }{
		{"sent", "", "", "Ok"},
		{"eleven digits", "+8613800000001", "13800000001", "Ok"},
		{"0086", "+86138", "0086138", "Ok"},
		{"no number", "+8613800000001", "+861380000000", "InvalidParameterValue.IncorrectPhoneNumber"},
		{"both kinds", `"+8613800000001"`, `"+8613800000001","+85251234567"`, "UnsupportedOperation.ContainDomesticAndInternationalPhoneNumber"},
		{"unknown app", "1400006666", "1400006667", "InvalidParameterValue.SdkAppIdNotExist"},
		{"unknown sign", "模拟签名", "签名", "FailedOperation.SignatureIncorrectOrUnapproved"},
		{"unknown template", `"1234"`, `"9999"`, "FailedOperation.TemplateIncorrectOrUnapproved"},
		{"abroad with a template of home", "+8613800000001", "+85251234567", "FailedOperation.TemplateIncorrectOrUnapproved"},
		{"one parameter", `,"10"`, ``, "FailedOperation.TemplateParamSetNotMatchApprovedTemplate"},
		{"letters in a code", "246810", "24681a", "InvalidParameterValue.TemplateParameterFormatError"},
		{"seven digits", "246810", "2468100", "InvalidParameterValue.TemplateParameterFormatError"},
		{"numbers that are no text", `["246810","10"]`, `[246810,10]`, "InvalidParameter"},
		{"201 numbers", `["+8613800000001"]`, `["` + strings.Repeat(`13800000001","`, 200) + `13800000001"]`, "LimitExceeded.PhoneNumberCountLimit"},
		{"no JSON", "{", "", "InvalidParameter"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s.Reset()
			a := sendTencent(t, s, strings.Replace(tencentBody, c.from, c.to, 1))
			if tencentCode(a) != c.want || a.status != http.StatusOK {
				t.Errorf("want %s: %s", c.want, a.body)
			}
			if got := len(s.SMS("")); (got == 1) != (c.want == "Ok") {
				t.Errorf("%d messages arrived", got)
			}
		})
	}
}

func TestTencentLimitsGoByTheVirtualClock(t *testing.T) {
	s := start(t, vectorTime)
	s.Edit(func(a *upsim.Accounts) {
		account := a.Tencent["AKIDsim00000000000000000000000001"]
		account.Limits = true
		a.Tencent["AKIDsim00000000000000000000000001"] = account
	})
	const limit = "LimitExceeded.PhoneNumber"
	for i, want := range []string{"Ok", limit + "ThirtySecondLimit", "Ok", "Ok", "Ok", "Ok", limit + "OneHourLimit"} {
		if i != 1 {
			s.Advance(31 * time.Second)
		}
		if a := sendTencent(t, s, tencentBody); tencentCode(a) != want {
			t.Errorf("message %d: want %s: %s", i, want, a.body)
		}
	}
}
