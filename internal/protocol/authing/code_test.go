package authing_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// SCENARIOS V: sending codes.
func TestSendingCodes(t *testing.T) {
	each(t, func(w *world) {
		w.run("V1 a text message", func(w *world) {
			w.smsCode("18800000001")
		})
		w.run("V2 another country", func(w *world) {
			for i, country := range []any{"+44", "44", 44} {
				phone := "788000063" + string(rune('5'+i))
				w.post("/api/v2/sms/send", body{"phone": phone, "phoneCountryCode": country}).want(200)
				code := w.s.Code("+44" + phone)
				w.post("/api/v2/register/phone-code", body{"phone": "13800000040", "code": code, "forceLogin": true}).want(2001)
				w.post("/api/v2/register/phone-code", body{"phone": phone, "phoneCountryCode": country, "code": code, "forceLogin": true}).
					has(body{"phone": phone, "phoneCountryCode": "+44"}).user()
			}
		})
		w.run("V3 a bad phone", func(w *world) {
			for _, phone := range []any{"123", "abc", "12345678901", 123} {
				w.post("/api/v2/sms/send", body{"phone": phone}).want(500)
			}
			w.post("/api/v2/sms/send", body{}).want(2231)
			w.post("/api/v2/sms/send", body{"phone": "13800000041", "scene": "no-such"}).want(200)
		})
		w.run("V4 each scene", func(w *world) {
			seen := map[string]string{}
			for i, scene := range []string{"RESET_PASSWORD", "CHANGE_EMAIL", "MFA_VERIFY", "VERIFY_CODE"} {
				email := "scene" + string(rune('a'+i)) + "@example.com"
				code := w.mailCode(email, scene)
				text := strings.NewReplacer(code, "", email, "").Replace(w.mailText(email))
				if other, ok := seen[text]; ok {
					w.Errorf("%s reads as %s: %s", scene, other, text)
				}
				seen[text] = scene
			}
			w.post("/api/v2/email/send-email", body{"email": "l@example.com", "scene": "LOGIN_VERIFY_CODE"}).want(200)
			w.post("/api/v2/email/send", body{"email": "l@example.com", "scene": "NO_SUCH"}).want(2231)
		})
		w.run("V5 a bad email", func(w *world) {
			w.post("/api/v2/email/send", body{"email": "nope", "scene": "VERIFY_CODE"}).want(1020017)
		})
		w.run("V7 an address nobody has", func(w *world) {
			w.post("/api/v2/email/send", body{"email": "stranger@example.com", "scene": "RESET_PASSWORD"}).want(200)
		})
		w.run("V8 guessing", func(w *world) {
			w.byMailCode("carl@example.com")
			code := w.mailCode("carl@example.com", "VERIFY_CODE")
			for range 6 {
				w.post("/api/v2/login/email-code", body{"email": "carl@example.com", "code": wrong(code)}).want(2001)
			}
			w.post("/api/v2/login/email-code", body{"email": "carl@example.com", "code": code}).want(2001)
		})
		w.run("9 a code is for what it was sent for", func(w *world) {
			reset := w.mailCode("dora@example.com", "RESET_PASSWORD")
			w.post("/api/v2/register/email-code", body{"email": "dora@example.com", "code": reset}).want(2001)
			w.byMailCode("dora@example.com")
			verify := w.mailCode("dora@example.com", "VERIFY_CODE")
			w.post("/api/v2/password/reset/email", body{"email": "dora@example.com", "code": verify, "newPassword": w.seal("passw0rd")}).want(2001)
			mfa := w.mailCode("dora@example.com", "MFA_VERIFY")
			w.post("/api/v2/login/email-code", body{"email": "dora@example.com", "code": mfa}).want(2001)
		})
	})
}

// V6: too soon, and the first code is still good.
func TestSendingTooSoon(t *testing.T) {
	each(t, func(w *world) {
		w.s.Do(http.MethodPut, "/emulator/v1/settings", body{"limits": true})
		code := w.mailCode("ann@example.com", "VERIFY_CODE")
		w.post("/api/v2/email/send", body{"email": "ann@example.com", "scene": "VERIFY_CODE"}).want(2080)
		w.post("/api/v2/register/email-code", body{"email": "ann@example.com", "code": code, "forceLogin": true}).user()
	})
}

// mailText is the newest message to an address.
func (w *world) mailText(to string) string {
	w.Helper()
	a := w.s.Do(http.MethodGet, "/emulator/v1/messages?to="+to, nil)
	var list []struct{ Text string }
	if err := json.Unmarshal(a.Raw, &list); err != nil || len(list) != 1 {
		w.Fatalf("messages to %s: %s", to, a.Raw)
	}
	return list[0].Text
}
