package upsim

import (
	"crypto"
	"crypto/md5" //nolint:gosec // the vendor's signature
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"net/http"
	"strings"
	"time"
)

const cmccWindow = 10 * time.Minute

// cmcc is China Mobile's unified sign-in.
type cmcc struct{ s *Server }

func newCMCC(s *Server) vendor {
	c := &cmcc{s: s}
	return vendor{
		name: "cmcc",
		routes: map[string]endpoint{
			"/cmpassport/unisdk/rsapi/loginTokenValidate": c.validate,
			"/cmpassport/": notFound,
		},
		refuse: func(x *exchange, code string) answer { return c.fail(x, code) },
		codes:  map[string]string{"RATE": "103412", "BUSY": "103211"},
		flags:  []string{"EMPTYPHONE"},
		reset:  func() {},
	}
}

func (c *cmcc) fail(x *exchange, code string) answer {
	verdict := "error"
	switch code {
	case "103101":
		verdict = "sig_mismatch"
	case "103119":
		verdict = "unknown_app"
	case "103412", "103414":
		verdict = "bad_request"
	case "103811", "104201":
		verdict = "bad_token"
	case "105018", "105019":
		verdict = "ip_refused"
	}
	return c.say(x, code, "").as(verdict)
}

func (c *cmcc) say(x *exchange, code, number string) answer {
	out := object{
		"inresponseto": x.text("msgid"), "systemtime": chinaTime(x.at).Format("20060102150405") + "000", "resultCode": code,
	}
	if number != "" {
		out["msisdn"], out["taskId"] = number, c.s.requestID()[:32]
	}
	return reply(http.StatusOK, kindJSON, out)
}

func chinaTime(t time.Time) time.Time { return t.In(time.FixedZone("UTC+8", 8*60*60)) }

func (c *cmcc) validate(x *exchange) answer {
	if x.req.Method != http.MethodPost || x.json == nil {
		return c.fail(x, "103412")
	}
	for _, value := range x.json {
		if _, ok := value.(string); !ok {
			return c.fail(x, "103414")
		}
	}
	at, err := cmccTime(x.text("systemtime"))
	strict := x.text("strictcheck")
	if err != nil || x.at.Sub(at).Abs() > cmccWindow || x.text("version") != "2.0" ||
		len(x.text("msgid")) < 1 || len(x.text("msgid")) > 36 || strict != "0" && strict != "1" {
		return c.fail(x, "103414")
	}
	app, known := c.s.accounts.CMCC[x.text("appid")]
	switch {
	case !known:
		return c.fail(x, "103119")
	case strict == "1" && !allowedFrom(x.req.RemoteAddr, app.IPAllow):
		return c.fail(x, "105018")
	case !c.signed(x, app):
		return c.fail(x, "103101")
	case x.text("token") == "":
		return c.fail(x, "103811")
	}
	u, failed := c.s.oneTap(x, "cmcc "+x.text("appid"), x.text("token"), x.text("token"))
	if failed != 0 || !u.mainland() || x.flags.has("EMPTYPHONE") {
		return c.fail(x, "104201")
	}
	number, err := c.number(x, app, u.Phone)
	if err != nil {
		return c.fail(x, "103211")
	}
	return c.say(x, "103000", number)
}

// cmccTime reads yyyyMMddHHmmssSSS in the time of China.
func cmccTime(text string) (time.Time, error) {
	if len(text) != 17 || strings.Trim(text, "0123456789") != "" {
		return time.Time{}, errors.New("not 17 digits")
	}
	return time.ParseInLocation("20060102150405.000", text[:14]+"."+text[14:], time.FixedZone("UTC+8", 8*60*60))
}

func (c *cmcc) signed(x *exchange, app CMCCApp) bool {
	if x.text("encryptionalgorithm") != "RSA" {
		return x.text("sign") == cmccSignature(x.text, app.AppKey)
	}
	key, err := cmccKey(app)
	if err != nil {
		return false
	}
	signature, err := hex.DecodeString(x.text("sign"))
	if err != nil {
		return false
	}
	sum := sha256.Sum256([]byte(x.text("appid") + x.text("token")))
	return rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], signature) == nil
}

// cmccSignature is MD5 in capitals, which the vendor insists on.
func cmccSignature(get func(string) string, key string) string {
	var joined strings.Builder
	for _, name := range []string{"appid", "version", "msgid", "systemtime", "strictcheck", "token"} {
		joined.WriteString(get(name))
	}
	sum := md5.Sum([]byte(joined.String() + key)) //nolint:gosec // as above
	return strings.ToUpper(hex.EncodeToString(sum[:]))
}

func cmccKey(app CMCCApp) (*rsa.PublicKey, error) {
	block, _ := pem.Decode([]byte(app.PublicKey))
	if block == nil {
		return nil, errors.New("no PEM")
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	public, ok := key.(*rsa.PublicKey)
	if !ok {
		return nil, errors.New("not RSA")
	}
	return public, nil
}

// number is encrypted for an app that signs with RSA.
func (c *cmcc) number(x *exchange, app CMCCApp, phone string) (string, error) {
	if x.text("encryptionalgorithm") != "RSA" {
		return phone, nil
	}
	key, err := cmccKey(app)
	if err != nil {
		return "", err
	}
	sealed, err := rsa.EncryptPKCS1v15(nil, key, []byte(phone)) //nolint:staticcheck // the vendor's padding
	return hex.EncodeToString(sealed), err
}
