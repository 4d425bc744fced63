package sms_test

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tigertally/tigertally/internal/driver"
	"github.com/tigertally/tigertally/internal/sms"
)

// vendor answers every request with status and body, and keeps the last one.
type vendor struct {
	*httptest.Server
	hits atomic.Int32
	last atomic.Pointer[seen]
}

type seen struct {
	header http.Header
	query  url.Values
	path   string
	body   []byte
}

func newVendor(t *testing.T, status int, body string) *vendor {
	t.Helper()
	v := &vendor{}
	v.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v.hits.Add(1)
		raw, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		v.last.Store(&seen{r.Header, r.URL.Query(), r.URL.Path, raw})
		w.WriteHeader(status)
		io.WriteString(w, body)
	}))
	t.Cleanup(v.Close)
	return v
}

// settings of each vendor's driver that asks base.
func settings(name, base string) map[string]string {
	set := map[string]map[string]string{
		"tencent": {
			"secret_id": "AKIDsim00000000000000000000000001", "secret_key": "sim-secret-key-0000000000000001",
			"app_id": "1400006666", "sign_name": "模拟签名",
			"templates": "default=1234(code,minutes) reset=5678(code) sign_in.en=4321(code) abroad/default=9(product,code) password_changed=7(time)",
		},
		"aliyun": {
			"access_key_id": "LTAIsim0000000000000001", "access_key_secret": "sim-secret-key-0000000000000001",
			"sign_name": "模拟签名", "templates": "default=SMS_000000001(code) abroad/default=SMS_2(captcha:code)",
		},
		"twilio": {"account_sid": "AC1", "auth_token": "12345", "from": "+15005550006"},
	}[name]
	set = maps.Clone(set)
	set["base"] = base
	return set
}

func vendorDriver(t *testing.T, name, base string) sms.Driver {
	t.Helper()
	d, err := sms.New(name, settings(name, base), at)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

const (
	tencentOK = `{"Response":{"SendStatusSet":[{"SerialNo":"5000:1","PhoneNumber":"+8613800000000","Fee":1,"Code":"Ok","Message":"send success"}],"RequestId":"r"}}`
	aliyunOK  = `{"Code":"OK","Message":"OK","BizId":"900619746936498440^0","RequestId":"r"}`
	twilioOK  = `{"sid":"SM1","status":"queued","error_code":null,"num_segments":"2"}`
)

func TestTencentSendsATemplate(t *testing.T) {
	v := newVendor(t, http.StatusOK, tencentOK)
	d := vendorDriver(t, "tencent", v.URL)
	for _, tt := range []struct {
		name               string
		to, template, lang string
		want               map[string]any
	}{
		{"its own language", "+8613800000000", "sign_in", "en", map[string]any{
			"SignName": "模拟签名", "TemplateId": "4321", "TemplateParamSet": []any{"246810"},
		}},
		{"its own purpose", "+8613800000000", "reset", "zh-CN", map[string]any{
			"SignName": "模拟签名", "TemplateId": "5678", "TemplateParamSet": []any{"246810"},
		}},
		{"the default", "+8613800000000", "sudo", "en", map[string]any{
			"SignName": "模拟签名", "TemplateId": "1234", "TemplateParamSet": []any{"246810", "10"},
		}},
		{"abroad, without a signature", "+85251234567", "sign_in", "en", map[string]any{
			"TemplateId": "9", "TemplateParamSet": []any{"Tiger", "246810"},
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := message()
			m.To, m.Template, m.Lang = tt.to, tt.template, tt.lang
			m.Params["product"] = "Tiger"
			got, err := d.Send(t.Context(), m)
			if diff := cmp.Diff(driver.Receipt{Driver: "tencent", VendorID: "5000:1", Units: 1}, got); err != nil || diff != "" {
				t.Fatal(err, diff)
			}
			var body map[string]any
			if err := json.Unmarshal(v.last.Load().body, &body); err != nil {
				t.Fatal(err)
			}
			tt.want["PhoneNumberSet"], tt.want["SmsSdkAppId"], tt.want["SessionContext"] = []any{tt.to}, "1400006666", "m1"
			if diff := cmp.Diff(tt.want, body); diff != "" {
				t.Error(diff)
			}
			h := v.last.Load().header
			if h.Get("X-TC-Action") != "SendSms" || h.Get("X-TC-Version") != "2021-01-11" || h.Get("X-TC-Timestamp") != "1700000000" ||
				!strings.HasPrefix(h.Get("Authorization"), "TC3-HMAC-SHA256 Credential=AKIDsim00000000000000000000000001/2023-11-14/sms/tc3_request, SignedHeaders=content-type;host;x-tc-action, Signature=") {
				t.Errorf("headers %v", h)
			}
		})
	}
}

func TestAliyunSendsATemplate(t *testing.T) {
	v := newVendor(t, http.StatusOK, aliyunOK)
	d := vendorDriver(t, "aliyun", v.URL)
	for to, want := range map[string]url.Values{
		"+8613800000000": {"PhoneNumbers": {"13800000000"}, "TemplateCode": {"SMS_000000001"}, "TemplateParam": {`{"code":"246810"}`}},
		"+85251234567":   {"PhoneNumbers": {"85251234567"}, "TemplateCode": {"SMS_2"}, "TemplateParam": {`{"captcha":"246810"}`}},
	} {
		m := message()
		m.To = to
		got, err := d.Send(t.Context(), m)
		if err != nil || got.VendorID != "900619746936498440^0" {
			t.Fatal(got, err)
		}
		want["SignName"], want["OutId"] = []string{"模拟签名"}, []string{"m1"}
		if diff := cmp.Diff(want, v.last.Load().query); diff != "" {
			t.Error(diff)
		}
		h := v.last.Load().header
		if h.Get("x-acs-action") != "SendSms" || h.Get("x-acs-date") != "2023-11-14T22:13:20Z" || len(h.Get("x-acs-signature-nonce")) != 32 {
			t.Errorf("headers %v", h)
		}
	}
}

func TestTwilioSendsTheText(t *testing.T) {
	v := newVendor(t, http.StatusCreated, twilioOK)
	got, err := vendorDriver(t, "twilio", v.URL).Send(t.Context(), message())
	if diff := cmp.Diff(driver.Receipt{Driver: "twilio", VendorID: "SM1", Units: 2}, got); err != nil || diff != "" {
		t.Fatal(err, diff)
	}
	last := v.last.Load()
	form, err := url.ParseQuery(string(last.body))
	want := url.Values{"To": {"+8613800000000"}, "From": {"+15005550006"}, "Body": {"246810 is your code."}}
	if diff := cmp.Diff(want, form); err != nil || diff != "" {
		t.Error(err, diff)
	}
	if last.path != "/2010-04-01/Accounts/AC1/Messages.json" ||
		last.header.Get("Authorization") != "Basic "+base64.StdEncoding.EncodeToString([]byte("AC1:12345")) {
		t.Errorf("%s %v", last.path, last.header)
	}
}

// M2, M3, M5: what each answer means, and whether the message may have gone out.
func TestVendorCodesHaveClasses(t *testing.T) {
	tencent := func(code string) string {
		return `{"Response":{"SendStatusSet":[{"SerialNo":"","Fee":0,"Code":"` + code + `","Message":"for +8613800000000: 246810"}]}}`
	}
	for _, tt := range []struct {
		vendor string
		status int
		body   string
		class  driver.Class
		maybe  bool
	}{
		{"tencent", 200, tencent("LimitExceeded.PhoneNumberThirtySecondLimit"), driver.RateLimited, false},
		{"tencent", 200, tencent("LimitExceeded.PhoneNumberDailyLimit"), driver.RateLimited, false},
		{"tencent", 200, tencent("LimitExceeded.AppDailyLimit"), driver.Exhausted, false},
		{"tencent", 200, tencent("InvalidParameterValue.IncorrectPhoneNumber"), driver.BadAddress, false},
		{"tencent", 200, tencent("InvalidParameterValue.TemplateParameterFormatError"), driver.Misconfigured, false},
		{"tencent", 200, tencent("FailedOperation.PhoneNumberInBlacklist"), driver.BadAddress, false},
		{"tencent", 200, tencent("UnsupportedOperation.UnsuportedRegion"), driver.NoRoute, false},
		{"tencent", 200, tencent("FailedOperation.TemplateIncorrectOrUnapproved"), driver.Misconfigured, false},
		{"tencent", 200, tencent("ok"), driver.Unavailable, true},
		{"tencent", 200, `{"Response":{"Error":{"Code":"AuthFailure.SignatureFailure","Message":"x"}}}`, driver.Misconfigured, false},
		{"tencent", 200, `{"Response":{"Error":{"Code":"InternalError.Timeout","Message":"x"}}}`, driver.Unavailable, true},
		{"tencent", 200, `{"Response":{}}`, driver.Unavailable, true},
		{"tencent", 200, `<html>`, driver.Unavailable, true},
		{"tencent", 502, ``, driver.Unavailable, true},
		{"aliyun", 200, `{"Code":"isv.BUSINESS_LIMIT_CONTROL","Message":"Permits:1"}`, driver.RateLimited, false},
		{"aliyun", 200, `{"Code":"isv.DAY_LIMIT_CONTROL"}`, driver.Exhausted, false},
		{"aliyun", 200, `{"Code":"isv.MOBILE_NUMBER_ILLEGAL"}`, driver.BadAddress, false},
		{"aliyun", 200, `{"Code":"isv.SMS_TEMPLATE_ILLEGAL"}`, driver.Misconfigured, false},
		{"aliyun", 200, `{"Code":"isp.RAM_PERMISSION_DENY"}`, driver.Misconfigured, false},
		{"aliyun", 200, `{"Code":"isp.SYSTEM_ERROR"}`, driver.Unavailable, true},
		{"aliyun", 400, `{"Code":"SignatureDoesNotMatch","Message":"server string: 13800000000"}`, driver.Misconfigured, false},
		{"aliyun", 500, `{"Code":"OK"}`, driver.Unavailable, true},
		{"aliyun", 200, `{}`, driver.Unavailable, true},
		{"twilio", 400, `{"code":21211,"message":"'To' +8613800000000 is bad","status":400}`, driver.BadAddress, false},
		{"twilio", 403, `{"code":21408,"status":403}`, driver.NoRoute, false},
		{"twilio", 401, `{"code":20003,"status":401}`, driver.Misconfigured, false},
		{"twilio", 429, `{"code":20429,"status":429}`, driver.Exhausted, false},
		{"twilio", 200, twilioOK, driver.Unavailable, true},
		{"twilio", 500, `{"code":20500}`, driver.Unavailable, true},
		{"webhook", 429, `{"error":{"code":"rate_limited","message":"13800000000"}}`, driver.RateLimited, false},
		{"webhook", 500, `{"error":{"code":"unavailable"}}`, driver.Unavailable, false},
		{"webhook", 500, `no`, driver.Unavailable, true},
		{"webhook", 200, `<html>`, driver.Unavailable, true},
	} {
		v := newVendor(t, tt.status, tt.body)
		d := open
		if tt.vendor != "webhook" {
			d = func(t *testing.T, base string) sms.Driver { t.Helper(); return vendorDriver(t, tt.vendor, base) }
		}
		_, err := d(t, v.URL).Send(t.Context(), message())
		f := driver.FailureOf(err)
		if err == nil || f.Class != tt.class || f.Maybe != tt.maybe || v.hits.Load() != 1 {
			t.Errorf("%s %d %s: %v, %d requests", tt.vendor, tt.status, tt.body, err, v.hits.Load())
		}
		if err != nil && (strings.Contains(err.Error(), "138") || strings.Contains(err.Error(), "246810")) {
			t.Errorf("the error repeats the message: %v", err)
		}
	}
}

// nobody is an address where nothing listens.
func nobody(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return "http://" + l.Addr().String()
}

// M4: who hung up after the request was written may have sent; who was never reached not.
func TestM4OnlyWhatWasNeverWrittenIsUnsent(t *testing.T) {
	reset := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			conn.Close()
		}
	}))
	t.Cleanup(reset.Close)
	for _, name := range []string{"tencent", "aliyun", "twilio"} {
		_, err := vendorDriver(t, name, reset.URL).Send(t.Context(), message())
		if f := driver.FailureOf(err); !f.Maybe || f.Class != driver.Unavailable {
			t.Errorf("%s, reset: %v", name, err)
		}
		_, err = vendorDriver(t, name, nobody(t)).Send(t.Context(), message())
		if f := driver.FailureOf(err); f.Maybe || f.Class != driver.Unavailable {
			t.Errorf("%s, refused: %v", name, err)
		}
	}
}

func router(t *testing.T, first, second string, routes map[string]string) *sms.Router {
	t.Helper()
	all := map[string]string{}
	for name, base := range map[string]string{"tencent": first, "aliyun": second} {
		for key, value := range settings(name, base) {
			all[name+"."+key] = value
		}
	}
	r, err := sms.Open(sms.Options{Names: "tencent, aliyun", Settings: all, Routes: routes, Now: at, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// M3, M4: the second vendor is asked only when the first certainly did not send.
func TestM3FailoverOnlyWhenNothingWasSent(t *testing.T) {
	answer := func(code string) string { return `{"Response":{"Error":{"Code":"` + code + `"}}}` }
	for _, tt := range []struct {
		name     string
		body     string
		status   int
		failover bool
	}{
		{"wrong secret", answer("AuthFailure.SignatureFailure"), 200, true},
		{"no balance", answer("FailedOperation.InsufficientBalanceInSmsPackage"), 200, true},
		{"region not served", answer("UnsupportedOperation.UnsuportedRegion"), 200, true},
		{"too many to this person", answer("LimitExceeded.PhoneNumberDailyLimit"), 200, false},
		{"a number nobody has", answer("InvalidParameterValue.IncorrectPhoneNumber"), 200, false},
		{"their own failure", answer("InternalError.OtherError"), 200, false},
		{"a gateway's page", "<html>", 502, false},
	} {
		first, second := newVendor(t, tt.status, tt.body), newVendor(t, http.StatusOK, aliyunOK)
		receipt, err := router(t, first.URL, second.URL, nil).Send(t.Context(), message())
		if asked := second.hits.Load() == 1; asked != tt.failover || (err == nil) != tt.failover || first.hits.Load() != 1 {
			t.Errorf("%s: second asked %v, %+v, %v", tt.name, asked, receipt, err)
		}
	}
	second := newVendor(t, http.StatusOK, aliyunOK)
	if receipt, err := router(t, nobody(t), second.URL, nil).Send(t.Context(), message()); err != nil || receipt.Driver != "aliyun" {
		t.Errorf("nobody there: %+v, %v", receipt, err)
	}
}

func TestM4ATimeoutIsNotFailedOver(t *testing.T) {
	done := make(chan struct{})
	hang := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-done }))
	t.Cleanup(hang.Close)
	t.Cleanup(func() { close(done) })
	second := newVendor(t, http.StatusOK, aliyunOK)
	begin := time.Now()
	_, err := router(t, hang.URL, second.URL, nil).Send(t.Context(), message())
	if f := driver.FailureOf(err); !f.Maybe || second.hits.Load() != 0 {
		t.Errorf("%v, the second was asked %d times", err, second.hits.Load())
	}
	if took := time.Since(begin); took > 9*time.Second {
		t.Errorf("took %v", took)
	}
}

func TestRoutesChooseByCountry(t *testing.T) {
	first, second := newVendor(t, http.StatusOK, tencentOK), newVendor(t, http.StatusOK, aliyunOK)
	r := router(t, first.URL, second.URL, map[string]string{"+86": "aliyun", "*": "tencent,aliyun"})
	for to, want := range map[string]string{"+8613800000000": "aliyun", "+85251234567": "tencent"} {
		m := message()
		m.To, m.Params["product"] = to, "Tiger"
		if receipt, err := r.Send(t.Context(), m); err != nil || receipt.Driver != want {
			t.Errorf("%s: %+v, %v", to, receipt, err)
		}
	}
	for name, o := range map[string]sms.Options{
		"no driver":              {},
		"an unknown driver":      {Names: "pigeon"},
		"one twice":              {Names: "tencent,tencent", Settings: settings("tencent", first.URL)},
		"a route to nobody":      {Names: "tencent", Settings: settings("tencent", first.URL), Routes: map[string]string{"+86": "aliyun"}},
		"a route from nowhere":   {Names: "tencent", Settings: settings("tencent", first.URL), Routes: map[string]string{"86": "tencent"}},
		"somebody else's option": {Names: "tencent,aliyun", Settings: map[string]string{"secret_id": "x"}},
	} {
		o.Now, o.Logger = at, slog.New(slog.DiscardHandler)
		if _, err := sms.Open(o); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// A notice has no code, so the template of codes is none for it.
func TestATemplateMustFit(t *testing.T) {
	v := newVendor(t, http.StatusOK, tencentOK)
	m := message()
	m.Template, m.Params = "contact_changed", map[string]string{"time": "now"}
	_, err := vendorDriver(t, "tencent", v.URL).Send(t.Context(), m)
	if f := driver.FailureOf(err); f.Class != driver.Misconfigured || f.Maybe || v.hits.Load() != 0 {
		t.Errorf("%v, %d requests", err, v.hits.Load())
	}
	for _, bad := range []string{"", "default", "default=", "default=1(code", "x=1;y", "default=1 (code)"} {
		set := settings("tencent", v.URL)
		set["templates"] = bad
		if _, err := sms.New("tencent", set, at); err == nil {
			t.Errorf("templates %q accepted", bad)
		}
	}
}

// M6: reports as the vendors write them.
func TestM6Reports(t *testing.T) {
	read := func(name, body string) ([]driver.Report, error) {
		return vendorDriver(t, name, "http://127.0.0.1:1").(sms.Reporter).Reports("", nil, []byte(body))
	}
	for name, body := range map[string]string{
		"tencent": `[{"user_receive_time":"2015-10-17 08:03:04","nationcode":"86","mobile":"13800000000","report_status":"SUCCESS","errmsg":"DELIVRD","description":"x","sid":"1"},{"report_status":"FAIL","errmsg":"UNDELIV","sid":"2"},{"report_status":"?","sid":"3"}]`,
		"aliyun":  `[{"phone_number":"13800000000","success":true,"err_code":"DELIVERED","biz_id":"1","out_id":"m1"},{"success":false,"err_code":"UNDELIV","sms_size":"2","biz_id":"2"}]`,
	} {
		got, err := read(name, body)
		want := []driver.Report{{VendorID: "1", Outcome: driver.Delivered}, {VendorID: "2", Outcome: driver.Undelivered, Reason: "UNDELIV"}}
		if name == "aliyun" {
			want[1].Units = 2
		}
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Error(name, err, diff)
		}
		for _, forged := range []string{"", "{}", "<html>", `[` + strings.Repeat(`{},`, 600) + `{}]`} {
			if got, err := read(name, forged); err == nil {
				t.Errorf("%s: %.20q read as %v", name, forged, got)
			}
		}
	}
}

func TestM6TwilioReportsAreSigned(t *testing.T) {
	raw, err := os.ReadFile("testdata/twilio.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []struct {
		Inputs struct {
			Token  string `json:"auth_token"`
			URL    string
			Params map[string]string
		}
		Expected string
	}
	if err := json.Unmarshal(raw, &vectors); err != nil || len(vectors) == 0 {
		t.Fatal(err)
	}
	in := vectors[0].Inputs
	form := url.Values{}
	for name, value := range in.Params {
		form.Set(name, value)
	}
	reporter := vendorDriver(t, "twilio", "http://127.0.0.1:1").(sms.Reporter)
	header := http.Header{"X-Twilio-Signature": {vectors[0].Expected}}
	if got, err := reporter.Reports(in.URL, header, []byte(form.Encode())); err != nil || len(got) != 0 {
		t.Errorf("the published signature: %v, %v", got, err)
	}
	for name, c := range map[string]struct {
		called string
		header http.Header
		body   string
	}{
		"another address": {in.URL + "x", header, form.Encode()},
		"another body":    {in.URL, header, form.Encode() + "&MessageStatus=failed"},
		"no signature":    {in.URL, http.Header{}, form.Encode()},
	} {
		if got, err := reporter.Reports(c.called, c.header, []byte(c.body)); err == nil {
			t.Errorf("%s: read %v", name, got)
		}
	}
}

func TestLogIsForDevelopment(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sms.log")
	if _, err := sms.New("log", map[string]string{"path": path, "development": "no"}, at); err == nil {
		t.Error("opened without development: true")
	}
	d, err := sms.New("log", map[string]string{"path": path, "development": "true"}, at)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Send(t.Context(), message()); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if info, statErr := os.Stat(path); err != nil || statErr != nil || info.Mode().Perm() != 0o600 || !strings.Contains(string(text), "246810") {
		t.Errorf("%q, %v, %v", text, err, statErr)
	}
}
