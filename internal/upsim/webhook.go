package upsim

import (
	"crypto/hmac"
	"encoding/hex"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"
)

const webhookWindow = 300 * time.Second

// webhook is an operator's own gateway for text messages, as it should be built: it
// believes nothing that is not signed, or is old, or was seen before.
type webhook struct {
	s      *Server
	nonces map[string]time.Time
}

func newWebhook(s *Server) vendor {
	w := &webhook{s: s}
	w.reset()
	return vendor{
		name:   "webhook",
		routes: map[string]endpoint{"/sms-webhook": w.receive},
		refuse: func(_ *exchange, code string) answer { return webhookFail(code) },
		codes:  map[string]string{"RATE": "rate_limited", "BUSY": "unavailable"},
		reset:  w.reset,
	}
}

func (w *webhook) reset() { w.nonces = make(map[string]time.Time) }

func webhookFail(code string) answer {
	status := http.StatusBadRequest
	switch code {
	case "rate_limited":
		status = http.StatusTooManyRequests
	case "unavailable":
		status = http.StatusServiceUnavailable
	case "misconfigured":
		status = http.StatusUnauthorized
	}
	return reply(status, kindJSON, object{"error": object{"code": code, "message": "simulated: " + code}}).as(code)
}

func webhookSignature(secret, stamp, nonce string, body []byte) string {
	return "v1=" + hex.EncodeToString(hmacSHA256([]byte(secret), "v1:"+stamp+":"+nonce+":"+string(body)))
}

func (w *webhook) receive(x *exchange) answer {
	h := x.req.Header
	stamp, nonce := h.Get("X-Sms-Timestamp"), h.Get("X-Sms-Nonce")
	at, err := strconv.ParseInt(stamp, 10, 64)
	if x.req.Method != http.MethodPost || err != nil || len(nonce) < 16 {
		return webhookFail("misconfigured").as("bad_request")
	}
	if x.at.Sub(time.Unix(at, 0)).Abs() > webhookWindow {
		return webhookFail("misconfigured").as("expired")
	}
	if seen, again := w.nonces[nonce]; again && x.at.Sub(seen) <= 2*webhookWindow {
		return webhookFail("misconfigured").as("replay")
	}
	signed := false
	for _, receiver := range w.s.accounts.Webhook {
		want := webhookSignature(receiver.Secret, stamp, nonce, x.raw)
		signed = signed || hmac.Equal([]byte(want), []byte(h.Get("X-Sms-Signature")))
	}
	if !signed {
		return webhookFail("misconfigured").as("sig_mismatch")
	}
	w.nonces[nonce] = x.at
	to, _ := x.json["to"].(map[string]any)
	e164, _ := to["e164"].(string)
	if !twilioNumber.MatchString(e164) {
		return webhookFail("bad_number")
	}
	id := "hook-" + w.s.requestID()[:16]
	w.s.receive(SMS{
		Vendor: "webhook", ToRaw: e164, To: e164, SignName: x.text("sign_name"), Template: x.text("template"),
		Params: webhookParams(x.json["params"]), Text: x.text("text"), Provider: id, Context: x.text("message_id"),
	})
	return reply(http.StatusOK, kindJSON, object{"status": "accepted", "provider_message_id": id})
}

// webhookParams puts the code first, and the rest in the order of the names.
func webhookParams(v any) []string {
	named, _ := v.(map[string]any)
	var all []string
	if code, ok := named["code"].(string); ok {
		all = append(all, code)
	}
	for _, name := range slices.Sorted(maps.Keys(named)) {
		if text, ok := named[name].(string); ok && name != "code" {
			all = append(all, text)
		}
	}
	return all
}
