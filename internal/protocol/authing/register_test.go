package authing_test

import (
	"testing"
)

// SCENARIOS R: registration.
func TestRegister(t *testing.T) {
	each(t, func(w *world) {
		var ann, bob person
		w.run("R1 email and password", func(w *world) {
			ann = w.post("/api/v2/register/email", body{
				"email": "Ann@Example.com", "password": w.seal("passw0rd"), "forceLogin": true,
			}).has(body{"email": "ann@example.com", "emailVerified": false, "loginsCount": 1}).user()
		})
		w.run("R2 the follow-up call of mobile clients", func(w *world) {
			a := w.postAs(ann.token, "/api/v2/udvs/get", body{"targetType": "USER", "targetId": ann.id})
			if a.Status != 200 || string(a.Raw) != "[]" {
				w.Errorf("udvs/get: %d %s", a.Status, a.Raw)
			}
		})
		w.run("R3 the same email in another case", func(w *world) {
			w.post("/api/v2/register/email", body{"email": "ANN@example.COM", "password": w.seal("passw0rd"), "forceLogin": true}).want(2026)
		})
		w.run("R4 a bad email", func(w *world) {
			w.post("/api/v2/register/email", body{"email": "nope", "password": w.seal("passw0rd")}).want(2003)
			w.post("/api/v2/register/email-code", body{"email": "nope", "code": "123456"}).want(2003)
		})
		w.run("R5 R13 an email code works once", func(w *world) {
			code := w.mailCode("carl@example.com", "VERIFY_CODE")
			w.post("/api/v2/register/email-code", body{"email": "carl@example.com", "code": code, "forceLogin": true}).
				has(body{"emailVerified": true, "loginsCount": 1}).user()
			w.post("/api/v2/login/email-code", body{"email": "carl@example.com", "code": code}).want(2001)
		})
		w.run("R6 a wrong email code", func(w *world) {
			code := w.mailCode("dora@example.com", "VERIFY_CODE")
			w.post("/api/v2/register/email-code", body{"email": "dora@example.com", "code": wrong(code), "forceLogin": true}).want(2001)
			w.post("/api/v2/register/email-code", body{"email": "dora@example.com", "code": code, "forceLogin": true}).user()
		})
		w.run("R7 an email code for an email that exists", func(w *world) {
			code := w.mailCode("carl@example.com", "VERIFY_CODE")
			w.post("/api/v2/register/email-code", body{"email": "carl@example.com", "code": code, "forceLogin": true}).want(2026)
			w.post("/api/v2/login/email-code", body{"email": "carl@example.com", "code": code}).user() // not burnt
		})
		w.run("R8 a user name", func(w *world) {
			bob = w.post("/api/v2/register/username", body{"username": "bob", "password": w.seal("passw0rd"), "forceLogin": true}).
				has(body{"username": "bob", "email": nil, "phone": nil}).user()
		})
		w.run("R9 user names differ by case", func(w *world) {
			again := w.byName("Bob")
			if again.id == bob.id {
				w.Error("two names, one account")
			}
			w.post("/api/v2/register/username", body{"username": "bob", "password": w.seal("passw0rd"), "forceLogin": true}).want(2026)
			if got := w.login("Bob", "passw0rd").user(); got.id != again.id {
				w.Error("the name is somebody else's")
			}
			if got := w.login("bob", "passw0rd").user(); got.id != bob.id {
				w.Error("the name is somebody else's")
			}
			w.login("BOB", "passw0rd").want(2333)
		})
		w.run("ID-02 one name in any case", func(w *world) {
			w.s.Do("PUT", "/emulator/v1/settings", body{"casedUsernames": false})
			defer w.s.Do("PUT", "/emulator/v1/settings", body{"casedUsernames": true})
			eve := w.byName("eve")
			w.post("/api/v2/register/username", body{"username": "Eve", "password": w.seal("passw0rd"), "forceLogin": true}).want(2026)
			if got := w.login("EVE", "passw0rd").user(); got.id != eve.id {
				w.Error("somebody else")
			}
		})
		registerByPhone(w)
		registerRest(w)
	})
}

func registerByPhone(w *world) {
	var first person
	w.run("R10 a phone code with a password", func(w *world) {
		first = w.post("/api/v2/register/phone-code", body{
			"phone": "13800000010", "code": w.smsCode("13800000010"), "password": w.seal("passw0rd"), "forceLogin": true,
		}).has(body{"phoneVerified": true, "phone": "13800000010", "phoneCountryCode": "+86"}).user()
		if again := w.login("13800000010", "passw0rd").user(); again.id != first.id {
			w.Error("somebody else signed in")
		}
	})
	w.run("R11 a phone code with a country and no password", func(w *world) {
		p := w.post("/api/v2/register/phone-code", body{
			"phone": "13800000011", "phoneCountryCode": "+86", "code": w.smsCode("13800000011"), "forceLogin": true,
		}).user()
		again := w.post("/api/v2/login/phone-code", body{"phone": "13800000011", "code": w.smsCode("13800000011")}).user()
		if p.id != again.id {
			w.Error("the country's code made another account")
		}
	})
	w.run("R12 a wrong code and a phone that exists", func(w *world) {
		code := w.smsCode("13800000012")
		w.post("/api/v2/register/phone-code", body{"phone": "13800000012", "code": wrong(code), "forceLogin": true}).want(2001)
		w.post("/api/v2/register/phone-code", body{"phone": "13800000010", "code": w.smsCode("13800000010"), "forceLogin": true}).want(2026)
	})
	w.run("11 a phone and a password", func(w *world) {
		w.post("/api/v2/register-phone", body{"account": "13800000013", "password": w.seal("passw0rd")}).
			has(body{"phone": "13800000013", "phoneVerified": false}).user()
		w.post("/api/v2/register-+86", body{"account": "13800000014", "password": w.seal("passw0rd"), "forceLogin": true}).
			has(body{"phone": "13800000014", "phoneCountryCode": "+86"}).user()
		w.post("/api/v2/register-+44", body{"account": "7880000637", "password": w.seal("passw0rd")}).
			has(body{"phone": "7880000637", "phoneCountryCode": "+44"}).user()
		w.login("+447880000637", "passw0rd").user()
		w.post("/api/v2/register-email", body{"account": "eve@example.com", "password": w.seal("passw0rd")}).user()
		w.post("/api/v2/register-username", body{"account": "fay", "password": w.seal("passw0rd")}).user()
		w.post("/api/v2/register-nickname", body{"account": "x", "password": w.seal("passw0rd")}).want(404)
	})
}

func registerRest(w *world) {
	w.run("R14 a password that cannot be opened", func(w *world) {
		for _, blob := range []string{"error", "sm2:abcd", w.seal("x") + "AAAA"} {
			w.post("/api/v2/register/username", body{"username": "ghost", "password": blob, "forceLogin": true}).want(2016)
		}
		if a := w.do("GET", "/api/v2/users/is-user-exists?username=ghost", nil).want(200); a.Body["data"] != false {
			w.Errorf("the user was made: %s", a.Raw)
		}
		w.post("/api/v2/register/username", body{"username": "ghost", "forceLogin": true}).want(2231)
	})
	w.run("R15 no session unless asked for", func(w *world) {
		a := w.post("/api/v2/register/email-code", body{
			"email": "gus@example.com", "code": w.mailCode("gus@example.com", "REGISTER_VERIFY_CODE"),
			"forceLogin": false, "generateToken": false, "context": body{}, "customData": body{"nothing": "of ours"},
		}).want(200).has(body{"email": "gus@example.com", "token": nil, "loginsCount": 0})
		if a.text("id") == "" {
			w.Errorf("no user: %s", a.Raw)
		}
	})
	w.run("a weak password", func(w *world) {
		w.post("/api/v2/register/username", body{"username": "hal", "password": w.seal("abc")}).want(2029)
	})
	w.run("a profile and its limits", func(w *world) {
		w.post("/api/v2/register/username", body{
			"username": "ida", "password": w.seal("passw0rd"), "forceLogin": true,
			"profile": body{"nickname": "Ida", "gender": "F", "company": "Acme", "emailVerified": true, "username": "other"},
		}).has(body{"nickname": "Ida", "gender": "F", "company": "Acme", "emailVerified": false, "username": "ida"}).user()
	})
}
