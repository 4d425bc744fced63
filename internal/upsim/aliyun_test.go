package upsim_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/upsim"
)

type acs3Inputs struct {
	ID      string            `json:"access_key_id"`
	Secret  string            `json:"access_key_secret"`
	Query   string            `json:"query"`
	Headers map[string]string `json:"headers"`
	Signed  string            `json:"signed_headers"`
	Body    string            `json:"body"`
}

func acs3Call(t testing.TB, s *upsim.Server, v vector) (call, acs3Inputs) {
	t.Helper()
	var in acs3Inputs
	var out struct {
		Signature string `json:"signature"`
	}
	v.read(t, &in, &out)
	c := call{method: http.MethodPost, base: s.Bases().Aliyun, path: "/", query: in.Query, body: in.Body, header: map[string]string{
		"Authorization": fmt.Sprintf("ACS3-HMAC-SHA256 Credential=%s,SignedHeaders=%s,Signature=%s", in.ID, in.Signed, out.Signature),
	}}
	for name, value := range in.Headers {
		if name == "host" {
			c.host = value
			continue
		}
		c.header[name] = value
	}
	return c, in
}

func aliyunCode(a answer) string { return a.text("Code") }

func knowAliyun(s *upsim.Server, id, secret string) {
	s.Edit(func(a *upsim.Accounts) {
		if _, ok := a.Aliyun[id]; !ok {
			a.Aliyun[id] = upsim.AliyunAccount{Secret: secret}
		}
	})
}

// S1 of Aliyun's current signature.
func TestAliyunAcceptsTheACS3Vectors(t *testing.T) {
	for _, v := range append(vectors(t, "aliyun.acs3."), vectors(t, "sim.aliyun.acs3.")...) {
		t.Run(v.ID, func(t *testing.T) {
			s := start(t, vectorTime)
			c, in := acs3Call(t, s, v)
			at, err := time.Parse(time.RFC3339, in.Headers["x-acs-date"])
			if err != nil {
				t.Fatal(err)
			}
			s.SetTime(at)
			knowAliyun(s, in.ID, in.Secret)
			want := "InvalidAction.NotFound" // the published one starts a machine
			if in.Headers["x-acs-action"] == "SendSms" {
				want = "OK"
			}
			if a := c.do(t); aliyunCode(a) != want {
				t.Errorf("want %s: %s", want, a.body)
			}
		})
	}
}

// S2 of Aliyun's current signature.
func TestAliyunRefusesACS3Mutants(t *testing.T) {
	s := start(t, vectorTime)
	good, _ := acs3Call(t, s, vectors(t, "sim.aliyun.acs3.")[0])
	const no, expired, shape = "SignatureDoesNotMatch", "InvalidTimeStamp.Expired", "IncompleteSignature"
	auth := func(from, to string) func(*call) {
		return headed("Authorization", func(v string) string { return strings.Replace(v, from, to, 1) })
	}
	mutants(t, s, good, "OK", aliyunCode, []mutant{
		{name: "one byte of the query", change: func(c *call) { c.query = strings.Replace(c.query, "246810", "246811", 1) }, want: no},
		{name: "a body", change: func(c *call) { c.body = "x" }, want: no},
		{name: "another hash of the body", change: headed("x-acs-content-sha256", flip), want: no},
		{name: "another host", change: func(c *call) { c.host = "127.0.0.1:18083" }, want: no},
		{name: "another action", change: headed("x-acs-action", instead("SendSmss")), want: no},
		{name: "another version", change: headed("x-acs-version", instead("2017-05-26")), want: no},
		{name: "another date", change: headed("x-acs-date", instead("2023-11-14T22:13:21Z")), want: no},
		{name: "a date that is none", change: headed("x-acs-date", instead("1700000000")), want: expired},
		{name: "another nonce", change: headed("x-acs-signature-nonce", flip), want: no},
		{name: "the same nonce again", change: func(*call) {}, twice: true, want: "SignatureNonceUsed"},
		{name: "901 s later", change: func(*call) {}, advance: 901 * time.Second, want: expired},
		{name: "901 s earlier", change: func(*call) {}, advance: -901 * time.Second, want: expired},
		{name: "an unknown key", change: auth("LTAIsim", "LTAIsin"), want: "InvalidAccessKeyId.NotFound"},
		{name: "signature in capitals", change: auth("Signature=3745944ce", "Signature=3745944CE"), want: no},
		{name: "signature cut short", change: headed("Authorization", func(v string) string { return v[:len(v)-1] }), want: no},
		{name: "an unsigned header of the vendor", change: headed("x-acs-security-token", instead("token")), want: shape},
		{name: "host not signed", change: auth("SignedHeaders=host;", "SignedHeaders="), want: shape},
		{name: "headers in another order", change: auth("host;x-acs-action", "x-acs-action;host"), want: shape},
		{name: "spaces after the commas", change: auth(",SignedHeaders", ", SignedHeaders"), want: shape},
		{name: "GET", change: func(c *call) { c.method = http.MethodGet }, want: no},
	})
	t.Run("the answer tells the string to sign", func(t *testing.T) {
		s.Reset()
		c := good.clone()
		c.query = strings.Replace(c.query, "246810", "246811", 1)
		a := c.do(t)
		if a.status != http.StatusBadRequest || !strings.Contains(a.text("Message"), "246811") {
			t.Errorf("%d %s", a.status, a.body)
		}
	})
}

type rpcInputs struct {
	Method string            `json:"method"`
	Secret string            `json:"access_key_secret"`
	Params map[string]string `json:"params"`
	ToSign string            `json:"string_to_sign"`
}

func rpcCall(t testing.TB, s *upsim.Server, v vector) (call, rpcInputs) {
	t.Helper()
	var in rpcInputs
	var signature string
	v.read(t, &in, &signature)
	form := url.Values{"Signature": {signature}}
	for name, value := range in.Params {
		form.Set(name, value)
	}
	if in.Method == http.MethodPost {
		return postForm(s.Bases().Aliyun, "/", form), in
	}
	return call{method: http.MethodGet, base: s.Bases().Aliyun, path: "/", query: form.Encode()}, in
}

// S1 of Aliyun's older signature.
func TestAliyunAcceptsTheRPCVectors(t *testing.T) {
	for _, v := range append(vectors(t, "aliyun.rpc."), vectors(t, "sim.aliyun.rpc.")...) {
		t.Run(v.ID, func(t *testing.T) {
			s := start(t, vectorTime)
			c, in := rpcCall(t, s, v)
			at, err := time.Parse(time.RFC3339, in.Params["Timestamp"])
			if err != nil {
				t.Fatal(err)
			}
			s.SetTime(at)
			knowAliyun(s, in.Params["AccessKeyId"], in.Secret)
			want := map[string]string{"sim.aliyun.rpc.sendsms": "OK", "aliyun.rpc.dysms-sendsms": "isv.SMS_SIGNATURE_ILLEGAL"}[v.ID]
			if want == "" {
				want = "InvalidAction.NotFound"
			}
			if a := c.do(t); aliyunCode(a) != want {
				t.Errorf("want %s: %s", want, a.body)
			}
		})
	}
}

// S2 of Aliyun's older signature.
func TestAliyunRefusesRPCMutants(t *testing.T) {
	s := start(t, vectorTime)
	good, in := rpcCall(t, s, vectors(t, "sim.aliyun.rpc.")[0])
	const no, expired, shape = "SignatureDoesNotMatch", "InvalidTimeStamp.Expired", "IncompleteSignature"
	set := func(name, value string) func(*call) {
		return func(c *call) {
			form, err := url.ParseQuery(c.body)
			if err != nil {
				t.Fatal(err)
			}
			form.Set(name, value)
			c.body = form.Encode()
		}
	}
	form, err := url.ParseQuery(good.body)
	if err != nil {
		t.Fatal(err)
	}
	signature := form.Get("Signature")
	mutants(t, s, good, "OK", aliyunCode, []mutant{
		{name: "one byte of a parameter", change: set("TemplateParam", `{"code":"246811"}`), want: no},
		{name: "one parameter more", change: set("OutId", "1"), want: no},
		{name: "another number", change: set("PhoneNumbers", "13800000001"), want: no},
		{name: "another action", change: set("Action", "SendSmss"), want: no},
		{name: "another nonce", change: set("SignatureNonce", "sim-nonce-2"), want: no},
		{name: "the same nonce again", change: func(*call) {}, twice: true, want: "SignatureNonceUsed"},
		{name: "another timestamp", change: set("Timestamp", "2023-11-14T22:13:21Z"), want: no},
		{name: "901 s later", change: func(*call) {}, advance: 901 * time.Second, want: expired},
		{name: "901 s earlier", change: func(*call) {}, advance: -901 * time.Second, want: expired},
		{name: "an unknown key", change: set("AccessKeyId", "LTAIsim0000000000000002"), want: "InvalidAccessKeyId.NotFound"},
		{name: "signature of another case", change: set("Signature", strings.ToLower(signature)), want: no},
		{name: "signature cut short", change: set("Signature", signature[:len(signature)-1]), want: no},
		{name: "no signature", change: set("Signature", ""), want: shape},
		{name: "another method of signing", change: set("SignatureMethod", "HMAC-MD5"), want: shape},
		{name: "the key without its ampersand", change: set("Signature", hmacSHA1(in.Secret, in.ToSign)), want: no},
		{name: "GET", change: func(c *call) { c.method, c.query, c.body = http.MethodGet, c.body, "" }, want: no},
	})
	if in.Method != http.MethodPost {
		t.Errorf("the vector is a %s", in.Method)
	}
}

// sendAliyun signs with the older signature and code of the tests' own.
func sendAliyun(t *testing.T, s *upsim.Server, pairs ...string) answer {
	t.Helper()
	form := url.Values{
		"AccessKeyId": {"LTAIsim0000000000000001"}, "SignatureMethod": {"HMAC-SHA1"}, "SignatureVersion": {"1.0"}, "Format": {"JSON"},
		"SignatureNonce": {"n" + strconv.Itoa(len(s.Journal("")))}, "Timestamp": {s.Now().UTC().Format("2006-01-02T15:04:05Z")},
		"Version": {"2017-05-25"},
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	pe := func(v string) string {
		return strings.NewReplacer("+", "%20", "*", "%2A", "%7E", "~").Replace(url.QueryEscape(v))
	}
	canonical := strings.NewReplacer("+", "%20", "*", "%2A", "%7E", "~").Replace(form.Encode())
	form.Set("Signature", hmacSHA1("sim-secret-key-0000000000000001&", "POST&%2F&"+pe(canonical)))
	return postForm(s.Bases().Aliyun, "/", form).do(t)
}

func TestAliyunSMSFollowsTheVendorsRules(t *testing.T) {
	for _, c := range []struct{ name, field, value, want string }{
		{"sent", "OutId", "m1", "OK"},
		{"with 86", "PhoneNumbers", "8613800000001", "OK"},
		{"too short", "PhoneNumbers", "1380000000", "isv.MOBILE_NUMBER_ILLEGAL"},
		{"no number", "PhoneNumbers", "12 3", "isv.MOBILE_NUMBER_ILLEGAL"},
		{"two numbers", "PhoneNumbers", "13800000001,13800000002", "isv.MOBILE_COUNT_OVER_LIMIT"},
		{"abroad with a template of home", "PhoneNumbers", "85251234567", "isv.SMS_TEMPLATE_ILLEGAL"},
		{"unknown sign", "SignName", "签名", "isv.SMS_SIGNATURE_ILLEGAL"},
		{"unknown template", "TemplateCode", "SMS_9", "isv.SMS_TEMPLATE_ILLEGAL"},
		{"no parameter", "TemplateParam", "{}", "isv.TEMPLATE_MISSING_PARAMETERS"},
		{"a number as parameter", "TemplateParam", `{"code":246810}`, "isv.INVALID_JSON_PARAM"},
		{"an old action", "Version", "2016-09-27", "InvalidAction.NotFound"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := start(t, vectorTime)
			a := sendAliyun(t, s, "Action", "SendSms", "PhoneNumbers", "13800000001", "SignName", "模拟签名", "TemplateCode", "SMS_000000001",
				"TemplateParam", `{"code":"246810"}`, c.field, c.value)
			if aliyunCode(a) != c.want {
				t.Fatalf("want %s: %s", c.want, a.body)
			}
			inbox := s.SMS("+8613800000001")
			if (len(inbox) == 1) != (c.want == "OK") {
				t.Fatalf("%d messages arrived", len(inbox))
			}
			if len(inbox) == 1 && (inbox[0].Code != "246810" || inbox[0].To != "+8613800000001") {
				t.Errorf("%+v", inbox[0])
			}
		})
	}
}

func TestAliyunLimitsNameTheirWindow(t *testing.T) {
	s := start(t, vectorTime)
	send := func() answer {
		return sendAliyun(t, s, "Action", "SendSms", "PhoneNumbers", "13800000001", "SignName", "模拟签名", "TemplateCode", "SMS_000000001",
			"TemplateParam", `{"code":"246810"}`)
	}
	for i, want := range []string{"OK", "触发分钟级流控Permits:1", "OK", "OK", "OK", "OK", "触发小时级流控Permits:5"} {
		if i != 1 {
			s.Advance(61 * time.Second)
		}
		if a := send(); a.text("Message") != want || a.status != http.StatusOK {
			t.Errorf("message %d: want %s: %s", i, want, a.body)
		}
	}
}

func TestAliyunTellsTheNumberOfAToken(t *testing.T) {
	s := start(t, vectorTime)
	for _, c := range []struct{ name, action, field, token, want string }{
		{"of an app", "GetMobile", "AccessToken", "SIM-OT-alice-1", `"GetMobileResultDTO":{"Mobile":"13800000001"}`},
		{"used", "GetMobile", "AccessToken", "SIM-OT-alice-1", `"Code":"isv.INVALID_ACCESS_TOKEN"`},
		{"of a page", "GetPhoneWithToken", "SpToken", "SIM-OT-bob-1", `"Data":{"Mobile":"13800000002"}`},
		{"as a number", "GetPhoneWithToken", "SpToken", "SIM-OT-bob-2-MOBNUM", `"Data":{"Mobile":13800000002}`},
		{"abroad", "GetMobile", "AccessToken", "SIM-OT-carol-1", `"Code":"isv.INVALID_ACCESS_TOKEN"`},
	} {
		if a := sendAliyun(t, s, "Action", c.action, c.field, c.token); !strings.Contains(a.body, c.want) || !json.Valid([]byte(a.body)) {
			t.Errorf("%s: want %s in %s", c.name, c.want, a.body)
		}
	}
}
