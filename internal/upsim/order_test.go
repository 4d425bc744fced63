package upsim_test

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The right key over the right values in another order is a wrong signature. In each pair
// the first is the vendor's order, which shows that the rest of the request is good.
func TestTheOrderOfWhatIsSignedMatters(t *testing.T) {
	s := start(t, vectorTime)
	stamp := strconv.FormatInt(vectorTime.Unix(), 10)
	yidun := func(token string, backwards bool) answer {
		form := url.Values{
			"secretId": {"sim_secret_id_0000000000000000001"}, "businessId": {"sim_business_id_00000000000000001"}, "version": {"v1"},
			"timestamp": {stamp + "000"}, "nonce": {"nonce-" + token}, "signatureMethod": {"SHA256"}, "token": {token}, "accessToken": {token},
		}
		names := []string{"accessToken", "businessId", "nonce", "secretId", "signatureMethod", "timestamp", "token", "version"}
		if backwards {
			slices.Reverse(names)
		}
		joined := ""
		for _, name := range names {
			joined += name + form.Get(name)
		}
		form.Set("signature", sha256Hex(joined+"sim_secret_key_000000000000000001"))
		return postForm(s.Bases().Yidun, "/v1/oneclick/check", form).do(t)
	}
	aliyun := func(nonce string, backwards bool) answer {
		form := url.Values{
			"AccessKeyId": {"LTAIsim0000000000000001"}, "SignatureMethod": {"HMAC-SHA1"}, "SignatureVersion": {"1.0"}, "SignatureNonce": {nonce},
			"Timestamp": {"2023-11-14T22:13:20Z"}, "Version": {"2017-05-25"}, "Action": {"GetMobile"}, "AccessToken": {"SIM-OT-alice-9"},
		}
		pairs := strings.Split(form.Encode(), "&")
		if backwards {
			slices.Reverse(pairs)
		}
		form.Set("Signature", hmacSHA1("sim-secret-key-0000000000000001&", "POST&%2F&"+url.QueryEscape(strings.Join(pairs, "&"))))
		return postForm(s.Bases().Aliyun, "/", form).do(t)
	}
	rapid := func(signed, token string) answer {
		c := postJSON(t, s.Bases().RapidAuth, "/v5/rapidauth/validate", map[string]string{
			"sig": sha256Hex(signed), "time": stamp, "carrier": "mobile", "token": token,
		})
		c.query = "sdkappid=1400006666&random=1234567890"
		return c.do(t)
	}
	webhook := func(nonce, signed string) answer {
		return call{method: http.MethodPost, base: s.Bases().Webhook, body: webhookBody, header: map[string]string{
			"X-Sms-Timestamp": stamp, "X-Sms-Nonce": nonce,
			"X-Sms-Signature": "v1=" + hexOf(hmac256([]byte("sim-webhook-secret-0000000000001"), signed+webhookBody)),
		}}.do(t)
	}
	const key = "appkey=5f03a35d00ee52a21327ab048186a2c4"
	one, two := strings.Repeat("1", 16), strings.Repeat("2", 16)
	for _, c := range []struct{ name, got, want string }{
		{"yidun in order", code(yidun("SIM-OT-alice-1", false)), "200"},
		{"yidun backwards", code(yidun("SIM-OT-alice-2", true)), "410"},
		{"aliyun in order", aliyunCode(aliyun("n1", false)), "OK"},
		{"aliyun backwards", aliyunCode(aliyun("n2", true)), "SignatureDoesNotMatch"},
		{"rapidauth in order", rapid(key+"&random=1234567890&time="+stamp, "SIM-OT-alice-3").text("errmsg"), "OK"},
		{"rapidauth in another", rapid("random=1234567890&"+key+"&time="+stamp, "SIM-OT-alice-4").text("errmsg"), "sig check failed"},
		{"webhook in order", webhook(one, "v1:"+stamp+":"+one+":").text("status"), "accepted"},
		{"webhook in another", webhook(two, "v1:"+two+":"+stamp+":").text("error", "code"), "misconfigured"},
	} {
		if c.got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, c.got, c.want)
		}
	}
}
