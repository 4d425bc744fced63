package upsim

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

const rapidAuthWindow = 10 * time.Minute

// rapidAuth is Tencent's number verification.
// https://cloud.tencent.com/document/product/1415/106504
type rapidAuth struct{ s *Server }

// The numbers of errors are assumed, but for 0: the vendor's page says only what is checked.
const (
	rapidAuthBadRequest = 1001
	rapidAuthUnknownApp = 1002
	rapidAuthBadSig     = 1003
	rapidAuthExpired    = 1004
	rapidAuthBadToken   = 1005
)

func newRapidAuth(s *Server) vendor {
	r := &rapidAuth{s: s}
	return vendor{
		name: "rapidauth",
		routes: map[string]endpoint{
			"/rapidauth/v5/rapidauth/validate": r.validate,
			"/rapidauth/":                      notFound,
		},
		refuse: func(_ *exchange, code string) answer {
			n, err := strconv.Atoi(code)
			if err != nil {
				n = rapidAuthBadRequest
			}
			return rapidAuthSay(n, "refused", "", "error")
		},
		flags: []string{"EMPTYPHONE"},
		reset: func() {},
	}
}

func rapidAuthSay(code int, text, mobile, verdict string) answer {
	return reply(http.StatusOK, kindJSON, object{"result": code, "errmsg": text, "mobile": mobile}).as(verdict)
}

func rapidAuthSignature(key, random, at string) string {
	return digest("appkey=" + key + "&random=" + random + "&time=" + at)
}

func (r *rapidAuth) validate(x *exchange) answer {
	random := x.query.Get("random")
	carrier := x.text("carrier")
	if x.req.Method != http.MethodPost || x.json == nil || len(random) != 10 || strings.Trim(random, "0123456789") != "" ||
		carrier != "mobile" && carrier != "unicom" && carrier != "telecom" {
		return rapidAuthSay(rapidAuthBadRequest, "bad request", "", "bad_request")
	}
	app, known := r.s.accounts.RapidAuth[x.query.Get("sdkappid")]
	if !known {
		return rapidAuthSay(rapidAuthUnknownApp, "unknown sdkappid", "", "unknown_app")
	}
	at, err := strconv.ParseInt(x.text("time"), 10, 64)
	if err != nil || x.at.Sub(time.Unix(at, 0)).Abs() > rapidAuthWindow {
		return rapidAuthSay(rapidAuthExpired, "sig expired", "", "expired")
	}
	if x.text("sig") != rapidAuthSignature(app.AppKey, random, x.text("time")) {
		return rapidAuthSay(rapidAuthBadSig, "sig check failed", "", "sig_mismatch")
	}
	u, failed := r.s.oneTap(x, "rapidauth "+x.query.Get("sdkappid"), x.text("token"), x.text("token"))
	if failed != 0 || !u.mainland() || x.flags.has("EMPTYPHONE") {
		return rapidAuthSay(rapidAuthBadToken, "token invalid", "", "bad_token")
	}
	return rapidAuthSay(0, "OK", u.Phone, "")
}
