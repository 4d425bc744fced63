package upsim

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // the vendor's older signature
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

const aliyunWindow = 15 * time.Minute

// aliyun is Alibaba Cloud's gateway, whatever the product, with both signatures it takes.
// https://help.aliyun.com/zh/sdk/product-overview/v3-request-structure-and-signature
type aliyun struct {
	s       *Server
	actions map[string]aliyunAction // by action and version
	nonces  map[string]time.Time
	sent    meter
}

// aliyunAction is one call of a product. It answers with HTTP 200, whatever Code it says.
type aliyunAction func(x *exchange, account AliyunAccount) object

func newAliyun(s *Server) vendor {
	a := &aliyun{s: s}
	a.reset()
	a.actions = map[string]aliyunAction{
		"SendSms 2017-05-25":           a.sendSMS,
		"GetMobile 2017-05-25":         a.getMobile,
		"GetPhoneWithToken 2017-05-25": a.getPhoneWithToken,

		"VerifyIntelligentCaptcha 2023-03-05": a.verifyCaptcha,
	}
	return vendor{
		name: "aliyun", site: siteAliyun,
		routes: map[string]endpoint{"/": a.call},
		refuse: func(_ *exchange, code string) answer { return a.refuse(code) },
		codes:  map[string]string{"RATE": "isv.BUSINESS_LIMIT_CONTROL", "BUSY": "isp.SYSTEM_ERROR"},
		flags:  []string{"EMPTYPHONE", "MOBNUM"},
		reset:  a.reset,
	}
}

func (a *aliyun) reset() { a.nonces, a.sent = make(map[string]time.Time), meter{} }

// refuse answers with a business error, or with one of the gateway when it has no dot of
// a product before it.
func (a *aliyun) refuse(code string) answer {
	if strings.HasPrefix(code, "isv.") || strings.HasPrefix(code, "isp.") {
		out := a.business(code, "simulated: "+code)
		return reply(http.StatusOK, kindJSON, out)
	}
	return a.fail(code, "simulated: "+code)
}

func (a *aliyun) business(code, message string) object {
	return object{"Code": code, "Message": message, "RequestId": strings.ToUpper(dashed(a.s.requestID(), 8, 4, 4, 4, 12))}
}

// fail answers with an error of the gateway, which has a status of its own.
func (a *aliyun) fail(code, message string) answer {
	status, verdict := http.StatusBadRequest, "bad_auth"
	switch code {
	case "InvalidAccessKeyId.NotFound":
		status, verdict = http.StatusNotFound, "unknown_app"
	case "InvalidAction.NotFound", "InvalidVersion":
		status, verdict = http.StatusNotFound, "unknown_action"
	case "SignatureDoesNotMatch":
		verdict = "sig_mismatch"
	case "SignatureNonceUsed":
		verdict = "replay"
	case "InvalidTimeStamp.Expired":
		verdict = "expired"
	}
	out := a.business(code, message)
	out["HostId"], out["Recommend"] = a.s.base(siteAliyun), ""
	return reply(status, kindJSON, out).as(verdict)
}

func (a *aliyun) call(x *exchange) answer {
	account, action, code, message := a.authenticate(x)
	if code != "" {
		return a.fail(code, message)
	}
	serve, ok := a.actions[action]
	if !ok {
		return a.fail("InvalidAction.NotFound", "Specified api is not found, please check your url and method.")
	}
	out := serve(x, account)
	verdict := verdictOK
	if code, _ := out["Code"].(string); code != "OK" && code != "Success" {
		verdict = "refused"
	}
	return reply(http.StatusOK, kindJSON, out).as(verdict)
}

// authenticate takes the signature of the Authorization header or that of a parameter.
func (a *aliyun) authenticate(x *exchange) (account AliyunAccount, action, code, message string) {
	if header := x.req.Header.Get("Authorization"); header != "" {
		return a.authenticateACS3(x, header)
	}
	return a.authenticateRPC(x)
}

var acs3Pattern = regexp.MustCompile(`^ACS3-HMAC-SHA256 Credential=([^,\s]+),SignedHeaders=([a-z0-9;-]+),Signature=([0-9A-Za-z]+)$`)

func (a *aliyun) authenticateACS3(x *exchange, header string) (account AliyunAccount, action, code, message string) {
	m := acs3Pattern.FindStringSubmatch(header)
	if m == nil {
		return account, "", "IncompleteSignature", "The Authorization header does not conform to the standard."
	}
	account, known := a.s.accounts.Aliyun[m[1]]
	if !known {
		return account, "", "InvalidAccessKeyId.NotFound", "Specified access key is not found."
	}
	h, signed := x.req.Header, strings.Split(m[2], ";")
	for name := range h {
		if name := strings.ToLower(name); strings.HasPrefix(name, "x-acs-") && !slices.Contains(signed, name) {
			return account, "", "IncompleteSignature", "The header " + name + " is not signed."
		}
	}
	canonical, ok := canonicalACS3(x, signed)
	if !ok {
		return account, "", "IncompleteSignature", "SignedHeaders lack host, or name a header that was not sent, or are not in order."
	}
	if code, message := a.fresh(x, m[1], h.Get("x-acs-date"), h.Get("x-acs-signature-nonce")); code != "" {
		return account, "", code, message
	}
	toSign := "ACS3-HMAC-SHA256\n" + digest(canonical)
	want := hex.EncodeToString(hmacSHA256([]byte(account.Secret), toSign))
	if h.Get("x-acs-content-sha256") != digest(string(x.raw)) || !hmac.Equal([]byte(want), []byte(m[3])) {
		return account, "", "SignatureDoesNotMatch", mismatch(canonical + "\n---\n" + toSign)
	}
	a.nonces[m[1]+" "+h.Get("x-acs-signature-nonce")] = x.at
	return account, h.Get("x-acs-action") + " " + h.Get("x-acs-version"), "", ""
}

// mismatch tells the string to sign, as the real gateway does: it helps whoever signs.
func mismatch(toSign string) string {
	return "Specified signature is not matched with our calculation. server string to sign is:" + toSign
}

func canonicalACS3(x *exchange, signed []string) (string, bool) {
	if !slices.Contains(signed, "host") || !slices.IsSorted(signed) {
		return "", false
	}
	var b strings.Builder
	b.WriteString(x.req.Method + "\n" + x.req.URL.EscapedPath() + "\n" + canonicalPairs(x.query) + "\n")
	for _, name := range signed {
		value, ok := headerValue(x.req, name)
		if !ok {
			return "", false
		}
		b.WriteString(name + ":" + value + "\n")
	}
	b.WriteString("\n" + strings.Join(signed, ";") + "\n" + x.req.Header.Get("x-acs-content-sha256"))
	return b.String(), true
}

// canonicalPairs sorts by name and encodes as RFC 3986 says.
func canonicalPairs(values url.Values) string {
	var pairs []string
	for name, all := range values {
		for _, value := range all {
			pairs = append(pairs, percent(name)+"="+percent(value))
		}
	}
	slices.Sort(pairs)
	return strings.Join(pairs, "&")
}

// percent is url.QueryEscape but for the space, the star and the tilde.
func percent(s string) string {
	return strings.NewReplacer("+", "%20", "*", "%2A", "%7E", "~").Replace(url.QueryEscape(s))
}

// fresh checks time and nonce of a request.
func (a *aliyun) fresh(x *exchange, key, date, nonce string) (code, message string) {
	at, err := time.Parse("2006-01-02T15:04:05Z", date)
	if err != nil || x.at.Sub(at).Abs() > aliyunWindow {
		return "InvalidTimeStamp.Expired", "Specified time stamp or date value is expired."
	}
	if nonce == "" {
		return "IncompleteSignature", "There is no nonce."
	}
	if seen, again := a.nonces[key+" "+nonce]; again && x.at.Sub(seen) <= 2*aliyunWindow {
		return "SignatureNonceUsed", "Specified signature nonce was used already."
	}
	return "", ""
}

// authenticateRPC checks signature version 1.0, whose parameters travel in the query or
// the form.
func (a *aliyun) authenticateRPC(x *exchange) (account AliyunAccount, action, code, message string) {
	all := url.Values{}
	for _, from := range []url.Values{x.query, x.form} {
		for name, values := range from {
			all[name] = append(all[name], values...)
		}
	}
	account, known := a.s.accounts.Aliyun[all.Get("AccessKeyId")]
	switch {
	case all.Get("AccessKeyId") == "" || all.Get("Signature") == "":
		return account, "", "IncompleteSignature", "The request is not signed."
	case !known:
		return account, "", "InvalidAccessKeyId.NotFound", "Specified access key is not found."
	case all.Get("SignatureMethod") != "HMAC-SHA1" || all.Get("SignatureVersion") != "1.0":
		return account, "", "IncompleteSignature", "The signature method or version is not supported."
	}
	if code, message := a.fresh(x, all.Get("AccessKeyId"), all.Get("Timestamp"), all.Get("SignatureNonce")); code != "" {
		return account, "", code, message
	}
	toSign := rpcStringToSign(x.req.Method, all)
	if !hmac.Equal([]byte(rpcSignature(toSign, account.Secret)), []byte(all.Get("Signature"))) {
		return account, "", "SignatureDoesNotMatch", mismatch(toSign)
	}
	a.nonces[all.Get("AccessKeyId")+" "+all.Get("SignatureNonce")] = x.at
	return account, all.Get("Action") + " " + all.Get("Version"), "", ""
}

func rpcStringToSign(method string, all url.Values) string {
	signed := url.Values{}
	for name, values := range all {
		if name != "Signature" {
			signed[name] = values
		}
	}
	return method + "&%2F&" + percent(canonicalPairs(signed))
}

func rpcSignature(toSign, secret string) string {
	h := hmac.New(sha1.New, []byte(secret+"&"))
	h.Write([]byte(toSign))
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}
