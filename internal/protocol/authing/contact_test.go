package authing_test

import (
	"net/http"
	"testing"
)

// SCENARIOS B: binding.
func TestBinding(t *testing.T) {
	each(t, func(w *world) {
		ann := w.byMailCode("ann@example.com")
		bindPhone := func(w *world, token, phone, code string) answer {
			w.Helper()
			return w.postAs(token, "/api/v2/users/phone/bind", body{"phone": phone, "phoneCode": code})
		}
		bindEmail := func(w *world, token, email, code string) answer {
			w.Helper()
			return w.postAs(token, "/api/v2/users/email/bind", body{"email": email, "emailCode": code})
		}
		unbind := func(w *world, token, what string) answer {
			w.Helper()
			return w.postAs(token, "/api/v2/users/"+what+"/unbind", body{})
		}
		w.run("B1 bind a phone", func(w *world) {
			bindPhone(w, ann.token, "13800000060", w.smsCode("13800000060")).has(body{"phone": "13800000060", "phoneVerified": true}).user()
		})
		w.run("B2 unbind it", func(w *world) {
			unbind(w, ann.token, "phone").has(body{"phone": nil, "phoneCountryCode": nil, "phoneVerified": false}).user()
		})
		w.run("B3 bind an email", func(w *world) {
			bob := w.byPhone("13800000061")
			bindEmail(w, bob.token, "bob@example.com", w.mailCode("bob@example.com", "CHANGE_EMAIL")).
				has(body{"email": "bob@example.com", "emailVerified": true}).user()
			bindEmail(w, bob.token, "Bob2@example.com", w.mailCode("bob2@example.com", "VERIFY_CODE")).
				has(body{"email": "bob2@example.com"}).user()
		})
		w.run("B4 unbind it", func(w *world) {
			bob := w.post("/api/v2/login/phone-code", body{"phone": "13800000061", "code": w.smsCode("13800000061")}).user()
			unbind(w, bob.token, "email").has(body{"email": nil, "emailVerified": false}).user()
		})
		w.run("B5 the last way in", func(w *world) {
			unbind(w, w.byPhone("13800000062").token, "phone").want(1320005)
			unbind(w, ann.token, "email").want(1320005)
			w.me(ann.token).has(body{"email": "ann@example.com"}).user()
		})
		w.run("B6 nothing bound", func(w *world) {
			unbind(w, w.byPhone("13800000063").token, "email").want(1320005)
			unbind(w, ann.token, "phone").want(1320005)
		})
		w.run("B7 a wrong code", func(w *world) {
			bindPhone(w, ann.token, "13800000064", wrong(w.smsCode("13800000064"))).want(2001)
			bindPhone(w, ann.token, "13800000064", "").want(2001)
			bindEmail(w, ann.token, "new@example.com", wrong(w.mailCode("new@example.com", "CHANGE_EMAIL"))).want(2001)
		})
		w.run("B8 somebody else's", func(w *world) {
			bindPhone(w, ann.token, "13800000063", w.smsCode("13800000063")).want(2035)
			w.byMailCode("eve@example.com")
			bindEmail(w, ann.token, "eve@example.com", w.mailCode("eve@example.com", "CHANGE_EMAIL")).want(2200)
			w.me(ann.token).has(body{"phone": nil, "email": "ann@example.com"}).user()
		})
		w.run("B9 not signed in", func(w *world) {
			bindPhone(w, "", "13800000065", "123456").want(2020)
			bindEmail(w, "", "x@example.com", "123456").want(2020)
			unbind(w, "", "phone").want(2020)
			unbind(w, "", "email").want(2020)
		})
		updates(w, ann)
	})
}

// The Android and GraphQL call that replaces a contact needs a code for each side.
func updates(w *world, ann person) {
	w.run("12 replace a contact", func(w *world) {
		update := func(in body) answer {
			w.Helper()
			return w.postAs(ann.token, "/api/v2/users/email/update", in)
		}
		old, fresh := w.mailCode("ann@example.com", "CHANGE_EMAIL"), w.mailCode("anna@example.com", "CHANGE_EMAIL")
		update(body{"email": "anna@example.com", "emailCode": fresh, "oldEmail": "other@example.com", "oldEmailCode": old}).want(2037)
		update(body{"email": "anna@example.com", "emailCode": fresh, "oldEmail": "ann@example.com", "oldEmailCode": wrong(old)}).want(2001)
		update(body{"email": "anna@example.com", "emailCode": fresh, "oldEmail": "ann@example.com", "oldEmailCode": old}).
			has(body{"email": "anna@example.com"}).user()
		w.postAs(ann.token, "/api/v2/users/phone/update", body{
			"phone": "13800000066", "phoneCode": w.smsCode("13800000066"), "oldPhone": "", "oldPhoneCode": "",
		}).has(body{"phone": "13800000066"}).user()
		w.as("", http.MethodPost, "/api/v2/users/phone/update", body{}).want(2020)
	})
}
