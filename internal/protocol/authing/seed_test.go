package authing_test

import (
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What the examples of the documentation use.
const (
	seedEmail = "test@example.com"
	seedPhone = "18800008888"
)

// Every example of the sign-in page of the documentation, in the order of the page and
// with the bytes the mobile client makes of it, and every refusal the page names. The
// table of docs/compat/authing.md lists the same methods.
func TestExamplesOfTheDocumentation(t *testing.T) {
	each(t, func(w *world) {
		var called []string
		for _, example := range seedExamples() {
			called = append(called, example.method)
			w.run(example.method, func(w *world) {
				w.s.Post("/emulator/v1/reset", nil)
				example.run(w)
			})
		}
		text, err := os.ReadFile("../../../docs/compat/authing.md")
		if err != nil {
			w.Fatal(err)
		}
		_, table, _ := strings.Cut(string(text), "## Methods of the sign-in page")
		table, _, _ = strings.Cut(table, "\n## ")
		var listed []string
		for _, row := range regexp.MustCompile("(?m)^\\| `(\\w+)` \\| `[^`]+` \\| works \\|").FindAllStringSubmatch(table, -1) {
			listed = append(listed, row[1])
		}
		if diff := cmp.Diff(listed, called); diff != "" {
			w.Errorf("methods that work, and examples (-listed +called):\n%s", diff)
		}
	})
}

type seedExample struct {
	method string
	run    func(w *world)
}

func seedExamples() []seedExample {
	return append(seedEntrances(), seedAccount()...)
}

// seedMember registers somebody with the examples' address, number and password.
func seedMember(w *world) person {
	w.Helper()
	p := w.post("/api/v2/register/phone-code", body{"phone": seedPhone, "code": w.smsCode(seedPhone), "password": w.seal("strong"), "forceLogin": true}).user()
	w.postAs(p.token, "/api/v2/users/email/bind", body{"email": seedEmail, "emailCode": w.mailCode(seedEmail, "CHANGE_EMAIL")}).user()
	w.s.Advance(61e9) // between two messages to one address
	return p
}

func seedEntrances() []seedExample {
	email := func(w *world, address string) answer {
		return w.post("/api/v2/register/email", body{"email": address, "password": w.seal("password"), "forceLogin": true})
	}
	name := func(w *world, username string) answer {
		return w.post("/api/v2/register/username", body{"username": username, "password": w.seal("strong"), "forceLogin": true})
	}
	return []seedExample{
		{"registerByEmail", func(w *world) {
			email(w, seedEmail).has(body{"email": seedEmail, "emailVerified": false}).user()
			email(w, "TEST@example.com").want(2026)
			email(w, "nope").want(2003)
		}},
		{"registerByEmailCode", func(w *world) {
			w.post("/api/v2/register/email-code", body{"email": seedEmail, "code": w.mailCode(seedEmail, "VERIFY_CODE"), "forceLogin": true}).
				has(body{"email": seedEmail, "emailVerified": true}).user()
			w.s.Advance(61e9)
			w.post("/api/v2/register/email-code", body{"email": seedEmail, "code": w.mailCode(seedEmail, "VERIFY_CODE"), "forceLogin": true}).want(2026)
			w.post("/api/v2/register/email-code", body{"email": "nope", "code": "1234", "forceLogin": true}).want(2003)
		}},
		{"registerByUserName", func(w *world) {
			first := name(w, "username").has(body{"username": "username"}).user()
			name(w, "username").want(2026)
			if other := name(w, "Username").user(); other.id == first.id { // names are told apart by case
				w.Error("two names are one person")
			}
		}},
		{"registerByPhoneCode", func(w *world) {
			in := func(code string) body {
				return body{"phone": seedPhone, "code": code, "password": w.seal("strong"), "forceLogin": true}
			}
			code := w.smsCode(seedPhone)
			w.post("/api/v2/register/phone-code", in(wrong(code))).want(2001)
			w.post("/api/v2/register/phone-code", in(code)).has(body{"phone": seedPhone, "phoneVerified": true}).user()
			w.s.Advance(61e9)
			w.post("/api/v2/register/phone-code", in(w.smsCode(seedPhone))).want(2026)
		}},
		{"loginByEmail", func(w *world) {
			p := seedMember(w)
			code := w.mailCode(seedEmail, "VERIFY_CODE")
			w.post("/api/v2/login/email-code", body{"email": seedEmail, "code": wrong(code), "autoRegister": false}).want(2001)
			if got := w.post("/api/v2/login/email-code", body{"email": seedEmail, "code": code, "autoRegister": false}).user(); got.id != p.id {
				w.Error("somebody else")
			}
		}},
		{"loginByAccount", func(w *world) {
			name(w, "account").user()
			w.login("account", "strong").user()
			w.login("account", "wrong").want(2333)
		}},
		{"loginByPhoneCode", func(w *world) {
			seedMember(w)
			code := w.smsCode(seedPhone)
			w.post("/api/v2/login/phone-code", body{"phone": seedPhone, "code": wrong(code), "autoRegister": false}).want(2001)
			w.post("/api/v2/login/phone-code", body{"phone": seedPhone, "code": code, "autoRegister": false}).user()
		}},
		{"loginByOneAuth", func(w *world) {
			w.post("/api/v2/ecConn/oneAuth/login", body{"token": "phone:+86" + seedPhone, "accessToken": "accessToken"}).has(body{"phone": seedPhone}).user()
			w.post("/api/v2/ecConn/oneAuth/login", body{"token": "token", "accessToken": "accessToken"}).want(2333)
		}},
		{"getCurrentUser", func(w *world) {
			p := seedMember(w)
			if got := w.me(p.token).user(); got.id != p.id {
				w.Error("somebody else")
			}
			w.me("").want(2020)
		}},
		{"logout", func(w *world) {
			p := seedMember(w)
			const path = "/api/v2/logout?app_id=" + appID + "&only_self="
			w.as(p.token, http.MethodGet, path, nil).want(200)
			w.me(p.token).want(2020)
			w.as(p.token, http.MethodGet, path, nil).want(1010001)
		}},
		{"sendSms", func(w *world) {
			w.post("/api/v2/sms/send", body{"phone": seedPhone, "phoneCountryCode": "+86"}).want(200)
			w.post("/api/v2/sms/send", body{"phone": "188xxxx8888", "phoneCountryCode": "+86"}).want(500)
		}},
		{"sendEmail", func(w *world) {
			for _, scene := range []string{"RESET_PASSWORD", "CHANGE_EMAIL", "MFA_VERIFY", "VERIFY_CODE"} {
				w.mailCode(seedEmail, scene)
				w.s.Advance(61e9)
			}
			w.post("/api/v2/email/send", body{"email": "nope", "scene": "RESET_PASSWORD"}).want(1020017)
		}},
	}
}

func seedAccount() []seedExample {
	return []seedExample{
		{"resetPasswordByPhone", func(w *world) {
			seedMember(w)
			w.post("/api/v2/password/reset/sms", body{"phone": seedPhone, "code": w.smsCode(seedPhone), "newPassword": w.seal("stronger")}).want(200)
			w.login(seedPhone, "stronger").user()
			w.post("/api/v2/password/reset/sms", body{"phone": "18800009999", "code": "1234", "newPassword": w.seal("strong")}).want(2004)
		}},
		{"resetPasswordByFirstTimeLoginToken", func(w *world) {
			w.create(body{"username": "newbie", "password": "initial", "resetPasswordOnFirstLogin": true})
			token := w.login("newbie", "initial").want(1639).text("token")
			w.post("/api/v2/users/password/reset-by-first-login-token", body{"token": token, "password": w.seal("strong")}).want(200)
			w.login("newbie", "strong").user()
		}},
		{"resetPasswordByEmail", func(w *world) {
			seedMember(w)
			w.post("/api/v2/password/reset/email", body{"email": seedEmail, "code": w.mailCode(seedEmail, "RESET_PASSWORD"), "newPassword": w.seal("newPassword")}).want(200)
			w.login(seedEmail, "newPassword").user()
			w.post("/api/v2/password/reset/email", body{"email": "nobody@example.com", "code": "1234", "newPassword": w.seal("newPassword")}).want(2004)
		}},
		{"updatePassword", func(w *world) {
			p := seedMember(w)
			in := func(old string) body {
				return body{"newPassword": w.seal("newStrong"), "oldPassword": w.seal(old)}
			}
			w.postAs(p.token, "/api/v2/password/update", in("oldStrong")).want(1320011)
			w.postAs(p.token, "/api/v2/password/update", in("strong")).user()
			w.login(seedPhone, "newStrong").user()
			w.postAs("", "/api/v2/password/update", in("newStrong")).want(2020)
		}},
		{"bindPhone", func(w *world) {
			p := w.byMailCode(seedEmail)
			w.postAs(p.token, "/api/v2/users/phone/bind", body{"phone": seedPhone, "phoneCode": w.smsCode(seedPhone)}).
				has(body{"phone": seedPhone, "phoneVerified": true}).user()
			w.postAs("", "/api/v2/users/phone/bind", body{"phone": seedPhone, "phoneCode": "1234"}).want(2020)
		}},
		{"unbindPhone", func(w *world) {
			p := seedMember(w)
			w.postAs(p.token, "/api/v2/users/phone/unbind", body{}).has(body{"phone": nil}).user()
			w.postAs("", "/api/v2/users/phone/unbind", body{}).want(2020)
			only := w.byPhone("18800009999")
			w.postAs(only.token, "/api/v2/users/phone/unbind", body{}).want(1320005)
		}},
		{"bindEmail", func(w *world) {
			p := w.byPhone(seedPhone)
			w.postAs(p.token, "/api/v2/users/email/bind", body{"email": seedEmail, "emailCode": w.mailCode(seedEmail, "CHANGE_EMAIL")}).
				has(body{"email": seedEmail, "emailVerified": true}).user()
			w.postAs("", "/api/v2/users/email/bind", body{"email": seedEmail, "emailCode": "1234"}).want(2020)
		}},
		{"unbindEmail", func(w *world) {
			p := seedMember(w)
			w.postAs(p.token, "/api/v2/users/email/unbind", body{}).has(body{"email": nil}).user()
			w.postAs("", "/api/v2/users/email/unbind", body{}).want(2020)
			only := w.byMailCode("only@example.com")
			w.postAs(only.token, "/api/v2/users/email/unbind", body{}).want(1320005)
		}},
	}
}
