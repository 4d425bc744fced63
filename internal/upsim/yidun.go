package upsim

import (
	"crypto/md5"  //nolint:gosec // the vendor's default
	"crypto/sha1" //nolint:gosec // one of the vendor's choices
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const yidunWindow = 6 * time.Second

// yidun is NetEase Yidun's one-tap sign-in.
// https://support.dun.163.com/documents/287305921855672320
type yidun struct {
	s      *Server
	nonces map[string]time.Time
}

func newYidun(s *Server) vendor {
	y := &yidun{s: s}
	y.reset()
	const prefix = "/yidun-ye"
	return vendor{
		name: "yidun",
		routes: map[string]endpoint{
			prefix + "/v1/oneclick/check": y.oneClick,
			prefix + "/v1/check":          y.ownNumber,
			prefix + "/":                  notFound,
		},
		refuse: func(_ *exchange, code string) answer {
			n, err := strconv.Atoi(code)
			if err != nil {
				n = 1002
			}
			return yidunFail(n)
		},
		codes: map[string]string{"RATE": "508", "BUSY": "503"},
		flags: []string{"EMPTYPHONE"},
		reset: y.reset,
	}
}

func (y *yidun) reset() { y.nonces = make(map[string]time.Time) }

// yidunFail answers with a code of the vendor: HTTP 200 always.
func yidunFail(code int) answer {
	text, verdict := "other error", "error"
	switch code {
	case 400:
		text, verdict = "missing secretId or businessId", "bad_request"
	case 401:
		text, verdict = "forbidden", "unknown_app"
	case 405:
		text, verdict = "param error", "bad_request"
	case 410:
		text, verdict = "signature failure", "sig_mismatch"
	case 420:
		text, verdict = "request expired", "expired"
	case 429, 508:
		text, verdict = "quota exceeded", "rate_limited"
	case 430:
		text, verdict = "replay attack", "replay"
	case 440:
		text, verdict = "decode error", "bad_token"
	case 450:
		text, verdict = "wrong token", "bad_token"
	case 503:
		text, verdict = "service unavailable", "busy"
	case 507:
		text, verdict = "insufficient balance", "balance"
	}
	return reply(http.StatusOK, kindJSON, object{"code": code, "msg": text}).as(verdict)
}

// yidunSignature hashes names and raw values in the order of the names, then the key.
// ok is false for a method that the vendor does not know.
func yidunSignature(form url.Values, key string) (signature string, ok bool) {
	names := make([]string, 0, len(form))
	for name := range form {
		if name != "signature" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	var joined strings.Builder
	for _, name := range names {
		joined.WriteString(name + form.Get(name))
	}
	text := []byte(joined.String() + key)
	switch form.Get("signatureMethod") {
	case "", "MD5":
		sum := md5.Sum(text) //nolint:gosec // as above
		return hex.EncodeToString(sum[:]), true
	case "SHA1":
		sum := sha1.Sum(text) //nolint:gosec // as above
		return hex.EncodeToString(sum[:]), true
	case "SHA256":
		return digest(string(text)), true
	case "SM3":
		return sm3Hex(text), true
	}
	return "", false
}

// admit checks a request as the vendor does, in its order: what it is, who sends it, when,
// whether it was seen, and last the signature. 0 is good.
func (y *yidun) admit(x *exchange) int {
	if x.req.Method != http.MethodPost || !x.isForm {
		return 405
	}
	id := x.form.Get("secretId")
	if id == "" || x.form.Get("businessId") == "" {
		return 400
	}
	account, known := y.s.accounts.Yidun[id]
	if !known || !slices.Contains(account.BusinessIDs, x.form.Get("businessId")) {
		return 401
	}
	ms, err := strconv.ParseInt(x.form.Get("timestamp"), 10, 64)
	if err != nil || x.form.Get("nonce") == "" || x.form.Get("version") != "v1" {
		return 405
	}
	if x.at.Sub(time.UnixMilli(ms)).Abs() > yidunWindow {
		return 420
	}
	seen, again := y.nonces[id+" "+x.form.Get("nonce")]
	if again && x.at.Sub(seen) <= 2*yidunWindow {
		return 430
	}
	want, ok := yidunSignature(x.form, account.SecretKey)
	if !ok {
		return 405
	}
	if x.form.Get("signature") != want {
		return 410
	}
	y.nonces[id+" "+x.form.Get("nonce")] = x.at
	return 0
}

func (y *yidun) oneClick(x *exchange) answer {
	if failed := y.admit(x); failed != 0 {
		return yidunFail(failed)
	}
	u, failed := y.s.oneTap(x, "yidun "+x.form.Get("businessId"), x.form.Get("token"), x.form.Get("accessToken"))
	if failed != 0 {
		return yidunFail(failed)
	}
	if !u.mainland() || x.flags.has("EMPTYPHONE") {
		data := object{"phone": "", "resultCode": "103511"}
		return reply(http.StatusOK, kindJSON, object{"code": 200, "msg": "ok", "data": data}).as("carrier_refused")
	}
	return reply(http.StatusOK, kindJSON, object{"code": 200, "msg": "ok", "data": object{"phone": u.Phone}})
}

// ownNumber says whether a number is the one the phone has.
func (y *yidun) ownNumber(x *exchange) answer {
	if failed := y.admit(x); failed != 0 {
		return yidunFail(failed)
	}
	if x.form.Get("phone") == "" {
		return yidunFail(405)
	}
	u, failed := y.s.oneTap(x, "yidun "+x.form.Get("businessId"), x.form.Get("token"), x.form.Get("accessToken"))
	if failed != 0 {
		return yidunFail(failed)
	}
	result := 2
	switch {
	case !u.mainland():
		result = 3
	case u.Phone == x.form.Get("phone"):
		result = 1
	}
	return reply(http.StatusOK, kindJSON, object{"code": 200, "msg": "ok", "data": object{"phone": x.form.Get("phone"), "result": result}})
}

// oneTap spends the pair of tokens of a phone: 440 for what is no token, 450 for what is
// not good or not of one phone. Either may be used once.
func (s *Server) oneTap(x *exchange, owner, token, accessToken string) (User, int) {
	first, ok := oneTapCode(token)
	if !ok {
		return User{}, 440
	}
	second, ok := oneTapCode(accessToken)
	if !ok {
		return User{}, 440
	}
	a, okA := parseCode(first)
	b, okB := parseCode(second)
	if !okA || !okB || a.subject != b.subject {
		return User{}, 450
	}
	code, _, err := s.codes.take(x, first, owner, "OT")
	if err != nil {
		return User{}, 450
	}
	if second != first {
		if _, _, err := s.codes.take(x, second, owner, "OT"); err != nil {
			return User{}, 450
		}
	}
	return s.people.get(code.subject), 0
}

// oneTapCode reads the older form of tokens too, whose end is the phone number.
func oneTapCode(text string) (string, bool) {
	for n, prefix := range []string{"sim-ydtoken-", "sim-cmtoken-", "STsidSIM"} {
		if phone, ok := strings.CutPrefix(text, prefix); ok && isMobile(phone) {
			return "SIM-OT-" + phone + "-" + strconv.Itoa(n), true
		}
	}
	return text, strings.HasPrefix(text, "SIM-OT-")
}
