package upsim

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"time"
)

const oneLoginWindow = 10 * time.Minute

// oneLogin is GeeTest OneLogin. https://docs.geetest.com/onelogin/deploy/server/
type oneLogin struct {
	s         *Server
	processes map[string]bool // process ids that were used
}

func newOneLogin(s *Server) vendor {
	o := &oneLogin{s: s}
	o.reset()
	return vendor{
		name: "onelogin",
		routes: map[string]endpoint{
			"/onelogin/check_phone": o.check,
			"/onelogin/":            notFound,
		},
		refuse: func(_ *exchange, code string) answer {
			n, err := strconv.Atoi(code)
			if err != nil {
				n = http.StatusInternalServerError
			}
			return oneLoginFail(n)
		},
		flags: []string{"EMPTYPHONE"},
		reset: o.reset,
	}
}

func (o *oneLogin) reset() { o.processes = make(map[string]bool) }

func oneLoginFail(code int) answer {
	text, verdict := "error", "error"
	switch code {
	case 12101:
		text, verdict = "process_id is used", "replay"
	case 12105, 12109:
		text, verdict = "sign error", "sig_mismatch"
	case 12108, 12200:
		text, verdict = "token expired", "bad_token"
	case 12007:
		text, verdict = "ip not allowed", "ip_refused"
	}
	return reply(http.StatusOK, kindJSON, object{"status": code, "error_msg": text}).as(verdict)
}

func oneLoginSignature(key, appID, timestamp string) string {
	h := hmac.New(sha256.New, []byte(key))
	h.Write([]byte(appID + "&&" + timestamp))
	return hex.EncodeToString(h.Sum(nil))
}

// check finds the app by its signature: the request does not name it.
func (o *oneLogin) check(x *exchange) answer {
	if x.req.Method != http.MethodPost || x.json == nil || x.text("process_id") == "" {
		return oneLoginFail(http.StatusInternalServerError)
	}
	stamp := x.params["timestamp"] // a number or a text
	ms, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || x.at.Sub(time.UnixMilli(ms)).Abs() > oneLoginWindow {
		return oneLoginFail(12109)
	}
	owner := ""
	for id, app := range o.s.accounts.OneLogin {
		if x.text("sign") == oneLoginSignature(app.AppKey, id, stamp) {
			owner = id
		}
	}
	if owner == "" {
		return oneLoginFail(12105)
	}
	if o.processes[x.text("process_id")] {
		return oneLoginFail(12101)
	}
	u, failed := o.s.oneTap(x, "onelogin "+owner, x.text("token"), x.text("token"))
	if failed != 0 || !u.mainland() || x.flags.has("EMPTYPHONE") {
		return oneLoginFail(12108)
	}
	o.processes[x.text("process_id")] = true
	return reply(http.StatusOK, kindJSON, object{"status": 200, "result": u.Phone, "charge": true})
}
