package upsim_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tigertally/tigertally/internal/upsim"
)

const (
	twilioAccount = "ACsim00000000000000000000000000001"
	twilioToken   = "simtwilioauthtoken00000000000001"
)

func twilioCall(s *upsim.Server) call {
	c := postForm(s.Bases().Twilio, "/2010-04-01/Accounts/"+twilioAccount+"/Messages.json", url.Values{
		"To": {"+85251234567"}, "From": {"+15005550006"}, "Body": {"Your code is 246810."},
	})
	c.header["Authorization"] = "Basic " + base64.StdEncoding.EncodeToString([]byte(twilioAccount+":"+twilioToken))
	return c
}

func TestTwilioRefusesMutants(t *testing.T) {
	s := start(t, vectorTime)
	result := func(a answer) string {
		if a.status == http.StatusCreated {
			return a.text("status")
		}
		return code(a)
	}
	basic := func(user, password string) func(*call) {
		return headed("Authorization", instead("Basic "+base64.StdEncoding.EncodeToString([]byte(user+":"+password))))
	}
	mutants(t, s, twilioCall(s), "queued", result, []mutant{
		{name: "no authorization", change: headed("Authorization", instead("")), want: "20003"},
		{name: "a wrong password", change: basic(twilioAccount, "x"), want: "20003"},
		{name: "no password", change: basic(twilioAccount, ""), want: "20003"},
		{name: "another user", change: basic("ACother", twilioToken), want: "20003"},
		{name: "another account in the path", change: func(c *call) { c.path = strings.Replace(c.path, "001/", "002/", 1) }, want: "20003"},
		{name: "a number without its plus", change: setForm("To", "85251234567"), want: "21211"},
		{name: "letters", change: setForm("To", "+852ABC"), want: "21211"},
		{name: "no number", change: setForm("To", ""), want: "21604"},
		{name: "no sender", change: setForm("From", ""), want: "21603"},
		{name: "no text", change: setForm("Body", ""), want: "21602"},
		{name: "GET", change: func(c *call) { c.method = http.MethodGet }, want: "20004"},
	})
}

const webhookBody = `{"message_id":"m1","to":{"e164":"+8613800000001","country_code":"86","national":"13800000001"},` +
	`"purpose":"sign_in","template":"otp","params":{"code":"246810","ttl_minutes":"10"},"text":"Your code is 246810","locale":"en"}`

// S1 and S2 of the webhook, whose signature is ours; written here once more by hand.
func TestWebhookRefusesMutants(t *testing.T) {
	s := start(t, vectorTime)
	const stamp, nonce = "1700000000", "00112233445566778899aabbccddeeff"
	signature := "v1=" + hexOf(hmac256([]byte("sim-webhook-secret-0000000000001"), "v1:"+stamp+":"+nonce+":"+webhookBody))
	good := call{method: http.MethodPost, base: s.Bases().Webhook, body: webhookBody, header: map[string]string{
		"Content-Type": "application/json", "X-Sms-Timestamp": stamp, "X-Sms-Nonce": nonce, "X-Sms-Signature": signature,
	}}
	result := func(a answer) string {
		if a.status == http.StatusOK {
			return a.text("status")
		}
		return lastVerdict(t, s)
	}
	mutants(t, s, good, "accepted", result, []mutant{
		{name: "one byte of the body", change: replaced("246810", "246811"), want: "sig_mismatch"},
		{name: "a space in the body", change: replaced(",", ", "), want: "sig_mismatch"},
		{name: "another timestamp", change: headed("X-Sms-Timestamp", instead("1700000001")), want: "sig_mismatch"},
		{name: "no timestamp", change: headed("X-Sms-Timestamp", instead("")), want: "bad_request"},
		{name: "301 s later", change: func(*call) {}, advance: 301 * time.Second, want: "expired"},
		{name: "301 s earlier", change: func(*call) {}, advance: -301 * time.Second, want: "expired"},
		{name: "another nonce", change: headed("X-Sms-Nonce", flip), want: "sig_mismatch"},
		{name: "a short nonce", change: headed("X-Sms-Nonce", instead("abc")), want: "bad_request"},
		{name: "the same nonce again", change: func(*call) {}, twice: true, want: "replay"},
		{name: "signature in capitals", change: headed("X-Sms-Signature", strings.ToUpper), want: "sig_mismatch"},
		{name: "signature cut short", change: headed("X-Sms-Signature", func(v string) string { return v[:len(v)-1] }), want: "sig_mismatch"},
		{name: "another version", change: headed("X-Sms-Signature", func(v string) string { return "v2" + v[2:] }), want: "sig_mismatch"},
		{name: "no signature", change: headed("X-Sms-Signature", instead("")), want: "sig_mismatch"},
		{name: "GET", change: func(c *call) { c.method = http.MethodGet }, want: "bad_request"},
	})
}

func TestTheInboxShowsWhatAPhoneWould(t *testing.T) {
	s := start(t, vectorTime)
	sendTencent(t, s, tencentBody)
	twilioCall(s).do(t)
	got := s.SMS("+86 138 0000 0001")
	if len(got) != 1 || len(s.SMS("")) != 2 || len(s.SMS("+85251234567")) != 1 {
		t.Fatalf("%+v", s.SMS(""))
	}
	want := upsim.SMS{
		ID: 1, Time: vectorTime.UTC(), Vendor: "tencent", ToRaw: "+8613800000001", To: "+8613800000001", SignName: "模拟签名",
		Template: "1234", Params: []string{"246810", "10"}, Text: "[模拟签名] 您的验证码是246810，10分钟内有效，请勿告诉他人。",
		Code: "246810", Context: "m1", Provider: got[0].Provider,
	}
	text, err := json.Marshal(got[0])
	if err != nil {
		t.Fatal(err)
	}
	var shown upsim.SMS // without what only the simulator knows
	if err := json.Unmarshal(text, &shown); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, shown, cmp.AllowUnexported(upsim.SMS{})); diff != "" {
		t.Error(diff)
	}
}

func TestWaitingEndsWithTheNextMessage(t *testing.T) {
	s := start(t, vectorTime)
	sendTencent(t, s, tencentBody)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if m, err := s.WaitSMS(ctx, "13800000001", 1); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%+v %v", m, err)
	}
	var wait sync.WaitGroup
	wait.Go(func() {
		m, err := s.WaitSMS(t.Context(), "13800000001", 1)
		if err != nil || m.ID != 2 {
			t.Errorf("%+v %v", m, err)
		}
	})
	sendTencent(t, s, tencentBody)
	wait.Wait()
}

// receiver keeps the callbacks that it gets.
func receiver(t *testing.T) (string, func() []call) {
	t.Helper()
	var mu sync.Mutex
	var got []call
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		got = append(got, call{body: string(body), header: map[string]string{"X-Twilio-Signature": r.Header.Get("X-Twilio-Signature")}})
		_, _ = w.Write([]byte(`{"result":0,"errmsg":"OK"}`))
	}))
	t.Cleanup(server.Close)
	return server.URL + "/callback?app=1", func() []call {
		mu.Lock()
		defer mu.Unlock()
		return got
	}
}

func TestDeliveriesHaveTheVendorsShape(t *testing.T) {
	s := start(t, vectorTime)
	address, got := receiver(t)
	sendTencent(t, s, tencentBody)
	sendAliyun(t, s, "Action", "SendSms", "PhoneNumbers", "13800000001", "SignName", "模拟签名", "TemplateCode", "SMS_000000001",
		"TemplateParam", `{"code":"246810"}`, "OutId", "m2")
	twilioCall(s).do(t)
	deliver := func(d upsim.Delivery) string {
		t.Helper()
		d.URL = address
		out, err := s.Deliver(t.Context(), d)
		if err != nil || out.Status != http.StatusOK || !strings.Contains(out.Body, "OK") {
			t.Fatalf("%+v %v", out, err)
		}
		all := got()
		return all[len(all)-1].body
	}
	inbox := s.SMS("")
	if body := deliver(upsim.Delivery{SMS: 1, Status: "SUCCESS"}); !strings.Contains(body, `"report_status":"SUCCESS"`) ||
		!strings.Contains(body, `"sid":"`+inbox[0].Provider+`"`) || !strings.Contains(body, `"mobile":"13800000001"`) || body[0] != '[' {
		t.Error(body)
	}
	if body := deliver(upsim.Delivery{SMS: 2, Status: "FAIL"}); !strings.Contains(body, `"success":false`) ||
		!strings.Contains(body, `"biz_id":"`+inbox[1].Provider+`"`) || !strings.Contains(body, `"err_code":"UNDELIV"`) || !strings.Contains(body, `"out_id":"m2"`) {
		t.Error(body)
	}
	signature := func(token, body string) string {
		form, err := url.ParseQuery(body)
		if err != nil {
			t.Fatal(err)
		}
		text := address
		for _, name := range []string{"AccountSid", "ErrorCode", "MessageSid", "MessageStatus", "To"} {
			if form.Has(name) {
				text += name + form.Get(name)
			}
		}
		return hmacSHA1(token, text)
	}
	for _, c := range []struct {
		delivery upsim.Delivery
		good     bool
	}{
		{upsim.Delivery{SMS: 3, Status: "FAIL"}, true},
		{upsim.Delivery{SMS: 3, Status: "SUCCESS", Fault: "forged"}, false},
	} {
		body := deliver(c.delivery)
		all := got()
		if (all[len(all)-1].header["X-Twilio-Signature"] == signature(twilioToken, body)) != c.good {
			t.Errorf("%+v: %s", c.delivery, body)
		}
	}
	before := len(got())
	deliver(upsim.Delivery{SMS: 1, Status: "SUCCESS", Fault: "duplicate"})
	if after := len(got()); after != before+2 {
		t.Errorf("a duplicate came %d times", after-before)
	}
	if body := deliver(upsim.Delivery{SMS: 1, Status: "SUCCESS", Fault: "unknown"}); strings.Contains(body, `"`+inbox[0].Provider+`"`) {
		t.Error(body)
	}
	for _, d := range []upsim.Delivery{{SMS: 9, Status: "SUCCESS"}, {SMS: 1, Status: "MAYBE"}, {SMS: 1, Status: "FAIL"}, {SMS: 1, Status: "FAIL", Fault: "x"}} {
		if _, err := s.Deliver(t.Context(), d); err == nil {
			t.Errorf("%+v was delivered", d)
		}
	}
}
