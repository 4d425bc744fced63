package upsim

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // the vendor's signature
	"encoding/base64"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// twilio is Twilio's messages. https://www.twilio.com/docs/messaging/api/message-resource
type twilio struct{ s *Server }

var twilioNumber = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)

func newTwilio(s *Server) vendor {
	t := &twilio{s: s}
	return vendor{
		name: "twilio",
		routes: map[string]endpoint{
			"/twilio/2010-04-01/Accounts/{sid}/Messages.json": t.send,
			"/twilio/": notFound,
		},
		refuse: func(_ *exchange, code string) answer {
			n, err := strconv.Atoi(code)
			if err != nil {
				n = 20500
			}
			return twilioFail(n)
		},
		codes: map[string]string{"RATE": "20429", "BUSY": "20500"},
		reset: func() {},
	}
}

func twilioFail(code int) answer {
	status, text, verdict := http.StatusBadRequest, "error", "refused"
	switch code {
	case 20003:
		status, text, verdict = http.StatusUnauthorized, "Authenticate", "bad_auth"
	case 20004:
		status, text, verdict = http.StatusMethodNotAllowed, "Method not allowed", "bad_method"
	case 20429:
		status, text, verdict = http.StatusTooManyRequests, "Too Many Requests", "rate_limited"
	case 20500:
		status, text, verdict = http.StatusInternalServerError, "Internal Server Error", "busy"
	case 21211:
		text = "Invalid 'To' Phone Number"
	case 21602:
		text = "Message body is required"
	case 21603:
		text = "A 'From' phone number is required"
	case 21604:
		text = "A 'To' phone number is required"
	}
	return reply(status, kindJSON, object{
		"code": code, "message": text, "more_info": "https://www.twilio.com/docs/errors/" + strconv.Itoa(code), "status": status,
	}).as(verdict)
}

func (t *twilio) send(x *exchange) answer {
	sid := x.req.PathValue("sid")
	user, password, ok := x.req.BasicAuth()
	account, known := t.s.accounts.Twilio[sid]
	switch {
	case !ok || !known || user != sid || password != account.AuthToken:
		return twilioFail(20003)
	case x.req.Method != http.MethodPost || !x.isForm:
		return twilioFail(20004)
	}
	f := x.form
	switch {
	case f.Get("To") == "":
		return twilioFail(21604)
	case !twilioNumber.MatchString(f.Get("To")):
		return twilioFail(21211)
	case f.Get("From") == "" && f.Get("MessagingServiceSid") == "":
		return twilioFail(21603)
	case f.Get("Body") == "":
		return twilioFail(21602)
	}
	callback := f.Get("StatusCallback")
	if callback == "" {
		callback = account.Callback
	}
	id := "SM" + t.s.requestID()[:32]
	t.s.receive(SMS{
		Vendor: "twilio", ToRaw: f.Get("To"), To: f.Get("To"), SignName: f.Get("From"), Text: f.Get("Body"), Provider: id,
		callback: callback, account: sid,
	})
	return reply(http.StatusCreated, kindJSON, object{
		"sid": id, "account_sid": sid, "status": "queued", "to": f.Get("To"), "from": f.Get("From"), "body": f.Get("Body"),
		"num_segments": "1", "direction": "outbound-api", "error_code": nil, "error_message": nil,
	})
}

// twilioSignature is what Twilio sends with a callback: the whole address, then names and
// values in the order of the names.
func twilioSignature(token, address string, form url.Values) string {
	names := make([]string, 0, len(form))
	for name := range form {
		names = append(names, name)
	}
	slices.Sort(names)
	var b strings.Builder
	b.WriteString(address)
	for _, name := range names {
		b.WriteString(name + form.Get(name))
	}
	h := hmac.New(sha1.New, []byte(token))
	h.Write([]byte(b.String()))
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}
