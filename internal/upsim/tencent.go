package upsim

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

const tencentWindow = 300 * time.Second

// tencent is Tencent Cloud's API 3.0, whatever the service.
// https://cloud.tencent.com/document/api/213/30654
type tencent struct {
	s       *Server
	actions map[string]tencentAction
	sent    meter
}

// tencentAction is one call of a service. It answers with what goes into "Response", or
// with an error's code.
type tencentAction struct {
	version, service string
	serve            func(x *exchange, account TencentAccount) (response object, code string)
}

func newTencent(s *Server) vendor {
	t := &tencent{s: s, sent: meter{}}
	t.actions = map[string]tencentAction{
		"SendSms":               {"2021-01-11", "sms", t.sendSMS},
		"DescribeCaptchaResult": {"2019-07-22", "captcha", t.describeCaptcha},
	}
	return vendor{
		name: "tencent", site: siteTencent,
		routes: map[string]endpoint{"/": t.call},
		refuse: func(_ *exchange, code string) answer { return t.fail(code) },
		codes:  map[string]string{"RATE": "LimitExceeded.PhoneNumberThirtySecondLimit", "BUSY": "InternalError.OtherError"},
		flags:  []string{"NUMBER", "EVIL"},
		reset:  func() { clear(t.sent) },
	}
}

// say answers as Tencent does: HTTP 200 always.
func (t *tencent) say(response object) answer {
	response["RequestId"] = dashed(t.s.requestID(), 8, 4, 4, 4, 12)
	return reply(http.StatusOK, kindJSON, object{"Response": response})
}

func (t *tencent) fail(code string) answer {
	verdict := "refused"
	switch {
	case code == "AuthFailure.SignatureFailure":
		verdict = "sig_mismatch"
	case code == "AuthFailure.SignatureExpire":
		verdict = "expired"
	case strings.HasPrefix(code, "AuthFailure."):
		verdict = "bad_auth"
	case code == "InvalidAction" || code == "NoSuchVersion":
		verdict = "unknown_action"
	case strings.HasPrefix(code, "LimitExceeded."):
		verdict = "rate_limited"
	}
	return t.say(object{"Error": object{"Code": code, "Message": "simulated: " + code}}).as(verdict)
}

func (t *tencent) call(x *exchange) answer {
	account, service, failed := t.authenticate(x)
	if failed != "" {
		return t.fail(failed)
	}
	action, ok := t.actions[x.req.Header.Get("X-TC-Action")]
	switch {
	case !ok:
		return t.fail("InvalidAction")
	case x.req.Header.Get("X-TC-Version") != action.version:
		return t.fail("NoSuchVersion")
	case service != action.service:
		return t.fail("AuthFailure.SignatureFailure")
	case x.json == nil:
		return t.fail("InvalidParameter")
	}
	response, code := action.serve(x, account)
	if code != "" {
		return t.fail(code)
	}
	return t.say(response)
}

// tc3 is what an Authorization header says.
type tc3 struct {
	id, date, service string
	signed            []string
	signature         string
}

var tc3Pattern = regexp.MustCompile(`^TC3-HMAC-SHA256 Credential=([^/,\s]+)/(\d{4}-\d{2}-\d{2})/([a-z0-9]+)/tc3_request, ?SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9A-Za-z]+)$`)

func readTC3(header string) (tc3, bool) {
	m := tc3Pattern.FindStringSubmatch(header)
	if m == nil {
		return tc3{}, false
	}
	return tc3{m[1], m[2], m[3], strings.Split(m[4], ";"), m[5]}, true
}

// authenticate recomputes the signature from the received bytes and returns the account
// and the service it was made for, or the vendor's error.
func (t *tencent) authenticate(x *exchange) (TencentAccount, string, string) {
	a, ok := readTC3(x.req.Header.Get("Authorization"))
	if !ok {
		return TencentAccount{}, "", "AuthFailure.InvalidAuthorization"
	}
	account, known := t.s.accounts.Tencent[a.id]
	if !known {
		return account, "", "AuthFailure.SecretIdNotFound"
	}
	canonical, ok := canonicalTC3(x, a.signed)
	if !ok {
		return account, "", "AuthFailure.InvalidAuthorization"
	}
	stamp := x.req.Header.Get("X-TC-Timestamp")
	unix, err := strconv.ParseInt(stamp, 10, 64)
	at := time.Unix(unix, 0).UTC()
	if err != nil || at.Format(time.DateOnly) != a.date || x.at.Sub(at).Abs() > tencentWindow {
		return account, "", "AuthFailure.SignatureExpire"
	}
	scope := a.date + "/" + a.service + "/tc3_request"
	key := []byte("TC3" + account.SecretKey)
	for _, part := range []string{a.date, a.service, "tc3_request"} {
		key = hmacSHA256(key, part)
	}
	want := hex.EncodeToString(hmacSHA256(key, "TC3-HMAC-SHA256\n"+stamp+"\n"+scope+"\n"+digest(canonical)))
	if !hmac.Equal([]byte(want), []byte(a.signature)) {
		return account, "", "AuthFailure.SignatureFailure"
	}
	return account, a.service, ""
}

// canonicalTC3 writes the request as it was signed; false if the signed headers lack one
// that must be there, are not in order, or name one that was not sent.
func canonicalTC3(x *exchange, signed []string) (string, bool) {
	if !slices.Contains(signed, "content-type") || !slices.Contains(signed, "host") || !slices.IsSorted(signed) {
		return "", false
	}
	var b strings.Builder
	b.WriteString(x.req.Method + "\n" + x.req.URL.EscapedPath() + "\n" + x.req.URL.RawQuery + "\n")
	for _, name := range signed {
		value, ok := headerValue(x.req, name)
		if !ok {
			return "", false
		}
		b.WriteString(name + ":" + strings.ToLower(value) + "\n")
	}
	b.WriteString("\n" + strings.Join(signed, ";") + "\n" + digest(string(x.raw)))
	return b.String(), true
}

// headerValue is a header that was sent exactly once; net/http keeps the host apart.
func headerValue(r *http.Request, name string) (string, bool) {
	if name == "host" {
		return r.Host, r.Host != ""
	}
	values := r.Header.Values(name)
	if len(values) != 1 {
		return "", false
	}
	return strings.TrimSpace(values[0]), true
}

func hmacSHA256(key []byte, message string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(message))
	return h.Sum(nil)
}
