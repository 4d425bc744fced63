package upsim_test

import (
	"net/http"
	"testing"
)

// FuzzAuthorization sends headers and bodies of strangers to the vendors that take them
// apart. None may be believed.
func FuzzAuthorization(f *testing.F) {
	f.Add("TC3-HMAC-SHA256 Credential=AKIDsim00000000000000000000000001/2023-11-14/sms/tc3_request, SignedHeaders=content-type;host, Signature=00", `{"PhoneNumberSet":[]}`)
	f.Add("ACS3-HMAC-SHA256 Credential=LTAIsim0000000000000001,SignedHeaders=host,Signature=00", "a=b")
	f.Add("", "AccessKeyId=LTAIsim0000000000000001&Signature=x&SignatureMethod=HMAC-SHA1&SignatureVersion=1.0&SignatureNonce=1&Timestamp=2023-11-14T22%3A13%3A20Z")
	f.Add("Basic eA==", `{"code":"SIM-WX-alice-1-SLOW","x":[[{"y":null}]]}`)
	s := start(f, vectorTime)
	f.Fuzz(func(t *testing.T, authorization, body string) {
		for _, base := range []string{s.Bases().Tencent, s.Bases().Aliyun, s.Bases().Webhook} {
			for _, kind := range []string{"application/json", "application/x-www-form-urlencoded"} {
				c := call{method: http.MethodPost, base: base, body: body, header: map[string]string{"Content-Type": kind, "Authorization": authorization}}
				if _, err := c.try(t); err != nil {
					continue // a fault in the body, or a header that cannot be sent
				}
				if lastVerdict(t, s) == "ok" {
					t.Errorf("%s believes %q %q", base, authorization, body)
				}
			}
		}
	})
}
